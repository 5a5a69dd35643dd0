internal import Block
package import Model

/// What the store knows about a block without reading it.
package struct BlockRow: Hashable, Sendable {
    package var firstSequence: UInt64
    /// How many events it holds; their `seq` are contiguous.
    package var count: UInt64
    /// 0 fresh (one commit), 1 up to 64 Ki events, 2 a segment, 3 a segment that nothing more joins.
    package var level: UInt8
    /// The least `earliest` and greatest `time` of its windows.
    package var earliest: Instant
    package var latest: Instant
    package var maskUnion: EventMask
    /// The least and greatest instance number it names, nil when it names none.
    package var instances: ClosedRange<UInt64>?
    package var factCount: UInt64
    package var byteCount: UInt64
    /// 0: there is no filter, the block may know any path.
    package var filterByteCount: UInt64

    /// `firstSequence` of the block after it; nil for the last one, and where it was not asked for.
    package var followedBy: UInt64?

    /// False where the block after it begins elsewhere than this row says that it ends: events are missing, or the row is
    /// damaged.
    package var isContiguous: Bool { followedBy.map { $0 == endSequence } ?? true }

    /// `seq` of the event after its last.
    package var endSequence: UInt64 { firstSequence &+ count }
}

extension BlockRow {
    /// The length of a BLOB is in the row's header: asking for it reads none of it.
    static let columns = """
        first_seq, count, level, earliest, latest, mask_union, first_instance, last_instance, fact_count, \
        length(data), filter_byte_count
        """

    /// One column more, for `followedBy`.
    static let nextColumn = """
        (SELECT first_seq FROM block AS later WHERE later.first_seq > block.first_seq ORDER BY first_seq LIMIT 1)
        """

    /// From a row of `columns`.
    init(_ row: borrowing Statement) {
        firstSequence = row.count(0)
        // Damage must not make a block reach over others: what the block itself holds is compared when it is read.
        count = min(max(row.count(1), 1), UInt64(BlockLimits.eventCount))
        level = row.count(2)
        earliest = Instant(nanosecondsSinceEpoch: row.integer(3))
        latest = Instant(nanosecondsSinceEpoch: row.integer(4))
        maskUnion = EventMask(rawValue: row.count(5))
        if !row.isNull(6), !row.isNull(7) {
            let first: UInt64 = row.count(6)
            let last: UInt64 = row.count(7)
            instances = first <= last ? first...last : nil
        } else {
            instances = nil
        }
        factCount = row.count(8)
        byteCount = row.count(9)
        filterByteCount = row.count(10)
        followedBy = nil
    }
}
