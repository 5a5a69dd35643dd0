internal import HeapModule

/// Which groups have the most events.
extension GroupKeys {
    /// The `limit` groups with the most events, the most first; of equal ones those whose names come first. `counts` has the
    /// events of each group; groups without any are left out.
    ///
    /// Cost: names are made only of groups that have as many events as the least one so far.
    func greatest(_ limit: Int, of counts: [UInt64]) -> [(group: Int, count: UInt64)] {
        guard limit > 0 else { return [] }
        var best = Heap<Ranked>()
        for (group, count) in counts.enumerated() where count > 0 {
            if best.count == limit {
                guard let least = best.min, count >= least.count else { continue }
                let ranked = Ranked(count: count, name: name(group) ?? [], group: group)
                if least < ranked { best.replaceMin(with: ranked) }
            } else {
                best.insert(Ranked(count: count, name: name(group) ?? [], group: group))
            }
        }
        return best.unordered.sorted(by: >).map { ($0.group, $0.count) }
    }

    /// The greater comes first.
    private struct Ranked: Comparable {
        var count: UInt64
        var name: [UInt8]
        var group: Int

        static func < (left: Ranked, right: Ranked) -> Bool {
            left.count != right.count
                ? left.count < right.count : right.name.lexicographicallyPrecedes(left.name)
        }
    }
}
