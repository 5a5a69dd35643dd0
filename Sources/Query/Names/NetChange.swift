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
    /// Of a file renamed to its last name: whether another one had that name at the start is not known.
    var mayHaveReplaced = false
    var isUncertain: Bool
    private let index: UInt32
    /// The node of the file that had the name at the start, of one that took it.
    private var replaced: UInt32?

    private init(kind: Kind, path: RawPath, isUncertain: Bool, _ index: UInt32) {
        self.kind = kind
        self.path = path
        self.isUncertain = isUncertain
        self.index = index
    }

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
                change.replace(old, forest)
            }
            changes.append(change)
        }
        for index in forest.indices where !forest[index].isLive && !replaced.contains(index) {
            if let change = change(of: index, forest) { changes.append(change) }
        }
        return changes.sorted {
            ($0.path, forest[$0.index].first.sequence) < ($1.path, forest[$1.index].first.sequence)
        }
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
        var change = NetChange(kind: kind, path: path, isUncertain: node.isUncertain, index)
        if node.isLive, let origin, origin != path { change.from = origin }
        change.isModified = kind == .renamed && node.deeds.contains(.written)
        // Of a deleted name the place where it ended says nothing about the row.
        change.mayHaveReplaced = kind != .deleted && node.mayHaveReplaced
        return change
    }

    private mutating func replace(_ old: UInt32, _ forest: NameForest) {
        if kind == .created { kind = .replaced } else { hasReplaced = true }
        mayHaveReplaced = false
        isUncertain = isUncertain || forest[old].isUncertain
        replaced = old
    }

    /// The file, with what happened to the one that it replaced among its own events.
    func node(_ forest: NameForest) -> NameNode {
        var node = forest[index]
        guard let old = replaced.map({ forest[$0] }), old.count > 0 else { return node }
        if old.first.sequence < node.first.sequence {
            node.first = old.first
            node.firstActor = old.firstActor
        }
        if old.last.sequence > node.last.sequence {
            node.last = old.last
            node.lastActor = old.lastActor
        }
        node.count += old.count
        return node
    }
}
