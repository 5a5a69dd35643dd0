internal import Model
internal import Store

/// `varve gaps`: what is known to be missing.
package struct GapsAnswer {
    private let context: QueryContext
    private let selection: Selection

    /// Of the selection the range, the places and the limit count.
    package init(_ context: QueryContext, _ selection: Selection) {
        self.context = context
        self.selection = selection
    }

    /// Prints the gaps in the order they start. Throws: `StoreError`, `AnswerOutput.Failure`.
    package func run() throws -> AnswerStatus {
        let question = try Question(context, selection)
        let gaps = question.boundedGaps.map(\.gap).filter(selection.asksFor).sorted {
            ($0.from, $0.to) < ($1.from, $1.to)
        }
        let ordered = selection.isReversed ? Array(gaps.reversed()) : gaps
        let shown = Array(ordered.prefix(selection.limit ?? .max))
        switch context.rowFormat {
        case .table: writeTable(shown)
        case .csv: writeCSV(shown)
        case .json, .jsonl: writeJSON(shown)
        }
        try context.output.flush()
        sayWhatIsNotShown(gaps.count - shown.count, found: !gaps.isEmpty, question)
        return shown.isEmpty ? .nothingFound : .found
    }

    /// Somebody who sees no row wants to know that this is the answer; where nothing was recorded of what is asked, whoever
    /// reads the rows has to know that as well.
    private func sayWhatIsNotShown(_ hiddenCount: Int, found: Bool, _ question: Question) {
        let isForPeople = context.rowFormat == .table
        if hiddenCount > 0, isForPeople { context.messages.say("\(hiddenCount) more gaps are not shown (--limit)") }
        guard !found else { return }
        guard let text = question.coveredText else {
            context.messages.say("no gaps; nothing was recorded yet")
            return
        }
        if let since = selection.since, question.isUnrecorded(since) {
            context.messages.say(
                "nothing was recorded since \(TimestampWriter.text(since, zone: context.zone)); \(text)")
        } else if let until = selection.until, let covered = question.covered, until <= covered.from {
            context.messages.say(
                "nothing was recorded before \(TimestampWriter.text(until, zone: context.zone)); \(text)")
        } else if isForPeople {
            context.messages.say("no gaps; \(text)")
        }
    }

    private func writeJSON(_ gaps: [Gap]) {
        var time = TimestampWriter()
        var rows = JSONRows(isArray: context.rowFormat == .json)
        for gap in gaps {
            rows.begin()
            rows.json.members(of: gap, &time)
            rows.end()
        }
        context.output.bytes += rows.finish()
    }

    private func writeCSV(_ gaps: [Gap]) {
        var csv = CSVWriter(isForTerminal: context.output.isTerminal)
        for title in ["type", "from", "to", "count", "scope", "cause"] { csv.field(title) }
        csv.endRow()
        for gap in gaps {
            csv.field(gap.kind.rawValue)
            csv.field(TimestampWriter.text(gap.from))
            csv.field(TimestampWriter.text(gap.to))
            csv.field(gap.count.map { "\($0)" } ?? "")
            csv.field(gap.scope?.bytes ?? [])
            csv.field(gap.cause)
            csv.endRow()
        }
        context.output.bytes += csv.bytes
    }

    private func writeTable(_ gaps: [Gap]) {
        guard !gaps.isEmpty else { return }
        var time = TimestampWriter(zone: context.zone)
        var table = TextTable([
            ("TYPE", .left), (time.title("FROM"), .left), ("TO", .left), ("COUNT", .right), ("SCOPE", .left),
            ("CAUSE", .left),
        ])
        table.style(column: 0, .warning)
        for gap in gaps {
            var from: [UInt8] = []
            var to: [UInt8] = []
            time.appendForPeople(gap.from, to: &from)
            time.appendForPeople(gap.to, to: &to)
            table.append([
                Array(gap.kind.rawValue.utf8), from, to, Array((gap.count.map { "\($0)" } ?? "?").utf8),
                gap.scope?.bytes ?? Array("all".utf8), Array(gap.cause.utf8),
            ])
        }
        table.write(to: context.output)
    }
}

extension JSONWriter {
    /// The members of a gap: docs/output.md.
    mutating func members(of gap: Gap, _ time: inout TimestampWriter) {
        key("type")
        string(gap.kind.rawValue)
        key("from")
        self.time(gap.from, &time)
        key("to")
        self.time(gap.to, &time)
        key("count")
        if let count = gap.count { integer(count) } else { null() }
        if let scope = gap.scope { path("scope", raw: "scope_raw", scope.bytes) }
        key("cause")
        string(gap.cause)
    }
}
