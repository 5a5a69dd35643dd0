package import Model
package import Query
internal import Syscalls

/// `varve report`: what happened, as one page for a browser.
package struct ReportAnswer {
    private let context: QueryContext
    private let selection: Selection
    private let target: RawPath?
    /// Rows of each table, unless the selection says otherwise.
    package static let defaultLimit = 200
    /// So that a page stays below 5 MiB.
    package static let maximumLimit = 500

    /// Parameters: of the selection `limit` is the number of rows of each table; `target` is the file to make, nil the
    /// standard output.
    ///
    /// Throws: `UsageError` where the wishes cannot be met.
    package init(_ context: QueryContext, _ selection: Selection, target: RawPath?) throws(UsageError) {
        guard target != nil || !context.output.isTerminal else {
            throw UsageError("a report is a page for a browser: give -o FILE")
        }
        if let limit = selection.limit, limit < 1 || limit > Self.maximumLimit {
            throw UsageError("--limit is 1 to \(Self.maximumLimit) rows a table of a report")
        }
        self.context = context
        self.selection = selection
        self.target = target
    }

    /// Writes the page.
    ///
    /// Throws: `UsageError`, `StoreError`, `SyscallError`, `AnswerOutput.Failure`; then no file was made.
    package func run() throws -> AnswerStatus {
        guard let target else { return try write(to: context.output) }
        // A file that is there already is found before anything is read.
        let file = try NewFile(target: target)
        let status = try write(to: AnswerOutput(to: try file.descriptor.duplicate()))
        try file.place()
        return status
    }

    private func write(to output: AnswerOutput) throws -> AnswerStatus {
        let question = try Question(context, selection)
        let content = try ReportContent(question, limit: selection.limit ?? Self.defaultLimit)
        output.bytes += ReportPage(content).bytes
        try output.flush()
        let found = content.eventCount > 0 || content.databases.commitCount > 0 || !content.gaps.isEmpty
        return question.conclude(found: found, content.findings)
    }
}
