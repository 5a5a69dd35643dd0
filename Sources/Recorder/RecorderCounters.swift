import Synchronization

/// What `varve status` shows of a live recorder; each number only grows, unless it is said otherwise. Relaxed atomics: written once a buffer by one
/// thread, read now and then by another.
final class RecorderCounters: Sendable {
    /// Event records read from the queue.
    let recordsRead = Atomic<UInt64>(0)
    /// read(2) calls that returned records.
    let readings = Atomic<UInt64>(0)
    /// Events put into batches.
    let eventsKept = Atomic<UInt64>(0)
    /// Events that are committed.
    let eventsCommitted = Atomic<UInt64>(0)
    /// Records of more than one operation: the kernel merged them.
    let merged = Atomic<UInt64>(0)
    /// Records folded into a neighbour (link-count changes, interpreters of an exec).
    let folded = Atomic<UInt64>(0)
    /// Records outside the kept trees or excluded by `--exclude`.
    let outside = Atomic<UInt64>(0)
    /// Records of the recorder itself.
    let own = Atomic<UInt64>(0)
    /// Events whose directory could not be named.
    let unresolved = Atomic<UInt64>(0)
    /// Records about a file without a name, while only trees are kept: nobody can say whether they lie inside.
    let unplaceable = Atomic<UInt64>(0)
    let overflows = Atomic<UInt64>(0)
    let malformed = Atomic<UInt64>(0)
    let eventsDropped = Atomic<UInt64>(0)
    /// Directories that carry a mark of their own at present.
    let directoriesMarked = Atomic<UInt64>(0)
    /// Directories that are to be looked at, and one more while the whole tree is: grows and shrinks.
    let directoriesWaiting = Atomic<UInt64>(0)
    /// Events found by scans of new directories.
    let scanned = Atomic<UInt64>(0)
    let directoriesResolved = Atomic<UInt64>(0)
    let processesSeen = Atomic<UInt64>(0)
    let commits = Atomic<UInt64>(0)
}

extension Atomic where Value == UInt64 {
    /// Adds without ordering anything else; a counter that wraps is not a fault.
    func add(_ count: Int) {
        _ = wrappingAdd(UInt64(truncatingIfNeeded: count), ordering: .relaxed)
    }

    /// Replaces the number, for what shrinks too.
    func show(_ count: Int) {
        store(UInt64(truncatingIfNeeded: count), ordering: .relaxed)
    }

    var current: UInt64 { load(ordering: .relaxed) }
}
