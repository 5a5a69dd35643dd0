internal import Model

/// The time of a report, cut into stretches of one length.
struct TimeAxis: Hashable, Sendable {
    /// More cells than this side by side are no wider than a line.
    static let maximumBucketCount = 240
    /// Lengths at which people cut time, in nanoseconds.
    private static let widths: [Int64] = {
        let second: Int64 = 1_000_000_000
        let fractions: [Int64] = [
            1_000, 10_000, 100_000, 1_000_000, 10_000_000, 100_000_000,
        ].flatMap { [$0, 2 * $0, 5 * $0] }
        let longer: [Int64] = [
            1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1_800, 3_600, 7_200, 10_800, 21_600, 43_200, 86_400,
            172_800, 604_800, 1_209_600, 2_419_200, 7_257_600, 31_536_000,
        ]
        return fractions + longer.map { $0 * second }
    }()

    /// Where the first bucket begins: a multiple of `width`, UTC, or where a range of centuries begins.
    let from: Instant
    /// Nanoseconds, more than 0.
    let width: Int64
    /// 1 … `maximumBucketCount`.
    let count: Int

    /// The fewest buckets of a usual length that are no fewer than needed to see something: the shortest length by which
    /// `first` … `last` takes at most `maximumBucketCount` of them. Range: `first` ≤ `last`.
    init(first: Instant, last: Instant) {
        for width in Self.widths {
            let (low, high) = Self.bounds(first, last, width)
            if high - low < Int64(Self.maximumBucketCount) {
                let (start, overflow) = low.multipliedReportingOverflow(by: width)
                let from = overflow ? Instant.distantPast : Instant(nanosecondsSinceEpoch: start)
                self.init(from: from, width: width, count: Int(high - low) + 1)
                return
            }
        }
        // Centuries, whose length may take 64 bits.
        let length = UInt64(bitPattern: last.nanosecondsSinceEpoch &- first.nanosecondsSinceEpoch)
        let width = length / UInt64(Self.maximumBucketCount) + 1
        self.init(from: first, width: Int64(width), count: Int(length / width) + 1)
    }

    private init(from: Instant, width: Int64, count: Int) {
        self.from = from
        self.width = width
        self.count = count
    }

    /// Where the last bucket ends.
    var to: Instant {
        let (product, overflow) = width.multipliedReportingOverflow(by: Int64(count))
        return overflow ? .distantFuture : from.advanced(byNanoseconds: product)
    }

    /// The bucket that holds a moment, or the nearest one.
    func bucket(of moment: Instant) -> Int {
        guard moment > from else { return 0 }
        guard moment < to else { return count - 1 }
        return min(count - 1, steps(to: moment, of: width))
    }

    /// How many whole steps of `step` nanoseconds lie between the beginning and a moment that is not before it.
    func steps(to moment: Instant, of step: Int64) -> Int {
        // The distance of two moments may take 64 bits.
        let distance = UInt64(bitPattern: moment.nanosecondsSinceEpoch &- from.nanosecondsSinceEpoch)
        return Int(clamping: distance / UInt64(max(1, step)))
    }

    private static func bounds(_ first: Instant, _ last: Instant, _ width: Int64) -> (Int64, Int64) {
        (floored(first.nanosecondsSinceEpoch, width), floored(last.nanosecondsSinceEpoch, width))
    }

    private static func floored(_ value: Int64, _ width: Int64) -> Int64 {
        let (quotient, remainder) = value.quotientAndRemainder(dividingBy: width)
        return remainder < 0 ? quotient - 1 : quotient
    }
}
