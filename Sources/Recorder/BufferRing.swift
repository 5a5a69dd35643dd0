import Block
import Fanotify
import Model
import Synchronization
import Syscalls

/// What one reading of the queue left, with the window in which its events happened.
struct DrainedBuffer: ~Copyable {
    var records: ReadBuffer
    var window = TimeWindow(
        earliest: .distantPast, time: .distantPast, clockOffsetNanoseconds: 0)
    /// The last barrier that everything up to here satisfies: the queue was seen empty after it was asked for.
    var barrier: UInt64 = 0
    /// The drain ends with this one.
    var isLast = false

    init() throws(SyscallError) {
        records = try ReadBuffer(capacity: BufferRing.bufferByteCount)
    }
}

/// The preallocated buffers between *drain* and *resolve*: one thread fills, the other empties, in order.
///
/// Bounded: when all are full the drain waits, and the kernel's queue holds what comes.
final class BufferRing: Sendable {
    /// In a storm the drain reads once a millisecond, and what is not urgent gathers for longer than ten of them.
    static let bufferCount: UInt64 = 64
    /// Some 500 records; larger reads cost no less.
    static let bufferByteCount = 64 << 10
    /// So many are not left to wait: the drain must not come to the end of the ring.
    private static let gatheredCount = bufferCount / 2

    private let slots: InlineArray<64, Mutex<DrainedBuffer>>
    /// How many buffers were ever filled, and how many of them emptied.
    private let filledCount = Atomic<UInt64>(0)
    private let emptiedCount = Atomic<UInt64>(0)
    /// The count at which the first slot was filled last: an empty ring begins anew there, in memory that is still cached.
    private let originCount = Atomic<UInt64>(0)
    private let emptierWaits = Atomic<Bool>(false)
    private let fillerWaits = Atomic<Bool>(false)
    /// When the emptier's alarm will ring, in nanoseconds of CLOCK_MONOTONIC; `Int64.max` while it is not set.
    private let alarmMoment = Atomic<Int64>(.max)
    /// When the emptier began to wait.
    private let emptiedMoment = Atomic<Int64>(.min / 2)
    private let emptierAlarm: TimerDescriptor
    private let fillerWaker: Waker
    private let policy: GatheringPolicy

    init(policy: GatheringPolicy) throws(SyscallError) {
        slots = try InlineArray { (_) throws(SyscallError) in Mutex(try DrainedBuffer()) }
        emptierAlarm = try TimerDescriptor()
        fillerWaker = try Waker()
        self.policy = policy
    }

    var filled: UInt64 { filledCount.load(ordering: .sequentiallyConsistent) }
    var emptied: UInt64 { emptiedCount.load(ordering: .sequentiallyConsistent) }

    // MARK: Filling

    /// Lends the next buffer to `fill`, which says whether there is something in it to pass on. Waits for a free one.
    ///
    /// The emptier is not told here: the filler says when, with `announce`.
    /// Thread: *drain* only.
    func fill(_ fill: (inout DrainedBuffer) -> Bool) {
        let number = filledCount.load(ordering: .relaxed)
        while number &- emptiedCount.load(ordering: .acquiring) >= Self.bufferCount {
            callEmptier(at: Clock.monotonic())
            fillerWaits.store(true, ordering: .sequentiallyConsistent)
            // Looked at again after the announcement, or the wake-up could fall between the two.
            if number &- emptiedCount.load(ordering: .sequentiallyConsistent) >= Self.bufferCount {
                fillerWaker.wait(timeoutNanoseconds: 100_000_000)
            }
            fillerWaker.clear()
            fillerWaits.store(false, ordering: .relaxed)
        }
        // The emptier does not ask where the ring begins before there is something to empty.
        if number == emptiedCount.load(ordering: .acquiring) { originCount.store(number, ordering: .relaxed) }
        let isPassedOn = slots[slot(number)].withLock { fill(&$0) }
        guard isPassedOn else { return }
        filledCount.store(number &+ 1, ordering: .sequentiallyConsistent)
    }

    private func slot(_ number: UInt64) -> Int {
        Int((number &- originCount.load(ordering: .relaxed)) % Self.bufferCount)
    }

    /// How soon the emptier is to look at what was filled.
    enum Urgency {
        case calm
        /// A program was started.
        case urgent
        /// Somebody waits for an answer.
        case immediate
    }

    /// Sees to it that the emptier looks at what was filled, if it waits while there is something for it.
    ///
    /// Cost: nothing while it will look soon enough by itself, else one timerfd_settime(2): to be woken at once costs both
    /// threads more. Thread: *drain* only.
    func announce(_ urgency: Urgency, now: Int64) {
        let waitingCount = filledCount.load(ordering: .relaxed) &- emptiedCount.load(ordering: .relaxed)
        guard waitingCount > 0 else { return }
        let moment: Int64 =
            switch urgency {
            case .calm where waitingCount < Self.gatheredCount:
                max(
                    now &+ policy.calmNanoseconds,
                    emptiedMoment.load(ordering: .relaxed) &+ policy.restNanoseconds)
            case .urgent: now &+ policy.urgentNanoseconds
            case .calm, .immediate: now
            }
        callEmptier(at: moment)
    }

    private func callEmptier(at moment: Int64) {
        // In this order, after the buffer was passed on: an emptier that is past its waiting sees the buffer.
        guard emptierWaits.load(ordering: .sequentiallyConsistent),
            moment < alarmMoment.load(ordering: .sequentiallyConsistent)
        else { return }
        alarmMoment.store(moment, ordering: .sequentiallyConsistent)
        // It cannot fail: the descriptor is a timer and the delay in range.
        try? emptierAlarm.arm(delayNanoseconds: moment &- Clock.monotonic())
    }

    // MARK: Emptying

    /// Lends the oldest filled buffer to `body`; false when there is none by the time given.
    ///
    /// Parameter timeoutNanoseconds: nil waits without end; the alarm ends the wait early.
    /// Thread: *resolve* only.
    func empty(timeoutNanoseconds: Int64?, _ body: (borrowing DrainedBuffer) -> Void) -> Bool {
        let number = emptiedCount.load(ordering: .relaxed)
        if filledCount.load(ordering: .acquiring) == number { awaitAlarm(number, timeoutNanoseconds) }
        if filledCount.load(ordering: .sequentiallyConsistent) == number { return false }
        slots[slot(number)].withLock { body($0) }
        emptiedCount.store(number &+ 1, ordering: .sequentiallyConsistent)
        if fillerWaits.load(ordering: .sequentiallyConsistent) { fillerWaker.wake() }
        return true
    }

    private func awaitAlarm(_ number: UInt64, _ timeoutNanoseconds: Int64?) {
        emptiedMoment.store(Clock.monotonic(), ordering: .relaxed)
        emptierWaits.store(true, ordering: .sequentiallyConsistent)
        if filledCount.load(ordering: .sequentiallyConsistent) == number,
            emptierAlarm.wait(timeoutNanoseconds: timeoutNanoseconds)
        {
            _ = emptierAlarm.clear()
        }
        emptierWaits.store(false, ordering: .sequentiallyConsistent)
        alarmMoment.store(.max, ordering: .sequentiallyConsistent)
    }
}
