internal import Model
internal import Store

/// How the events of each group lie in time, for a line a group: stretches are joined until there are no more than a terminal
/// has columns for.
struct HistogramProfile {
    struct Line {
        var group: Int
        var total: UInt64
        /// By column.
        var counts: [UInt64]
    }

    let from: Instant
    let to: Instant
    /// How many stretches make a column.
    let stretchCount: Int
    /// The groups that are shown, in their order.
    let lines: [Line]
    /// By column: something is known to be missing.
    let hasGap: [Bool]

    /// Nil where there are no events. Range of `columnCount`: at least 1.
    init?(_ tally: HistogramTally, columnCount: Int, gaps: [Gap]) {
        guard let buckets = tally.counts.buckets else { return nil }
        let joined = (buckets.count + columnCount - 1) / columnCount
        let columns = (buckets.count + joined - 1) / joined
        func start(_ column: Int) -> Instant {
            tally.stretches.start(of: min(buckets.lowerBound &+ Int64(column * joined), buckets.upperBound &+ 1))
        }
        (from, to, stretchCount) = (start(0), start(columns), joined)
        hasGap = (0..<columns).map { column in
            let (from, to) = (start(column), start(column + 1))
            return gaps.contains { $0.touches(from, to) }
        }
        let ranks = Dictionary(uniqueKeysWithValues: tally.shown.enumerated().map { ($1, $0) })
        var lines = tally.shown.map {
            Line(group: $0, total: tally.counts.totals[$0], counts: Array(repeating: 0, count: columns))
        }
        for cell in tally.counts.cells {
            guard let rank = ranks[cell.group] else { continue }
            lines[rank].counts[Int(cell.bucket - buckets.lowerBound) / joined] += cell.count
        }
        self.lines = lines
    }
}

extension HistogramTally {
    /// How many events each group has that is shown.
    var totals: [UInt64] { shown.map { counts.totals[$0] } }
}

extension Gap {
    /// Whether it concerns the time from one moment to before another; one without length is of its moment.
    func touches(_ from: Instant, _ to: Instant) -> Bool {
        self.from < to && max(self.to, self.from.advanced(byNanoseconds: 1)) > from
    }
}
