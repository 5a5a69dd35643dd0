import Block
import DequeModule
import Model
import Store
import Synchronization
import Syscalls

/// What others ask of the one thread that writes the store.
enum UpkeepRequest: Sendable {
    case compact
    case prune(before: Instant)
    case note(text: String, uid: UInt32)
}

/// Commits batches, and keeps the store in between: durability, checkpoints, merging, limits, the sign of life.
///
/// A full disk ends nothing: batches are held while there is room, then the oldest is dropped and becomes a gap row as
/// soon as a row can be written again.
/// Thread: its own, *write*.
struct WriteLoop: ~Copyable {
    var store: StoreWriter
    private var encoder: BlockEncoder
    private let run: RunIdentity
    private let options: RecorderOptions
    let shared: WriteShared
    private let archive: ArchiveStatus?
    private var held: Deque<FinishedBatch> = []
    private var dropped: Gap?
    /// Rows of batches that were dropped: gaps and clock steps outlive their events.
    private var orphaned = Additions()
    private var retryAt: Int64?
    var lastFailure: String?
    /// Who waits for the compaction that is under way, and the first block it could not merge.
    private var compactionRequests: [UInt64] = []
    private var compactionFailure: String?
    /// What *mounts* said and could not be written yet.
    private var coverageChanges: [CoverageChange] = []
    /// Rows of captured databases that could not be written yet.
    var captured = Additions()
    /// Settled when those are written.
    var capturedBarrier: UInt64 = 0
    var unsyncedSince: Int64?
    private var lastHeartbeat: Int64 = 0
    private var lastLimitCheck: Int64 = 0
    private var ageClock: AgeClock
    /// When the last large batch was committed, and when merging last had its turn.
    private var lastStorm: Int64 = .min / 2
    private var calmSince = Clock.monotonic()
    var storeChanged = true
    private var reachedLast = false

    static let heartbeatNanoseconds: Int64 = 5_000_000_000
    static let limitCheckNanoseconds: Int64 = 1_000_000_000
    static let idleLimitCheckNanoseconds: Int64 = 60_000_000_000
    static let retryNanoseconds: Int64 = 250_000_000
    /// Two wait here at most: the third batch is being filled.
    static let heldBatchCount = 2

    init(
        store: consuming StoreWriter, run: RunIdentity, options: RecorderOptions, shared: WriteShared,
        archive: ArchiveStatus?
    ) {
        encoder = BlockEncoder(filterKey: store.filterKey)
        ageClock = AgeClock(anchor: try? store.ageAnchor(boot: run.bootID))
        self.store = store
        self.run = run
        self.options = options
        self.shared = shared
        self.archive = archive
    }

    /// Runs until the last batch is committed, then marks the run as cleanly ended.
    consuming func runToEnd() {
        while !reachedLast || !held.isEmpty {
            shared.waker.clear()
            takeBatches()
            commitHeld()
            if reachedLast, !held.isEmpty { dropOldest() }
            recordCoverage()
            recordCaptured()
            answerRequests()
            recordRemarks()
            store.serveFeed()
            advanceFullCompaction()
            upkeep()
            publish()
            let isDone = reachedLast && held.isEmpty
            if !isDone, held.isEmpty || retryAt != nil { shared.waker.wait(timeoutNanoseconds: nextDeadline()) }
        }
        finish()
    }

    // MARK: Batches

    private mutating func takeBatches() {
        while held.count < Self.heldBatchCount, let finished = shared.exchange.next() {
            if finished.isLast { reachedLast = true }
            held.append(finished)
        }
        // The resolver cannot go on and the disk does not take what is here: the oldest makes room.
        if held.count >= Self.heldBatchCount, retryAt != nil, shared.exchange.resolverIsWaiting { dropOldest() }
    }

    private mutating func commitHeld() {
        if let retryAt, Clock.monotonic() < retryAt { return }
        while let first = held.first {
            do throws(StoreError) {
                try commit(first)
            } catch {
                fail(error.description, barrier: first.barrier)
                return
            }
            retryAt = nil
            lastFailure = nil
            // Whoever waits for the barrier asks for the number next.
            publish()
            let done = held.removeFirst()
            settle(done, failure: nil)
        }
    }

    private mutating func commit(_ finished: borrowing FinishedBatch) throws(StoreError) {
        var additions = finished.additions
        additions.append(contentsOf: orphaned)
        if let dropped { additions.gaps.append(dropped) }
        if finished.box.batch.keptCount > 0 {
            let block: EncodedBlock
            do throws(BlockError) {
                block = try encoder.encode(
                    finished.box.batch, firstSequence: store.nextSequence, run: run, origin: store.origin)
            } catch {
                throw StoreError(.badBlock, error.description)
            }
            try store.append(block, additions: additions, nextInstance: finished.nextInstance)
            shared.counters.eventsCommitted.add(block.count)
            if block.count >= Self.stormEventCount { lastStorm = Clock.monotonic() }
        } else if !additions.isEmpty {
            try store.append(additions)
        } else {
            return
        }
        if dropped != nil { lastHeartbeat = .min / 2 }
        dropped = nil
        orphaned = Additions()
        shared.counters.commits.add(1)
        storeChanged = true
        if unsyncedSince == nil { unsyncedSince = Clock.monotonic() }
    }

    private mutating func settle(_ finished: FinishedBatch, failure: String?) {
        shared.progress.settledBuffers.store(finished.bufferCount, ordering: .sequentiallyConsistent)
        if finished.barrier > 0 {
            if failure == nil { syncNow() }
            shared.barriers.settle(finished.barrier, failure: failure)
        }
        shared.exchange.giveBack(finished.box)
        shared.controlWaker.wake()
    }

    private mutating func fail(_ reason: String, barrier: UInt64) {
        lastFailure = reason
        retryAt = Clock.monotonic() &+ Self.retryNanoseconds
        if barrier > 0 {
            shared.barriers.settle(barrier, failure: reason)
            shared.controlWaker.wake()
        }
    }

    /// Gives up the oldest batch; its time and its number become a gap.
    private mutating func dropOldest() {
        guard let oldest = held.popFirst() else { return }
        orphaned.append(contentsOf: oldest.additions)
        let count = UInt64(oldest.box.batch.keptCount)
        if count > 0, let first = oldest.box.batch.windows.first, let last = oldest.box.batch.windows.last {
            let before = dropped
            if before == nil {
                StandardError.write(
                    "varved: events are dropped, as what waits cannot be stored: \(lastFailure ?? "the store is slow"). "
                        + "Recording goes on; 'varve gaps' will name the loss\n")
            }
            dropped = Gap(
                kind: .batchDropped, from: min(first.earliest, before?.from ?? first.earliest),
                to: max(last.time, before?.to ?? last.time), count: count + (before?.count ?? 0), scope: nil,
                cause: lastFailure ?? "the store could not be written")
            shared.counters.eventsDropped.add(Int(count))
            // Readers learn of it at once, though no row can tell them yet.
            lastHeartbeat = .min / 2
        }
        settle(oldest, failure: lastFailure)
    }

    // MARK: Upkeep

    /// What cannot be written now is tried again at the next turn: the rows outlive a full disk.
    private mutating func recordCoverage() {
        coverageChanges += shared.takeCoverageChanges()
        while let change = coverageChanges.first {
            do throws(StoreError) {
                try store.record(change)
            } catch {
                lastFailure = error.description
                return
            }
            coverageChanges.removeFirst()
            unsyncedSince = unsyncedSince ?? Clock.monotonic()
            storeChanged = true
        }
    }

    /// What became of the archive belongs on the timeline.
    private mutating func recordRemarks() {
        guard let remarks = archive?.takeRemarks(), !remarks.isEmpty else { return }
        var additions = Additions()
        additions.notes = remarks.map { Note(moment: Clock.realtime(), uid: nil, text: $0) }
        do throws(StoreError) {
            try store.append(additions)
        } catch {
            lastFailure = error.description
            archive?.giveBack(remarks)
            return
        }
        unsyncedSince = unsyncedSince ?? Clock.monotonic()
        storeChanged = true
    }

    private mutating func answerRequests() {
        for request in shared.takeRequests() {
            var failure: String?
            var eventCount: UInt64?
            do throws(StoreError) {
                switch request.request {
                case .compact:
                    // In slices between commits; it is answered when the last one is done.
                    store.beginFullCompaction()
                    compactionRequests.append(request.id)
                    continue
                case .prune(let before):
                    eventCount = try store.prune(before: before, cause: "asked for with varve prune").eventCount
                case .note(let text, let uid):
                    var additions = Additions()
                    additions.notes.append(Note(moment: Clock.realtime(), uid: uid, text: text))
                    try store.append(additions)
                    unsyncedSince = unsyncedSince ?? Clock.monotonic()
                }
            } catch {
                failure = error.description
            }
            storeChanged = true
            shared.answer(request.id, failure: failure, eventCount: eventCount)
        }
    }

    /// A slice of the compaction that was asked for.
    private mutating func advanceFullCompaction() {
        guard !compactionRequests.isEmpty else { return }
        var failure: String?
        do throws(StoreError) {
            _ = try store.compactStep()
            storeChanged = true
        } catch {
            failure = error.description
            // One damaged block does not keep the others from being merged.
            if error.code == .badBlock { compactionFailure = failure }
        }
        let hasGivenUp = failure != nil && compactionFailure == nil
        guard !store.isFullCompactionRunning || hasGivenUp else { return }
        for id in compactionRequests { shared.answer(id, failure: failure ?? compactionFailure) }
        compactionRequests.removeAll()
        compactionFailure = nil
    }

    /// Whatever fails here is tried again at its next turn; the events themselves are safe.
    private mutating func upkeep() {
        let now = Clock.monotonic()
        if let unsyncedSince, now &- unsyncedSince >= options.syncIntervalNanoseconds { syncNow() }
        do throws(StoreError) {
            // First of all: it tells of losses also when nothing else can be written.
            if now &- lastHeartbeat >= Self.heartbeatNanoseconds {
                lastHeartbeat = now
                if !store.isInPlace() { shared.storeIsGone() }
                try store.heartbeat(heartbeat())
            }
            _ = try store.checkpointIfDue()
            // An age limit also moves while nothing is written.
            let limitPause = storeChanged ? Self.limitCheckNanoseconds : Self.idleLimitCheckNanoseconds
            if now &- lastLimitCheck >= limitPause {
                lastLimitCheck = now
                storeChanged = false
                if try store.enforce(limits, now: ageClock.moment()).blockCount > 0 { storeChanged = true }
            }
            if mayMerge(now) {
                let progress = try store.compactStep()
                if progress != .idle { storeChanged = true }
                if progress == .merged || progress == .idle { calmSince = now }
            }
        } catch {
            lastFailure = error.description
        }
    }

    private var limits: RetentionLimits {
        RetentionLimits(
            maxByteCount: options.maximumByteCount, segmentSharePercent: options.segmentSharePercent,
            maxAgeNanoseconds: options.maximumAgeNanoseconds, minFreeByteCount: options.minimumFreeByteCount)
    }

    mutating func syncNow() {
        do throws(StoreError) {
            try store.sync()
            unsyncedSince = nil
        } catch {
            lastFailure = error.description
            unsyncedSince = Clock.monotonic()
        }
    }

    /// The order matters: a moment first, then the proof that nothing from before it is under way.
    private func heartbeat() -> Heartbeat {
        let moment = Clock.realtime()
        let isQuiet =
            held.isEmpty && dropped == nil && shared.drain.queueIsEmpty
            && shared.ring.filled == shared.progress.settledBuffers.load(ordering: .sequentiallyConsistent)
        return Heartbeat(
            run: run.run, bootID: run.bootID, pid: OwnProcess.pid, writtenAt: moment,
            monotonicNanoseconds: Clock.monotonic(), nextSequence: store.nextSequence,
            quietAt: isQuiet ? moment : nil, pendingLoss: dropped)
    }

    /// How long there is nothing to do, in nanoseconds.
    private func nextDeadline() -> Int64? {
        if !compactionRequests.isEmpty { return 0 }
        let now = Clock.monotonic()
        if mayMerge(now) { return Self.mergePauseNanoseconds }
        var deadline = lastHeartbeat &+ Self.heartbeatNanoseconds
        if let unsyncedSince { deadline = min(deadline, unsyncedSince &+ options.syncIntervalNanoseconds) }
        if let retryAt { deadline = min(deadline, retryAt) }
        if let due = store.feedDeadline { deadline = min(deadline, due) }
        return max(0, deadline &- now)
    }

    /// Merging waits for a calm moment: in a storm every bit of the processor belongs to the workload. It waits only
    /// so long, or the fresh blocks of a machine that is never calm would pile up.
    private func mayMerge(_ now: Int64) -> Bool {
        guard store.isCompactionDue, held.isEmpty, compactionRequests.isEmpty else { return false }
        return now &- lastStorm >= Self.calmNanoseconds || now &- calmSince >= Self.longestPutOffNanoseconds
    }

    /// A commit of this many events is part of a storm.
    private static let stormEventCount = 4_096
    private static let calmNanoseconds: Int64 = 2_000_000_000
    private static let longestPutOffNanoseconds: Int64 = 60_000_000_000

    /// Between two slices of merging, so that it takes at most a fifth of one core.
    private static let mergePauseNanoseconds: Int64 = 80_000_000

    private func publish() {
        shared.publish(nextSequence: store.nextSequence, failure: lastFailure)
    }

    private consuming func finish() {
        recordCoverage()
        recordCaptured()
        archive?.remarkEnd()
        recordRemarks()
        do throws(StoreError) {
            var additions = orphaned
            if let dropped { additions.gaps.append(dropped) }
            if !additions.isEmpty { try store.append(additions) }
            dropped = nil
            // What happened after the last look into the queue was not recorded.
            try store.endRun(at: shared.drain.readUpTo)
            try store.sync()
            try store.heartbeat(heartbeat())
        } catch {
            // The next start then finds a run without an end and records the gap.
            shared.publish(nextSequence: store.nextSequence, failure: error.description)
        }
        store.endFeed(at: Clock.realtime())
        store.close()
    }
}
