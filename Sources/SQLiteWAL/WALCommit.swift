/// One transaction of a WAL: its pages as they are after it.
package struct WALCommit: Hashable, Sendable {
    /// The number of its commit frame.
    package var frame: UInt32
    /// The last of the frames that only repeat the commit frame, else `frame`.
    package var lastFrame: UInt32
    package var salts: WALSalts
    /// The running checksum behind its commit frame, as the frame says it.
    package var checksum: WALChecksum
    package var databasePageCount: UInt32
    /// How many frames it was written in, without those that only fill a sector.
    package var frameCount: UInt32
    /// Ascending, each once, none above `databasePageCount`.
    package var pages: [UInt32]
    /// The pages' contents in that order.
    package var bytes: [UInt8]
    /// It had more pages than may be held; `pages` and `bytes` are empty.
    package var isOversized = false
}

/// Gathers the frames of one transaction.
package struct CommitGatherer: Sendable {
    package let pageSize: WALPageSize
    private var pages: [UInt32] = []
    private var bytes: [UInt8] = []

    package init(pageSize: WALPageSize) {
        self.pageSize = pageSize
    }

    package var isEmpty: Bool { pages.isEmpty }
    /// Bytes of the pages that were gathered, each version counted.
    package var byteCount: Int { bytes.count }

    /// Takes one frame's page, which must be of the page size.
    package mutating func add(page: UInt32, contents: RawSpan) {
        precondition(contents.byteCount == pageSize.byteCount, "a page of another size")
        if bytes.isEmpty { bytes.reserveCapacity(pageSize.byteCount) }
        pages.append(page)
        bytes.append(contentsOf: contents)
    }

    package mutating func removeAll() {
        pages = []
        bytes = []
    }

    /// Ends the transaction with the commit frame that was added last, and begins the next.
    package mutating func finish(_ header: WALFrameHeader, frame: UInt32) -> WALCommit {
        var commit = WALCommit(
            frame: frame, lastFrame: frame, salts: header.salts, checksum: header.checksum,
            databasePageCount: header.databasePageCount,
            frameCount: UInt32(clamping: pages.count), pages: pages, bytes: bytes)
        removeAll()
        if !Self.isInOrder(commit.pages, upTo: header.databasePageCount) { putInOrder(&commit) }
        return commit
    }

    /// As SQLite writes a transaction that fits its cache.
    private static func isInOrder(_ pages: [UInt32], upTo last: UInt32) -> Bool {
        var before: UInt32 = 0
        for page in pages {
            guard page > before, page <= last else { return false }
            before = page
        }
        return true
    }

    /// A page that was written twice counts as it was last; what the transaction cut off is no page of its result.
    private func putInOrder(_ commit: inout WALCommit) {
        let size = pageSize.byteCount
        let places = commit.pages.indices.sorted {
            (commit.pages[$0], $0) < (commit.pages[$1], $1)
        }
        var pages: [UInt32] = []
        var bytes: [UInt8] = []
        bytes.reserveCapacity(commit.bytes.count)
        for (position, place) in places.enumerated() {
            let page = commit.pages[place]
            let isLast = position + 1 == places.count || commit.pages[places[position + 1]] != page
            guard isLast, page <= commit.databasePageCount else { continue }
            pages.append(page)
            bytes += commit.bytes[place * size..<(place + 1) * size]
        }
        commit.pages = pages
        commit.bytes = bytes
    }
}

extension WALCommit {
    /// It says again what the commit frame before it said: where sectors are not written atomically, SQLite fills the
    /// last one of a transaction so (`psow=0`, `synchronous=FULL`).
    ///
    /// Whether it was a transaction of its own that changed nothing, only the count of commits can tell.
    func looksLikePadding(after earlier: WALCommit) -> Bool {
        guard pages.count == 1, frameCount == 1, frame == earlier.lastFrame + 1, salts == earlier.salts,
            databasePageCount == earlier.databasePageCount, let place = earlier.pages.lastIndex(of: pages[0])
        else { return false }
        let size = bytes.count
        let start = place * size
        // SAFETY: both spans are of arrays that live through the call, which only reads them.
        return unsafe bytes.span.bytes.isEqual(to: earlier.bytes.span.bytes.extracting(start..<start + size))
    }

    /// The commits with those that look like padding made part of the one before.
    package static func withoutPadding(_ commits: [WALCommit]) -> [WALCommit] {
        var result: [WALCommit] = []
        result.reserveCapacity(commits.count)
        for commit in commits {
            if let last = result.last, commit.looksLikePadding(after: last) {
                result[result.count - 1].lastFrame = commit.frame
                result[result.count - 1].checksum = commit.checksum
            } else {
                result.append(commit)
            }
        }
        return result
    }
}
