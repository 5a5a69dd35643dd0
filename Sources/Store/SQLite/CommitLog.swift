package import Model
internal import Synchronization
internal import Syscalls

/// A commit of the store's own connection, by its place in the `-wal`.
package struct CommitNote: Hashable, Sendable {
    /// The number of its last frame, from 1.
    package var frame: UInt32
    /// It became visible in (low, high].
    package var low: Instant
    package var high: Instant

    package init(frame: UInt32, low: Instant, high: Instant) {
        self.frame = frame
        self.low = low
        self.high = high
    }
}

/// What a connection's hooks note of its commits. Thread: any; the hooks run in the thread that commits.
final class CommitLog: Sendable {
    private struct State {
        var low: Instant?
        var notes: [CommitNote] = []
        var last: CommitNote?
        var lastFrame: UInt32 = 0
    }

    private let state = Mutex(State())
    /// While nobody takes them the newest are kept.
    private static let maximumNoteCount = 65_536

    func willCommit() {
        let now = Clock.realtime()
        state.withLock { $0.low = now }
    }

    func didCommit(frame: UInt32) {
        let now = Clock.realtime()
        state.withLock { state in
            let note = CommitNote(frame: frame, low: min(state.low ?? now, now), high: now)
            if state.notes.count >= Self.maximumNoteCount {
                state.notes.removeFirst(Self.maximumNoteCount / 2)
            }
            state.notes.append(note)
            state.last = note
            state.lastFrame = frame
        }
    }

    /// A checkpoint cut the `-wal` to nothing.
    func logWasCut() {
        state.withLock { $0.lastFrame = 0 }
    }

    /// The notes since the last call, in order.
    func take() -> [CommitNote] {
        state.withLock { state in
            let notes = state.notes
            state.notes = []
            return notes
        }
    }

    var hasNotes: Bool { state.withLock { !$0.notes.isEmpty } }
    /// The last commit there was; nil before the first.
    var last: CommitNote? { state.withLock { $0.last } }
    /// The last committed frame of the `-wal`, 0 when it was cut since, or before the first commit.
    var lastFrame: UInt32 { state.withLock { $0.lastFrame } }
}
