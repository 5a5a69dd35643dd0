internal import Block
internal import Model
internal import Query
internal import Store
internal import Syscalls

/// Everything that a report says, put together from two passes over the selected events.
///
/// The first pass finds out which groups have the most events, the second counts those by bucket of time. Both look at the
/// same events: those that were stored when it was asked.
///
/// Memory: the tables of groups (`GroupTally`), the counts of those shown, one block at a time; it does not grow with the
/// number of events.
struct ReportContent {
    /// What is counted by, in the order of the page.
    static let groupings: [Grouping] = [.op, .exe, .process, .user, .dir, .path]

    /// How many events say of themselves that something of them is not sure.
    struct Doubts {
        var pathCount: UInt64 = 0
        var processCount: UInt64 = 0
        var orderCount: UInt64 = 0
        var nameOnlyCount: UInt64 = 0
        var scannedCount: UInt64 = 0
        var mergedCount: UInt64 = 0
    }

    let origin: BlockOrigin
    let selection: Selection
    let made: Instant
    let axis: TimeAxis
    private(set) var eventCount: UInt64 = 0
    /// Events by bucket.
    private(set) var counts: [UInt64]
    private(set) var tables: [ActivityTable]
    private(set) var forest: ProcessForest
    private(set) var doubts = Doubts()
    let databases: DatabaseActivity
    /// Of the range, in the order they began.
    let gaps: [Gap]
    let notes: [Note]
    private(set) var findings: Question.Findings

    /// Parameter limit: of the rows of each table.
    ///
    /// Throws: `StoreError`.
    init(_ question: Question, limit: Int) throws {
        // Forwards, since the last image of a process that is met is the one that it is called by.
        var selection = question.selection
        selection.isReversed = false
        selection.limit = nil
        self.selection = selection
        made = Clock.realtime()
        origin = question.reader.origin
        let first = question.scan(selection)
        var tallies = try Self.groupings.map {
            try GroupTally($0, in: question.reader, maximumByteCount: Self.maximumByteCount(of: $0))
        }
        var extent: (first: Instant, last: Instant)?
        try first.forEachGroup { view in
            let windows = try Self.decode(view)
            for position in view.positions {
                let time = windows[position].time
                extent = (min(extent?.first ?? time, time), max(extent?.last ?? time, time))
            }
            for index in tallies.indices { try tallies[index].add(view) }
            return .proceed
        }
        let gaps = question.boundedGaps.map(\.gap).filter(selection.asksFor)
            .sorted { ($0.from, $0.to) < ($1.from, $1.to) }
        self.gaps = gaps
        let axis = Self.axis(selection, extent, covered: question.covered, now: made)
        self.axis = axis
        notes = try question.reader.notes().filter { $0.moment >= axis.from && $0.moment < axis.to }
        databases = try DatabaseActivity(question.reader, selection, axis: axis)
        counts = Array(repeating: 0, count: axis.count)
        tables = []
        for grouping in Self.groupings {
            tables.append(ActivityTable(grouping, tallies.removeFirst(), limit: limit, axis: axis))
        }
        let processes = tables.first { $0.grouping == .process }
        forest = ProcessForest(
            wanted: Set(processes.map { table in table.rows.compactMap { table.keys.instance($0.group) } } ?? []))
        let second = question.scan(selection)
        findings = Question.Findings()
        try count(second)
        let doubts = tables.compactMap(\.doubt)
        findings = question.findings(second, after: [first], reasons: question.reasons + doubts + databases.reasons)
        findings.failures = databases.failures
    }

    /// What the groups of a grouping may take, all together 272 MiB.
    private static func maximumByteCount(of grouping: Grouping) -> Int {
        switch grouping {
        case .path: 128 << 20
        case .dir, .process: 48 << 20
        default: 16 << 20
        }
    }

    /// Decodes all that counting takes, so that a row group that is damaged is passed over before any of it is counted.
    private static func decode(_ view: RowGroupView) throws(BlockError) -> DecodedWindows {
        for column in [Column.mask, .process, .path, .flags] { _ = try view.column(column) }
        _ = try view.block.reader.processes()
        _ = try view.block.reader.pathDictionary()
        return try view.windows()
    }

    private mutating func count(_ scan: Scan) throws {
        var block: BlockView?
        try scan.forEachGroup { view in
            let windows = try Self.decode(view)
            let (masks, flags) = (try view.column(.mask), try view.column(.flags))
            let buckets = windows.table.map { axis.bucket(of: $0.time) }
            if block !== view.block {
                block = view.block
                try forest.take(view.block.reader)
            }
            for index in tables.indices { try tables[index].add(view, buckets: buckets) }
            for position in view.positions {
                counts[buckets[Int(windows.index[position])]] += 1
                doubts.add(
                    EventFlags(rawValue: UInt8(truncatingIfNeeded: flags[position])),
                    EventMask(rawValue: masks[position]))
            }
            eventCount += UInt64(view.positions.count)
            return .proceed
        }
    }

    /// The asked range as far as something is known of it or near it: a range that begins years before the first recording
    /// would leave all that there is on one line.
    private static func axis(
        _ selection: Selection, _ extent: (first: Instant, last: Instant)?, covered: (from: Instant, to: Instant)?,
        now: Instant
    ) -> TimeAxis {
        let known = [extent.map { ($0.first, $0.last) }, covered.map { ($0.from, $0.to) }].compactMap(\.self)
        let first = known.map(\.0).min() ?? selection.since ?? now
        let last = max(first, known.map(\.1).max() ?? now)
        let length = last.nanosecondsSinceEpoch.subtractingReportingOverflow(first.nanosecondsSinceEpoch)
        let margin = length.overflow ? 0 : length.partialValue / 4 + 1_000_000_000
        let low = selection.since.map { max($0, first.advanced(byNanoseconds: -margin)) } ?? first
        // The end of the range is not in it.
        let end = selection.until.map { min($0.advanced(byNanoseconds: -1), last.advanced(byNanoseconds: margin)) }
        return TimeAxis(first: low, last: max(low, end ?? last))
    }
}

extension ReportContent.Doubts {
    mutating func add(_ flags: EventFlags, _ mask: EventMask) {
        if mask.intersection(.operations).rawValue.nonzeroBitCount > 1 { mergedCount += 1 }
        guard !flags.isEmpty else { return }
        if flags.contains(.uncertainPath) { pathCount += 1 }
        if flags.contains(.uncertainProcess) { processCount += 1 }
        if flags.contains(.uncertainOrder) { orderCount += 1 }
        if flags.isNameOnly { nameOnlyCount += 1 }
        if flags.contains(.scanned) { scannedCount += 1 }
    }
}
