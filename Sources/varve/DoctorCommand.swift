import ArgumentParser
import Model
import Query

struct DoctorCommand: QueryCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor", abstract: "Tell why recording would or would not work here.",
        discussion: """
            varve doctor
            varve doctor /srv --json
            """)

    @Argument(
        help: ArgumentHelp("What would be recorded; default: every real local filesystem.", valueName: "PATH"))
    var paths: [RawPath] = []
    @Option(help: ArgumentHelp("The recorder's program; default: beside this one, then in $PATH.", valueName: "FILE"))
    var varved: RawPath?
    @Flag(help: "For machines: the same as -o json.")
    var json = false
    @OptionGroup var options: StoreOptions

    func answer() throws -> AnswerStatus {
        var options = options
        if json { options.output = .json }
        return try DoctorAnswer(options.context(), paths: paths, program: varved).run()
    }
}
