/// What one look at a database found out.
package struct CaptureStep: Sendable {
    /// In order of the commits.
    package var findings: [CaptureFinding] = []
    package var state: CaptureState
    /// When to look again although nothing tells of a change; nil where that is not needed.
    package var nextLookNanoseconds: Int64?
    package var rest = CaptureRest.none
}

/// What a look saw in the log and did not return. A later look returns it although it was there before that one.
package enum CaptureRest: Hashable, Sendable {
    case none
    /// All that earlier looks left has been returned; this look is the first that saw what it leaves.
    case new
    /// Some of it was left by an earlier look, the last one that was `new`.
    case old
}

/// What is known of a database's log after a look at it.
package enum CaptureState: Hashable, Sendable {
    /// The log has no header: it was just made, or cut by a TRUNCATE checkpoint.
    case empty
    /// Every commit that the index names has been found.
    case level
    /// There is more than one look may read.
    case behind
    /// Somebody was writing what was read; the look says nothing.
    case racing
    /// A commit frame stands in the log that the index does not name.
    case pending
    /// There is no index (exclusive locking mode), and what was found last may still be rewritten.
    case unconfirmed
    case unsupported(String)

    /// The look says what was committed by its beginning, but for what `CaptureRest` tells of.
    package var isTelling: Bool {
        switch self {
        case .racing, .unsupported: false
        case .empty, .level, .behind, .pending, .unconfirmed: true
        }
    }
}

package enum CaptureFinding: Hashable, Sendable {
    case commit(WALCommit, CommitProof)
    /// Commits that are known to have been here. The count is exact where there is one.
    case missed(count: UInt32?, cause: MissedCause)
    /// The newest commits that were found are no longer in the log: a power cut took them before they were durable.
    case retracted(count: UInt32)
    /// A transaction that was written to its end and was never committed. A recovery may make it one.
    case orphan(frame: UInt32)
}

/// What says that a commit is one.
package enum CommitProof: Hashable, Sendable, CaseIterable {
    /// The index names it, and the checksum it gives for the last frame is ours.
    case published
    /// The index names it, but its frames' checksums do not hold: a crash would lose it.
    case unchained
    /// There is no index; the log held it unchanged for a while, or another commit went on from it.
    case logged
}

package enum MissedCause: Hashable, Sendable, CaseIterable {
    /// The log began again and overwrote them.
    case wrapped
    /// The log was cut.
    case truncated
    /// The log was removed before it was read.
    case removed
    /// More bytes in one transaction than may be held.
    case tooLarge
    /// They were not written to a log but with a rollback journal.
    case notLogged
    /// The file was changed, and no log tells of it.
    case changed
    /// What has the name of the log is none that can be read as one.
    case unsupported
    /// The log, or its index, could not be read.
    case unreadable
}
