import Block
import Segment

extension FuzzTarget {
    /// Input: a base image. The hashes of its header, of its blocks and of the whole are made right where they stand. A rebase
    /// is laid over pages whose state is the one that it asks for.
    static func runBase(_ input: [UInt8]) {
        let foot = BaseImageHeader.footerByteCount
        guard input.count >= BaseImageHeader.greatestByteCount + foot else { return }
        var bytes = input
        let isRebase = bytes[10] == UInt8(BaseImageHeader.greatestByteCount)
        let head = isRebase ? BaseImageHeader.greatestByteCount : BaseImageHeader.leastByteCount
        if isRebase { bytes.put(0, 8, at: stateOffset) }
        bytes.put(XXH3.hash64(Array(bytes[..<(head - 8)])), 8, at: head - 8)
        guard let header = try? BaseImageHeader(Array(bytes[..<head])),
            let count = BaseImageIndex.indexByteCount(footer: Array(bytes.suffix(foot)), fileByteCount: bytes.count)
        else { return }
        let start = bytes.count - foot - count
        let hashed = Array(bytes[..<head]) + bytes[start..<bytes.count - 24]
        // SAFETY: bytes are initialised memory without padding; the span does not outlive the call.
        let hash = XXH3.hash128(unsafe hashed.span.bytes)
        bytes.put(hash.low, 8, at: bytes.count - 24)
        bytes.put(hash.high, 8, at: bytes.count - 16)
        guard
            let index = try? BaseImageIndex(
                header: header, tail: Array(bytes[start...]), fileByteCount: bytes.count),
            var unpacker = try? BlockUnpacker()
        else { return }
        for page in [0, 1, header.pageCount / 2, header.pageCount, header.pageCount &+ 1, .max] {
            guard let block = index.block(of: page) else { continue }
            precondition(
                index.blocks.indices.contains(block) && index.position(of: page) < index.blocks[block].pageCount)
        }
        for var block in index.blocks {
            let stored = Array(bytes[block.offset..<block.offset + block.byteCount])
            block.hash = XXH3.hash64(stored)
            let pages = try? unpacker.unpack(block, stored: stored, pageSize: Int(header.pageSize))
            precondition(pages.map { $0.count == block.pageCount * Int(header.pageSize) } ?? true)
        }
        guard let rebase = header.rebase, rebase.pageCount <= greatestPageCount else { return }
        precondition(index.pages.count == index.blocks.reduce(0) { $0 + $1.pageCount })
        var hashes = PageHashes(stream: header.stream)
        hashes.resize(to: rebase.pageCount)
        guard var player = try? SegmentPlayer(hashes: hashes, commit: rebase.builtOn) else { return }
        var target = PlayedPages(pageSize: Int(header.pageSize))
        try? player.play(index, into: &target) { number in
            Array(bytes[index.blocks[number].offset...].prefix(index.blocks[number].byteCount))
        }
    }

    /// Where a rebase names the state that it builds on.
    private static let stateOffset = 72
}
