package import Model

/// The paths of a block that the most of some events are about: of all its events, or of those of one operation.
///
/// Kept of merged blocks, so that whoever asks for the paths with the most events need not decode a column of a block that is
/// asked for whole. Part 24 of schema/README.md.
package struct BusiestPaths: Hashable, Sendable {
    package struct Entry: Hashable, Sendable {
        package let path: PathIndex
        /// More than 0.
        package let count: UInt32
    }

    /// How many events there are.
    package var eventCount = 0
    /// How many of them have no path.
    package var pathlessCount = 0
    /// No path that is not among the entries has more events.
    package var mostBeside: UInt32 = 0
    /// All paths with events of which only the last name is known, by rising index.
    package var nameOnly: [Entry] = []
    /// Of the other paths those with the most events, by rising index.
    package var entries: [Entry] = []
}

/// Which events a list of `BusiestPaths` is of, as it is stored: 0 all, else 1 + the bit of an operation.
typealias BusiestPathsKey = Int

extension BlockReader {
    /// The busiest paths of all events, or of those with a bit of `operation`, which has one; nil where the block does not
    /// say.
    package func busiestPaths(of operation: EventMask = []) throws(BlockError) -> BusiestPaths? {
        let key = operation.isEmpty ? 0 : 1 + operation.rawValue.trailingZeroBitCount
        return try busiestPathLists().first { $0.key == key }?.list
    }

    /// All that the block has.
    func busiestPathLists() throws(BlockError) -> [(key: BusiestPathsKey, list: BusiestPaths)] {
        let content = try part(.busiestPaths)
        guard !content.isEmpty else { return [] }
        return try decoding("busiest paths") { () throws(PartError) in
            // SAFETY: bytes are initialised memory without padding; the span does not outlive the array.
            var cursor = unsafe ByteCursor(content.span.bytes)
            var lists: [(key: BusiestPathsKey, list: BusiestPaths)] = []
            for _ in 0..<(try cursor.count(atMost: 1 + UInt32.bitWidth)) {
                let key = try cursor.count(atMost: UInt32.bitWidth)
                guard key > lists.last?.key ?? -1 else { throw .malformed("keys do not rise") }
                lists.append((key, try BusiestPaths(&cursor, pathCount: header.pathCount, eventCount: header.count)))
            }
            try cursor.expectEnd()
            return lists
        }
    }
}

extension BusiestPaths {
    fileprivate init(_ cursor: inout ByteCursor, pathCount: Int, eventCount limit: Int) throws(PartError) {
        eventCount = try cursor.count(atMost: limit)
        pathlessCount = try cursor.count(atMost: eventCount)
        mostBeside = UInt32(try cursor.count(atMost: eventCount))
        // An entry takes two bytes at least.
        let nameOnlyCount = try cursor.count(atMost: min(pathCount, cursor.remainingByteCount / 2))
        let entryCount = try cursor.count(atMost: min(pathCount - nameOnlyCount, cursor.remainingByteCount / 2))
        nameOnly = try Self.entries(&cursor, nameOnlyCount, pathCount: pathCount, eventCount: limit)
        entries = try Self.entries(&cursor, entryCount, pathCount: pathCount, eventCount: limit)
    }

    private static func entries(
        _ cursor: inout ByteCursor, _ count: Int, pathCount: Int, eventCount: Int
    ) throws(PartError) -> [Entry] {
        var entries: [Entry] = []
        entries.reserveCapacity(count)
        var next = 0
        for _ in 0..<count {
            guard next < pathCount else { throw .malformed("path beyond its table") }
            let path = next + (try cursor.count(atMost: pathCount - 1 - next))
            let events = try cursor.count(atMost: eventCount)
            guard events > 0 else { throw .malformed("path without events") }
            entries.append(Entry(path: PathIndex(path), count: UInt32(events)))
            next = path + 1
        }
        return entries
    }

    func append(_ key: BusiestPathsKey, to bytes: inout [UInt8]) {
        for number in [key, eventCount, pathlessCount, Int(mostBeside), nameOnly.count, entries.count] {
            bytes.appendVarint(number)
        }
        for list in [nameOnly, entries] {
            var next = 0
            for entry in list {
                bytes.appendVarint(Int(entry.path) - next)
                bytes.appendVarint(UInt64(entry.count))
                next = Int(entry.path) + 1
            }
        }
    }
}
