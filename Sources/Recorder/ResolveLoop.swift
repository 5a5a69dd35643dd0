import Block
import Fanotify
import Model
import Store
import Synchronization
import Syscalls

/// How far the way of an event is behind, for whoever wants to know that nothing is under way.
final class PipelineProgress: Sendable {
    /// Buffers of the ring whose events are all committed or were found to hold none.
    let settledBuffers = Atomic<UInt64>(0)
    /// Somebody follows the commits; they are not to be stretched.
    let followers = Atomic<Int>(0)
}

/// Empties the ring into batches and hands them over when they are due.
///
/// Thread: its own, *resolve*.
struct ResolveLoop {
    var resolver: Resolver<ProcDirectory, KernelDirectories>
    let ring: BufferRing
    let exchange: BatchExchange
    let pacing: CommitPacing
    let progress: PipelineProgress
    let drain: DrainLoop
    private var containers: ContainerWatch
    /// Who is told how far everything has been resolved; nil where no database is captured.
    private let logNotes: LogNotes?

    mutating func run() {
        var openedAt: Int64?
        var barrier: UInt64 = 0
        var handedBarrier: UInt64 = 0
        var isLast = false
        while !isLast {
            let got = ring.empty(timeoutNanoseconds: remaining(openedAt)) { slot in
                if slot.barrier > barrier { barrier = slot.barrier }
                if slot.isLast { isLast = true }
                if slot.records.byteCount > 0 { resolver.resolve(slot.records.bytes, window: slot.window) }
            }
            resolver.scanMore()
            tellProgress()
            let ringIsEmpty = ring.filled == ring.emptied
            // Each image gets a few looks; they are not to be used up while more is taken in.
            if ringIsEmpty { resolver.describeNewImages() }
            containers.look(at: resolver.batch.processes)
            // In this order: nothing waits in the kernel's queue, and nothing came out of it since the ring was empty.
            if resolver.awaitsEmptyQueue, ringIsEmpty, drain.queueIsEmpty, ring.filled == ring.emptied {
                resolver.queueWasEmpty()
            }
            let isEmpty = resolver.batch.count == 0 && resolver.additions.isEmpty && !resolver.hasMissedDirectories
            if isEmpty {
                openedAt = nil
            } else if openedAt == nil {
                openedAt = Clock.monotonic()
            }
            var isDue = isLast || barrier > handedBarrier || isFull || isOverdue(openedAt, ringIsEmpty: ringIsEmpty)
            if isDue, !isLast, !isFull, waitsForMore() { isDue = false }
            if isDue, !isEmpty || isLast || barrier > handedBarrier {
                handOver(barrier: barrier, isLast: isLast)
                handedBarrier = barrier
                openedAt = nil
            } else if isEmpty, got {
                recycleIfOld()
                // What was read held nothing to record, and nothing is on the way to the disk that it belongs to.
                if exchangeIsIdle { progress.settledBuffers.store(ring.emptied, ordering: .sequentiallyConsistent) }
            }
        }
    }

    /// A batch that is due waits a moment longer where the next readings would confirm the places of its events, or tell
    /// what an overlay did for itself.
    private mutating func waitsForMore() -> Bool {
        let patience =
            resolver.awaitsOverlay
            ? Self.copyUpNanoseconds : resolver.awaitsConfirmation ? Self.confirmationNanoseconds : 0
        guard patience > 0 else {
            dueSince = nil
            return false
        }
        let now = Clock.monotonic()
        let since = dueSince ?? now
        dueSince = since
        return now &- since < patience
    }

    /// In this order: what was read up to a moment, and that all of it has been taken in.
    private func tellProgress() {
        guard let logNotes else { return }
        let upTo = drain.readUpTo
        if ring.filled == ring.emptied { logNotes.resolvedUpTo = upTo }
    }

    /// Since when a batch that is due has waited.
    private var dueSince: Int64?
    private static let confirmationNanoseconds: Int64 = 20_000_000
    /// A copy-up reads the lower file and writes the upper one between its first two records; a busy disk holds that up.
    private static let copyUpNanoseconds: Int64 = 250_000_000

    private var handedBufferCount = UInt64(0)
    private var batchBegan = Clock.monotonic()

    /// What goes on outside must not gather in a batch that never ends.
    private mutating func recycleIfOld() {
        let now = Clock.monotonic()
        guard now &- batchBegan >= pacing.intervalNanoseconds else { return }
        batchBegan = now
        resolver.recycleBatch()
    }

    init(
        resolver: consuming Resolver<ProcDirectory, KernelDirectories>, ring: BufferRing, exchange: BatchExchange,
        pacing: CommitPacing, progress: PipelineProgress, drain: DrainLoop, containers: ContainerWatch,
        logNotes: LogNotes?
    ) {
        self.logNotes = logNotes
        self.containers = containers
        self.resolver = resolver
        self.ring = ring
        self.exchange = exchange
        self.pacing = pacing
        self.progress = progress
        self.drain = drain
    }

    /// New programs are looked at soon and a few times, until the exec is done and before they are gone.
    private static let newImageRestNanoseconds: Int64 = 500_000

    private var isFull: Bool {
        pacing.isFull(
            eventCount: resolver.batch.count, nameByteCount: resolver.batch.paths.nameByteCount,
            processCount: resolver.batch.processes.count)
    }

    /// Everything that was handed over has been committed.
    private var exchangeIsIdle: Bool {
        progress.settledBuffers.load(ordering: .sequentiallyConsistent) >= handedBufferCount
    }

    private func openNanoseconds() -> Int64 {
        pacing.openNanoseconds(
            eventCount: resolver.batch.count,
            isWatched: progress.followers.load(ordering: .relaxed) > 0)
    }

    /// How long to wait for the next buffer; nil without end.
    private func remaining(_ openedAt: Int64?) -> Int64? {
        if resolver.hasScansWaiting { return 0 }
        if dueSince != nil { return Self.newImageRestNanoseconds }
        var limit = openedAt.map { max(0, $0 &+ openNanoseconds() &- Clock.monotonic()) }
        if let delay = resolver.scanDelayNanoseconds { limit = min(limit ?? .max, delay) }
        // While something waits for the queue to be empty, somebody has to look.
        if resolver.awaitsEmptyQueue || resolver.processes.hasNewImages {
            limit = min(limit ?? .max, Self.newImageRestNanoseconds)
        }
        return limit
    }

    /// A batch that waits for the place of a directory may take one more interval while records are at hand.
    private func isOverdue(_ openedAt: Int64?, ringIsEmpty: Bool) -> Bool {
        guard let openedAt else { return false }
        let age = Clock.monotonic() &- openedAt
        let limit = openNanoseconds()
        if resolver.hasUnsettledEvents, !ringIsEmpty { return age >= limit * 2 }
        return age >= limit
    }

    private mutating func handOver(barrier: UInt64, isLast: Bool) {
        containers.finish(resolver.batch)
        let box = exchange.takeFree()
        let additions = resolver.finishBatch(into: box)
        batchBegan = Clock.monotonic()
        dueSince = nil
        handedBufferCount = ring.emptied
        exchange.handOver(
            FinishedBatch(
                box: box, additions: additions, nextInstance: resolver.processes.nextInstance,
                bufferCount: handedBufferCount,
                barrier: barrier, isLast: isLast))
    }
}
