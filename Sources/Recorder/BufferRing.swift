import Block
import Fanotify
import Model
import Synchronization

/// What one reading of the queue left, with the window in which its events happened.
struct DrainedBuffer: ~Copyable {
    var records = ReadBuffer(capacity: BufferRing.bufferByteCount)
    var window = TimeWindow(
        earliest: .distantPast, time: .distantPast, clockOffsetNanoseconds: 0)
    /// The last barrier that everything up to here satisfies: the queue was seen empty after it was asked for.
    var barrier: UInt64 = 0
    /// The drain ends with this one.
    var isLast = false
}

/// The preallocated buffers between *drain* and *resolve*: one thread fills, the other empties, in order.
///
/// Bounded: when all are full the drain waits, and the kernel's queue holds what comes.
final class BufferRing: Sendable {
    static let bufferCount: UInt64 = 16
    /// A quarter of a megabyte holds about 2,000 records; larger reads cost no less.
    static let bufferByteCount = 256 << 10

    /// Short enough that most processes can still be looked up.
    static let restNanoseconds: Int64 = 4_000_000

    private let slots = InlineArray<16, Mutex<DrainedBuffer>> { _ in Mutex(DrainedBuffer()) }
    /// How many buffers were ever filled, and how many of them emptied.
    private let filledCount = Atomic<UInt64>(0)
    private let emptiedCount = Atomic<UInt64>(0)
    /// The count at which the emptier last rested; it rests once after each buffer.
    private let restedAt = Atomic<UInt64>(0)
    private let emptierRests = Atomic<Bool>(false)
    private let emptierWaits = Atomic<Bool>(false)
    private let fillerWaits = Atomic<Bool>(false)
    private let emptierWaker: Waker
    private let fillerWaker: Waker

    init(emptierWaker: Waker, fillerWaker: Waker) {
        self.emptierWaker = emptierWaker
        self.fillerWaker = fillerWaker
    }

    var filled: UInt64 { filledCount.load(ordering: .sequentiallyConsistent) }
    var emptied: UInt64 { emptiedCount.load(ordering: .sequentiallyConsistent) }

    /// Lends the next buffer to `fill`, which says whether there is something in it to pass on. Waits for a free one.
    ///
    /// The emptier is not woken here: a wake-up costs as much as several records, so the filler says when.
    /// Thread: *drain* only.
    func fill(_ fill: (inout DrainedBuffer) -> Bool) {
        let number = filledCount.load(ordering: .relaxed)
        while number &- emptiedCount.load(ordering: .acquiring) >= Self.bufferCount {
            wakeEmptier()
            fillerWaits.store(true, ordering: .sequentiallyConsistent)
            // Looked at again after the announcement, or the wake-up could fall between the two.
            if number &- emptiedCount.load(ordering: .sequentiallyConsistent) >= Self.bufferCount {
                fillerWaker.wait(timeoutNanoseconds: 100_000_000)
            }
            fillerWaker.clear()
            fillerWaits.store(false, ordering: .relaxed)
        }
        let isPassedOn = slots[Int(number % Self.bufferCount)].withLock { fill(&$0) }
        guard isPassedOn else { return }
        filledCount.store(number &+ 1, ordering: .sequentiallyConsistent)
    }

    /// How many filled buffers wait.
    var waitingCount: UInt64 { filledCount.load(ordering: .relaxed) &- emptiedCount.load(ordering: .relaxed) }

    /// Wakes the emptier if it waits while there is something for it.
    func wakeEmptier() {
        if waitingCount > 0, emptierWaits.load(ordering: .sequentiallyConsistent) { emptierWaker.wake() }
    }

    /// Lends the oldest filled buffer to `body`; false when there is none by the time given.
    ///
    /// After a full look the emptier rests a moment before it waits to be woken: a wake-up for each reading would cost
    /// both threads more than the records themselves.
    /// Parameter timeoutNanoseconds: nil waits without end; the emptier's waker ends the wait early.
    /// Thread: *resolve* only.
    func empty(
        timeoutNanoseconds: Int64?, restNanoseconds: Int64 = BufferRing.restNanoseconds,
        _ body: (borrowing DrainedBuffer) -> Void
    ) -> Bool {
        let number = emptiedCount.load(ordering: .relaxed)
        if filledCount.load(ordering: .acquiring) == number, number != restedAt.load(ordering: .relaxed) {
            restedAt.store(number, ordering: .relaxed)
            emptierRests.store(true, ordering: .sequentiallyConsistent)
            let isWoken = emptierWaker.wait(
                timeoutNanoseconds: min(restNanoseconds, timeoutNanoseconds ?? restNanoseconds))
            emptierRests.store(false, ordering: .relaxed)
            // Whoever wakes it between the two only ends the next wait early.
            if isWoken { emptierWaker.clear() }
            return emptyNow(number, body)
        }
        if filledCount.load(ordering: .acquiring) == number {
            emptierWaits.store(true, ordering: .sequentiallyConsistent)
            if filledCount.load(ordering: .sequentiallyConsistent) == number,
                emptierWaker.wait(timeoutNanoseconds: timeoutNanoseconds)
            {
                emptierWaker.clear()
            }
            emptierWaits.store(false, ordering: .relaxed)
        }
        return emptyNow(number, body)
    }

    /// Ends the emptier's rest: what waits is worth a wake-up.
    func interruptRest() {
        if emptierRests.load(ordering: .sequentiallyConsistent) { emptierWaker.wake() }
    }

    private func emptyNow(_ number: UInt64, _ body: (borrowing DrainedBuffer) -> Void) -> Bool {
        if filledCount.load(ordering: .acquiring) == number { return false }
        slots[Int(number % Self.bufferCount)].withLock { body($0) }
        emptiedCount.store(number &+ 1, ordering: .sequentiallyConsistent)
        if fillerWaits.load(ordering: .sequentiallyConsistent) { fillerWaker.wake() }
        return true
    }
}
