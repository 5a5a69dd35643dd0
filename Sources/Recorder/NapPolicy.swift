/// How long the drain sleeps between two readings of the queue: the one dial between cost and fidelity.
///
/// Reading at each wake-up costs two to four times the CPU of reading once a millisecond, but what waits unread is
/// merged by the kernel. So there is no nap while the rate is low, and it grows with the rate to at most 1 ms. The rate
/// is that of records in time, not in a cycle: a cycle that was late for want of a processor finds more records, and a
/// policy that took that for a storm would nap even longer. After a reading that found nothing the drain waits for the
/// next event instead of napping: what is quiet costs no wake-ups.
/// `benchmarks/drain/drain.c` follows the same policy, so that the two can be compared.
struct NapPolicy: Sendable, Equatable {
    /// Units: microseconds; 0 means waiting in poll(2) for the next event.
    private(set) var napMicroseconds: Int64 = 0
    /// Records a second, smoothed.
    private(set) var rate: Double = 0

    static let longestNapMicroseconds: Int64 = 1_000
    /// At this rate the nap is longest; below a quarter of it there is none.
    static let stormRate: Double = 8_000
    /// How long the rate is remembered.
    static let memoryNanoseconds: Double = 8_000_000

    /// Takes in what one cycle (a wait and the readings until the queue was empty) found, and how long it took.
    mutating func update(recordCount: Int, elapsedNanoseconds: Int64) {
        let elapsed = Double(max(elapsedNanoseconds, 1))
        let weight = elapsed / (elapsed + Self.memoryNanoseconds)
        rate += weight * (Double(recordCount) * 1e9 / elapsed - rate)
        guard recordCount > 0, rate * 4 >= Self.stormRate else {
            napMicroseconds = 0
            return
        }
        let share = min(rate / Self.stormRate, 1)
        napMicroseconds = Int64(share * Double(Self.longestNapMicroseconds))
    }
}
