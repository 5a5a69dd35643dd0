import Model
import Store
import Synchronization

/// What the writing thread shares with the others.
final class WriteShared: Sendable {
    struct QueuedRequest: Sendable {
        var id: UInt64
        var request: UpkeepRequest
    }

    /// What `status` tells of the store's side.
    struct Snapshot: Sendable {
        var nextSequence: UInt64 = 0
        var failure: String?
    }

    enum Answer: Sendable, Equatable {
        /// Parameter eventCount: how many events were dropped; nil where the request drops none.
        case done(eventCount: UInt64?)
        case failed(String)
    }

    private struct State {
        var lastRequest: UInt64 = 0
        var requests: [QueuedRequest] = []
        var answers: [UInt64: Answer] = [:]
        var snapshot = Snapshot()
        var coverageChanges: [CoverageChange] = []
        var coveredPaths: [RawPath] = []
        var captured = Additions()
        /// The newest barrier that everything in `captured` and before came before.
        var capturedBarrier: UInt64 = 0
        /// Taken, and not stored yet.
        var heldCapturedCount = 0
    }

    /// While more rows of captured databases wait to be stored no log is read.
    private static let maximumCapturedCount = 16_384

    let exchange: BatchExchange
    let ring: BufferRing
    let drain: DrainLoop
    let progress: PipelineProgress
    let barriers: Barriers
    let captured: CaptureBarriers
    let counters: RecorderCounters
    let waker: Waker
    let controlWaker: Waker
    /// Raised when the store was removed under the recorder: nothing that is recorded can be kept.
    let storeGone: Waker
    private let state = Mutex(State())

    init(
        exchange: BatchExchange, ring: BufferRing, drain: DrainLoop, progress: PipelineProgress, barriers: Barriers,
        captured: CaptureBarriers, counters: RecorderCounters, waker: Waker, controlWaker: Waker, storeGone: Waker
    ) {
        self.exchange = exchange
        self.ring = ring
        self.drain = drain
        self.progress = progress
        self.barriers = barriers
        self.captured = captured
        self.counters = counters
        self.waker = waker
        self.controlWaker = controlWaker
        self.storeGone = storeGone
    }

    func storeIsGone() { storeGone.wake() }

    /// Queues a request for the writing thread and returns its number.
    func ask(_ request: UpkeepRequest) -> UInt64 {
        let id = state.withLock { state in
            state.lastRequest += 1
            state.requests.append(QueuedRequest(id: state.lastRequest, request: request))
            return state.lastRequest
        }
        waker.wake()
        return id
    }

    /// Queues what changed in the coverage; it is tried again until it is written.
    func record(_ change: CoverageChange) {
        state.withLock { state in
            state.coverageChanges.append(change)
            for end in change.ended { state.coveredPaths.removeAll { $0 == end.path } }
            state.coveredPaths += change.started.map(\.path)
        }
        waker.wake()
    }

    /// Queues rows of captured databases, whose files are written; they are tried again until they are stored.
    ///
    /// Parameter barrier: is settled when they are; 0 where nobody waits.
    func record(captured additions: Additions, barrier: UInt64) {
        state.withLock { state in
            state.captured.append(contentsOf: additions)
            state.capturedBarrier = max(state.capturedBarrier, barrier)
        }
        waker.wake()
    }

    /// Whether rows of captured databases can still wait; the store may take none for long, for want of disk.
    var hasRoomForCaptured: Bool {
        state.withLock { $0.captured.count + $0.heldCapturedCount < Self.maximumCapturedCount }
    }

    /// Tells how many rows could not be stored, having made fewer of them where there are too many.
    func hold(captured additions: inout Additions) {
        additions.fold(beyond: Self.maximumCapturedCount / 2)
        let count = additions.count
        state.withLock { $0.heldCapturedCount = count }
    }

    func takeCaptured() -> (additions: Additions, barrier: UInt64) {
        state.withLock { state in
            let taken = (state.captured, state.capturedBarrier)
            state.captured = Additions()
            state.capturedBarrier = 0
            return taken
        }
    }

    func takeCoverageChanges() -> [CoverageChange] {
        state.withLock {
            let changes = $0.coverageChanges
            $0.coverageChanges.removeAll()
            return changes
        }
    }

    /// What is recorded at present.
    var coveredPaths: [RawPath] {
        get { state.withLock { $0.coveredPaths } }
        set { state.withLock { $0.coveredPaths = newValue } }
    }

    func takeRequests() -> [QueuedRequest] {
        state.withLock {
            let requests = $0.requests
            $0.requests.removeAll()
            return requests
        }
    }

    func answer(_ id: UInt64, failure: String?, eventCount: UInt64? = nil) {
        state.withLock { $0.answers[id] = failure.map { .failed($0) } ?? .done(eventCount: eventCount) }
        controlWaker.wake()
    }

    /// nil while the request is under way.
    func takeAnswer(_ id: UInt64) -> Answer? {
        state.withLock { $0.answers.removeValue(forKey: id) }
    }

    func publish(nextSequence: UInt64, failure: String?) {
        state.withLock { $0.snapshot = Snapshot(nextSequence: nextSequence, failure: failure) }
    }

    var snapshot: Snapshot { state.withLock { $0.snapshot } }
}
