/// Where the pages of a database are kept while segments are played into it.
package protocol PageStore {
    /// The bytes of a page; nil where there is none.
    func page(_ number: UInt32) throws -> [UInt8]?
    mutating func write(_ number: UInt32, _ bytes: ArraySlice<UInt8>) throws
    /// Pages above `count` are dropped; asking for them later gives nil until they are written.
    mutating func resize(to count: UInt32) throws
}

/// Plays commits in order into a page store, from a base image or from where the last segment ended.
///
/// Every commit's state is compared with the recorded one, so no wrong page goes unnoticed beyond the commit that brought
/// it. Thread: one. Cost: a hash of every page written, 8 bytes a page of the database, one block.
package struct SegmentPlayer: ~Copyable {
    /// Of the pages as they are now.
    package private(set) var hashes: PageHashes
    /// The commit whose state the pages have.
    package private(set) var commit: UInt64
    private var unpacker: BlockUnpacker

    /// Parameter hashes: of the base image that stands for `commit`.
    package init(hashes: PageHashes, commit: UInt64) throws(SegmentError) {
        self.hashes = hashes
        self.commit = commit
        unpacker = try BlockUnpacker()
    }

    /// Plays a segment's commits up to `last`, or to its end.
    ///
    /// Parameter stored: a block as the file has it, by its index.
    /// Throws: `notContiguous` unless it continues where the pages are; `stateMismatch`; what the store and `stored` throw.
    package mutating func play(
        _ index: SegmentIndex, upTo last: UInt64, into target: inout some PageStore,
        stored: (Int) throws -> [UInt8]
    ) throws {
        let (header, table) = (index.header, index.table)
        guard header.firstCommit == commit + 1 else {
            throw SegmentError(.notContiguous, "segment from commit \(header.firstCommit) after commit \(commit)")
        }
        guard header.isAnchored, header.stateBefore == hashes.state, header.pagesBefore == hashes.pageCount else {
            throw SegmentError(.stateMismatch, "before commit \(header.firstCommit)")
        }
        let size = Int(header.pageSize)
        var position = 0
        var entry = 0
        for (number, block) in table.blocks.enumerated() {
            guard entry < table.commits.count, table.commits[entry].number <= last else { return }
            let pages = table.pages[position..<position + block.pageCount]
            let bytes = try unpack(block, stored: try stored(number), pages, size, target)
            for (offset, page) in pages.enumerated() {
                let range = offset * size..<(offset + 1) * size
                try target.write(page, bytes[range])
                hashes.set(page, bytes.withPart(range) { hashes.hash(of: page, $0) })
                position += 1
                guard position == table.commits[entry].pages.upperBound else { continue }
                let commit = table.commits[entry]
                try end(commit.number, commit.databasePageCount, state: commit.state, &target)
                entry += 1
                guard entry < table.commits.count, table.commits[entry].number <= last else { return }
            }
        }
    }

    /// Lays the pages of a rebase over those of the commit that it builds on.
    ///
    /// Parameter stored: a block as the file has it, by its index.
    /// Throws: `notContiguous` unless the pages are those of that commit; as the other.
    package mutating func play(
        _ index: BaseImageIndex, into target: inout some PageStore, stored: (Int) throws -> [UInt8]
    ) throws {
        guard let rebase = index.header.rebase, rebase.builtOn == commit else {
            throw SegmentError(.notContiguous, "the state after commit \(index.header.commit) after commit \(commit)")
        }
        guard rebase.state == hashes.state, rebase.pageCount == hashes.pageCount else {
            throw SegmentError(.stateMismatch, "after commit \(commit)")
        }
        let size = Int(index.header.pageSize)
        var position = 0
        for (number, block) in index.blocks.enumerated() {
            let bytes = try unpacker.unpack(block, stored: try stored(number), pageSize: size)
            for start in stride(from: 0, to: bytes.count, by: size) {
                let page = index.pages[position]
                try target.write(page, bytes[start..<start + size])
                hashes.set(page, hashes.hash(of: page, bytes, start..<start + size))
                position += 1
            }
        }
        try end(index.header.commit, index.header.pageCount, state: index.state, &target)
    }

    private mutating func end(
        _ number: UInt64, _ pageCount: UInt32, state: UInt64, _ target: inout some PageStore
    ) throws {
        hashes.resize(to: pageCount)
        try target.resize(to: pageCount)
        guard hashes.state == state else { throw SegmentError(.stateMismatch, "after commit \(number)") }
        commit = number
    }

    private mutating func unpack(
        _ block: SegmentTable.Block, stored: [UInt8], _ pages: ArraySlice<UInt32>, _ size: Int, _ target: some PageStore
    ) throws -> [UInt8] {
        var failure: (any Error)?
        do {
            return try unpacker.unpack(block, stored: stored, pages: pages, pageSize: size) { page in
                do {
                    return try target.page(page)
                } catch {
                    failure = error
                    return nil
                }
            }
        } catch {
            throw failure ?? error
        }
    }
}
