internal import Model

/// What a range of time did to one path.
struct NetChange {
    enum Kind: String, CaseIterable {
        case created
        case modified
        /// The file that had the name is gone, another one has it.
        case replaced
        case renamed
        case attributes
        case deleted
        /// Made and gone again within the range.
        case transient
    }

    var kind: Kind
    /// The name at the end, or where it is gone the last one.
    var path: RawPath
    /// The name at the start, where it was another one; by a rename of the file or of a directory above it.
    var from: RawPath?
    /// Of a renamed file: its contents were written as well.
    var isModified = false
    /// Of a renamed file: another one had the name at the start.
    var hasReplaced = false
    /// Of a file renamed here: whether another one had the name before is not known.
    var mayHaveReplaced = false
    var isUncertain: Bool
    var node: NameNode

    /// The changes that a forest tells of, ordered by path. Names that were only looked at have none.
    static func list(_ forest: NameForest) -> [NetChange] {
        var removed: [NamePlace: UInt32] = [:]
        for index in forest.indices where !forest[index].isLive {
            if let origin = forest[index].origin { removed[origin] = index }
        }
        var replaced: Set<UInt32> = []
        var changes: [NetChange] = []
        for index in forest.indices where forest[index].isLive {
            let node = forest[index]
            guard var change = change(of: index, forest) else { continue }
            if !node.isAtOrigin, let old = removed[node.place] {
                replaced.insert(old)
                change.replace(forest[old])
            }
            changes.append(change)
        }
        for index in forest.indices where !forest[index].isLive && !replaced.contains(index) {
            if let change = change(of: index, forest) { changes.append(change) }
        }
        return changes.sorted { ($0.path, $0.node.first.sequence) < ($1.path, $1.node.first.sequence) }
    }

    private static func change(of index: UInt32, _ forest: NameForest) -> NetChange? {
        let node = forest[index]
        guard !node.deeds.isEmpty else { return nil }
        let origin = node.origin.map { _ in RawPath(forest.tree.originPath(index)) }
        let kind: Kind
        switch (origin != nil, node.isLive) {
        case (false, true): kind = .created
        case (false, false): kind = .transient
        case (true, false): kind = .deleted
        case (true, true) where !node.isAtOrigin: kind = .renamed
        case (true, true) where node.deeds.contains(.written): kind = .modified
        case (true, true) where node.deeds.contains(.attributes): kind = .attributes
        // Renamed to and fro.
        case (true, true): return nil
        }
        // A name that is gone is told by the one it had at the start: that is what is missing now.
        let path = kind == .deleted ? origin : RawPath(forest.tree.path(index))
        guard let path else { return nil }
        var change = NetChange(kind: kind, path: path, isUncertain: node.isUncertain, node: node)
        if node.isLive, let origin, origin != path { change.from = origin }
        change.isModified = kind == .renamed && node.deeds.contains(.written)
        change.mayHaveReplaced = node.isLive && node.mayHaveReplaced
        return change
    }

    private mutating func replace(_ old: NameNode) {
        if kind == .created { kind = .replaced } else { hasReplaced = true }
        mayHaveReplaced = false
        isUncertain = isUncertain || old.isUncertain
        guard old.count > 0 else { return }
        if old.first.sequence < node.first.sequence {
            node.first = old.first
            node.firstActor = old.firstActor
        }
        if old.last.sequence > node.last.sequence {
            node.last = old.last
            node.lastActor = old.lastActor
        }
        node.count += old.count
    }
}
