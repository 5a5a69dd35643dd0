import Block
import Model

/// How many events of a batch had to stay without a directory, and when they happened.
struct UnresolvedCount {
    private(set) var count = 0
    private var from = Instant.distantFuture
    private var to = Instant.distantPast

    mutating func add(_ window: TimeWindow) {
        count += 1
        from = min(from, window.earliest)
        to = max(to, window.time)
    }

    /// nil when there was none.
    var gap: Gap? {
        guard count > 0 else { return nil }
        return Gap(
            kind: .unresolved, from: from, to: to, count: UInt64(count), scope: nil,
            cause: "the directories of these events could no longer be named")
    }
}
