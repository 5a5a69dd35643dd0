package import Block
package import Model
internal import Syscalls

/// The one writer of a store: one connection in one process, guarded by the lock on `alive`.
///
/// Thread: any, one at a time; it has one owner and every change is `mutating`. In the recorder that is the write
/// thread. No call waits for a reader, but for `checkpointIfDue` when the `-wal` has grown far beyond its mark.
/// Throws: whatever a call throws, nothing of what it was to store is stored and the writer stays usable.
package struct StoreWriter: ~Copyable, Sendable {
    /// Absolute, without symbolic links.
    package let directory: RawPath
    /// Who records, for block headers.
    package let origin: BlockOrigin
    /// Keys the filters of this store.
    package let filterKey: FilterKey
    /// The last run before this writer, nil when there was none.
    package let previousRun: RunRecord?
    /// The window end of the last event in the store when it was opened, nil when it was empty.
    package let lastCommit: Instant?
    /// What the last recorder left in `alive`, nil when it said nothing.
    package var previousHeartbeat: Heartbeat? { lock.found.heartbeat }

    /// `seq` the next event gets: 1 in a new store, one more than the last ever given otherwise.
    package internal(set) var nextSequence: UInt64
    /// The number the next process instance gets, from 1.
    package internal(set) var nextInstance: UInt64
    /// Set by `beginRun`.
    package internal(set) var currentRun: RunIdentity?

    let connection: Connection
    let layout: StoreLayout
    private let lock: StoreLock
    /// Which file the database was when it was opened.
    private let openedAt: FileStatus?
    var walDescriptor: OwnedDescriptor?
    /// Size of the `-wal` when last looked at.
    var knownWALByteCount: Int64 = 0
    var checkpointing = CheckpointState()
    var compaction: CompactionState
    var limits = RetentionLimits()
    /// Files of watched databases that no row names any more; removed once that is on the disk.
    var needlessFiles: [RawPath] = []
    /// Where the archive stands; nil where there is none.
    var logTail: LogTail?
    /// Containers whose writable layer is not there any more, with the moment at which that was noticed.
    var goneContainers: [RawPath: Instant] = [:]
    var nextContainerLook = Instant.distantPast

    /// Opens the store and takes its lock; with `create`, makes what is missing.
    ///
    /// Throws: `heldByAnother`, `notAStore`, `newerSchema`, `corrupt`, `cannotCreate`, `cannotWrite`, `diskFull`.
    package init(directory given: RawPath, create: Bool) throws(StoreError) {
        let opened = try StoreOpening.open(given, create: create)
        let state = try StoreState(opened.connection)
        directory = opened.layout.directory
        layout = opened.layout
        lock = opened.lock
        connection = opened.connection
        openedAt = try? layout.database.status()
        origin = state.origin
        filterKey = state.filterKey
        previousRun = state.lastRun
        lastCommit = state.lastCommit
        nextSequence = state.nextSequence
        nextInstance = state.nextInstance
        compaction = CompactionState(tail: state.tail)
    }

    /// Closes the store and gives the lock back. `-wal` and `-shm` stay, so that readers need no write permission.
    package consuming func close() {}

    /// What this start-up must record about the time since the last run; the rules are `StartupGap`'s.
    package func startupGap(bootID: UUIDBytes, now: Instant) -> Gap? {
        StartupGap(
            previousRun: previousRun, lastCommit: lastCommit, nextSequence: nextSequence,
            heartbeat: previousHeartbeat
        ).gap(bootID: bootID, now: now)
    }

    /// Makes everything stored so far durable: when it returns, no loss of power takes it away.
    ///
    /// Cost: one fdatasync(2) of the `-wal`. What was checkpointed is durable before its frames may be overwritten
    /// (synchronous=NORMAL), so the `-wal` is all that is missing.
    package mutating func sync() throws(StoreError) {
        do throws(SyscallError) {
            try openWAL()
            try walDescriptor?.syncData()
        } catch {
            throw StoreError(error, otherwise: .cannotWrite, "the store cannot be made durable", path: layout.wal)
        }
        removeNeedlessFiles()
    }

    /// Overwrites the sign of life in `alive`; not synced.
    package mutating func heartbeat(_ heartbeat: Heartbeat) throws(StoreError) {
        try lock.write(heartbeat)
    }

    /// False when the database is no longer where it was opened: somebody removed or replaced the store, and what is
    /// written goes nowhere. Cost: one stat(2).
    package func isInPlace() -> Bool {
        guard let opened = openedAt else { return true }
        do throws(SyscallError) {
            let now = try layout.database.status()
            return now.inode == opened.inode && now.device == opened.device
        } catch {
            // Anything but "it is not there" says nothing about the store.
            return !error.isMissing
        }
    }

    /// What `du` says of the directory.
    package func directoryByteCount() -> UInt64 {
        DirectoryUsage.byteCount(of: directory)
    }
}
