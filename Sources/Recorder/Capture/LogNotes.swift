import Block
import Model
import Synchronization

/// What *resolve* tells *capture*: who touched which file that is named like a write-ahead log or a rollback journal, and
/// how far everything that happened has been resolved.
final class LogNotes: Sendable {
    /// A process made, wrote or removed a log, or a rollback journal, in a window of time.
    struct Note: Sendable {
        /// Of the log or the journal.
        var path: RawPath
        /// Of the log, nil where the record did not say.
        var inode: UInt64?
        /// nil where the process could not be told for sure.
        var process: ActorProcess?
        var window: TimeWindow
        /// The log was made.
        var isCreation: Bool
        /// Something was written: whoever only reads a database makes a log as well, and removes it.
        var isWrite = true
        /// It lost a name, after what else the note tells of.
        var isRemoval = false
        /// It is a rollback journal: what was written goes into the database file itself.
        var isJournal = false

        /// It was made or written.
        var isUse: Bool { isCreation || isWrite }
    }

    private struct State {
        var notes: [Note] = []
        var isOverfull = false
    }

    private let state = Mutex(State())
    /// CLOCK_REALTIME: everything that happened before has been noted.
    private let resolvedNanoseconds = Atomic<Int64>(.min)
    let waker: Waker

    /// More are not kept; whoever takes the rest is told.
    private static let maximumCount = 65_536

    init(waker: Waker) {
        self.waker = waker
    }

    func add(_ note: Note) {
        let isFirst = state.withLock { state in
            guard state.notes.count < Self.maximumCount else {
                state.isOverfull = true
                return false
            }
            state.notes.append(note)
            return state.notes.count == 1
        }
        if isFirst { waker.wake() }
    }

    /// The notes since the last call, and whether some were lost.
    func take() -> (notes: [Note], isOverfull: Bool) {
        state.withLock { state in
            let taken = state
            state = State()
            return (taken.notes, taken.isOverfull)
        }
    }

    var resolvedUpTo: Instant {
        get { Instant(nanosecondsSinceEpoch: resolvedNanoseconds.load(ordering: .acquiring)) }
        set { resolvedNanoseconds.store(newValue.nanosecondsSinceEpoch, ordering: .releasing) }
    }
}
