internal import Model
package import SQLitePages

/// Prints the rows that change between states of a database, step by step.
///
/// Thread: one. Memory: one step at a time.
package final class RowDiffAnswer {
    private let context: QueryContext
    private let differ: RowDiffer
    private var writer: any RowChangeWriter
    private var isEmpty = true
    private var unreadable: [(table: [UInt8], error: PagesError)] = []
    private var failure: AnswerOutput.Failure?
    /// More than anybody reads; a damaged database can have an error at each commit.
    private static let errorLimit = 100

    /// Begins with the first state.
    ///
    /// Throws: `UsageError` for a form that the answer does not have, `PagesError` where the state is no database that can
    /// be read.
    package init(_ context: QueryContext, _ options: RowDiffOptions, from first: any PageSource) throws {
        self.context = context
        writer = try Self.writer(context)
        differ = try RowDiffer(from: first, options: options)
    }

    private static func writer(_ context: QueryContext) throws(UsageError) -> any RowChangeWriter {
        switch context.rowFormat {
        case .table: RowChangeTableWriter(zone: context.zone)
        case .jsonl: RowChangeJSONWriter()
        case .json, .csv: throw UsageError("changes of rows come as -o table or -o jsonl")
        }
    }

    /// Refuses forms that the answer does not have, before anything is read. Throws: `UsageError`.
    static func checkForm(_ context: QueryContext) throws(UsageError) {
        _ = try writer(context)
    }

    /// Prints what changed since the state before.
    ///
    /// Parameters: `changedPages` are all pages that were written since then, nil when that is not known; `origin` is nil
    /// when it is more than one commit. Throws: `PagesError`, `AnswerOutput.Failure`.
    package func tell(_ pages: any PageSource, changedPages: [UInt32]?, origin: ChangeOrigin?) throws {
        _ = try differ.advance(to: pages, changedPages: changedPages) { [unowned self] item in take(item, origin) }
        if let failure { throw failure }
    }

    /// Ends the answer. Parameter isIncomplete: something is missing, which has been said.
    package func conclude(isIncomplete: Bool) throws(AnswerOutput.Failure) -> AnswerStatus {
        try context.output.flush()
        for (table, error) in unreadable {
            context.messages.say("incomplete: changes of table '\(TerminalText.escaped(table))' are missing: \(error)")
        }
        if isIncomplete || !unreadable.isEmpty, !context.acceptsGaps { return .incomplete }
        return isEmpty ? .nothingFound : .found
    }

    /// False when nothing more can be written.
    private func take(_ item: RowDiffItem, _ origin: ChangeOrigin?) -> Bool {
        if case .unreadable(let table, let error) = item {
            if unreadable.count < Self.errorLimit { unreadable.append((table, error)) }
            return true
        }
        if isEmpty { writer.begin(into: &context.output.bytes) }
        isEmpty = false
        writer.write(item, origin, into: &context.output.bytes)
        do throws(AnswerOutput.Failure) {
            try context.output.flushIfDue()
        } catch {
            failure = error
            return false
        }
        return true
    }
}
