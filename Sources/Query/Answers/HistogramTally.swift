internal import Block
package import Model
package import Store

/// How many events of a selection each stretch of time has, over all or by group.
package struct HistogramTally {
    package struct Row: Sendable {
        package var from: Instant
        package var to: Instant
        /// Nil where events are not told apart.
        package var group: Int?
        package var count: UInt64
        /// Something is known to be missing from the stretch.
        package var hasGap: Bool
    }

    /// Stretches of time of one length, one behind the other.
    package struct Stretches: Sendable {
        let every: Int64
        let offset: Int64

        /// Parameters: `every` is nanoseconds, more than 0; `offset` is nanoseconds east of UTC: stretches begin at multiples of
        /// their length on a clock that is so far ahead.
        package init(every: Int64, offset: Int64 = 0) {
            self.every = every
            self.offset = offset
        }

        func number(of moment: Instant) -> Int64 {
            (moment.nanosecondsSinceEpoch &+ offset).flooredDivision(by: every)
        }

        func start(of number: Int64) -> Instant {
            let (product, overflow) = number.multipliedReportingOverflow(by: every)
            return Instant(nanosecondsSinceEpoch: overflow ? (number < 0 ? .min : .max) : product)
                .advanced(byNanoseconds: -offset)
        }
    }

    /// Numbers moments that mostly lie in the stretch of the one before: to divide takes longer than all else that is done with
    /// a window.
    private struct StretchNumbering {
        private let stretches: Stretches
        private var number: Int64 = 0
        /// The stretch of that number, in nanoseconds since the epoch.
        private var start: Int64 = 0
        private var end: Int64 = 0

        init(_ stretches: Stretches) { self.stretches = stretches }

        mutating func number(of moment: Instant) -> Int64 {
            let nanoseconds = moment.nanosecondsSinceEpoch
            if nanoseconds >= start, nanoseconds < end { return number }
            number = stretches.number(of: moment)
            // At the ends of the range of moments, where this wraps, nothing lies between the two.
            start = number &* stretches.every &- stretches.offset
            end = start &+ stretches.every
            return number
        }
    }

    /// Nil where events are not told apart.
    package private(set) var keys: GroupKeys?
    /// The groups that are shown, in their order.
    let shown: [Int]
    private(set) var counts: HistogramCounts
    let stretches: Stretches
    /// Why the groups that are shown may be the wrong ones, or not all; nil where they are not.
    package let doubt: Completeness.Reason?
    /// The scan that was made last.
    package private(set) var scan: Scan

    /// Whether any event was counted.
    var isEmpty: Bool { counts.buckets == nil }

    /// Parameters: `groupLimit` is how many groups are shown, those with the most events in their order, nil being all;
    /// `maximumCellCount` nil is `HistogramCounts.maximumCellCount`, `maximumByteCount`, of the groups' table,
    /// `GroupKeys.maximumByteCount`; `makeScan` makes a scan of the selection, for each time that it is counted.
    ///
    /// Throws: `StoreError`, `HistogramCounts.Refusal`.
    package init(
        by grouping: Grouping?, _ stretches: Stretches, in reader: StoreReader, groupLimit: Int?,
        maximumCellCount: Int? = nil, maximumByteCount: Int? = nil, _ makeScan: () -> Scan
    ) throws {
        var scan = makeScan()
        var keys = try grouping.map {
            try GroupKeys($0, in: reader, for: scan, maximumByteCount: maximumByteCount)
        }
        var counts = HistogramCounts(maximumCellCount: maximumCellCount)
        try Self.count(scan, stretches, &keys, &counts)
        let totals = counts.totals
        // Without groups all events are of one, which has no name.
        let shown =
            if let keys, let groupLimit {
                keys.greatest(groupLimit, of: totals).map(\.group)
            } else {
                totals.indices.filter { totals[$0] > 0 }
            }
        let isFull = groupLimit.map { shown.count == $0 } ?? false
        doubt = keys?.reason(
            beyondCount: counts.beyondCount, least: isFull ? shown.last.map { totals[$0] } : nil)
        if !counts.isWhole {
            // Which groups have the most events is known now; only theirs are told apart by time.
            counts = HistogramCounts(of: Set(shown), maximumCellCount: maximumCellCount)
            scan = makeScan()
            try Self.count(scan, stretches, &keys, &counts)
        }
        (self.keys, self.shown, self.counts, self.stretches, self.scan) = (keys, shown, counts, stretches, scan)
    }

    private static func count(
        _ scan: Scan, _ stretches: Stretches, _ keys: inout GroupKeys?, _ counts: inout HistogramCounts
    ) throws {
        let (grouping, looksAtLayers) = (keys?.grouping, keys?.looksAtLayers ?? false)
        keys?.bound(scan)
        defer { keys?.noteDamages(to: scan) }
        try scan.reduce(
            begin: { block throws(BlockError) in
                BlockCells(try BlockKeys(grouping, block, looksAtLayers: looksAtLayers))
            },
            visit: { (part: inout BlockCells, view) throws(BlockError) in
                // All of a row group mostly lies in one stretch, and its windows need not be read.
                let first = stretches.number(of: view.group.earliest)
                if first == stretches.number(of: view.group.latest) { return try part.add(view, bucket: first) }
                let windows = try view.windowRuns()
                var numbering = StretchNumbering(stretches)
                try part.add(view, windows.runs, buckets: windows.times.map { numbering.number(of: $0) })
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

    /// The counts in order of time, then of groups; where there are no groups also the stretches without events in between.
    package func rows(gaps: [Gap]) -> [Row] {
        guard let buckets = counts.buckets else { return [] }
        let notShown = Int.max
        var ranks = Array(repeating: notShown, count: counts.totals.count)
        for (rank, group) in shown.enumerated() { ranks[group] = rank }
        var rest = counts.cells.filter { ranks[$0.group] != notShown }.sorted {
            ($0.bucket, ranks[$0.group]) < ($1.bucket, ranks[$1.group])
        }[...]
        var rows: [Row] = []
        rows.reserveCapacity(rest.count)
        for bucket in buckets {
            let from = stretches.start(of: bucket)
            let to = stretches.start(of: bucket &+ 1)
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
        return rows
    }
}
