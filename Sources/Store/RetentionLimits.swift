/// How much a store may keep.
package struct RetentionLimits: Hashable, Sendable {
    /// What `du` may say of the directory, `-wal` included.
    package var maxByteCount: UInt64?
    /// How much of `maxByteCount` segments and base images may take while events need the rest, in percent.
    package var segmentSharePercent: UInt64
    package var maxAgeNanoseconds: Int64?
    /// What the filesystem must still have free for unprivileged users.
    package var minFreeByteCount: UInt64?

    package static let standardSegmentSharePercent: UInt64 = 50

    /// A lower `maxByteCount` cannot be held: tables, indices and the `-wal` take that much beside the newest events.
    package static let leastMaxByteCount: UInt64 = 1 << 20

    package init(
        maxByteCount: UInt64? = nil, segmentSharePercent: UInt64 = RetentionLimits.standardSegmentSharePercent,
        maxAgeNanoseconds: Int64? = nil,
        minFreeByteCount: UInt64? = nil
    ) {
        self.maxByteCount = maxByteCount
        self.segmentSharePercent = segmentSharePercent
        self.maxAgeNanoseconds = maxAgeNanoseconds
        self.minFreeByteCount = minFreeByteCount
    }

    package var isUnlimited: Bool {
        maxByteCount == nil && maxAgeNanoseconds == nil && minFreeByteCount == nil
    }
}

/// What a pruning removed.
package struct PruneOutcome: Hashable, Sendable {
    package var blockCount: UInt64 = 0
    package var eventCount: UInt64 = 0
    /// Of their BLOBs and filters.
    package var byteCount: UInt64 = 0

    package init() {}

    mutating func add(_ other: PruneOutcome) {
        blockCount += other.blockCount
        eventCount += other.eventCount
        byteCount += other.byteCount
    }
}
