/// How long the drain sleeps between two readings of the queue: the one dial between cost and fidelity.
///
/// Reading at each wake-up costs two to four times the CPU of reading once a millisecond, but what waits unread is
/// merged by the kernel. So there is no nap while the rate is low, and it grows to at most 1 ms in a storm.
/// `benchmarks/drain/drain.c` follows the same policy, so that the two can be compared.
struct NapPolicy: Sendable, Equatable {
    /// Units: microseconds; 0 means waiting in poll(2) for the next event.
    private(set) var napMicroseconds: Int64 = 0

    static let shortestNapMicroseconds: Int64 = 125
    static let longestNapMicroseconds: Int64 = 1_000
    /// A cycle that finds at least this many records asks for a longer nap.
    static let stormRecordCount = 8
    /// A cycle that finds at most this many asks for a shorter one.
    static let calmRecordCount = 1

    /// Takes in what one cycle (a wait and the readings until the queue was empty) found.
    mutating func update(recordCount: Int) {
        if recordCount >= Self.stormRecordCount {
            let doubled = max(napMicroseconds * 2, Self.shortestNapMicroseconds)
            napMicroseconds = min(doubled, Self.longestNapMicroseconds)
        } else if recordCount <= Self.calmRecordCount {
            let halved = napMicroseconds / 2
            napMicroseconds = halved < Self.shortestNapMicroseconds ? 0 : halved
        }
    }
}
