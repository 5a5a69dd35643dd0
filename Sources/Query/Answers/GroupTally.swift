package import Block
package import Store

/// How many events each group of a grouping has.
///
/// Memory: that of `GroupKeys`, and 8 bytes for the count of each group.
package struct GroupTally {
    package private(set) var keys: GroupKeys
    /// By group.
    package private(set) var counts: [UInt64] = []
    /// Events of groups that are not held.
    package private(set) var beyondCount: UInt64 = 0

    /// Parameter maximumByteCount: of the groups' table; nil is `GroupKeys.maximumByteCount`.
    package init(
        _ grouping: Grouping, for question: borrowing Question, maximumByteCount: Int? = nil
    ) throws(StoreError) {
        keys = try GroupKeys(grouping, for: question, maximumByteCount: maximumByteCount)
    }

    /// Counts the selected events of a row group.
    package mutating func add(_ view: RowGroupView) throws(BlockError) {
        // Taken out of the structure, since `keys` is being changed while they are counted.
        var counts = self.counts
        self.counts = []
        defer { self.counts = counts }
        var beyond: UInt64 = 0
        defer { beyondCount += beyond }
        try keys.forEach(view) { group, _ in
            guard group != GroupKeys.beyond else {
                beyond += 1
                return
            }
            if group >= counts.count {
                counts.append(contentsOf: repeatElement(0, count: group + 1 - counts.count))
            }
            counts[group] += 1
        }
    }

    /// How many of the groups that are held have events.
    package var groupCount: Int { counts.count { $0 > 0 } }

    /// The groups with the most events, as `GroupKeys.greatest`.
    package func greatest(_ limit: Int) -> [(group: Int, count: UInt64)] { keys.greatest(limit, of: counts) }

    /// Why `shown`, asked for with `limit`, may be the wrong groups; nil where they are not.
    package func doubt(_ shown: [(group: Int, count: UInt64)], limit: Int) -> Completeness.Reason? {
        keys.reason(beyondCount: beyondCount, least: shown.count == limit ? shown.last?.count : nil)
    }
}
