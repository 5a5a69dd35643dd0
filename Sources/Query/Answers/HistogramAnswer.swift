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
        var scan = question.scan(selection)
        var keys = try grouping.map {
            try GroupKeys($0, for: question, maximumByteCount: maximumByteCount)
        }
        var counts = HistogramCounts(maximumCellCount: maximumCellCount)
        try count(scan, &keys, &counts)
        // Without groups all events are of one, which has no name.
        let shown = keys?.greatest(groupLimit, of: counts.totals).map(\.group) ?? [GroupKeys.unknown]
        let beyondCount = counts.beyondCount
        let doubt = keys?.reason(
            beyondCount: beyondCount,
            least: shown.count == groupLimit ? shown.last.map { counts.totals[$0] } : nil)
        if !counts.isWhole {
            // Which groups have the most events is known now; only theirs are told apart by time.
            counts = HistogramCounts(of: Set(shown), maximumCellCount: maximumCellCount)
            scan = question.scan(selection)
            try count(scan, &keys, &counts)
        }
        try write(counts, keys, shown, gaps: question.gaps.map(\.gap))
        try context.output.flush()
        return question.conclude(
            found: counts.buckets != nil, scan, reasons: question.reasons + (doubt.map { [$0] } ?? []))
    }

    private func count(_ scan: Scan, _ keys: inout GroupKeys?, _ counts: inout HistogramCounts) throws {
        let bucket = bucket
        let (grouping, looksAtLayers) = (grouping, keys?.looksAtLayers ?? false)
        try scan.reduce(
            begin: { block throws(BlockError) in
                BlockCells(try BlockKeys(grouping, block, looksAtLayers: looksAtLayers))
            },
            visit: { (part: inout BlockCells, view) throws(BlockError) in
                let windows = try view.windowRuns()
                try part.add(view, windows.runs, buckets: windows.table.map { bucket($0.time) })
            },
            fold: { part in
                keys?.use(part.keys)
                for cell in part.cells {
                    let group = keys?.group(cell.key, of: part.keys) ?? GroupKeys.unknown
                    counts.add(cell.count, bucket: cell.bucket, group: group)
                }
                return counts.refusal == nil ? .proceed : .stop
            })
        counts.finish()
        if let refusal = counts.refusal { throw refusal }
    }

    /// Buckets start at multiples of their length on a clock of the context's zone, so that days are local days.
    private var bucket: @Sendable (Instant) -> Int64 {
        let (offset, every) = (offset, every)
        return { ($0.nanosecondsSinceEpoch &+ offset).flooredDivision(by: every) }
    }

    private func start(of bucket: Int64) -> Instant {
        let (product, overflow) = bucket.multipliedReportingOverflow(by: every)
        return Instant(nanosecondsSinceEpoch: overflow ? (bucket < 0 ? .min : .max) : product)
            .advanced(byNanoseconds: -offset)
    }

    private func write(
        _ counts: HistogramCounts, _ keys: GroupKeys?, _ shown: [Int], gaps: [Gap]
    ) throws(AnswerOutput.Failure) {
        guard let buckets = counts.buckets else { return }
        let notShown = Int.max
        var ranks = Array(repeating: notShown, count: counts.totals.count)
        for (rank, group) in shown.enumerated() { ranks[group] = rank }
        var rest = counts.cells.filter { ranks[$0.group] != notShown }.sorted {
            ($0.bucket, ranks[$0.group]) < ($1.bucket, ranks[$1.group])
        }[...]
        var rows: [Row] = []
        rows.reserveCapacity(rest.count)
        for bucket in buckets {
            let from = start(of: bucket)
            let to = start(of: bucket &+ 1)
            let hasGap = gaps.contains { $0.from < to && max($0.to, $0.from.advanced(byNanoseconds: 1)) > from }
            if keys == nil, rest.first?.bucket != bucket {
                rows.append(Row(from: from, to: to, group: nil, count: 0, hasGap: hasGap))
            }
            while let cell = rest.first, cell.bucket == bucket {
                rest.removeFirst()
                let group = keys == nil ? nil : cell.group
                rows.append(Row(from: from, to: to, group: group, count: cell.count, hasGap: hasGap))
            }
        }
        try write(rows, keys)
    }

    private struct Row {
        var from: Instant
        var to: Instant
        var group: Int?
        var count: UInt64
        /// Something is known to be missing from the bucket.
        var hasGap: Bool
    }

    private func write(_ rows: [Row], _ keys: GroupKeys?) throws(AnswerOutput.Failure) {
        switch context.rowFormat {
        case .table: writeTable(rows, keys)
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

    private func writeCSV(_ rows: [Row], _ keys: GroupKeys?) throws(AnswerOutput.Failure) {
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

    private func writeTable(_ rows: [Row], _ keys: GroupKeys?) {
        var time = TimestampWriter(zone: context.zone)
        var columns: [(title: String, alignment: TextTable.Alignment)] = [
            (time.title("FROM"), .left)
        ]
        if let grouping { columns.append((grouping.rawValue.uppercased(), .left)) }
        columns += [("COUNT", .right), ("", .left)]
        var table = TextTable(columns)
        let greatest = rows.map(\.count).max() ?? 0
        for row in rows {
            var from: [UInt8] = []
            time.appendForPeople(row.from, to: &from)
            // Fractions of a second only where buckets are that short.
            if every % 1_000_000_000 == 0 { from.removeLast(7) }
            var bar: [UInt8] = []
            Bar.append(row.count, of: greatest, columnCount: 40, to: &bar)
            if row.hasGap { bar += Array("  gap".utf8) }
            var cells = [from]
            if let group = row.group, let keys { cells.append(keys.label(group)) }
            table.append(cells + [Array("\(row.count)".utf8), bar])
        }
        table.write(to: &context.output.bytes)
    }
}
