package import Block
package import Store

/// How many events each group of a grouping has.
///
/// Memory: that of `GroupKeys`, and 8 bytes for the count of each group.
package struct GroupTally {
    package private(set) var keys: GroupKeys
    private var tally = GroupCounts()
    /// By group.
    package var counts: [UInt64] { tally.counts }
    /// Events of groups that are not held.
    package var beyondCount: UInt64 { tally.beyondCount }

    /// Parameters: `scan` is that of `GroupKeys`; `maximumByteCount` is of the groups' table, nil being
    /// `GroupKeys.maximumByteCount`.
    package init(
        _ grouping: Grouping, in reader: StoreReader, for scan: Scan? = nil, maximumByteCount: Int? = nil
    ) throws(StoreError) {
        keys = try GroupKeys(grouping, in: reader, for: scan, maximumByteCount: maximumByteCount)
    }

    /// Counts all events of the selection.
    mutating func add(_ scan: Scan) throws(StoreError) {
        let (grouping, looksAtLayers) = (keys.grouping, keys.looksAtLayers)
        keys.bound(scan)
        defer { keys.noteDamages(to: scan) }
        try scan.reduce(
            begin: { block throws(BlockError) in
                BlockTally(try BlockKeys(grouping, block, looksAtLayers: looksAtLayers))
            },
            visit: { (part: inout BlockTally, view) throws(BlockError) in try part.add(view) },
            fold: { part in
                add(part)
                return .proceed
            })
    }

    private mutating func add(_ part: BlockTally) {
        keys.use(part.keys)
        // Taken out of the structure, since `keys` is being changed while they are counted.
        var tally = self.tally
        self.tally = GroupCounts()
        defer { self.tally = tally }
        keys.forEach(part.counts, of: part.keys) { group, count in tally.add(UInt64(count), group) }
    }

    /// Counts the selected events of a row group.
    package mutating func add(_ view: RowGroupView) throws(BlockError) {
        // Taken out of the structure, since `keys` is being changed while they are counted.
        var tally = self.tally
        self.tally = GroupCounts()
        defer { self.tally = tally }
        try keys.forEach(view) { group, _ in tally.add(1, group) }
    }

    /// How many of the groups that are held have events.
    package var groupCount: Int { counts.count { $0 > 0 } }

    /// The groups with the most events, as `GroupKeys.greatest`.
    package func greatest(_ limit: Int) -> [(group: Int, count: UInt64)] { keys.greatest(limit, of: counts) }

    /// All groups with events, in any order.
    var all: [(group: Int, count: UInt64)] {
        counts.enumerated().compactMap { $1 > 0 ? (group: $0, count: $1) : nil }
    }

    /// The groups with the most events: `limit` of them, and those with as many as the last of these; in any order.
    func greatestWithTies(_ limit: Int) -> [(group: Int, count: UInt64)] {
        guard limit > 0 else { return [] }
        let all = all
        guard all.count > limit else { return all }
        let least = all.map(\.count).sorted(by: >)[limit - 1]
        return all.filter { $0.count >= least }
    }

    /// Why `shown`, asked for with `limit` (nil: all), may be the wrong groups, or not all; nil where they are not.
    package func doubt(_ shown: [(group: Int, count: UInt64)], limit: Int?) -> Completeness.Reason? {
        let isFull = limit.map { shown.count >= $0 } ?? false
        return keys.reason(beyondCount: beyondCount, least: isFull ? shown.map(\.count).min() : nil)
    }
}

/// How many events each key of a block has.
private struct BlockTally: Sendable {
    let keys: BlockKeys
    /// By key; a block has fewer events than these can count.
    private(set) var counts: [UInt32]

    init(_ keys: BlockKeys) {
        self.keys = keys
        counts = Array(repeating: 0, count: keys.count)
    }

    /// Counts the selected events of a row group.
    mutating func add(_ view: RowGroupView) throws(BlockError) {
        // Taken out of the structure, since `self` is read while they are counted.
        var counts = self.counts
        self.counts = []
        defer { self.counts = counts }
        try keys.forEachRun(view, in: 0..<view.group.count) { key, count in
            counts[key] &+= UInt32(truncatingIfNeeded: count)
        }
    }
}
