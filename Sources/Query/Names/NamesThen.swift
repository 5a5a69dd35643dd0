internal import Model

/// Which names there were at a moment, told from the events before and after it.
struct NamesThen {
    enum State: String {
        /// Something before the moment told of it, and nothing of its end.
        case known
        /// Something after the moment needs it to have been there.
        case inferred
        /// It had been there, and was removed or renamed away.
        case gone
    }

    /// Why a name that is listed may not have been there.
    enum Doubt: String {
        /// A gap or a time without a recorder lies between the moment and what tells of the name.
        case gap
        /// An event whose window holds the moment made, removed or renamed it.
        case time
        /// The record is not sure of a path, or contradicts itself.
        case path
    }

    struct Name {
        var index: UInt32
        var path: RawPath
        var state: State
        var doubts: [Doubt]
        /// How many of the listed names are of the same file, itself included.
        var linkCount = 1
        /// From 0, of what lies right below the directory asked for.
        var depth: Int
        /// It is the last one of its directory.
        var isLast = false
    }

    let moment: Instant
    let forest: NameForest
    private let children: [UInt32: [UInt32]]
    private let crossing: Set<UInt32>
    private let holes: [Hole]

    /// A time of which events may be missing.
    struct Hole {
        var from: Instant
        var to: Instant
        /// Where; nil is everywhere.
        var scope: RawPath?
        /// Only what matches, and what lies below.
        var pattern: Glob?

        func concerns(_ path: RawPath) -> Bool {
            scope.map { path.isAtOrUnder($0) || $0.isAtOrUnder(path) } ?? true
                && pattern.map { $0.matchesOrHolds(path.bytes) } ?? true
        }
    }

    /// `forest` has begun at `moment`; `crossing` are the nodes of events whose windows hold it.
    init(_ forest: NameForest, at moment: Instant, crossing: Set<UInt32>, reasons: [Completeness.Reason]) {
        self.forest = forest
        self.moment = moment
        self.crossing = crossing
        holes = reasons.compactMap { reason -> Hole? in
            switch reason {
            // Who did it does not matter to what was there.
            case .gap(let gap) where gap.kind == .processEventsLost: nil
            case .gap(let gap): Hole(from: gap.from, to: gap.to, scope: gap.scope)
            case .uncovered(let from, let to): Hole(from: from, to: to)
            // A name may have ended unseen.
            case .notRecorded(_, let from, let to): Hole(from: from, to: to)
            // The name it came by may be one of a rename that was recorded for the sake of the other name.
            case .excluded(let pattern, let from, let to): Hole(from: from, to: to, pattern: try? Glob(pattern))
            // The forest begins no later than the moment, so what was left unread can only tell of further names.
            case .neverCovered, .unread: nil
            }
        }
        var children: [UInt32: [UInt32]] = [:]
        var present: Set<NamePlace> = []
        var gone: [(index: UInt32, origin: NamePlace)] = []
        for index in forest.indices {
            guard let origin = forest[index].origin else { continue }
            if forest[index].wasGone {
                gone.append((index, origin))
            } else {
                present.insert(origin)
                children[origin.parent, default: []].append(index)
            }
        }
        // A name that was given again is there; one that several files had is gone once.
        for (index, origin) in gone where present.insert(origin).inserted {
            children[origin.parent, default: []].append(index)
        }
        self.children = children.mapValues { list in
            list.sorted { forest.originName($0).lexicographicallyPrecedes(forest.originName($1)) }
        }
    }

    /// The names below a directory in the order of a tree, down to `depth` levels; nil where nothing tells of the directory.
    func names(below directory: RawPath, depth: Int = .max) -> [Name]? {
        var top = NameTree.root
        for part in directory.bytes.split(separator: UInt8(ascii: "/")) {
            guard let next = children[top]?.first(where: { forest.originName($0).elementsEqual(part) }) else {
                return nil
            }
            top = next
        }
        var names: [Name] = []
        // The path of each open directory and those of its names that are still to come, last first.
        var open: [(path: RawPath, rest: [UInt32])] = [(directory, (children[top] ?? []).reversed())]
        while let level = open.indices.last {
            guard let index = open[level].rest.popLast() else {
                open.removeLast()
                continue
            }
            let path = open[level].path.appending(forest.originName(index))
            var name = Name(
                index: index, path: path, state: state(index), doubts: doubts(index, path), depth: level)
            name.isLast = open[level].rest.isEmpty
            names.append(name)
            if level + 1 < depth, let below = children[index] {
                open.append((path, below.reversed()))
            }
        }
        var links: [FileIdentity: Int] = [:]
        for name in names where name.state != .gone && !forest[name.index].isDirectory {
            if let object = forest[name.index].object { links[object, default: 0] += 1 }
        }
        for position in names.indices where names[position].state != .gone {
            let node = forest[names[position].index]
            if !node.isDirectory, let object = node.object { names[position].linkCount = links[object] ?? 1 }
        }
        return names
    }

    private func state(_ index: UInt32) -> State {
        forest[index].wasGone ? .gone : forest[index].isInferred ? .inferred : .known
    }

    private func doubts(_ index: UInt32, _ path: RawPath) -> [Doubt] {
        let node = forest[index]
        var doubts: [Doubt] = []
        let (from, to) = node.isInferred ? (moment, node.witnessed) : (node.witnessed, moment)
        let isHidden = holes.contains { $0.from < to && $0.to > from && $0.concerns(path) }
        if isHidden { doubts.append(.gap) }
        if crossing.contains(index) { doubts.append(.time) }
        if node.isInferred ? node.isUncertain : node.wasUncertain { doubts.append(.path) }
        return doubts
    }
}
