/// `varve doctor`: why recording would or would not work here.
package struct DoctorAnswer {
    package init(_ context: QueryContext, paths: [String], program: String?) {}
    package func run() throws -> AnswerStatus { .found }
}
