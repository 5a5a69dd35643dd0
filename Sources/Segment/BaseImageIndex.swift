package import Block

/// Where a base image has which pages. Shape: schema/README.md, "The base image file".
package struct BaseImageIndex: Hashable, Sendable {
    package struct Block: Hashable, Sendable {
        /// Of its first page; the lock page is skipped.
        package var firstPage: UInt32
        package var pageCount: Int
        package var isCompressed: Bool
        package var offset: Int
        package var byteCount: Int
        package var hash: UInt64
    }

    package let header: BaseImageHeader
    package let blocks: [Block]
    /// Of a rebase the pages that it holds, ascending; empty for a whole image.
    package let pages: [UInt32]
    /// The XOR of their hashes.
    package let heldState: UInt64
    package let state: UInt64
    package let hash: EventsHash

    static func hash(_ header: BaseImageHeader, _ table: [UInt8]) -> EventsHash {
        let bytes = header.bytes + table
        // SAFETY: bytes are initialised memory without padding; the span does not outlive the call.
        return XXH3.hash128(unsafe bytes.span.bytes)
    }

    /// The byte count of the index, from the last `footerByteCount` bytes of a file; nil when they are none.
    package static func indexByteCount(footer: [UInt8], fileByteCount: Int) -> Int? {
        guard footer.count == BaseImageHeader.footerByteCount, footer.suffix(8).elementsEqual(BaseImageHeader.endMagic)
        else { return nil }
        let count = footer.prefix(8).reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        let room = fileByteCount - BaseImageHeader.leastByteCount - BaseImageHeader.footerByteCount
        // Some fifteen bytes a block of 512 bytes at least; a file of the greatest database has less than 64 MiB.
        guard room >= 0, count <= UInt64(room), count <= UInt64(SegmentLimits.tableByteCount) else { return nil }
        return Int(count)
    }

    /// Parameter tail: the index and the footer.
    /// Throws: `damaged`, `malformed`, `incomplete`.
    package init(header: BaseImageHeader, tail: [UInt8], fileByteCount: Int) throws(SegmentError) {
        let tableEnd = tail.count - 24
        guard tail.count > BaseImageHeader.footerByteCount,
            Self.indexByteCount(
                footer: Array(tail.suffix(BaseImageHeader.footerByteCount)), fileByteCount: fileByteCount)
                == tail.count - BaseImageHeader.footerByteCount
        else { throw SegmentError(.damaged, "footer") }
        hash = Self.hash(header, Array(tail[..<tableEnd]))
        self.header = header
        do {
            // SAFETY: bytes are initialised memory without padding; the cursor does not outlive the array.
            var cursor = ByteCursor(unsafe tail.span.bytes)
            let end = fileByteCount - tail.count
            (pages, heldState) = try Self.pages(&cursor, header)
            blocks = try Self.blocks(&cursor, header, pages, end: end)
            guard cursor.offset == tail.count - BaseImageHeader.footerByteCount else {
                throw SegmentError(.malformed, "index")
            }
            _ = try cursor.littleEndian64()
            state = try cursor.littleEndian64()
            let stored = EventsHash(high: 0, low: try cursor.littleEndian64())
            guard stored.low == hash.low, try cursor.littleEndian64() == hash.high else {
                throw SegmentError(.damaged, "the file's hash")
            }
        } catch let error as SegmentError {
            throw error
        } catch let error as PartError {
            throw SegmentError(error, "index")
        } catch {
            throw SegmentError(.malformed, "index")
        }
        guard let rebase = header.rebase else { return }
        // So a database cannot grow by more than what is stored.
        try SegmentTable.checkCompleteness(
            pages[...], number: header.commit, from: rebase.pageCount, to: header.pageCount,
            SegmentLimits.lockPage(pageSize: header.pageSize))
    }

    private static func pages(
        _ cursor: inout ByteCursor, _ header: BaseImageHeader
    ) throws(PartError) -> (pages: [UInt32], heldState: UInt64) {
        guard let rebase = header.rebase else { return ([], 0) }
        // Each takes at least one byte.
        guard Int(rebase.heldPageCount) <= cursor.remainingByteCount else { throw .truncated }
        let lockPage = SegmentLimits.lockPage(pageSize: header.pageSize)
        var pages: [UInt32] = []
        pages.reserveCapacity(Int(rebase.heldPageCount))
        var page: UInt64 = 0
        for _ in 0..<rebase.heldPageCount {
            let step = try cursor.varint()
            guard step > 0, step <= UInt64(header.pageCount) - page, page + step != UInt64(lockPage) else {
                throw .malformed("page numbers")
            }
            page += step
            pages.append(UInt32(page))
        }
        return (pages, try cursor.littleEndian64())
    }

    /// Parameter pages: those that a rebase holds.
    private static func blocks(
        _ cursor: inout ByteCursor, _ header: BaseImageHeader, _ pages: [UInt32], end: Int
    ) throws(PartError) -> [Block] {
        let limit = SegmentLimits.pageCount(pageSize: Int(header.pageSize))
        let lockPage = SegmentLimits.lockPage(pageSize: header.pageSize)
        let count = try cursor.count(atMost: cursor.remainingByteCount / 11)
        var blocks: [Block] = []
        var page: UInt64 = 1
        var takenPageCount = 0
        var offset = header.byteCount
        for position in 0..<count {
            if page == UInt64(lockPage) { page += 1 }
            let pageCount = try cursor.count(atMost: limit)
            let codec = try cursor.byte()
            let rawByteCount = pageCount * Int(header.pageSize)
            let byteCount = try cursor.count(atMost: rawByteCount)
            guard pageCount > 0, pageCount == limit || position == count - 1, codec <= 1, byteCount > 0,
                codec == 1 || byteCount == rawByteCount
            else { throw .malformed("block") }
            guard header.rebase == nil || takenPageCount + pageCount <= pages.count else { throw .malformed("block") }
            let firstPage = header.rebase == nil ? UInt32(truncatingIfNeeded: page) : pages[takenPageCount]
            blocks.append(
                Block(
                    firstPage: firstPage, pageCount: pageCount, isCompressed: codec == 1, offset: offset,
                    byteCount: byteCount, hash: try cursor.littleEndian64()))
            takenPageCount += pageCount
            let last = page + UInt64(pageCount) - 1
            page = last + (UInt64(lockPage) > page && UInt64(lockPage) <= last ? 2 : 1)
            offset += byteCount
        }
        // The lock page may be the last one of the database; then no block ends behind it.
        if page == UInt64(lockPage), page == UInt64(header.pageCount) { page += 1 }
        let isComplete =
            header.rebase == nil ? page == UInt64(header.pageCount) + 1 : takenPageCount == pages.count
        guard isComplete, offset == end else {
            throw .malformed("blocks that do not hold the pages of the database")
        }
        return blocks
    }

    /// The block of a whole image that has a page; nil for the lock page and beyond the end.
    package func block(of page: UInt32) -> Int? {
        guard header.rebase == nil, page > 0, page <= header.pageCount,
            page != SegmentLimits.lockPage(pageSize: header.pageSize)
        else { return nil }
        return slot(of: page) / SegmentLimits.pageCount(pageSize: Int(header.pageSize))
    }

    /// Which of a block's pages it is.
    package func position(of page: UInt32) -> Int {
        slot(of: page) % SegmentLimits.pageCount(pageSize: Int(header.pageSize))
    }

    private func slot(of page: UInt32) -> Int {
        Int(page) - 1 - (page > SegmentLimits.lockPage(pageSize: header.pageSize) ? 1 : 0)
    }
}

extension BlockUnpacker {
    /// The pages of a base image's block. Throws: `damaged`.
    package mutating func unpack(
        _ block: BaseImageIndex.Block, stored: [UInt8], pageSize: Int
    ) throws(SegmentError) -> [UInt8] {
        guard stored.count == block.byteCount, XXH3.hash64(stored) == block.hash else {
            throw SegmentError(.damaged, "block of page \(block.firstPage)")
        }
        guard block.isCompressed else { return stored }
        let entry = SegmentTable.Block(
            pageCount: block.pageCount, codec: .frame, byteCount: block.byteCount, lacking: [])
        return try unpack(
            entry, stored: stored, pages: Array(repeating: block.firstPage, count: block.pageCount)[...],
            pageSize: pageSize
        ) { _ in nil }
    }
}
