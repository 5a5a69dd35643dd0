import Model
import Testing

@testable import Report

@Suite struct TimeAxisTests {
    private static func moment(_ nanoseconds: Int64) -> Instant { Instant(nanosecondsSinceEpoch: nanoseconds) }

    /// One row for each order of magnitude, and the ends of what a clock can say.
    @Test(
        arguments: [
            (0, 0), (0, 1), (1_795_392_000_000_000_000, 1_795_392_000_000_000_001), (-5, 5),
            (0, 999_999_999), (0, 239_999_999_999), (0, 240_000_000_000), (0, 86_400_000_000_000),
            (-86_400_000_000_000_000, 0), (0, Int64.max), (Int64.min, 0), (Int64.min, Int64.max),
            (Int64.min, Int64.min), (Int64.max, Int64.max),
        ] as [(Int64, Int64)])
    func everyMomentOfTheRangeHasABucket(first: Int64, last: Int64) {
        let axis = TimeAxis(first: Self.moment(first), last: Self.moment(last))
        #expect(axis.width > 0)
        #expect((1...TimeAxis.maximumBucketCount).contains(axis.count))
        #expect(axis.from <= Self.moment(first))
        #expect(axis.to >= Self.moment(last))
        #expect(axis.bucket(of: Self.moment(first)) == 0)
        #expect(axis.bucket(of: Self.moment(last)) == axis.count - 1)
        #expect(axis.bucket(of: .distantPast) == 0)
        #expect(axis.bucket(of: .distantFuture) == axis.count - 1)
    }

    @Test func bucketsAreOfUsualLengthsAndBeginAtTheirMultiples() {
        let second: Int64 = 1_000_000_000
        let axis = TimeAxis(first: Self.moment(61 * second), last: Self.moment(3_700 * second))
        #expect(axis.width == 30 * second)
        #expect(axis.from == Self.moment(60 * second))
        #expect(axis.count == 122)
        #expect(axis.bucket(of: Self.moment(89_999_999_999)) == 0)
        #expect(axis.bucket(of: Self.moment(90 * second)) == 1)
    }

    private static func missing(_ from: Int64, _ to: Int64) -> MissingTime {
        MissingTime(kind: "queue_overflow", from: moment(from), to: moment(to), cause: "")
    }

    /// 160 buckets of 5,000 ns.
    @Test func gapsArePaintedJoinedAndNeverTooThin() {
        let axis = TimeAxis(first: Self.moment(0), last: Self.moment(100 * 8_000 - 1))
        #expect(axis.width == 5_000 && axis.from == Self.moment(0))
        let step = axis.width / 8
        func painted(_ gaps: [MissingTime]) -> [[Int64]] {
            MissingTime.spans(of: gaps, on: axis).map { [$0.from.nanosecondsSinceEpoch, $0.to.nanosecondsSinceEpoch] }
        }
        #expect(painted([]) == [])
        // A moment takes a step.
        #expect(painted([Self.missing(10 * step + 3, 10 * step + 3)]) == [[10 * step, 11 * step]])
        // What meets is one.
        #expect(
            painted([Self.missing(5 * step, 5 * step + 1), Self.missing(0, 1), Self.missing(step, 2 * step + 1)])
                == [[0, 3 * step], [5 * step, 6 * step]])
        // What reaches out is cut, what lies outside is left out.
        let end = axis.to.nanosecondsSinceEpoch
        #expect(painted([Self.missing(.min, 1), Self.missing(end - 1, .max)]) == [[0, step], [end - step, end]])
        #expect(painted([Self.missing(-10, -5), Self.missing(end, end + 5)]) == [])
        #expect(painted([Self.missing(.min, .max)]) == [[0, end]])
        // Of all time there is.
        let whole = TimeAxis(first: .distantPast, last: .distantFuture)
        let spans = MissingTime.spans(of: [Self.missing(.min, 0), Self.missing(.max - 1, .max)], on: whole)
        #expect(spans.first?.from == .distantPast && spans.last?.to == .distantFuture)
        #expect(spans.count == 2)
    }

    @Test func thereAreNoMoreSpansThanCanBeSeenApart() {
        let axis = TimeAxis(first: Self.moment(0), last: Self.moment(86_400_000_000_000))
        let gaps = (0..<100_000).map { Self.missing(Int64($0) * 864_000_000, Int64($0) * 864_000_000 + 1) }
        #expect(MissingTime.spans(of: gaps, on: axis).count <= 8 * TimeAxis.maximumBucketCount)
    }
}
