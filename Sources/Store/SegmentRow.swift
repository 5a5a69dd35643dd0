package import Block
package import Model
package import Segment

/// A segment file as the store's rows know it.
package struct SegmentRow: Hashable, Sendable {
    package var stream: UUIDBytes
    package var level: UInt32
    package var firstCommit: UInt64
    /// `firstCommit` − 1 when it holds none.
    package var lastCommit: UInt64
    package var low: Instant
    package var high: Instant
    package var isAnchored: Bool
    package var stateBefore: UInt64
    package var stateAfter: UInt64
    package var pagesBefore: UInt32
    package var pagesAfter: UInt32
    package var byteCount: UInt64
    package var hash: EventsHash
    package var previousHash: EventsHash
    /// Of a joined segment, the hash of the last file that it stands for; nil where that is the file's own.
    package var chainHash: EventsHash?

    /// What the next segment names as the one before it.
    package var chain: EventsHash { chainHash ?? hash }

    package var commitCount: UInt64 { lastCommit &+ 1 &- firstCommit }

    init(_ header: SegmentHeader, hash: EventsHash) {
        stream = header.stream
        level = header.level
        firstCommit = header.firstCommit
        lastCommit = header.lastCommit
        low = header.low
        high = header.high
        isAnchored = header.isAnchored
        stateBefore = header.stateBefore
        stateAfter = header.stateAfter
        pagesBefore = header.pagesBefore
        pagesAfter = header.pagesAfter
        byteCount = UInt64(header.fileByteCount)
        self.hash = hash
        previousHash = header.previousHash
        chainHash = header.chainHash
    }
}

/// A base image as the store's rows know it.
package struct BaseImageRow: Hashable, Sendable {
    package var stream: UUIDBytes
    package var commit: UInt64
    package var low: Instant
    package var high: Instant
    package var pageCount: UInt32
    package var state: UInt64
    package var byteCount: UInt64
    package var hash: EventsHash
    /// Of a rebase, which holds only the pages that changed since, the commit that it builds on; nil for a whole image.
    package var builtOn: UInt64?

    init(_ header: BaseImageHeader, state: UInt64, byteCount: UInt64, hash: EventsHash) {
        stream = header.stream
        commit = header.commit
        low = header.low
        high = header.high
        pageCount = header.pageCount
        self.state = state
        self.byteCount = byteCount
        self.hash = hash
        builtOn = header.rebase?.builtOn
    }
}

/// A gap in a stream, as the store's rows know it.
package struct CaptureGapRow: Hashable, Sendable {
    package var stream: UUIDBytes
    package var gap: CaptureGap

    package init(stream: UUIDBytes, gap: CaptureGap) {
        self.stream = stream
        self.gap = gap
    }
}

extension SegmentRow {
    /// Before version 7 of the schema no segments were joined.
    static func columns(schemaVersion: Int64) -> String {
        """
        stream.uuid, level, first_commit, last_commit, low, high, is_anchored, state_before, state_after, pages_before, \
        pages_after, byte_count, hash, previous_hash, \(schemaVersion < 7 ? "NULL" : "chain_hash")
        """
    }

    /// From a row of `columns`; nil where damage left hashes or a uuid of another size.
    init?(_ row: borrowing Statement) {
        let uuid = row.bytes(0)
        guard uuid.count == 16, let hash = EventsHash(row.bytes(12)), let previous = EventsHash(row.bytes(13)) else {
            return nil
        }
        if !row.isNull(14) {
            guard let chain = EventsHash(row.bytes(14)) else { return nil }
            chainHash = chain
        }
        stream = UUIDBytes(uuid)
        level = row.count(1)
        firstCommit = row.count(2)
        lastCommit = row.count(3)
        low = Instant(nanosecondsSinceEpoch: row.integer(4))
        high = Instant(nanosecondsSinceEpoch: row.integer(5))
        isAnchored = row.integer(6) != 0
        stateBefore = UInt64(bitPattern: row.integer(7))
        stateAfter = UInt64(bitPattern: row.integer(8))
        pagesBefore = row.count(9)
        pagesAfter = row.count(10)
        byteCount = row.count(11)
        self.hash = hash
        previousHash = previous
    }
}

extension BaseImageRow {
    /// Before version 5 of the schema all images were whole.
    static func columns(schemaVersion: Int64) -> String {
        let builtOn = schemaVersion < 5 ? "NULL" : "built_on"
        return "stream.uuid, commit_number, low, high, page_count, state, byte_count, hash, \(builtOn)"
    }

    /// From a row of `columns`; nil where damage left a hash or a uuid of another size.
    init?(_ row: borrowing Statement) {
        let uuid = row.bytes(0)
        guard uuid.count == 16, let hash = EventsHash(row.bytes(7)) else { return nil }
        stream = UUIDBytes(uuid)
        commit = row.count(1)
        low = Instant(nanosecondsSinceEpoch: row.integer(2))
        high = Instant(nanosecondsSinceEpoch: row.integer(3))
        pageCount = row.count(4)
        state = UInt64(bitPattern: row.integer(5))
        byteCount = row.count(6)
        self.hash = hash
        builtOn = row.isNull(8) ? nil : row.count(8)
    }
}

extension CaptureGap {
    static let columns = "first_commit, last_commit, missed, low, high, cause"

    /// From a row of `columns` from `column` on; a cause that is not known is still a gap.
    init(_ row: borrowing Statement, column: Int32 = 0) {
        self.init(
            first: row.count(column), last: row.count(column + 1),
            missedCount: row.isNull(column + 2) ? nil : row.count(column + 2),
            low: Instant(nanosecondsSinceEpoch: row.integer(column + 3)),
            high: Instant(nanosecondsSinceEpoch: row.integer(column + 4)),
            cause: Cause(rawValue: row.count(column + 5)) ?? .unsupported)
    }
}

extension EventsHash {
    /// Low half, high half, little-endian.
    var bytes: [UInt8] {
        var bytes: [UInt8] = []
        bytes.append(littleEndian: low)
        bytes.append(littleEndian: high)
        return bytes
    }

    init?(_ bytes: [UInt8]) {
        guard bytes.count == 16 else { return nil }
        self.init(high: bytes.littleEndian(at: 8, UInt64.self), low: bytes.littleEndian(at: 0, UInt64.self))
    }
}
