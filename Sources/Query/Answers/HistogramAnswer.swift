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
    private let maximumGroupCount: Int
    /// Nanoseconds east of UTC at one moment of the range; a change of the clock within it moves no bucket.
    private let offset: Int64
    /// More buckets than this between the first and the last event would be no answer to read.
    package static let maximumBucketCount: Int64 = 100_000
    /// How many groups are shown when the selection sets no limit.
    package static let defaultLimit = 10

    /// Parameter every: nanoseconds a bucket, more than 0.
    package init(
        _ context: QueryContext, _ selection: Selection, every: Int64, by grouping: Grouping?,
        maximumGroupCount: Int = GroupKeys.maximumCount
    ) {
        self.maximumGroupCount = maximumGroupCount
        self.context = context
        self.selection = selection
        self.every = every
        self.grouping = grouping
        offset = Int64(context.zone.offset(at: selection.since ?? selection.until ?? Clock.realtime())) * 1_000_000_000
    }

    private struct Cell: Hashable {
        var bucket: Int64
        var group: Int
    }

    /// Prints the buckets in order of time, those without events in between as well.
    ///
    /// Throws: `StoreError`, `AnswerOutput.Failure`, `UsageError` where the buckets or the groups are too many.
    package func run() throws -> AnswerStatus {
        var selection = selection
        let groupLimit = selection.limit ?? Self.defaultLimit
        selection.limit = nil
        let question = try Question(context, selection)
        let scan = Scan(question.reader, selection)
        var keys = try grouping.map { try GroupKeys($0, for: question, maximumCount: maximumGroupCount) }
        var counts: [Cell: UInt64] = [:]
        try scan.forEachGroup { view in
            let windows = try view.windows()
            let buckets = windows.table.map { bucket(of: $0.time) }
            // Events of a window lie side by side, so the last cell is nearly always the next one too.
            var last = Cell(bucket: 0, group: -1)
            var held: UInt64 = 0
            func add(_ cell: Cell) {
                if cell != last {
                    if held > 0 { counts[last, default: 0] += held }
                    last = cell
                    held = 0
                }
                held += 1
            }
            if keys != nil {
                try keys?.forEach(view) { group, position in
                    add(Cell(bucket: buckets[Int(windows.index[position])], group: group))
                }
            } else {
                for position in view.positions { add(Cell(bucket: buckets[Int(windows.index[position])], group: 0)) }
            }
            if held > 0 { counts[last, default: 0] += held }
            guard counts.count <= maximumGroupCount else {
                throw UsageError(
                    "more than \(maximumGroupCount) counts: choose a longer --every, a shorter range or fewer events")
            }
            return .proceed
        }
        try write(counts, keys, groupLimit, gaps: question.gaps.map(\.gap))
        try context.output.flush()
        return question.conclude(found: !counts.isEmpty, scan)
    }

    /// Buckets start at multiples of their length on a clock of the context's zone, so that days are local days.
    private func bucket(of instant: Instant) -> Int64 {
        (instant.nanosecondsSinceEpoch &+ offset).flooredDivision(by: every)
    }

    private func start(of bucket: Int64) -> Instant {
        let (product, overflow) = bucket.multipliedReportingOverflow(by: every)
        return Instant(nanosecondsSinceEpoch: overflow ? (bucket < 0 ? .min : .max) : product)
            .advanced(byNanoseconds: -offset)
    }

    private func write(
        _ counts: [Cell: UInt64], _ keys: GroupKeys?, _ limit: Int, gaps: [Gap]
    ) throws(UsageError) {
        guard let first = counts.keys.map(\.bucket).min(), let last = counts.keys.map(\.bucket).max() else { return }
        let (difference, overflow) = last.subtractingReportingOverflow(first)
        guard !overflow, difference < Self.maximumBucketCount else {
            throw UsageError("more than \(Self.maximumBucketCount) buckets: choose a longer --every or a shorter range")
        }
        let shownGroups = keys.map { Self.greatest(limit, of: counts, $0) }
        var rows: [Row] = []
        for bucket in first...last {
            let from = start(of: bucket)
            let to = start(of: bucket &+ 1)
            let hasGap = gaps.contains { $0.from < to && max($0.to, $0.from.advanced(byNanoseconds: 1)) > from }
            guard let shownGroups else {
                let count = counts[Cell(bucket: bucket, group: 0)] ?? 0
                rows.append(Row(from: from, to: to, group: nil, count: count, hasGap: hasGap))
                continue
            }
            for group in shownGroups {
                guard let count = counts[Cell(bucket: bucket, group: group)] else { continue }
                rows.append(Row(from: from, to: to, group: group, count: count, hasGap: hasGap))
            }
        }
        write(rows, keys)
    }

    private struct Row {
        var from: Instant
        var to: Instant
        var group: Int?
        var count: UInt64
        /// Something is known to be missing from the bucket.
        var hasGap: Bool
    }

    private static func greatest(_ limit: Int, of counts: [Cell: UInt64], _ keys: GroupKeys) -> [Int] {
        var totals = [UInt64](repeating: 0, count: keys.numberLimit)
        for (cell, count) in counts { totals[cell.group] += count }
        return keys.greatest(limit, of: totals).map(\.group)
    }

    private func write(_ rows: [Row], _ keys: GroupKeys?) {
        switch context.rowFormat {
        case .table: writeTable(rows, keys)
        case .csv: writeCSV(rows, keys)
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
            }
            context.output.bytes += writer.finish()
        }
    }

    private func writeCSV(_ rows: [Row], _ keys: GroupKeys?) {
        var csv = CSVWriter(isForTerminal: context.output.isTerminal)
        for title in ["from", "to", grouping?.rawValue, "count", "gap"] {
            if let title { csv.field(title) }
        }
        csv.endRow()
        for row in rows {
            csv.field(TimestampWriter.text(row.from))
            csv.field(TimestampWriter.text(row.to))
            if let group = row.group, let keys { csv.field(keys.label(group)) }
            csv.field(integer: row.count)
            csv.field(row.hasGap ? "true" : "")
            csv.endRow()
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
