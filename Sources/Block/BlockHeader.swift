package import Model

/// A run of events within a block that decodes on its own (but for the block's dictionaries), with its zone map.
package struct RowGroup: Hashable, Sendable {
    package var firstSequence: UInt64
    package var count: Int
    /// The least `earliest` and greatest `time` of its windows; on the grid of the format.
    package var earliest: Instant
    package var latest: Instant
    /// The unions of its events' masks and flags.
    package var maskUnion: EventMask
    package var flagsUnion: EventFlags

    /// `seq` of the event after the last.
    package var endSequence: UInt64 { firstSequence + UInt64(count) }
}

/// What a block says about itself before any part is decoded.
package struct BlockHeader: Hashable, Sendable {
    package var version: UInt8
    package var origin: BlockOrigin
    /// The runs its commits name, each once.
    package var runs: [RunIdentity]
    package var firstSequence: UInt64
    package var count: Int
    package var earliest: Instant
    package var latest: Instant
    package var rowGroups: [RowGroup]
    package var commitCount: Int
    package var directoryCount: Int
    package var pathCount: Int
    package var processCount: Int
    package var factCount: Int

    /// `seq` of the event after the last.
    package var endSequence: UInt64 { firstSequence + UInt64(count) }
    package var maskUnion: EventMask { rowGroups.reduce(into: EventMask()) { $0.formUnion($1.maskUnion) } }
}
