internal import Block
internal import Model
internal import Store

/// Finds the paths with the most events without naming all that have some.
///
/// To name the paths of a block and to find which over all blocks is the same takes several times as long as to count its
/// events. So each block counts by its own indices and names only those with the most. From their sums follows how many
/// events a path must have in some block to be among the first; those are named, then what a path that may be among them
/// has in the other blocks is looked up: the threshold algorithm TPUT (Cao and Wang, PODC 2004). The answer is exact.
/// A block that says itself which are its busiest paths is not even counted, as long as that is enough.
///
/// Memory: 8 bytes for each path with events in each block.
struct TopPaths {
    struct Row {
        /// Nil for the events whose path is not known.
        var name: [UInt8]?
        var count: UInt64
    }

    /// Where so many names would be needed, naming all is no slower.
    private static let greatestNameCount = 100_000
    /// No more rows than that are found this way.
    static let greatestLimit = 1_000

    private let reader: StoreReader
    private let limit: Int
    private let hasTies: Bool
    private let maximumByteCount: Int
    private let asksBlocks: Bool
    private var blocks: [BlockPathCounts] = []
    private var numbers: [[UInt8]: Int] = [:]
    private var candidates: [Candidate] = []
    private(set) var totalCount: UInt64 = 0

    private struct Candidate {
        let name: [UInt8]
        var count: UInt64 = 0
        /// Of which blocks `count` has what the path has there.
        var blocks: Set<Int> = []
    }

    /// Parameters: `limit` is 1 to `greatestLimit`, `maximumByteCount` what the counts of all blocks may take. With
    /// `withTies` all paths come that have as many events as the last one.
    /// With `askingBlocks` what blocks say of their busiest paths is taken for what they have.
    init(
        _ reader: StoreReader, limit: Int, withTies: Bool = false, askingBlocks: Bool = true, maximumByteCount: Int
    ) {
        self.reader = reader
        self.limit = limit
        hasTies = withTies
        asksBlocks = askingBlocks
        self.maximumByteCount = maximumByteCount
    }

    /// The paths with the most events, the most first, of equal ones those whose names come first. Nil where they cannot be
    /// found this way, and all paths have to be named: so many have as many events, or a block was merged meanwhile.
    mutating func find(_ scan: Scan) throws(StoreError) -> [Row]? {
        let (limit, maximumByteCount) = (limit, maximumByteCount)
        let (asksBlocks, operation) = (asksBlocks, scan.selection.operations)
        var blocks: [BlockPathCounts] = []
        var (byteCount, placelessCount) = (0, 0)
        try scan.reduce(
            begin: { block in BlockPathCounts(block) },
            visit: { (part: inout BlockPathCounts, view) throws(BlockError) in try part.add(view) },
            end: { (part: inout BlockPathCounts, block) throws(BlockError) in
                try part.finish(block.reader, limit: limit)
            },
            summary: { (block) throws(BlockError) in
                asksBlocks ? try BlockPathCounts(block, of: operation, limit: limit) : nil
            },
            fold: { part in
                byteCount += part.byteCount
                placelessCount += part.placelessPathCount
                blocks.append(part)
                return byteCount <= maximumByteCount && placelessCount <= Self.greatestNameCount ? .proceed : .stop
            })
        guard byteCount <= maximumByteCount, placelessCount <= Self.greatestNameCount, scan.damages.isEmpty,
            !scan.isStopped
        else { return nil }
        self.blocks = blocks
        for number in blocks.indices { takeNamed(number) }
        totalCount = blocks.reduce(0) { $0 + $1.totalCount }
        // A path with fewer in every block has fewer than the last row.
        let (share, rest) = leastOfRows.quotientAndRemainder(dividingBy: UInt64(max(1, blocks.count)))
        let from = UInt32(clamping: max(1, share + (rest > 0 ? 1 : 0)))
        guard blocks.reduce(0, { $0 + $1.unnamedCount(from: from) }) <= Self.greatestNameCount,
            try nameAll(from: from)
        else { return nil }
        // Where a block does not say enough of its paths, one that none has named could be among the first.
        let most = self.blocks.reduce(0) { $0 + $1.greatestUnnamedCount }
        guard !hasSummaries || most < leastOfRows, try lookUpRest(scan.selector) else { return nil }
        return rows
    }

    /// Whether some block was not counted, since it says which are its busiest paths.
    var hasSummaries: Bool { blocks.contains { $0.isSummary } }

    /// The count of the last row, by what is known so far; 0 where there are not so many.
    private var leastOfRows: UInt64 {
        let rows = rows
        return rows.count >= limit ? rows[limit - 1].count : 0
    }

    private var rows: [Row] {
        var rows = candidates.map { Row(name: $0.name, count: $0.count) }
        let unknown = blocks.reduce(0) { $0 + $1.unknownCount }
        if unknown > 0 { rows.append(Row(name: nil, count: unknown)) }
        rows.sort { left, right in
            left.count != right.count
                ? left.count > right.count : (left.name ?? []).lexicographicallyPrecedes(right.name ?? [])
        }
        // What has as many in all has a share of it in some block, so it was named as well.
        guard hasTies, rows.count > limit else { return Array(rows.prefix(limit)) }
        return Array(rows.prefix { $0.count >= rows[limit - 1].count })
    }

    /// Adds what a block has named.
    private mutating func takeNamed(_ number: Int) {
        for (name, count) in blocks[number].takeNamed() {
            let candidate = numbers[name] ?? candidates.count
            if candidate == candidates.count {
                numbers[name] = candidate
                candidates.append(Candidate(name: name))
            }
            candidates[candidate].count += count
            candidates[candidate].blocks.insert(number)
        }
    }

    /// Names all paths of all blocks with at least so many events. False where a block is not what it was.
    private mutating func nameAll(from count: UInt32) throws(StoreError) -> Bool {
        let wanted = blocks.indices.filter { blocks[$0].unnamedCount(from: count) > 0 }
        for number in Set(blocks.indices).subtracting(wanted) { blocks[number].noteNamed(from: count) }
        guard
            let named = try again(
                wanted,
                { (_, block, reader) throws(BlockError) in
                    var named = block
                    try named.name(from: count, reader)
                    return named
                })
        else { return false }
        for (number, block) in named {
            blocks[number] = block
            takeNamed(number)
        }
        return true
    }

    /// A path that is looked up in a block, in the only path group that may hold it where that is known.
    private struct Lookup {
        let candidate: Int
        let path: RawPath
        let pathGroup: Int?
    }

    /// Looks up what the paths that may be among the first have in the blocks that did not name them.
    private mutating func lookUpRest(_ selector: BlockSelector) throws(StoreError) -> Bool {
        let least = leastOfRows
        var lookups: [[Lookup]] = Array(repeating: [], count: blocks.count)
        var filters: [PathFilterReader?] = Array(repeating: nil, count: blocks.count)
        // What has no place was named wherever it has events.
        for (number, candidate) in candidates.enumerated() where candidate.name.first == UInt8(ascii: "/") {
            let others = blocks.indices.filter {
                blocks[$0].greatestUnnamedCount > 0 && !candidate.blocks.contains($0)
            }
            let most = others.reduce(candidate.count) { $0 + blocks[$1].greatestUnnamedCount }
            guard most >= least, !others.isEmpty else { continue }
            // The root is not found by its name.
            guard candidate.name.count > 1 else { return false }
            for block in others {
                let filter: PathFilterReader
                if let known = filters[block] {
                    filter = known
                } else {
                    let bytes = try reader.filter(firstSequence: blocks[block].firstSequence)
                    filter = PathFilterReader(bytes ?? [], key: reader.filterKey)
                    filters[block] = filter
                }
                guard
                    case .possible(let group) = filter.find(
                        candidate.name, pathGroupCount: blocks[block].pathGroupCount)
                else { continue }
                lookups[block].append(Lookup(candidate: number, path: RawPath(candidate.name), pathGroup: group))
            }
        }
        let asked = lookups
        guard
            let found = try again(
                asked.indices.filter { !asked[$0].isEmpty },
                { (number, block, reader) throws(BlockError) in
                    var counts: [(count: UInt64, uncertain: [PathIndex])] = []
                    for lookup in asked[number] {
                        counts.append(
                            block.count(of: try reader.pathIndices(of: lookup.path, inGroup: lookup.pathGroup)))
                    }
                    return counts
                })
        else { return false }
        var uncertain: [Uncertain] = []
        for (number, counts) in found {
            for (lookup, counted) in zip(asked[number], counts) {
                candidates[lookup.candidate].count += counted.count
                guard !counted.uncertain.isEmpty else { continue }
                uncertain.append(
                    Uncertain(candidate: lookup.candidate, block: number, entries: counted.uncertain))
            }
        }
        return try count(uncertain, selector)
    }

    /// Entries of a path in a block that says of others that they have more events.
    private struct Uncertain {
        let candidate: Int
        let block: Int
        let entries: [PathIndex]
    }

    /// Counts what is not certain of the paths that may be among the first.
    private mutating func count(_ uncertain: [Uncertain], _ selector: BlockSelector) throws(StoreError) -> Bool {
        var most: [Int: UInt64] = [:]
        for each in uncertain {
            most[each.candidate, default: candidates[each.candidate].count] +=
                UInt64(each.entries.count) * UInt64(blocks[each.block].mostBeside)
        }
        let least = leastOfRows
        let needed = uncertain.filter { most[$0.candidate, default: 0] >= least }
        let entries = Dictionary(grouping: needed, by: \.block).mapValues { $0.flatMap(\.entries) }
        guard
            let counted = try again(
                entries.keys.sorted(),
                { (number, _, reader) throws(BlockError) in
                    try BlockPathCounts.count(of: entries[number] ?? [], reader, selector)
                })
        else { return false }
        let counts = Dictionary(uniqueKeysWithValues: counted.map { ($0.number, $0.made) })
        for each in needed {
            for entry in each.entries { candidates[each.candidate].count += counts[each.block]?[entry] ?? 0 }
        }
        return true
    }

    /// What `work` makes of some of the blocks, read once more, on other threads. Nil where one is not what it was.
    private func again<Made: Sendable>(
        _ numbers: [Int],
        _ work: @escaping @Sendable (Int, BlockPathCounts, BlockReader) throws(BlockError) -> Made
    ) throws(StoreError) -> [(number: Int, made: Made)]? {
        var errands: [(number: Int, errand: Errand<Made?>)] = []
        var made: [(number: Int, made: Made)] = []
        for number in numbers {
            let block = blocks[number]
            guard let bytes = try reader.blockBytes(firstSequence: block.firstSequence) else { return nil }
            if errands.count == Scan.greatestErrandCount {
                let (number, errand) = errands.removeFirst()
                guard let result = errand.result() else { return nil }
                made.append((number, result))
            }
            errands.append(
                (
                    number,
                    Errand(isSmall: Scan.greatestErrandCount == 1) {
                        guard let reader = try? BlockReader(bytes), block.isOf(reader.header) else { return nil }
                        return try? work(number, block, reader)
                    }
                ))
        }
        for (number, errand) in errands {
            guard let result = errand.result() else { return nil }
            made.append((number, result))
        }
        return made
    }
}
