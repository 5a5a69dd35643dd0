internal import Block
internal import Store

/// `varve top`: which paths, processes, … have the most events.
package struct TopAnswer {
    private let context: QueryContext
    private let selection: Selection
    private let grouping: Grouping
    private let maximumByteCount: Int?
    /// How many groups are shown when the selection sets no limit.
    package static let defaultLimit = 10

    /// Parameter maximumByteCount: of the groups' table; nil is `GroupKeys.maximumByteCount`.
    package init(
        _ context: QueryContext, _ selection: Selection, by grouping: Grouping, maximumByteCount: Int? = nil
    ) {
        self.maximumByteCount = maximumByteCount
        self.context = context
        self.selection = selection
        self.grouping = grouping
    }

    /// Prints the groups, most events first. Throws: `StoreError`, `AnswerOutput.Failure`.
    package func run() throws -> AnswerStatus {
        let question = try Question(context, selection)
        let limit = selection.limit ?? Self.defaultLimit
        let top = try TopGroups(grouping, in: question.reader, .first(limit), maximumByteCount: maximumByteCount) {
            question.scan(selection)
        }
        try write(top.rows, top.keys)
        try context.output.flush()
        let groupCount = top.groupCount.map { top.beyondCount > 0 ? "more than \($0)" : "\($0)" }
        sayHidden(top.totalCount, top.rows, of: groupCount)
        return question.conclude(
            found: !top.rows.isEmpty || top.beyondCount > 0, top.scan,
            reasons: question.reasons + (top.doubt.map { [$0] } ?? []))
    }

    /// Says how many of all events are of groups that are not shown. Parameter of: how many groups there are, where it is
    /// known.
    private func sayHidden(_ total: UInt64, _ shown: [(group: Int, count: UInt64)], of all: String?) {
        let hidden = total - shown.reduce(0) { $0 + $1.count }
        guard hidden > 0 else { return }
        let groups = all.map { "\(shown.count) of \($0)" } ?? "\(shown.count)"
        context.messages.say("the first \(groups) are shown; the others have \(hidden) events (--limit)")
    }

    private func write(_ rows: [(group: Int, count: UInt64)], _ keys: GroupKeys) throws {
        switch context.rowFormat {
        case .table: writeTable(rows, keys)
        case .csv:
            var csv = CSVWriter(isForTerminal: context.output.isTerminal)
            csv.field("count")
            csv.field(grouping.rawValue)
            csv.endRow()
            for row in rows {
                csv.field(integer: row.count)
                csv.field(keys.label(row.group))
                csv.endRow()
                try context.output.take(&csv.bytes)
            }
            context.output.bytes += csv.bytes
        case .json, .jsonl:
            var rowsWriter = JSONRows(isArray: context.rowFormat == .json)
            for row in rows {
                rowsWriter.begin()
                keys.write(row.group, &rowsWriter.json)
                rowsWriter.json.key("count")
                rowsWriter.json.integer(row.count)
                rowsWriter.end()
                try context.output.take(&rowsWriter.json.bytes)
            }
            context.output.bytes += rowsWriter.finish()
        }
    }

    private func writeTable(_ rows: [(group: Int, count: UInt64)], _ keys: GroupKeys) {
        guard !rows.isEmpty else { return }
        var table = TextTable([("COUNT", .right), ("", .left), (grouping.rawValue.uppercased(), .left)])
        table.style(column: 1, .figure)
        let terminal = context.output.terminal
        let counts = rows.map { Array("\($0.count)".utf8) }
        let labels = rows.map { keys.label($0.group) }
        let columnCount = Bar.columnCount(
            atMost: 20, beside: [[Array("COUNT".utf8)] + counts, [Array(grouping.rawValue.utf8)] + labels],
            on: terminal)
        let greatest = rows.first?.count ?? 0
        for (index, row) in rows.enumerated() {
            var bar: [UInt8] = []
            Bar.append(
                row.count, of: greatest, columnCount: columnCount, isUTF8: terminal?.isUTF8 ?? true, to: &bar)
            table.append([counts[index], bar, labels[index]])
        }
        table.write(to: context.output)
    }
}
