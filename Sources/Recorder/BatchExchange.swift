import Block
import DequeModule
import Model
import Store
import Synchronization

/// One of the batches that exist: it goes round, and what it has grown to is kept.
///
/// A reference, because a batch that is passed on by value is copied as long as anybody still names it: its arrays are
/// then made anew when they are emptied.
// Sendable: whoever took it out of the exchange is alone with it until it is handed on.
final class BatchBox: @unchecked Sendable {
    var batch = Batch()
}

/// A batch on its way from *resolve* to *write*.
struct FinishedBatch: Sendable {
    let box: BatchBox
    var additions: Additions
    /// The next instance number after it; it is persisted with the batch.
    var nextInstance: UInt64
    /// How many buffers of the ring are in this batch and those before it.
    var bufferCount: UInt64
    /// The newest barrier it satisfies.
    var barrier: UInt64
    var isLast: Bool
}

/// Where batches are swapped: *resolve* hands over a full one and gets an empty one.
///
/// Bounded: three batches exist, so at most two wait for the disk; *resolve* then waits, and behind it the drain.
final class BatchExchange: Sendable {
    private struct State {
        var finished: Deque<FinishedBatch> = []
        var free = [BatchBox(), BatchBox()]
    }

    private let state = Mutex(State())
    private let resolverWaits = Atomic<Bool>(false)
    private let writerWaker: Waker
    private let resolverWaker: Waker

    init(writerWaker: Waker, resolverWaker: Waker) {
        self.writerWaker = writerWaker
        self.resolverWaker = resolverWaker
    }

    /// True while *resolve* waits for an empty batch.
    var resolverIsWaiting: Bool { resolverWaits.load(ordering: .sequentiallyConsistent) }

    /// Thread: *resolve*.
    func handOver(_ finished: FinishedBatch) {
        state.withLock { $0.finished.append(finished) }
        writerWaker.wake()
    }

    /// An empty batch; waits until the writer gives one back. Thread: *resolve*.
    func takeFree() -> BatchBox {
        while true {
            if let box = state.withLock({ $0.free.popLast() }) { return box }
            resolverWaits.store(true, ordering: .sequentiallyConsistent)
            writerWaker.wake()
            if state.withLock({ $0.free.isEmpty }) {
                resolverWaker.wait(timeoutNanoseconds: 100_000_000)
            }
            resolverWaker.clear()
            resolverWaits.store(false, ordering: .relaxed)
        }
    }

    /// The oldest batch that waits. Thread: *write*.
    func next() -> FinishedBatch? {
        state.withLock { $0.finished.popFirst() }
    }

    /// Thread: *write*.
    func giveBack(_ box: BatchBox) {
        box.batch.removeAll(keepingCapacity: true)
        state.withLock { $0.free.append(box) }
        if resolverIsWaiting { resolverWaker.wake() }
    }
}
