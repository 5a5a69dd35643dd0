/// How many events each group has.
struct GroupCounts {
    /// By group.
    private(set) var counts: [UInt64] = []
    /// How many events are of groups that are not held.
    private(set) var beyondCount: UInt64 = 0

    mutating func add(_ count: UInt64, _ group: Int) {
        guard group != GroupKeys.beyond else {
            beyondCount += count
            return
        }
        if group >= counts.count {
            counts.append(contentsOf: repeatElement(0, count: group + 1 - counts.count))
        }
        counts[group] += count
    }
}
