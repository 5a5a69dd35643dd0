package import Block

/// Writes a base image in slices: pages go in by rising number, pieces of the file come out.
///
/// Thread: one. Cost: one block of pages, and 8 bytes a page for their hashes.
package struct BaseImageEncoder: ~Copyable {
    package let header: BaseImageHeader
    /// The hashes of the pages so far; of all of them once it is finished.
    package private(set) var hashes: PageHashes
    /// What comes next.
    package private(set) var nextPage: UInt32 = 1

    private let lockPage: UInt32
    private let pagesInBlock: Int
    private var pending: [UInt8] = []
    private var index: [UInt8] = []
    private var blockCount = 0
    private var blockPageCount = 0
    private var compressor: Compressor
    private static let level: Int32 = 3

    /// The last piece of a base image and what its row says.
    package struct End: Sendable {
        package var bytes: [UInt8]
        package var state: UInt64
        package var hash: EventsHash
    }

    /// Throws: `limitExceeded` for a page size that SQLite does not have, `compression`.
    package init(_ header: BaseImageHeader) throws(SegmentError) {
        guard SegmentLimits.isPageSize(header.pageSize) else {
            throw SegmentError(.limitExceeded, "page size \(header.pageSize)")
        }
        let newCompressor = try Compressor.make()
        self.header = header
        hashes = PageHashes(stream: header.stream)
        lockPage = SegmentLimits.lockPage(pageSize: header.pageSize)
        pagesInBlock = SegmentLimits.pageCount(pageSize: Int(header.pageSize))
        compressor = newCompressor
    }

    /// The first piece of the file.
    package var start: [UInt8] { header.bytes }

    /// Takes in the next pages, whole, the first of them `nextPage`; appends what of the file is ready to `output`.
    ///
    /// The lock page, if it lies among them, must be there and is left out. Throws: `incomplete` for a part of a page or
    /// pages beyond the end.
    package mutating func append(_ pages: [UInt8], to output: inout [UInt8]) throws(SegmentError) {
        let size = Int(header.pageSize)
        let count = pages.count / size
        guard count * size == pages.count, UInt64(nextPage) + UInt64(count) <= UInt64(header.pageCount) + 1 else {
            throw SegmentError(.incomplete, "\(pages.count) bytes of pages from page \(nextPage)")
        }
        for position in 0..<count {
            let page = nextPage
            nextPage += 1
            let range = position * size..<(position + 1) * size
            if page == lockPage {
                hashes.set(page, 0)
                continue
            }
            hashes.set(page, pages.withPart(range) { hashes.hash(of: page, $0) })
            pending.append(contentsOf: pages[range])
            blockPageCount += 1
            if blockPageCount == pagesInBlock { try closeBlock(to: &output) }
        }
    }

    /// Ends the file. Throws: `incomplete` when pages are missing.
    package mutating func finish() throws(SegmentError) -> End {
        guard nextPage == header.pageCount + 1 else {
            throw SegmentError(.incomplete, "a base image of \(header.pageCount) pages ends at page \(nextPage)")
        }
        var bytes: [UInt8] = []
        if !pending.isEmpty { try closeBlock(to: &bytes) }
        var table: [UInt8] = []
        table.appendVarint(blockCount)
        table.append(contentsOf: index)
        let length = table.count
        table.appendLittleEndian(UInt64(length))
        table.appendLittleEndian(hashes.state)
        let hash = BaseImageIndex.hash(header, table)
        bytes.append(contentsOf: table)
        bytes.appendLittleEndian(hash.low)
        bytes.appendLittleEndian(hash.high)
        bytes.append(contentsOf: BaseImageHeader.endMagic)
        return End(bytes: bytes, state: hashes.state, hash: hash)
    }

    private mutating func closeBlock(to output: inout [UInt8]) throws(SegmentError) {
        let start = output.count
        var codec: UInt8 = 1
        do {
            try compressor.compress(pending, prefix: [], level: Self.level, to: &output)
        } catch {
            throw SegmentError(error)
        }
        if output.count - start >= pending.count {
            output.removeSubrange(start...)
            output.append(contentsOf: pending)
            codec = 0
        }
        index.appendVarint(blockPageCount)
        index.append(codec)
        index.appendVarint(output.count - start)
        index.appendLittleEndian(output.withPart(start..<output.count) { XXH3.hash64($0) })
        blockCount += 1
        blockPageCount = 0
        pending.removeAll(keepingCapacity: true)
    }
}
