internal import Block
internal import Model
internal import Store
internal import Syscalls

/// `varve histogram`: how many events each stretch of time has.
package struct HistogramAnswer {
    private let context: QueryContext
    private let selection: Selection
    private let grouping: Grouping?
    private let every: Int64
    /// Nanoseconds east of UTC at one moment of the range; a change of the clock within it moves no bucket.
    private let offset: Int64
    private let maximumCellCount: Int?
    private let maximumByteCount: Int?
    /// How many groups are shown when the selection sets no limit.
    package static let defaultLimit = 10

    /// Parameters: `every` is nanoseconds a bucket, more than 0; `maximumCellCount` nil is
    /// `HistogramCounts.maximumCellCount`, `maximumByteCount`, of the groups' table, `GroupKeys.maximumByteCount`.
    package init(
        _ context: QueryContext, _ selection: Selection, every: Int64, by grouping: Grouping?,
        maximumCellCount: Int? = nil, maximumByteCount: Int? = nil
    ) {
        self.maximumCellCount = maximumCellCount
        self.maximumByteCount = maximumByteCount
        self.context = context
        self.selection = selection
        self.every = every
        self.grouping = grouping
        offset = Int64(context.zone.offset(at: selection.since ?? selection.until ?? Clock.realtime())) * 1_000_000_000
    }

    /// Prints the buckets in order of time, those without events in between as well.
    ///
    /// Throws: `StoreError`, `AnswerOutput.Failure`, `UsageError` where the buckets are too many.
    package func run() throws -> AnswerStatus {
        var selection = selection
        let groupLimit = selection.limit ?? Self.defaultLimit
        selection.limit = nil
        let question = try Question(context, selection)
        let tally: HistogramTally
        do {
            tally = try HistogramTally(
                by: grouping, .init(every: every, offset: offset), in: question.reader, groupLimit: groupLimit,
                maximumCellCount: maximumCellCount, maximumByteCount: maximumByteCount
            ) { question.scan(selection) }
        } catch let refusal as HistogramCounts.Refusal {
            throw UsageError(refusal.text(every: "--every", limit: "--limit"))
        }
        let gaps = question.gaps.map(\.gap)
        let form = HistogramText(context, every: every)
        if context.rowFormat == .table, let keys = tally.keys, let grouping, let terminal = context.output.terminal {
            form.write(tally, keys, grouping, gaps, on: terminal)
        } else {
            try write(tally.rows(gaps: gaps), tally.keys, form)
        }
        try context.output.flush()
        return question.conclude(
            found: !tally.isEmpty, tally.scan, reasons: question.reasons + (tally.doubt.map { [$0] } ?? []))
    }

    private func write(
        _ rows: [HistogramTally.Row], _ keys: GroupKeys?, _ form: HistogramText
    ) throws(AnswerOutput.Failure) {
        switch context.rowFormat {
        case .table: form.write(rows, keys, grouping)
        case .csv: try writeCSV(rows, keys)
        case .json, .jsonl:
            var time = TimestampWriter()
            var writer = JSONRows(isArray: context.rowFormat == .json)
            for row in rows {
                writer.begin()
                writer.json.key("from")
                writer.json.time(row.from, &time)
                writer.json.key("to")
                writer.json.time(row.to, &time)
                if let group = row.group { keys?.write(group, &writer.json) }
                writer.json.key("count")
                writer.json.integer(row.count)
                if row.hasGap {
                    writer.json.key("gap")
                    writer.json.boolean(true)
                }
                writer.end()
                try context.output.take(&writer.json.bytes)
            }
            context.output.bytes += writer.finish()
        }
    }

    private func writeCSV(_ rows: [HistogramTally.Row], _ keys: GroupKeys?) throws(AnswerOutput.Failure) {
        var csv = CSVWriter(isForTerminal: context.output.isTerminal)
        for title in ["from", "to", grouping?.rawValue, "count", "gap"] {
            if let title { csv.field(title) }
        }
        csv.endRow()
        var bucket: (from: Instant, text: [UInt8])?
        for row in rows {
            if bucket?.from != row.from {
                let text = csv.text {
                    $0.field(TimestampWriter.text(row.from))
                    $0.field(TimestampWriter.text(row.to))
                }
                bucket = (row.from, text)
            }
            csv.fields(bucket?.text ?? [])
            if let group = row.group, let keys { csv.field { keys.appendLabel(group, to: &$0) } }
            csv.field(integer: row.count)
            csv.field(row.hasGap ? "true" : "")
            csv.endRow()
            try context.output.take(&csv.bytes)
        }
        context.output.bytes += csv.bytes
    }
}
