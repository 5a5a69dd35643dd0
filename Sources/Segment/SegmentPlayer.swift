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
    /// Parameters:
    ///   - stored: a block as the file has it, by its index.
    ///   - changed: told every page that a commit wrote.
    /// Throws: `notContiguous` unless it continues where the pages are; `stateMismatch`; what the store and `stored` throw.
    package mutating func play(
        _ index: SegmentIndex, upTo last: UInt64, into target: inout some PageStore,
        stored: (Int) throws -> [UInt8], changed: (UInt32) -> Void = { _ in }
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
                changed(page)
                position += 1
                guard position == table.commits[entry].pages.upperBound else { continue }
                try end(table.commits[entry], &target)
                entry += 1
                guard entry < table.commits.count, table.commits[entry].number <= last else { return }
            }
        }
    }

    private mutating func end(_ entry: SegmentTable.Commit, _ target: inout some PageStore) throws {
        hashes.resize(to: entry.databasePageCount)
        try target.resize(to: entry.databasePageCount)
        guard hashes.state == entry.state else {
            throw SegmentError(.stateMismatch, "after commit \(entry.number)")
        }
        commit = entry.number
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
