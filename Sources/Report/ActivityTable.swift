internal import Block
internal import Model
internal import Query

/// The groups of one grouping that have the most events, with how many each has in each bucket of time.
///
/// Memory: 8 bytes for each bucket of each row.
struct ActivityTable {
    struct Row {
        let group: Int
        /// By bucket.
        var counts: [UInt64]
        var first = Instant.distantFuture
        var last = Instant.distantPast
        var operations: EventMask = []

        var total: UInt64 { counts.reduce(0, +) }
    }

    let grouping: Grouping
    private(set) var keys: GroupKeys
    private(set) var rows: [Row]
    /// By bucket, the events of groups that have no row.
    private(set) var others: [UInt64]
    /// How many groups have no row, as far as they are held.
    let otherGroupCount: Int
    /// Why the rows may be the wrong ones.
    let doubt: Completeness.Reason?
    /// For each group its row; -1 for those that have none.
    private var rowOfGroup: [Int32]

    init(_ grouping: Grouping, _ tally: consuming GroupTally, limit: Int, axis: TimeAxis) {
        let shown = tally.greatest(limit)
        doubt = tally.doubt(shown, limit: limit)
        otherGroupCount = tally.groupCount - shown.count
        rowOfGroup = Array(repeating: -1, count: tally.counts.count)
        for (row, entry) in shown.enumerated() { rowOfGroup[entry.group] = Int32(row) }
        rows = shown.map { Row(group: $0.group, counts: Array(repeating: 0, count: axis.count)) }
        others = Array(repeating: 0, count: axis.count)
        self.grouping = grouping
        keys = tally.keys
    }

    /// Counts the selected events of a row group. `buckets` has the bucket of each of its windows.
    mutating func add(_ view: RowGroupView, buckets: [Int]) throws(BlockError) {
        let windows = try view.windows()
        let masks = try view.column(.mask)
        // Taken out of the structure so that the closure, which lives as long as `keys` is being changed, may change them.
        var (rows, others) = (self.rows, self.others)
        (self.rows, self.others) = ([], [])
        defer { (self.rows, self.others) = (rows, others) }
        let rowOfGroup = self.rowOfGroup
        try keys.forEach(view) { group, position in
            let window = Int(windows.index[position])
            let bucket = buckets[window]
            guard group >= 0, group < rowOfGroup.count, rowOfGroup[group] >= 0 else {
                others[bucket] += 1
                return
            }
            let row = Int(rowOfGroup[group])
            rows[row].counts[bucket] += 1
            rows[row].operations.formUnion(EventMask(rawValue: masks[position]))
            let time = windows.table[window].time
            if time < rows[row].first { rows[row].first = time }
            if time > rows[row].last { rows[row].last = time }
        }
    }
}
