import Block
import Model
import Segment

extension FuzzTarget {
    /// More than the databases of `SeedInputs` have.
    static let greatestPageCount: UInt32 = 10_000

    /// Input: the header of a segment, two bytes of a count, so many bytes of the table's content, the blocks.
    ///
    /// The hashes of header and table are made right, the content is compressed here. The segment is then played on pages
    /// whose state is the one that it asks for.
    static func runSegment(_ input: [UInt8]) {
        var cursor = InputCursor(input)
        let isJoined = input.count > 8 && input[8] == 2
        let headByteCount = isJoined ? SegmentHeader.greatestByteCount : SegmentHeader.leastByteCount
        var head = cursor.bytes(headByteCount)
        guard head.count == headByteCount else { return }
        head.put(XXH3.hash64(Array(head.dropLast(8))), 8, at: head.count - 8)
        let content = cursor.counted()
        let blocks = Array(cursor.rest)
        guard var header = try? SegmentHeader(head), var compressor = try? Compressor() else { return }
        var table: [UInt8] = []
        guard (try? compressor.compress(content, level: 1, to: &table)) != nil else { return }
        header.tableContentByteCount = content.count
        header.tableByteCount = table.count
        header.tableHash = XXH3.hash64(table)
        guard header.pagesBefore <= greatestPageCount else { return }
        var hashes = PageHashes(stream: header.stream)
        hashes.resize(to: header.pagesBefore)
        header.stateBefore = hashes.state
        guard let index = try? SegmentIndex(header: header, tableBytes: table) else { return }
        precondition(index.table.pages.count == index.table.blocks.reduce(0) { $0 + $1.pageCount })
        precondition(index.table.commits.count == header.commitCount)
        guard var player = try? SegmentPlayer(hashes: hashes, commit: header.firstCommit - 1) else { return }
        var pages = PlayedPages(pageSize: Int(header.pageSize))
        try? player.play(index, upTo: .max, into: &pages) { number in
            let start = min(blocks.count, index.blockOffsets[number] - headByteCount)
            return Array(blocks[start...].prefix(index.table.blocks[number].byteCount))
        }
        for set in index.table.sets.indices { _ = index.table.processes(ofSet: set) }
        _ = index.table.storedByteCounts()
        checkParts(of: index)
    }
}

extension FuzzTarget {
    /// What can be read by parts says in them what it says as a whole.
    private static func checkParts(of index: SegmentIndex) {
        let header = index.header
        for first in (header.firstCommit...max(header.firstCommit, header.lastCommit)).prefix(16) {
            guard let part = try? index.part(first, through: header.lastCommit) else { continue }
            precondition(part.header.commitCount == part.table.commits.count)
            precondition(part.table.pages.count == part.table.blocks.reduce(0) { $0 + $1.pageCount })
            precondition(part.table.commits.allSatisfy { $0.pages.upperBound <= part.table.pages.count })
            precondition(part.blockOffsets.count == part.table.blocks.count)
            precondition(part.header.stateAfter == header.stateAfter)
        }
    }
}

/// The pages that a segment wrote; before that all are zero.
struct PlayedPages: PageStore {
    let pageSize: Int
    private var pages: [UInt32: [UInt8]] = [:]

    init(pageSize: Int) {
        self.pageSize = pageSize
    }

    func page(_ number: UInt32) -> [UInt8]? {
        pages[number] ?? [UInt8](repeating: 0, count: pageSize)
    }

    mutating func write(_ number: UInt32, _ bytes: ArraySlice<UInt8>) {
        precondition(bytes.count == pageSize)
        pages[number] = Array(bytes)
    }

    mutating func resize(to count: UInt32) {
        pages = pages.filter { $0.key <= count }
    }
}
