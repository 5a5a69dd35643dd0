internal import Block
internal import Model

extension SegmentTable {
    /// The table's content as its frame holds it. Throws: `damaged`.
    package static func content(of segment: EncodedSegment) throws(SegmentError) -> [UInt8] {
        let offset = SegmentIndex.tableOffset(segment.header)
        return try content(
            Array(segment.bytes[offset..<offset + segment.header.tableByteCount]), segment.header)
    }

    static func content(_ stored: [UInt8], _ header: SegmentHeader) throws(SegmentError) -> [UInt8] {
        guard XXH3.hash64(stored) == header.tableHash else { throw SegmentError(.damaged, "table") }
        var decompressor = try Decompressor.make()
        // SAFETY: bytes are initialised memory without padding; the span does not outlive the call.
        let content = decompressor.decompress(
            unsafe stored.span.bytes, prefix: [], byteCount: header.tableContentByteCount)
        guard let content else { throw SegmentError(.damaged, "table") }
        return content
    }

    /// Reads the table's content and checks it against the header. Throws: `malformed`, `incomplete`.
    package init(content bytes: [UInt8], _ header: SegmentHeader) throws(SegmentError) {
        do throws(PartError) {
            // SAFETY: bytes are initialised memory without padding; the cursor does not outlive the array.
            var cursor = ByteCursor(unsafe bytes.span.bytes)
            try readProcesses(&cursor)
            try readGaps(&cursor)
            try readCommits(&cursor, header)
            try readPages(&cursor, header)
            try readBlocks(&cursor, header)
            try cursor.expectEnd()
        } catch {
            throw SegmentError(error, "table")
        }
        try checkCompleteness(header)
    }

    private mutating func readProcesses(_ cursor: inout ByteCursor) throws(PartError) {
        for _ in 0..<(try cursor.count(atMost: min(SegmentLimits.processCount, cursor.remainingByteCount))) {
            processes.append(try ProcessCoding.read(&cursor))
        }
        for _ in 0..<(try cursor.count(atMost: cursor.remainingByteCount)) {
            var set: [Int] = []
            for _ in 0..<(try cursor.count(atMost: cursor.remainingByteCount)) {
                let index = try cursor.count(atMost: SegmentLimits.processCount)
                guard index < processes.count else { throw .malformed("index of a process") }
                set.append(index)
            }
            sets.append(set)
        }
    }

    private mutating func readGaps(_ cursor: inout ByteCursor) throws(PartError) {
        for _ in 0..<(try cursor.count(atMost: cursor.remainingByteCount)) {
            let first = try cursor.varint()
            let last = try cursor.varint()
            let missed = try cursor.varint()
            let low = Instant(nanosecondsSinceEpoch: try cursor.zigzag())
            let high = Instant(nanosecondsSinceEpoch: try cursor.zigzag())
            guard let cause = CaptureGap.Cause(rawValue: try cursor.byte()), first > 0, first <= last else {
                throw .malformed("gap")
            }
            gaps.append(
                CaptureGap(
                    first: first, last: last, missedCount: missed == 0 ? nil : missed - 1, low: low, high: high,
                    cause: cause))
        }
    }

    private mutating func readCommits(_ cursor: inout ByteCursor, _ header: SegmentHeader) throws(PartError) {
        // Each commit takes at least eight bytes of what follows.
        guard header.commitCount <= cursor.remainingByteCount / 8 else { throw .truncated }
        let count = header.commitCount
        commits.reserveCapacity(count)
        for index in 0..<count {
            commits.append(
                Commit(
                    number: header.firstCommit &+ UInt64(index), low: .distantPast, high: .distantPast,
                    databasePageCount: 0, frame: 0, salts: 0, changeCounter: nil, status: .published,
                    attribution: .unknown, writers: 0, checkpointer: 0, pages: 0..<0, state: 0))
        }
        var differences: [Int64] = []
        for _ in 0..<count { differences.append(try cursor.zigzag()) }
        var last = header.low.nanosecondsSinceEpoch
        for index in 0..<count {
            let low = last &+ differences[index]
            last = low &+ (try cursor.zigzag())
            commits[index].low = Instant(nanosecondsSinceEpoch: low)
            commits[index].high = Instant(nanosecondsSinceEpoch: last)
        }
        try readPositions(&cursor, header)
        for index in 0..<count {
            let byte = try cursor.byte()
            guard let status = CapturedCommit.Status(rawValue: byte & 15),
                let attribution = CapturedCommit.Attribution(rawValue: byte >> 4)
            else { throw .malformed("status of a commit") }
            guard status != .state || header.holdsStates else { throw .malformed("status of a commit") }
            commits[index].status = status
            commits[index].attribution = attribution
        }
        for path in [\Commit.writers, \Commit.checkpointer] {
            for index in 0..<count {
                let set = try cursor.count(atMost: sets.count)
                guard set < sets.count else { throw .malformed("set of processes") }
                commits[index][keyPath: path] = set
            }
        }
    }

    private mutating func readPositions(_ cursor: inout ByteCursor, _ header: SegmentHeader) throws(PartError) {
        var size = Int64(header.pagesBefore)
        for index in commits.indices {
            size = size &+ (try cursor.zigzag())
            guard let count = UInt32(exactly: size), count > 0 else { throw .malformed("size of the database") }
            commits[index].databasePageCount = count
        }
        var frame: Int64 = 0
        for index in commits.indices {
            frame = frame &+ (try cursor.zigzag())
            commits[index].frame = UInt32(truncatingIfNeeded: frame)
        }
        var salts: UInt64 = 0
        for index in commits.indices {
            switch try cursor.byte() {
            case 0: break
            case 1: salts = try cursor.littleEndian64()
            default: throw .malformed("salts")
            }
            commits[index].salts = salts
        }
        var counter: Int64 = 0
        for index in commits.indices {
            let code = try cursor.varint()
            guard code > 0 else { continue }
            counter = counter &+ Zigzag.decode(code - 1)
            commits[index].changeCounter = UInt32(truncatingIfNeeded: counter)
        }
    }

    private mutating func readPages(_ cursor: inout ByteCursor, _ header: SegmentHeader) throws(PartError) {
        for index in commits.indices {
            let first = pages.count
            let size = UInt64(commits[index].databasePageCount)
            var page: UInt64 = 0
            for _ in 0..<(try cursor.count(atMost: cursor.remainingByteCount)) {
                let step = try cursor.varint()
                guard step > 0, step <= size, page + step <= size else { throw .malformed("page numbers") }
                page += step
                pages.append(UInt32(page))
            }
            guard pages.count > first else { throw .malformed("commit without pages") }
            commits[index].pages = first..<pages.count
        }
        guard header.isAnchored else { return }
        for index in commits.indices { commits[index].state = try cursor.littleEndian64() }
    }

    private mutating func readBlocks(_ cursor: inout ByteCursor, _ header: SegmentHeader) throws(PartError) {
        guard header.blockCount <= cursor.remainingByteCount / 3 else { throw .truncated }
        let limit = SegmentLimits.pageCount(pageSize: Int(header.pageSize))
        var pageCount = 0
        var byteCount = 0
        for _ in 0..<header.blockCount {
            var block = Block(pageCount: try cursor.count(atMost: limit), codec: .raw, byteCount: 0, lacking: [])
            guard let codec = Block.Codec(rawValue: try cursor.byte()) else { throw .malformed("codec") }
            block.codec = codec
            let rawByteCount = block.pageCount * Int(header.pageSize)
            block.byteCount = try cursor.count(atMost: rawByteCount)
            guard block.pageCount > 0, block.byteCount > 0, codec != .raw || block.byteCount == rawByteCount else {
                throw .malformed("size of a block")
            }
            if codec == .frameWithPrefix { block.lacking = try Self.lacking(&cursor, pageCount: block.pageCount) }
            pageCount += block.pageCount
            byteCount += block.byteCount
            blocks.append(block)
        }
        guard pageCount == pages.count, byteCount == header.blocksByteCount else {
            throw .malformed("blocks that do not hold the pages of the commits")
        }
    }

    private static func lacking(_ cursor: inout ByteCursor, pageCount: Int) throws(PartError) -> [Int] {
        var positions: [Int] = []
        var last = -1
        for _ in 0..<(try cursor.count(atMost: pageCount)) {
            last += try cursor.count(atMost: pageCount)
            guard last > (positions.last ?? -1), last < pageCount else { throw .malformed("pages without a version") }
            positions.append(last)
        }
        return positions
    }

    /// Every page that a commit adds to the database is in it; so a database cannot grow by more than what is stored.
    private func checkCompleteness(_ header: SegmentHeader) throws(SegmentError) {
        var size = header.pagesBefore
        let lockPage = SegmentLimits.lockPage(pageSize: header.pageSize)
        for commit in commits {
            try Self.checkCompleteness(
                pages[commit.pages], number: commit.number, from: size, to: commit.databasePageCount, lockPage)
            size = commit.databasePageCount
        }
        let state = commits.last?.state ?? header.stateBefore
        guard size == header.pagesAfter, !header.isAnchored || state == header.stateAfter else {
            throw SegmentError(.malformed, "the commits do not end as the header says")
        }
    }

    /// `pages` is ascending. Throws: `incomplete`.
    static func checkCompleteness(
        _ pages: ArraySlice<UInt32>, number: UInt64, from before: UInt32, to after: UInt32, _ lockPage: UInt32
    ) throws(SegmentError) {
        guard after > before else { return }
        var expected = after - before
        if lockPage > before, lockPage <= after, !pages.reversed().contains(lockPage) { expected -= 1 }
        var added: UInt32 = 0
        for page in pages.reversed() {
            guard page > before else { break }
            added += 1
        }
        guard added == expected else {
            throw SegmentError(
                .incomplete,
                "commit \(number) makes the database \(after) pages from \(before) and holds \(added) of the new ones")
        }
    }
}
