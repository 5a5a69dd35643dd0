internal import Block
internal import HeapModule
internal import Model

/// How many of the selected events each path of a block has, and what those with the most are called.
struct BlockPathCounts: Sendable {
    /// Where the block begins, and how many events and paths it has: by these it is known again.
    let firstSequence: UInt64
    private let eventCount: Int
    private let pathCount: Int
    let pathGroupCount: Int
    /// By path; empty once `finish` has made the list.
    private var byPath: [UInt32]
    /// The paths that have events, ascending, and how many each has.
    private var paths: [PathIndex] = []
    private(set) var counts: [UInt32] = []
    /// Events of which the path is not known.
    private(set) var unknownCount: UInt64 = 0
    /// The whole paths that were named since `takeNamed`, and how many events each has.
    private var named: [(name: [UInt8], count: UInt64)] = []
    /// Every path with at least so many events was named.
    private(set) var namedFrom = UInt32.max
    /// How many paths are only names, their directory not being known. They are always named, and no longer among `paths`: each
    /// such directory has its own, so that one name may have many of them.
    private(set) var placelessPathCount = 0
    private(set) var placelessEventCount: UInt64 = 0
    /// Of a block that says which are its busiest paths: no other has more events. Else 0, for all are counted.
    let mostBeside: UInt32
    /// How many events the other paths have.
    private let besideEventCount: UInt64

    init(_ block: BlockView) {
        let header = block.reader.header
        (firstSequence, eventCount, pathCount) = (header.firstSequence, header.count, header.pathCount)
        pathGroupCount = block.reader.pathGroupCount
        byPath = Array(repeating: 0, count: header.pathCount)
        (mostBeside, besideEventCount) = (0, 0)
    }

    /// What a block says of all its events, or of those of an operation, without counting; nil where it does not say it. Names
    /// as `finish` does.
    init?(_ block: BlockView, of operation: EventMask, limit: Int) throws(BlockError) {
        guard let busiest = try block.reader.busiestPaths(of: operation) else { return nil }
        let header = block.reader.header
        (firstSequence, eventCount, pathCount) = (header.firstSequence, header.count, header.pathCount)
        pathGroupCount = block.reader.pathGroupCount
        byPath = []
        paths = busiest.entries.map(\.path)
        counts = busiest.entries.map(\.count)
        unknownCount = UInt64(busiest.pathlessCount)
        mostBeside = busiest.mostBeside
        placelessPathCount = busiest.nameOnly.count
        placelessEventCount = busiest.nameOnly.reduce(0) { $0 + UInt64($1.count) }
        let listedCount = counts.reduce(placelessEventCount + unknownCount) { $0 + UInt64($1) }
        guard listedCount <= UInt64(busiest.eventCount) else {
            throw BlockError(.malformed, "busiest paths have more events than there are")
        }
        besideEventCount = UInt64(busiest.eventCount) - listedCount
        for entry in busiest.nameOnly {
            named.append((try block.reader.path(at: entry.path), UInt64(entry.count)))
        }
        try nameFirst(limit, block.reader)
    }

    /// Whether only some of the paths with events are known.
    var isSummary: Bool { besideEventCount > 0 }
    /// What a path that was not named may have at most.
    var greatestUnnamedCount: UInt64 { UInt64(max(namedFrom - 1, mostBeside)) }
    /// How many of the selected events the block has.
    var totalCount: UInt64 {
        counts.reduce(unknownCount + placelessEventCount + besideEventCount) { $0 + UInt64($1) }
    }

    /// A block like it may have been merged since, or pruned.
    func isOf(_ header: BlockHeader) -> Bool {
        (header.firstSequence, header.count, header.pathCount) == (firstSequence, eventCount, pathCount)
    }

    var byteCount: Int { paths.count * 2 * MemoryLayout<UInt32>.stride }

    /// Counts the selected events of a row group.
    mutating func add(_ view: RowGroupView) throws(BlockError) {
        let column = try view.column(.path)
        var unknown: UInt64 = 0
        let paths = column.span
        var counts = byPath.mutableSpan
        switch view.places {
        case .range(let range): for place in range { Self.count(paths[place], &counts, &unknown) }
        case .list(let list): for place in list { Self.count(paths[place], &counts, &unknown) }
        }
        unknownCount += unknown
    }

    @inline(__always)
    private static func count(_ path: UInt32, _ counts: inout MutableSpan<UInt32>, _ unknown: inout UInt64) {
        if Int(path) < counts.count { counts[Int(path)] &+= 1 } else { unknown &+= 1 }
    }

    /// After the last event: names those with the most events, `limit` and as many as have no fewer.
    mutating func finish(_ reader: BlockReader, limit: Int) throws(BlockError) {
        for (path, count) in byPath.enumerated() where count > 0 {
            paths.append(PathIndex(path))
            counts.append(count)
        }
        byPath = []
        try nameThoseWithoutPlace(reader)
        try nameFirst(limit, reader)
    }

    private mutating func nameFirst(_ limit: Int, _ reader: BlockReader) throws(BlockError) {
        var from: UInt32 = 1
        // A path that has two entries could have fewer events in each than it has. Only in a block that was never merged.
        if try !reader.hasRepeatedDirectories() {
            var greatest = Heap<UInt32>()
            for count in counts {
                if greatest.count < limit {
                    greatest.insert(count)
                } else if let least = greatest.min, count > least {
                    greatest.replaceMin(with: count)
                }
            }
            if greatest.count == limit, let least = greatest.min {
                // Where very many have as few, they say nothing.
                from = counts.count { $0 >= least } > 4 * limit ? least + 1 : least
            }
        }
        try name(from: from, reader)
    }

    /// Names the paths that are only names, and takes them out of the list.
    private mutating func nameThoseWithoutPlace(_ reader: BlockReader) throws(BlockError) {
        var kept = 0
        var place = 0
        for group in 0..<reader.pathGroupCount where place < paths.count {
            let range = reader.paths(ofGroup: group)
            guard Int(paths[place]) < range.upperBound else { continue }
            let directories = try reader.pathDirectories(ofGroup: group)
            while place < paths.count, Int(paths[place]) < range.upperBound {
                if directories[Int(paths[place]) - range.lowerBound] == .absent {
                    named.append((try reader.path(at: paths[place]), UInt64(counts[place])))
                    placelessPathCount += 1
                    placelessEventCount += UInt64(counts[place])
                } else {
                    (paths[kept], counts[kept]) = (paths[place], counts[place])
                    kept += 1
                }
                place += 1
            }
        }
        paths.removeLast(paths.count - kept)
        counts.removeLast(counts.count - kept)
    }

    /// How many paths more would have to be named.
    func unnamedCount(from count: UInt32) -> Int {
        counts.count { $0 >= count && $0 < namedFrom }
    }

    /// Names all paths with at least so many events.
    mutating func name(from count: UInt32, _ reader: BlockReader) throws(BlockError) {
        for place in counts.indices where counts[place] >= count && counts[place] < namedFrom {
            named.append((try reader.path(at: paths[place]), UInt64(counts[place])))
        }
        namedFrom = min(namedFrom, count)
    }

    /// Takes note that there are no unnamed paths with so many events.
    mutating func noteNamed(from count: UInt32) { namedFrom = min(namedFrom, count) }

    /// What was named and not yet taken.
    mutating func takeNamed() -> [(name: [UInt8], count: UInt64)] {
        defer { named = [] }
        return named
    }

    /// How many events the entries of a path have, and which of them have up to `mostBeside` each that are not counted in.
    func count(of entries: [PathIndex]) -> (count: UInt64, uncertain: [PathIndex]) {
        var sum: UInt64 = 0
        var uncertain: [PathIndex] = []
        for entry in entries {
            var (low, high) = (0, paths.count)
            while low < high {
                let middle = (low + high) / 2
                if paths[middle] < entry { low = middle + 1 } else { high = middle }
            }
            if low < paths.count, paths[low] == entry {
                sum += UInt64(counts[low])
            } else if mostBeside > 0 {
                uncertain.append(entry)
            }
        }
        return (sum, uncertain)
    }

    /// How many of the selected events each of some entries has, found in the columns of the row groups that may have one.
    static func count(
        of entries: [PathIndex], _ reader: BlockReader, _ selector: BlockSelector
    ) throws(BlockError) -> [PathIndex: UInt64] {
        var chunks = PathChunks()
        var isAsked = [Bool](repeating: false, count: reader.header.pathCount)
        for entry in entries {
            chunks.insert(entry)
            isAsked[Int(entry)] = true
        }
        let view = try selector.view(reader) { _ in nil }
        var counts: [PathIndex: UInt64] = [:]
        for (index, group) in reader.header.rowGroups.enumerated()
        where try reader.mayHavePath(of: chunks, rowGroup: index) {
            let rows = RowGroupView(view, index: index, group: group)
            _ = try selector.select(rows, among: group.firstSequence..<group.endSequence)
            guard !rows.places.isEmpty else { continue }
            let paths = try rows.column(.path)
            rows.places.forEach(in: 0..<group.count) { place in
                let path = paths[place]
                if path != .absent, isAsked[Int(path)] { counts[path, default: 0] += 1 }
            }
        }
        return counts
    }
}
