package import Block

/// Writes a base image in slices: pages go in by rising number, pieces of the file come out.
///
/// Thread: one. Cost: one block of pages, and 8 bytes a page for their hashes.
package struct BaseImageEncoder: ~Copyable {
    package let header: BaseImageHeader
    /// Of a whole image the hashes of the pages so far; of a rebase those of all pages of its state.
    package private(set) var hashes: PageHashes
    /// How many pages were taken in.
    package private(set) var takenPageCount = 0

    /// The pages of a rebase.
    private let changed: [UInt32]?
    private var heldState: UInt64 = 0
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

    /// Parameter changes: what a rebase is to hold; nil for a whole image.
    ///
    /// Throws: `limitExceeded` for a page size that SQLite does not have, `compression`.
    package init(_ header: BaseImageHeader, changes: PageChanges? = nil) throws(SegmentError) {
        guard SegmentLimits.isPageSize(header.pageSize) else {
            throw SegmentError(.limitExceeded, "page size \(header.pageSize)")
        }
        let newCompressor = try Compressor.make()
        var header = header
        header.rebase = changes?.rebase
        self.header = header
        changed = changes?.pages
        hashes = changes?.hashes ?? PageHashes(stream: header.stream)
        lockPage = SegmentLimits.lockPage(pageSize: header.pageSize)
        pagesInBlock = SegmentLimits.pageCount(pageSize: Int(header.pageSize))
        compressor = newCompressor
    }

    /// The first piece of the file.
    package var start: [UInt8] { header.bytes }

    /// How many pages are to be taken in: those of a rebase, or all of the database with the lock page.
    private var pageCount: Int { changed?.count ?? Int(header.pageCount) }

    /// Takes in the next pages, whole, in order; appends what of the file is ready to `output`.
    ///
    /// The lock page, if it lies among those of a whole image, must be there and is left out.
    /// Throws: `incomplete` for a part of a page or pages beyond the end; `stateMismatch` for a page that a rebase is to hold
    /// with other bytes.
    package mutating func append(_ pages: [UInt8], to output: inout [UInt8]) throws(SegmentError) {
        let size = Int(header.pageSize)
        let count = pages.count / size
        guard count * size == pages.count, count <= pageCount - takenPageCount else {
            throw SegmentError(.incomplete, "\(pages.count) bytes of pages after \(takenPageCount) pages")
        }
        for position in 0..<count {
            let page = changed?[takenPageCount] ?? UInt32(takenPageCount) + 1
            let range = position * size..<(position + 1) * size
            if page == lockPage {
                hashes.set(page, 0)
                takenPageCount += 1
                continue
            }
            let hash = hashes.hash(of: page, pages, range)
            if changed == nil {
                hashes.set(page, hash)
            } else if hashes[page] != hash {
                throw SegmentError(.stateMismatch, "page \(page) of a rebase")
            }
            heldState ^= hash
            takenPageCount += 1
            pending.append(contentsOf: pages[range])
            blockPageCount += 1
            if blockPageCount == pagesInBlock { try closeBlock(to: &output) }
        }
    }

    /// Ends the file. Throws: `incomplete` when pages are missing, `limitExceeded` for a rebase of too many.
    package mutating func finish() throws(SegmentError) -> End {
        guard takenPageCount == pageCount else {
            throw SegmentError(.incomplete, "a base image of \(pageCount) pages ends after \(takenPageCount)")
        }
        var bytes: [UInt8] = []
        if !pending.isEmpty { try closeBlock(to: &bytes) }
        var table: [UInt8] = []
        if let changed {
            var last: UInt32 = 0
            for page in changed {
                table.appendVarint(UInt64(page - last))
                last = page
            }
            table.appendLittleEndian(heldState)
        }
        table.appendVarint(blockCount)
        table.append(contentsOf: index)
        let length = table.count
        guard length <= SegmentLimits.tableByteCount else { throw SegmentError(.limitExceeded, "index") }
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
