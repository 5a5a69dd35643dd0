import Model
import Store

/// Logs that were written and could not be opened: one gap a database and second, however often that happens.
///
/// Bounded: beyond `maximumCount` databases in a second they share one gap.
struct UnseenLogs {
    private static let intervalNanoseconds: Int64 = 1_000_000_000
    private static let maximumCount = 256

    private var gaps: [RawPath?: Gap] = [:]
    private var lastTold: Int64 = .min / 2

    var isEmpty: Bool { gaps.isEmpty }

    mutating func add(_ path: RawPath, low: Instant, high: Instant) {
        let key = gaps[path] != nil || gaps.count < Self.maximumCount ? path : nil
        guard let known = gaps[key] else {
            gaps[key] = Gap(
                kind: .walMissed, from: low, to: high, count: nil, scope: key,
                cause: "commits of a database: its log was gone before it was opened, or may not be read")
            return
        }
        gaps[key]?.from = min(known.from, low)
        gaps[key]?.to = max(known.to, high)
    }

    mutating func moveGaps(to additions: inout Additions, now: Int64, isEnding: Bool) {
        guard !gaps.isEmpty, isEnding || now &- lastTold >= Self.intervalNanoseconds else { return }
        additions.gaps += gaps.values
        gaps.removeAll()
        lastTold = now
    }
}
