package import Block
internal import Model

/// A finished segment: the bytes of its file and what its row says.
package struct EncodedSegment: Sendable {
    package var header: SegmentHeader
    /// Of the file, as its footer has it: the next segment's `previousHash`.
    package var hash: EventsHash
    package var bytes: [UInt8]
}

extension EncodedSegment {
    /// Puts a file together; of the header what concerns sizes and hashes of its parts is set here.
    ///
    /// Parameters: `blocks` as stored, one after the other; `compress` appends its first argument, compressed, to the other.
    /// Throws: `limitExceeded` for a table that is too large, `compression`.
    init(
        _ start: SegmentHeader, _ table: SegmentTable, blocks: [UInt8],
        compress: ([UInt8], inout [UInt8]) throws(SegmentError) -> Void
    ) throws(SegmentError) {
        var header = start
        header.blocksByteCount = blocks.count
        let content = table.encoded(header)
        guard content.count <= SegmentLimits.tableByteCount else { throw SegmentError(.limitExceeded, "table") }
        var frame: [UInt8] = []
        try compress(content, &frame)
        header.tableByteCount = frame.count
        header.tableContentByteCount = content.count
        header.tableHash = XXH3.hash64(frame)
        var bytes = header.bytes
        bytes.reserveCapacity(header.fileByteCount)
        bytes.append(contentsOf: blocks)
        bytes.append(contentsOf: frame)
        // SAFETY: bytes are initialised memory without padding; the span does not outlive the call.
        let hash = XXH3.hash128(unsafe bytes.span.bytes)
        bytes.appendLittleEndian(hash.low)
        bytes.appendLittleEndian(hash.high)
        bytes.append(contentsOf: SegmentHeader.endMagic)
        self.init(header: header, hash: hash, bytes: bytes)
    }
}

/// Turns the commits of one stream into segments, one after the other.
///
/// Contiguity, completeness and states are checked here, when they are written; every block is decoded again and
/// compared. What does not fit throws before anything is changed, and the encoder stays usable.
/// Thread: one. Cost: the raw pages of a block, their prefix, the hash table of all pages, 4 MiB of recent pages.
package struct SegmentEncoder: ~Copyable {
    package let stream: UUIDBytes
    package let pageSize: UInt32
    /// Where the stream stands; nil while no base image is known: then segments are not anchored.
    package private(set) var hashes: PageHashes?
    package private(set) var databasePageCount: UInt32
    /// The last commit taken in, or the last number of a gap.
    package private(set) var lastCommit: UInt64
    /// Of the last finished segment; zeros when there is none.
    package private(set) var lastHash: EventsHash

    private var header: SegmentHeader
    private var table = SegmentTable()
    private var payload: [UInt8] = []
    private var packer: BlockPacker
    private var cache: PageCache
    private var processIndices: [ActorProcess: Int] = [:]
    private var setIndices: [[Int]: Int] = [:]
    /// What `set` was last asked for, and what it said.
    private var lastSet: (processes: [ActorProcess], index: Int)?

    /// Commits of a few pages share a block until this much has come together: pages that change again and again repeat
    /// within it, and a zstd frame costs time of its own.
    package static let usualGroupByteCount = 128 << 10
    private static let cacheByteCount = 4 << 20
    /// zstd's.
    static let tableLevel: Int32 = 3

    /// Begins behind `lastCommit`, at which the database had `databasePageCount` pages with these hashes.
    ///
    /// Parameter groupByteCount: how many bytes of pages must have come together before a block ends with a commit; 0
    /// gives every commit blocks of its own.
    /// Throws: `limitExceeded` for a page size that SQLite does not have.
    package init(
        stream: UUIDBytes, pageSize: UInt32, hashes: PageHashes?, databasePageCount: UInt32, lastCommit: UInt64,
        lastHash: EventsHash, groupByteCount: Int = SegmentEncoder.usualGroupByteCount
    ) throws(SegmentError) {
        guard SegmentLimits.isPageSize(pageSize) else { throw SegmentError(.limitExceeded, "page size \(pageSize)") }
        let newPacker = try BlockPacker(pageSize: Int(pageSize), groupByteCount: groupByteCount)
        self.stream = stream
        self.pageSize = pageSize
        self.hashes = hashes
        self.databasePageCount = databasePageCount
        self.lastCommit = lastCommit
        self.lastHash = lastHash
        header = SegmentHeader(
            stream: stream, pageSize: pageSize, isAnchored: hashes != nil, firstCommit: lastCommit &+ 1,
            previousHash: lastHash)
        packer = newPacker
        cache = PageCache(byteLimit: Self.cacheByteCount, pageSize: Int(pageSize))
        begin()
    }

    /// Commits in the segment under way.
    package var commitCount: Int { table.commits.count }
    /// Stored and waiting bytes of the segment under way; about what the file will have at most.
    package var byteCount: Int { payload.count + packer.rawByteCount }
    package var isEmpty: Bool { table.commits.isEmpty && table.gaps.isEmpty }

    /// Takes in the next commit.
    ///
    /// Parameter previous: the version of a page before this commit, where it can be had; what does not have the hash
    /// that it should is not used. Not asked for pages that came lately.
    /// Throws: `notContiguous`, `incomplete`, `limitExceeded`, `compression`, `stateMismatch`.
    package mutating func append(
        _ commit: CapturedCommit, previous: (UInt32) -> [UInt8]?
    ) throws(SegmentError) {
        try check(commit)
        let size = Int(pageSize)
        let first = table.pages.count
        for (index, page) in commit.pages.enumerated() {
            let range = index * size..<(index + 1) * size
            let hash = commit.bytes.withPart(range) { part in
                PageHashes.hash(of: page, part, stream: stream)
            }
            if packer.isFirst(page) {
                packer.begin(page, previous: version(of: page, previous))
            }
            packer.append(page, commit.bytes[range])
            table.pages.append(page)
            hashes?.set(page, hash)
            if packer.isFull { try closeBlock() }
        }
        hashes?.resize(to: commit.databasePageCount)
        databasePageCount = commit.databasePageCount
        lastCommit = commit.number
        note(commit, pages: first..<table.pages.count)
        if packer.hasEnough { try closeBlock() }
    }

    /// Puts down what is missing before the next commit; only at the start of a segment, since commits in one segment
    /// are contiguous. From here on states are not known until `rebase`.
    ///
    /// Throws: `notContiguous`.
    package mutating func append(_ gap: CaptureGap) throws(SegmentError) {
        guard table.commits.isEmpty, gap.first == lastCommit &+ 1, gap.last >= gap.first, gap.last < 1 << 62 else {
            throw SegmentError(.notContiguous, "gap \(gap.first) to \(gap.last) after \(lastCommit)")
        }
        table.gaps.append(gap)
        lastCommit = gap.last
        hashes = nil
        cache.removeAll()
        include(gap.low, gap.high)
        begin()
    }

    /// Goes on from a base image of `lastCommit`; only between segments.
    ///
    /// Throws: `notContiguous` in the middle of a segment.
    package mutating func rebase(_ hashes: PageHashes?, databasePageCount: UInt32) throws(SegmentError) {
        guard table.commits.isEmpty else { throw SegmentError(.notContiguous, "a base image within a segment") }
        self.hashes = hashes
        self.databasePageCount = databasePageCount
        cache.removeAll()
        begin()
    }

    /// Ends the segment and begins the next. Nil when there is nothing in it.
    package mutating func finish() throws(SegmentError) -> EncodedSegment? {
        guard !isEmpty else { return nil }
        if !packer.isEmpty { try closeBlock() }
        header.commitCount = table.commits.count
        header.blockCount = table.blocks.count
        header.pagesAfter = databasePageCount
        header.stateAfter = hashes?.state ?? 0
        let segment = try EncodedSegment(header, table, blocks: payload) { (content, frame) throws(SegmentError) in
            try packer.compress(content, level: Self.tableLevel, to: &frame)
        }
        lastHash = segment.hash
        reset()
        return segment
    }
}

extension SegmentEncoder {
    private func check(_ commit: CapturedCommit) throws(SegmentError) {
        guard commit.number == lastCommit &+ 1, commit.number < 1 << 62 else {
            throw SegmentError(.notContiguous, "commit \(commit.number) after \(lastCommit)")
        }
        guard table.commits.count < SegmentLimits.commitCount else {
            throw SegmentError(.limitExceeded, "more than \(SegmentLimits.commitCount) commits")
        }
        guard commit.bytes.count == commit.pages.count * Int(pageSize) else {
            throw SegmentError(.incomplete, "commit \(commit.number) has \(commit.bytes.count) bytes of pages")
        }
        var last: UInt32 = 0
        for page in commit.pages {
            guard page > last else { throw SegmentError(.malformed, "pages of commit \(commit.number) do not ascend") }
            last = page
        }
        guard last > 0, last <= commit.databasePageCount, commit.databasePageCount > 0 else {
            throw SegmentError(.incomplete, "commit \(commit.number) has page \(last) of \(commit.databasePageCount)")
        }
        // Without a base image the size before the first commit is not known either.
        guard hashes != nil || !table.commits.isEmpty else { return }
        try SegmentTable.checkCompleteness(
            commit.pages[...], number: commit.number, from: databasePageCount, to: commit.databasePageCount,
            SegmentLimits.lockPage(pageSize: pageSize))
    }

    /// The version of a page before the block under way, proven by its hash.
    private func version(of page: UInt32, _ previous: (UInt32) -> [UInt8]?) -> [UInt8]? {
        guard let hashes, page <= hashes.pageCount else { return nil }
        guard let bytes = cache[page] ?? previous(page), bytes.count == Int(pageSize) else { return nil }
        let hash = bytes.withPart(0..<bytes.count) { hashes.hash(of: page, $0) }
        return hash == hashes[page] ? bytes : nil
    }

    private mutating func closeBlock() throws(SegmentError) {
        // Within a block versions are not asked for.
        packer.forEachNewest { page, bytes in cache.store(page, bytes) }
        table.blocks.append(try packer.close(appendingTo: &payload))
    }

    private mutating func note(_ commit: CapturedCommit, pages: Range<Int>) {
        if table.commits.isEmpty, !header.isAnchored { header.pagesBefore = commit.databasePageCount }
        if commit.status == .state { header.holdsStates = true }
        table.commits.append(
            SegmentTable.Commit(
                number: commit.number, low: commit.low, high: commit.high,
                databasePageCount: commit.databasePageCount, frame: commit.frame, salts: commit.salts,
                changeCounter: commit.changeCounter, status: commit.status, attribution: commit.attribution,
                writers: set(commit.writers), checkpointer: set(commit.checkpointer), pages: pages,
                state: hashes?.state ?? 0))
        include(commit.low, commit.high)
    }

    private mutating func include(_ low: Instant, _ high: Instant) {
        header.low = min(header.low, low)
        header.high = max(header.high, high)
    }

    private mutating func set(_ processes: [ActorProcess]) -> Int {
        guard !processes.isEmpty else { return findSet([]) }
        // Mostly the very same array: then nothing of it is compared.
        if let lastSet, lastSet.processes == processes { return lastSet.index }
        let index = findSet(processes)
        lastSet = (processes, index)
        return index
    }

    private mutating func findSet(_ processes: [ActorProcess]) -> Int {
        var indices: [Int] = []
        for process in processes {
            if let index = processIndices[process] {
                indices.append(index)
            } else if table.processes.count < SegmentLimits.processCount {
                processIndices[process] = table.processes.count
                indices.append(table.processes.count)
                table.processes.append(process)
            }
        }
        if let index = setIndices[indices] { return index }
        setIndices[indices] = table.sets.count
        table.sets.append(indices)
        return table.sets.count - 1
    }

    /// What the header says of the time before the first commit.
    private mutating func begin() {
        header.firstCommit = lastCommit &+ 1
        header.isAnchored = hashes != nil
        header.pagesBefore = databasePageCount
        header.stateBefore = hashes?.state ?? 0
    }

    private mutating func reset() {
        header = SegmentHeader(
            stream: stream, pageSize: pageSize, isAnchored: hashes != nil, firstCommit: lastCommit &+ 1,
            previousHash: lastHash)
        table = SegmentTable()
        payload.removeAll(keepingCapacity: true)
        processIndices.removeAll()
        setIndices.removeAll()
        lastSet = nil
        begin()
    }
}
