import Model

/// Counts how many events each path of a block has, over all operations and for each of them.
///
/// Memory: two bytes for each path and operation that occurs.
struct PathTally {
    /// Blocks of fewer events are decoded sooner than it would pay to say what their busiest paths are.
    static let leastEventCount = 65_536
    /// For so many events a list has one entry.
    private static let eventsPerEntry = 4_096
    private static let greatestEntryCount = 256

    /// The events of one list.
    private struct Counts {
        var eventCount = 0
        var pathlessCount = 0
        /// By path, modulo 65,536.
        var low: [UInt16] = []
        /// How often that came round.
        var rounds: [PathIndex: UInt32] = [:]

        subscript(_ path: Int) -> UInt32 {
            let round = rounds.isEmpty ? 0 : rounds[PathIndex(path)] ?? 0
            return UInt32(low[path]) &+ round &<< 16
        }
    }

    /// By key.
    private var lists = [Counts](repeating: Counts(), count: 1 + UInt32.bitWidth)

    /// What it takes in memory.
    var memoryByteCount: Int { lists.reduce(0) { $0 + $1.low.capacity } * MemoryLayout<UInt16>.stride }

    /// What it takes at most for so many paths more.
    static func memoryByteCount(pathCount: Int) -> Int {
        pathCount * (1 + EventMask.operations.rawValue.nonzeroBitCount) * MemoryLayout<UInt16>.stride
    }

    /// Counts the events of a row group. Parameter pathCount: all their paths are below.
    mutating func add(_ events: borrowing RowGroupEvents, pathCount: Int) {
        count(events, pathCount, key: 0, bits: nil)
        var bits = events.maskUnion & EventMask.operations.rawValue
        while bits != 0 {
            let bit = bits.trailingZeroBitCount
            count(events, pathCount, key: 1 + bit, bits: 1 &<< UInt32(bit))
            bits &= bits &- 1
        }
    }

    /// Parameter bits: events without any of them are passed over; nil counts all.
    private mutating func count(
        _ events: borrowing RowGroupEvents, _ pathCount: Int, key: BusiestPathsKey, bits: UInt32?
    ) {
        // Taken out, so that it is not copied when it is changed.
        var counts = Counts()
        swap(&counts, &lists[key])
        defer { swap(&counts, &lists[key]) }
        if counts.low.count < pathCount {
            counts.low.append(contentsOf: repeatElement(0, count: pathCount - counts.low.count))
        }
        var (eventCount, pathlessCount) = (0, 0)
        var cameRound: [PathIndex] = []
        let (paths, masks) = (events.paths.span, events.masks.span)
        var low = counts.low.mutableSpan
        for place in paths.indices {
            if let bits, masks[place] & bits == 0 { continue }
            eventCount &+= 1
            let path = paths[place]
            guard path != .absent else {
                pathlessCount &+= 1
                continue
            }
            let count = low[Int(path)] &+ 1
            low[Int(path)] = count
            if count == 0 { cameRound.append(path) }
        }
        for path in cameRound { counts.rounds[path, default: 0] += 1 }
        counts.eventCount += eventCount
        counts.pathlessCount += pathlessCount
    }

    /// How many entries a list of a block has at most; 0: the block has no lists.
    static func entryCount(eventCount: Int) -> Int {
        eventCount < leastEventCount ? 0 : min(greatestEntryCount, eventCount / eventsPerEntry)
    }

    /// The keys of the lists that have events.
    var keys: [BusiestPathsKey] { lists.indices.filter { lists[$0].eventCount > 0 } }

    /// The list of a key; `isNameOnly` says of a path whether its directory is not known. Nil where there are more paths that are only names than
    /// entries are wanted: each of them would have to be listed.
    func list(_ key: BusiestPathsKey, limit: Int, isNameOnly: (Int) -> Bool) -> BusiestPaths? {
        let counts = lists[key]
        var list = BusiestPaths()
        (list.eventCount, list.pathlessCount) = (counts.eventCount, counts.pathlessCount)
        for path in counts.low.indices {
            let count = counts[path]
            guard count > 0 else { continue }
            let entry = BusiestPaths.Entry(path: PathIndex(path), count: count)
            if isNameOnly(path) {
                guard list.nameOnly.count < limit else { return nil }
                list.nameOnly.append(entry)
            } else if count > list.mostBeside {
                list.entries.append(entry)
                if list.entries.count == 2 * limit { list.keep(limit) }
            }
        }
        if list.entries.count > limit { list.keep(limit) }
        list.entries.sort { $0.path < $1.path }
        return list
    }

    /// Whether a list says of these events what it may say of them, however many entries it has.
    func agrees(with list: BusiestPaths, _ key: BusiestPathsKey, isNameOnly: (Int) -> Bool) -> Bool {
        let counts = lists[key]
        guard (list.eventCount, list.pathlessCount) == (counts.eventCount, counts.pathlessCount) else { return false }
        var (nameOnly, entries) = (list.nameOnly[...], list.entries[...])
        var mostBeside: UInt32 = 0
        for path in counts.low.indices {
            let count = counts[path]
            guard count > 0 else { continue }
            let entry = BusiestPaths.Entry(path: PathIndex(path), count: count)
            if isNameOnly(path) {
                guard nameOnly.popFirst() == entry else { return false }
            } else if entries.first?.path == entry.path {
                guard entries.popFirst() == entry else { return false }
            } else {
                mostBeside = max(mostBeside, count)
            }
        }
        return nameOnly.isEmpty && entries.isEmpty && mostBeside == list.mostBeside
    }
}

extension BusiestPaths {
    /// Keeps the entries with the most events, of equal ones those with the lower index.
    fileprivate mutating func keep(_ limit: Int) {
        entries.sort { ($1.count, $0.path) < ($0.count, $1.path) }
        mostBeside = max(mostBeside, entries[limit].count)
        entries.removeSubrange(limit...)
    }
}
