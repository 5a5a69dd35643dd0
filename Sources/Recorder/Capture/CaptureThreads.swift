import Block
import Model
import Store
import Syscalls

/// What is to be captured.
struct CaptureRequest: Sendable {
    var patterns: [Glob]
    /// The streams of the store.
    var known: [KnownStream]
    var place: CapturePlace
}

/// The threads that capture databases: one reads logs, one writes segments.
final class CaptureThreads {
    private let loop: CaptureLoop<CaptureStore>
    private let store: CaptureStore
    private var capture: OSThread?
    private var segments: OSThread?

    /// Parameter startedAt: a moment from which on every write to a log is noted.
    init(
        _ request: CaptureRequest, notes: LogNotes, drain: DrainLoop, shared: WriteShared, startedAt: Instant
    ) throws(SyscallError) {
        let store = try CaptureStore(
            place: request.place, known: request.known, shared: shared, startedAt: startedAt,
            findings: JournalFindings(waker: notes.waker))
        let loop = CaptureLoop(
            patterns: request.patterns, notes: notes, sink: store, startedAt: startedAt,
            access: request.place.access, barriers: shared.captured, askForNotes: { drain.look() })
        let segments = try OSThread(name: "segments", stackByteCount: 2 << 20) {
            ThreadPriority.lower(by: Self.segmentsNiceness)
            store.run()
        }
        let capture = try OSThread(name: "capture", stackByteCount: 2 << 20) { loop.run() }
        self.segments = consume segments
        self.capture = consume capture
        self.loop = loop
        self.store = store
    }

    private static let segmentsNiceness: Int32 = 5

    /// Looks at every database once more and stores what is found; *write* goes on meanwhile.
    func finish() {
        loop.stop()
        if let thread = capture.take() { thread.join() }
        store.stop()
        if let thread = segments.take() { thread.join() }
    }
}
