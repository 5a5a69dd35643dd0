import Block
import Model
import Synchronization

/// What *resolve* tells *capture*: who touched which file that is named like a write-ahead log or a rollback journal or
/// is a database that is captured, and how far everything that happened has been resolved.
final class LogNotes: Sendable {
    /// What was touched.
    enum Kind: Sendable {
        case log
        /// A rollback journal: what was written goes into the database file itself.
        case journal
        /// The file of a database that is captured.
        case database
    }

    /// A process made, wrote or removed one of these in a window of time.
    struct Note: Sendable {
        /// Of the file, whichever it is.
        var path: RawPath
        /// Of the file, nil where the record did not say.
        var inode: UInt64?
        /// nil where the process could not be told for sure.
        var process: ActorProcess?
        var window: TimeWindow
        /// It was made.
        var isCreation: Bool
        /// Something was written: whoever only reads a database makes a log as well, and removes it.
        var isWrite = true
        /// It lost a name, after what else the note tells of.
        var isRemoval = false
        var kind = Kind.log

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

    /// The kernel's queue was full: what happened meanwhile is not noted.
    func tellLoss() {
        state.withLock { $0.isOverfull = true }
        waker.wake()
    }

    // MARK: Database files

    /// From now on changes of this file are noted too.
    func watch(_ inode: UInt64) {
        watched.withLock { inodes in
            guard inodes.insert(inode).inserted else { return }
            watchedBits.bitwiseOr(1 << (inode & 63), ordering: .releasing)
        }
    }

    /// Whether changes of this file are to be noted. Cost: nearly nothing for most others.
    func watches(_ inode: UInt64) -> Bool {
        guard watchedBits.load(ordering: .acquiring) & (1 << (inode & 63)) != 0 else { return false }
        return watched.withLock { $0.contains(inode) }
    }

    private let watched = Mutex<Set<UInt64>>([])
    /// A bit for each remainder by 64 that is among them.
    private let watchedBits = Atomic<UInt64>(0)

    var resolvedUpTo: Instant {
        get { Instant(nanosecondsSinceEpoch: resolvedNanoseconds.load(ordering: .acquiring)) }
        set { resolvedNanoseconds.store(newValue.nanosecondsSinceEpoch, ordering: .releasing) }
    }
}
