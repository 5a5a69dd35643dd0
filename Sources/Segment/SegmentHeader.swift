package import Block
package import Model

/// What stands in front of a segment file. Shape: schema/README.md, "The segment file".
package struct SegmentHeader: Hashable, Sendable {
    /// Of versions 1 and 3.
    package static let leastByteCount = 160
    /// Of versions 2 and 4. No segment is so small that it has not as many bytes.
    package static let greatestByteCount = 176
    package static let footerByteCount = 24
    static let magic = Array("VARVSEG1".utf8)
    static let endMagic = Array("VARVSEGE".utf8)

    package var stream: UUIDBytes
    package var pageSize: UInt32
    package var level: UInt32 = 0
    package var isAnchored: Bool
    package var firstCommit: UInt64
    package var commitCount: Int
    package var low: Instant
    package var high: Instant
    package var blockCount: Int
    package var pagesBefore: UInt32
    package var pagesAfter: UInt32
    package var stateBefore: UInt64
    package var stateAfter: UInt64
    package var previousHash: EventsHash
    package var blocksByteCount: Int
    package var tableByteCount: Int
    package var tableContentByteCount: Int
    /// XXH3-64 of the table as stored.
    package var tableHash: UInt64
    /// Of a segment that was joined, the hash of the last file that it stands for: the next segment names that one. Nil in
    /// versions 1 and 3, where it is the file's own.
    package var chainHash: EventsHash?
    /// Commits of the status *state* are in it, which readers of versions 1 and 2 do not know.
    package var holdsStates = false

    private var version: UInt8 { (chainHash == nil ? 1 : 2) + (holdsStates ? 2 : 0) }

    /// Of the header itself: 160, and 176 of a joined segment.
    package var byteCount: Int { chainHash == nil ? Self.leastByteCount : Self.greatestByteCount }

    /// `firstCommit` − 1 when there is none.
    package var lastCommit: UInt64 { firstCommit &+ UInt64(commitCount) &- 1 }

    /// Of the whole file.
    package var fileByteCount: Int {
        byteCount + blocksByteCount + tableByteCount + Self.footerByteCount
    }

    var bytes: [UInt8] {
        var bytes = Self.magic
        bytes.reserveCapacity(byteCount)
        bytes.append(contentsOf: [version, 0, UInt8(byteCount), 0])
        bytes.appendLittleEndian32(isAnchored ? 1 : 0)
        bytes.append(stream)
        bytes.appendLittleEndian32(pageSize)
        bytes.appendLittleEndian32(level)
        bytes.appendLittleEndian(firstCommit)
        bytes.appendLittleEndian(lastCommit)
        bytes.appendLittleEndian(UInt64(bitPattern: low.nanosecondsSinceEpoch))
        bytes.appendLittleEndian(UInt64(bitPattern: high.nanosecondsSinceEpoch))
        bytes.appendLittleEndian32(UInt32(commitCount))
        bytes.appendLittleEndian32(UInt32(blockCount))
        bytes.appendLittleEndian32(pagesBefore)
        bytes.appendLittleEndian32(pagesAfter)
        bytes.appendLittleEndian(stateBefore)
        bytes.appendLittleEndian(stateAfter)
        bytes.appendLittleEndian(previousHash.low)
        bytes.appendLittleEndian(previousHash.high)
        bytes.appendLittleEndian(UInt64(blocksByteCount))
        bytes.appendLittleEndian(UInt64(tableByteCount))
        bytes.appendLittleEndian(UInt64(tableContentByteCount))
        bytes.appendLittleEndian(tableHash)
        if let chainHash {
            bytes.appendLittleEndian(chainHash.low)
            bytes.appendLittleEndian(chainHash.high)
        }
        bytes.appendLittleEndian(XXH3.hash64(bytes))
        return bytes
    }

    /// Reads the first bytes of a file, `greatestByteCount` of them where it has so many.
    ///
    /// Throws: `notASegment`, `newerVersion`, `damaged`, `malformed`.
    package init(_ bytes: [UInt8]) throws(SegmentError) {
        guard bytes.count >= Self.leastByteCount, bytes.starts(with: Self.magic) else {
            throw SegmentError(.notASegment, "no magic number")
        }
        let isJoined = bytes[8] == 2 || bytes[8] == 4
        holdsStates = bytes[8] == 3 || bytes[8] == 4
        let byteCount = isJoined ? Self.greatestByteCount : Self.leastByteCount
        guard bytes.count >= byteCount else { throw SegmentError(.malformed, "header") }
        let head = Array(bytes[..<byteCount])
        do {
            // SAFETY: bytes are initialised memory without padding; the cursor does not outlive the array.
            var cursor = ByteCursor(unsafe head.span.bytes)
            _ = try cursor.littleEndian64()
            let version = try cursor.littleEndian32()
            guard (1...4).contains(version & 0xFFFF), version >> 16 == byteCount else {
                throw SegmentError(.newerVersion(UInt16(version & 0xFFFF)), "segment")
            }
            guard XXH3.hash64(Array(head.dropLast(8))) == Self.lastWord(of: head) else {
                throw SegmentError(.damaged, "header")
            }
            let flags = try cursor.littleEndian32()
            isAnchored = flags & 1 == 1
            stream = try cursor.uuid()
            pageSize = try cursor.littleEndian32()
            level = try cursor.littleEndian32()
            firstCommit = try cursor.littleEndian64()
            let last = try cursor.littleEndian64()
            low = Instant(nanosecondsSinceEpoch: Int64(bitPattern: try cursor.littleEndian64()))
            high = Instant(nanosecondsSinceEpoch: Int64(bitPattern: try cursor.littleEndian64()))
            commitCount = Int(try cursor.littleEndian32())
            blockCount = Int(try cursor.littleEndian32())
            pagesBefore = try cursor.littleEndian32()
            pagesAfter = try cursor.littleEndian32()
            stateBefore = try cursor.littleEndian64()
            stateAfter = try cursor.littleEndian64()
            previousHash = EventsHash(high: 0, low: try cursor.littleEndian64())
            previousHash.high = try cursor.littleEndian64()
            let sizes = try (cursor.littleEndian64(), cursor.littleEndian64(), cursor.littleEndian64())
            guard sizes.0 < 1 << 46, sizes.1 < 1 << 46, sizes.2 <= UInt64(SegmentLimits.tableByteCount) else {
                throw SegmentError(.limitExceeded, "sizes in the header")
            }
            blocksByteCount = Int(sizes.0)
            tableByteCount = Int(sizes.1)
            tableContentByteCount = Int(sizes.2)
            tableHash = try cursor.littleEndian64()
            if isJoined {
                var hash = EventsHash(high: 0, low: try cursor.littleEndian64())
                hash.high = try cursor.littleEndian64()
                chainHash = hash
            }
            guard flags <= 1, SegmentLimits.isPageSize(pageSize), firstCommit > 0, firstCommit < 1 << 62,
                commitCount <= SegmentLimits.commitCount, last == lastCommit, blockCount <= blocksByteCount,
                isJoined ? level > 0 && level <= SegmentLimits.level && commitCount > 0 : level == 0,
                tableByteCount <= SegmentLimits.tableByteCount + 1 << 20
            else { throw SegmentError(.malformed, "header") }
        } catch let error as SegmentError {
            throw error
        } catch let error as PartError {
            throw SegmentError(error, "header")
        } catch {
            throw SegmentError(.malformed, "header")
        }
    }

    private static func lastWord(of head: [UInt8]) -> UInt64 {
        head.suffix(8).reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }

    init(stream: UUIDBytes, pageSize: UInt32, isAnchored: Bool, firstCommit: UInt64, previousHash: EventsHash) {
        self.stream = stream
        self.pageSize = pageSize
        self.isAnchored = isAnchored
        self.firstCommit = firstCommit
        self.previousHash = previousHash
        commitCount = 0
        low = .distantFuture
        high = .distantPast
        blockCount = 0
        pagesBefore = 0
        pagesAfter = 0
        stateBefore = 0
        stateAfter = 0
        blocksByteCount = 0
        tableByteCount = 0
        tableContentByteCount = 0
        tableHash = 0
    }
}
