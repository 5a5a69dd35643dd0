internal import Model
internal import Syscalls

/// What a checkpoint came to.
package enum CheckpointOutcome: Hashable, Sendable {
    /// Too little was written since the last.
    case notDue
    /// A reader stood in the way of some frames; the rest is in the database file.
    case partial
    /// Everything is in the database file: the next commit starts the `-wal` over.
    case complete
}

/// When the next checkpoint is due.
struct CheckpointState: Sendable {
    /// The connection's count of written pages when the last checkpoint was made or tried.
    var pageCountAtLast = 0
    /// CLOCK_MONOTONIC of that.
    var timeOfLast: Int64 = 0
    /// What an opened store brought with it is not counted by the connection.
    var isFirst = true
}

extension StoreWriter {
    /// Frames after which the `-wal` is copied into the database: 4 MiB.
    static var passiveFrameCount: Int { 1_000 }
    /// When commits are few, the `-wal` need not grow even that far: each growth costs the filesystem's journal a write
    /// that using it again does not.
    static var calmFrameCount: Int { 250 }
    static var calmNanoseconds: Int64 { 60_000_000_000 }
    /// Beyond this the `-wal` is cut back as soon as no reader is in the way.
    static var truncateByteCount: UInt64 { 16 << 20 }
    /// Beyond this it is worth waiting for readers, none of which may take longer than a second.
    static var waitByteCount: UInt64 { 40 << 20 }

    /// Works through the `-wal` when enough has come together. To be called after commits.
    ///
    /// Cost: nothing when not due; else two syncs and up to some thousand page writes. Only beyond 40 MiB of `-wal` it
    /// waits for readers, at most 1.5 s.
    package mutating func checkpointIfDue() throws(StoreError) -> CheckpointOutcome {
        let written = connection.writtenPageCount()
        let frames = written &- checkpointing.pageCountAtLast
        let isDue =
            checkpointing.isFirst || frames >= passiveFrameLimit
            || frames >= Self.calmFrameCount && Clock.monotonic() &- checkpointing.timeOfLast >= Self.calmNanoseconds
        guard isDue else { return .notDue }
        return try checkpoint()
    }

    /// A checkpoint now, of the kind that the size of the `-wal` calls for.
    mutating func checkpoint(truncating: Bool = false) throws(StoreError) -> CheckpointOutcome {
        // Whoever copies the database gets it whole; then the commits that the log will be started over with.
        guard !mustLeaveDatabase else { return finished(.partial) }
        handOverLog()
        let byteCount = walByteCount
        if truncating || byteCount > truncateByteLimit {
            let waits = byteCount > Self.waitByteCount
            connection.setBusyTimeout(milliseconds: waits ? 1_500 : 0)
            defer { connection.setBusyTimeout(milliseconds: StoreOpening.writeLockPatienceMilliseconds) }
            do throws(StoreError) {
                _ = try connection.checkpoint(.truncate)
                return finished(.complete)
            } catch {
                guard error.code == .busy else { throw error }
                return finished(.partial)
            }
        }
        let (frames, copied) = try connection.checkpoint(.passive)
        return finished(frames == copied ? .complete : .partial)
    }

    var walByteCount: UInt64 {
        UInt64(clamping: (try? layout.wal.status())?.byteCount ?? 0)
    }

    /// A store with a size limit cannot afford a large `-wal` beside it.
    var truncateByteLimit: UInt64 {
        guard let limit = limits.maxByteCount else { return Self.truncateByteCount }
        return min(Self.truncateByteCount, max(limit / 32, 256 << 10))
    }

    private var passiveFrameLimit: Int {
        min(Self.passiveFrameCount, Int(truncateByteLimit / 4_096 / 2))
    }

    private mutating func finished(_ outcome: CheckpointOutcome) -> CheckpointOutcome {
        checkpointing.isFirst = false
        checkpointing.pageCountAtLast = connection.writtenPageCount()
        checkpointing.timeOfLast = Clock.monotonic()
        return outcome
    }
}
