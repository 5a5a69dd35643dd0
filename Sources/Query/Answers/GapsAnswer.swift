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
        let reader = try context.openStore()
        let gaps = try CoverageHistory(reader).boundedGaps.filter(isAskedFor).sorted {
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
        return shown.isEmpty ? .nothingFound : .found
    }

    private func isAskedFor(_ gap: Gap) -> Bool {
        if let since = selection.since, gap.from < gap.to ? gap.to <= since : gap.to < since { return false }
        if let until = selection.until, gap.from >= until { return false }
        guard let scope = gap.scope, let asked = selection.scopes else { return true }
        return asked.contains { $0.isAtOrUnder(scope) || scope.isAtOrUnder($0) }
    }

    private func writeJSON(_ gaps: [Gap]) {
        var time = TimestampWriter()
        var rows = JSONRows(isArray: context.rowFormat == .json)
        for gap in gaps {
            rows.begin()
            rows.json.key("type")
            rows.json.string(gap.kind.rawValue)
            rows.json.key("from")
            rows.json.time(gap.from, &time)
            rows.json.key("to")
            rows.json.time(gap.to, &time)
            rows.json.key("count")
            if let count = gap.count { rows.json.integer(count) } else { rows.json.null() }
            if let scope = gap.scope { rows.json.path("scope", raw: "scope_raw", scope.bytes) }
            rows.json.key("cause")
            rows.json.string(gap.cause)
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
            ("TYPE", .left), ("FROM", .left), ("TO", .left), ("COUNT", .right), ("SCOPE", .left), ("CAUSE", .left),
        ])
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
        table.write(to: &context.output.bytes)
    }
}
