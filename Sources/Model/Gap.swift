/// An interval in which something is known to be missing from the record. A gap is a row, never a log line.
package struct Gap: Hashable, Sendable {
    package enum Kind: String, CaseIterable, Sendable {
        /// The kernel dropped events because the notification queue was full.
        case queueOverflow = "queue_overflow"
        /// No recorder ran.
        case recorderDown = "recorder_down"
        /// The machine went down without a clean stop; the last unsynced moments are gone.
        case powerLoss = "power_loss"
        /// Events were read but could not be kept, for want of disk or memory.
        case batchDropped = "batch_dropped"
        /// Events whose directory could no longer be named; they are in the record without a path.
        case unresolved
        /// A path or filesystem that was asked for and could not be marked.
        case notCovered = "not_covered"
        /// Process start or exit notices were lost.
        case processEventsLost = "process_events_lost"
        /// Commits of a watched database that were not captured.
        case walMissed = "wal_missed"
        /// Events that were recorded and later removed by a retention limit.
        case pruned
    }

    package var kind: Kind
    package var from: Instant
    package var to: Instant
    /// How many events are missing, nil where that cannot be known.
    package var count: UInt64?
    /// The path (tree or mount point) it concerns; nil means everything the recorder covered.
    package var scope: RawPath?
    package var cause: String

    package init(kind: Kind, from: Instant, to: Instant, count: UInt64?, scope: RawPath?, cause: String) {
        self.kind = kind
        self.from = from
        self.to = to
        self.count = count
        self.scope = scope
        self.cause = cause
    }
}
