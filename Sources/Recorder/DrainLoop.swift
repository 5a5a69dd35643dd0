import Block
import Fanotify
import Model
import Synchronization
import Syscalls

/// Reads the notification queue into the ring, and nothing else: no file, no `/proc`, no SQLite.
///
/// Thread: its own, *drain*; it ends after `stop` was set and the queue was seen empty once more.
final class DrainLoop: Sendable {
    private let group: GroupBox
    private let ring: BufferRing
    private let barriers: Barriers
    let waker: Waker
    private let isStopping = Atomic<Bool>(false)
    /// Between a reading and its passing on.
    private let seenEmptyAt = Atomic<Int64>(.min)
    private let isBusy = Atomic<Bool>(false)
    private let startedAt: Instant
    private let watchdogAllowedNanoseconds: Int64?

    /// Parameter startedAt: a moment before the first mark; no event is older.
    init(
        group: GroupBox, ring: BufferRing, barriers: Barriers, waker: Waker, startedAt: Instant,
        watchdogAllowedNanoseconds: Int64?
    ) {
        self.startedAt = startedAt
        self.group = group
        self.ring = ring
        self.barriers = barriers
        self.waker = waker
        self.watchdogAllowedNanoseconds = watchdogAllowedNanoseconds
    }

    /// Everything that happened before this moment has been read. Any thread.
    var readUpTo: Instant {
        Instant(nanosecondsSinceEpoch: seenEmptyAt.load(ordering: .sequentiallyConsistent))
    }

    private let lookIsWanted = Atomic<Bool>(false)

    /// Has the queue read now, and *resolve* told that it was, also when it is empty. Any thread.
    func look() {
        lookIsWanted.store(true, ordering: .sequentiallyConsistent)
        waker.wake()
    }

    /// Ends the loop after one more reading until the queue is empty.
    func stop() {
        isStopping.store(true, ordering: .sequentiallyConsistent)
        waker.wake()
    }

    /// True when at this moment nothing waits in the queue and nothing is between the queue and the ring.
    ///
    /// Any thread; look at the ring's counts after it, not before.
    var queueIsEmpty: Bool {
        !group.isReadable && !isBusy.load(ordering: .sequentiallyConsistent)
    }

    func run() {
        var nap = NapPolicy()
        var watchdog = Watchdog(allowedNanoseconds: watchdogAllowedNanoseconds)
        var descriptors = PollSet(reading: [group.group.fileDescriptor, waker.descriptor.fileDescriptor])
        var lastBarrier: UInt64 = 0
        var seenEmpty = startedAt
        var cycleBegan = Clock.monotonic()
        while true {
            watchdog.pingIfDue()
            if nap.napMicroseconds > 0 {
                Clock.sleep(nanoseconds: nap.napMicroseconds * 1_000)
            } else {
                // A failed wait (no memory) is followed by a reading all the same.
                _ = try? descriptors.wait(timeoutNanoseconds: watchdog.intervalNanoseconds)
            }
            let isStopping = isStopping.load(ordering: .sequentiallyConsistent)
            let barrier = barriers.newest
            let isLooking = lookIsWanted.exchange(false, ordering: .sequentiallyConsistent)
            if isStopping || isLooking || barrier != lastBarrier { waker.clear() }
            let (records, hasExec) = readUntilEmpty(seenEmpty: &seenEmpty)
            let cycleEnded = Clock.monotonic()
            nap.update(recordCount: records, elapsedNanoseconds: cycleEnded &- cycleBegan)
            cycleBegan = cycleEnded
            ring.announce(hasExec ? .urgent : .calm, now: cycleEnded)
            if barrier != lastBarrier || isStopping || isLooking {
                lastBarrier = barrier
                ring.fill { slot in
                    slot.records.removeAll()
                    slot.barrier = barrier
                    slot.isLast = isStopping
                    return true
                }
                ring.announce(.immediate, now: cycleEnded)
                if isStopping { return }
            }
        }
    }

    /// Returns how many records were read, and whether a program was started; `seenEmpty` becomes a moment before the
    /// queue was found empty.
    private func readUntilEmpty(seenEmpty: inout Instant) -> (recordCount: Int, hasExec: Bool) {
        var recordCount = 0
        var hasExec = false
        var isEmpty = false
        var isRefused = false
        var before = seenEmpty
        while !isEmpty {
            isBusy.store(true, ordering: .sequentiallyConsistent)
            let earliest = seenEmpty
            before = Clock.realtime()
            ring.fill { slot in
                slot.records.removeAll()
                slot.barrier = 0
                slot.isLast = false
                let count = group.read(into: &slot.records)
                guard let count, count > 0 else {
                    isEmpty = true
                    isRefused = count == nil
                    return false
                }
                // read(2) goes on until nothing waits or the next record has no room.
                isEmpty = slot.records.hasRoomForAnyRecord
                let summary = EventCursor.summary(of: slot.records.bytes)
                recordCount += summary.recordCount
                hasExec = hasExec || summary.masks.contains(.openExec)
                slot.window = TimeWindow(
                    since: earliest, monotonic: Clock.monotonic, realtime: { Clock.realtime() })
                return true
            }
            isBusy.store(false, ordering: .sequentiallyConsistent)
        }
        if isRefused {
            // Nothing is known of the queue; it is tried again, but not in a tight loop.
            Clock.sleep(nanoseconds: Self.refusedPauseNanoseconds)
            return (recordCount, hasExec)
        }
        // The last reading began at `before` or later, and took all there was.
        seenEmpty = before
        seenEmptyAt.store(before.nanosecondsSinceEpoch, ordering: .sequentiallyConsistent)
        return (recordCount, hasExec)
    }

    private static let refusedPauseNanoseconds: Int64 = 10_000_000
}

extension TimeWindow {
    /// A window that ends now, by the two clocks.
    init(since earliest: Instant, monotonic: () -> Int64, realtime: () -> Instant) {
        // In this order: where the thread is kept from running between the two, the window seems to begin earlier by
        // CLOCK_MONOTONIC, never later than what happened in it.
        let steady = monotonic()
        let now = realtime()
        self.init(
            // A clock that was set back must not make a window end before it begins.
            earliest: min(earliest, now), time: now,
            clockOffsetNanoseconds: now.nanosecondsSinceEpoch &- steady)
    }
}
