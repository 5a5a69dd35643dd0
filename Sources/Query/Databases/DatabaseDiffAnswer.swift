internal import Block
package import Model
internal import SQLitePages
internal import Segment
internal import Store

/// `varve db diff`: the rows of a watched database that changed between two of its states, and who changed them.
package struct DatabaseDiffAnswer {
    private let context: QueryContext
    private let name: RawPath
    private let absolute: RawPath
    private let from: DatabasePoint
    private let to: DatabasePoint
    private let options: RowDiffOptions
    private let isNet: Bool

    /// Parameters: `table` is the name of the only table to tell of, nil for all; `includesHidden` adds SQLite's own and
    /// shadow tables; `isNet` compares the two states alone, without what came and went between them and who did it.
    package init(
        _ context: QueryContext, database name: RawPath, absolute: RawPath, from: DatabasePoint, to: DatabasePoint,
        table: String?, includesHidden: Bool, isNet: Bool
    ) {
        self.context = context
        self.name = name
        self.absolute = absolute
        self.from = from
        self.to = to
        self.isNet = isNet
        var options = RowDiffOptions()
        options.table = table.map { Array($0.utf8) }
        options.includesHidden = includesHidden
        self.options = options
    }

    /// Prints the changes of each commit in order; where commits are missing, those of all of them together.
    ///
    /// Throws: `UsageError`, `StoreError`, `SegmentError`, `PagesError`, `DatabaseImage.Failure`, `AnswerOutput.Failure`.
    package func run() throws -> AnswerStatus {
        try RowDiffAnswer.checkForm(context)
        let subject = try DatabaseSubject.find(
            context, database: name, absolute: absolute, upTo: [from.moment, to.moment].compactMap { $0 })
        let (history, losses) = (subject.history, subject.losses)
        var reasons: [String] = []
        var commits: [UInt64] = []
        for point in [from, to] {
            let chosen = try history.choose(point, watchedUntil: subject.watchedUntil, losses: losses)
            reasons += chosen.reasons
            guard let commit = chosen.commit else {
                for reason in reasons { context.messages.say("incomplete: \(reason)") }
                return chosen.isUnknown ? .nothingFound : .incomplete
            }
            commits.append(commit)
        }
        guard commits[0] <= commits[1] else {
            throw UsageError("commit \(commits[0]) comes after commit \(commits[1]); swap --from and --to")
        }
        reasons += history.gaps.filter { $0.first > commits[0] && $0.last <= commits[1] }.map(\.text)
        reasons += try losses.own(after: commits[0], upTo: commits[1]).map(\.databaseText)
        if !isNet { reasons += try history.mergedStates(after: commits[0], upTo: commits[1]) }
        for reason in reasons.prefix(5) { context.messages.say("incomplete: \(reason)") }
        if reasons.count > 5 { context.messages.say("incomplete: \(reasons.count - 5) more reasons") }
        let course = DatabaseCourse(history, from: commits[0], to: commits[1], isNet: isNet, context, options)
        return try course.run().conclude(isIncomplete: !reasons.isEmpty)
    }
}

extension DatabasePoint {
    /// Reads a time, or the number of a commit: digits alone are no time. Throws: `TimeError`, `UsageError`.
    package init(_ text: String) throws {
        let isNumber = !text.isEmpty && text.utf8.allSatisfy { (0x30...0x39).contains($0) }
        try self.init(at: isNumber ? nil : text, commit: isNumber ? text : nil)
    }
}
