/// When the batch that is being gathered is to be handed over for its commit.
///
/// The interval counts from the batch's first event. While few events wait and nobody follows or waits for them, it
/// stretches: a commit of ten events costs the disk almost as much as one of ten thousand.
struct CommitPacing: Sendable, Equatable {
    /// `--commit-interval`, in nanoseconds.
    var intervalNanoseconds: Int64
    static let longestIntervalNanoseconds: Int64 = 2_000_000_000
    static let fewEventCount = 1_024
    static let maximumEventCount = 65_536
    static let maximumNameByteCount = 8 << 20
    /// With its command line a process may take some 8 KiB of text, and a block holds 64 MiB of it.
    static let maximumProcessCount = 4_096

    init(intervalNanoseconds: Int64) {
        self.intervalNanoseconds = intervalNanoseconds
    }

    /// True when the batch holds as much as one may.
    func isFull(eventCount: Int, nameByteCount: Int, processCount: Int) -> Bool {
        eventCount >= Self.maximumEventCount || nameByteCount >= Self.maximumNameByteCount
            || processCount >= Self.maximumProcessCount
    }

    /// How long a batch that holds `eventCount` events may be open, counted from its first event.
    func openNanoseconds(eventCount: Int, isWatched: Bool) -> Int64 {
        guard !isWatched, eventCount < Self.fewEventCount else { return intervalNanoseconds }
        return max(intervalNanoseconds, Self.longestIntervalNanoseconds)
    }
}
