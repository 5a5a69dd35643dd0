package import Model

/// A block ready to be stored, with what its row beside it says.
package struct EncodedBlock: Sendable {
    package var bytes: [UInt8]
    /// For `PathFilter`; empty means "may know any path".
    package var filter: [UInt8]
    package var firstSequence: UInt64
    package var count: Int
    /// The least `earliest` and greatest `time` of its windows; on the grid of the format.
    package var earliest: Instant
    package var latest: Instant
    /// The union of all events' masks.
    package var maskUnion: EventMask
    package var rowGroupCount: Int
    package var commitCount: Int
    package var pathCount: Int
    package var processCount: Int
    package var factCount: Int
    /// The least and greatest instance number among its processes and facts; nil when it has none.
    package var instances: ClosedRange<UInt64>?

    /// `seq` of the event after the last.
    package var endSequence: UInt64 { firstSequence + UInt64(count) }
}
