internal import Model
package import SQLitePages

/// The rows that changed between states of a database, step by step.
package struct RowDiffAnswer {
    private let context: QueryContext
    private let options: RowDiffOptions

    package init(_ context: QueryContext, _ options: RowDiffOptions) {
        self.context = context
        self.options = options
    }

    /// Prints the changes of each step, in the order of the steps; `next` gives nil after the last.
    ///
    /// Memory: one step at a time. Throws: `UsageError` for a form that the answer does not have, `PagesError` where a
    /// state is no database that can be read, `AnswerOutput.Failure`, and what `next` throws.
    package func run(from first: any PageSource, next: () throws -> RowDiffStep?) throws -> AnswerStatus {
        let changes = RowChangeOutput(context.output, writer: try writer())
        let differ = try RowDiffer(from: first, options: options)
        while let step = try next() {
            let summary = try differ.advance(to: step.pages, changedPages: step.changedPages) { item in
                changes.take(item, step.origin)
            }
            if let failure = changes.failure { throw failure }
            if summary.endedEarly { break }
        }
        try changes.finish()
        for (table, error) in changes.unreadable {
            context.messages.say("incomplete: changes of table '\(TerminalText.escaped(table))' are missing: \(error)")
        }
        if !changes.unreadable.isEmpty, !context.acceptsGaps { return .incomplete }
        return changes.isEmpty ? .nothingFound : .found
    }

    private func writer() throws(UsageError) -> any RowChangeWriter {
        switch context.rowFormat {
        case .table: RowChangeTableWriter(zone: context.zone)
        case .jsonl: RowChangeJSONWriter()
        case .json, .csv: throw UsageError("changes of rows come as -o table or -o jsonl")
        }
    }
}

/// Takes changes as they are found and writes them out.
private final class RowChangeOutput {
    private let output: AnswerOutput
    private var writer: any RowChangeWriter
    private(set) var isEmpty = true
    private(set) var unreadable: [(table: [UInt8], error: PagesError)] = []
    private(set) var failure: AnswerOutput.Failure?
    /// More than anybody reads; a damaged database can have an error at each commit.
    private static let errorLimit = 100

    init(_ output: AnswerOutput, writer: any RowChangeWriter) {
        self.output = output
        self.writer = writer
    }

    /// False when nothing more can be written.
    func take(_ item: RowDiffItem, _ origin: ChangeOrigin?) -> Bool {
        if case .unreadable(let table, let error) = item {
            if unreadable.count < Self.errorLimit { unreadable.append((table, error)) }
            return true
        }
        if isEmpty { writer.begin(into: &output.bytes) }
        isEmpty = false
        writer.write(item, origin, into: &output.bytes)
        do throws(AnswerOutput.Failure) {
            try output.flushIfDue()
        } catch {
            failure = error
            return false
        }
        return true
    }

    func finish() throws(AnswerOutput.Failure) {
        try output.flush()
    }
}
