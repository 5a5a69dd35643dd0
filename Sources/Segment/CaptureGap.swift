package import Model

/// What is known to be missing between two commits of a stream.
///
/// A gap takes numbers of its own: as many as commits are missing where that is known, else one. So numbers never mean
/// two things, and the state after the gap's last number is that of the base image taken after it.
package struct CaptureGap: Hashable, Sendable {
    package enum Cause: UInt8, CaseIterable, Sendable {
        /// The log was started over past what had been read.
        case wrapped = 1
        /// The log was cut before it was read.
        case truncated = 2
        /// The log was unlinked before it was opened.
        case deleted = 3
        /// No recorder ran, or it did not capture.
        case recorderDown = 4
        /// Notices of writes were lost, and the log had moved on.
        case queueOverflow = 5
        /// The files could not be read.
        case unreadable = 6
        /// A format or mode that is not captured.
        case unsupported = 7
        /// The database file held something else than the commits give.
        case diverged = 8
        /// They were captured and later removed by a retention limit.
        case pruned = 9
        /// They were found, and could not be written to the store.
        case notStored = 10

        /// As answers name it.
        package var name: String {
            switch self {
            case .wrapped: "wrapped"
            case .truncated: "truncated"
            case .deleted: "deleted"
            case .recorderDown: "recorder_down"
            case .queueOverflow: "queue_overflow"
            case .unreadable: "unreadable"
            case .unsupported: "unsupported"
            case .diverged: "diverged"
            case .pruned: "pruned"
            case .notStored: "not_stored"
            }
        }
    }

    /// The first and the last of the missing numbers.
    package var first: UInt64
    package var last: UInt64
    /// How many commits are missing; nil where that cannot be known.
    package var missedCount: UInt64?
    /// The missing commits became visible in (low, high].
    package var low: Instant
    package var high: Instant
    package var cause: Cause

    package init(
        first: UInt64, last: UInt64, missedCount: UInt64?, low: Instant, high: Instant, cause: Cause
    ) {
        self.first = first
        self.last = last
        self.missedCount = missedCount
        self.low = low
        self.high = high
        self.cause = cause
    }
}
