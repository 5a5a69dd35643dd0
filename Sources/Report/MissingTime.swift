internal import Model

/// A stretch of time of which something is known to be missing.
struct MissingTime {
    var kind: String
    var from: Instant
    var to: Instant
    var count: UInt64?
    var scope: [UInt8]?
    var cause: String

    /// What is to be painted: within the axis, ascending, those that meet joined, and in steps of an eighth of a bucket, so
    /// that there are no more of them than can be seen apart. Each is at least a step wide.
    static func spans(of missing: [MissingTime], on axis: TimeAxis) -> [(from: Instant, to: Instant)] {
        let step = max(1, axis.width / 8)
        let (begin, end) = (axis.from, axis.to)
        var spans: [(from: Instant, to: Instant)] = []
        for gap in missing.sorted(by: { $0.from < $1.from }) {
            guard gap.from < end, max(gap.from, gap.to) >= begin else { continue }
            func steps(to moment: Instant) -> Int { axis.steps(to: min(max(moment, begin), end), of: step) }
            // An axis may be longer than 64 bits with a sign can tell.
            func moment(after steps: Int) -> Instant {
                guard steps <= axis.steps(to: end, of: step) else { return end }
                return Instant(nanosecondsSinceEpoch: begin.nanosecondsSinceEpoch &+ Int64(steps) &* step)
            }
            let first = steps(to: gap.from)
            let last = max(first, steps(to: gap.to) - (gap.to > end ? 1 : 0)) + 1
            let (from, to) = (moment(after: first), moment(after: last))
            if let previous = spans.last, previous.to >= from {
                spans[spans.count - 1].to = max(previous.to, to)
            } else {
                spans.append((from, to))
            }
        }
        return spans
    }
}
