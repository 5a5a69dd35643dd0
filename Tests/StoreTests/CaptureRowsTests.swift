import Block
import Model
import Segment
import Testing

@testable import Store

@Suite struct CaptureRowsTests {
    private static let one = UUIDBytes(high: 1, low: 1)
    private static let other = UUIDBytes(high: 2, low: 2)

    private static func gap(_ numbers: ClosedRange<UInt64>, _ count: UInt64?, of stream: UUIDBytes) -> CaptureGapRow {
        CaptureGapRow(
            stream: stream,
            gap: CaptureGap(
                first: numbers.lowerBound, last: numbers.upperBound, missedCount: count,
                low: MadeStream.moment(numbers.lowerBound), high: MadeStream.moment(numbers.upperBound),
                cause: .notStored))
    }

    private static func loss(_ second: UInt64, _ scope: String?, count: UInt64? = 1) -> Gap {
        Gap(
            kind: .walMissed, from: MadeStream.moment(second), to: MadeStream.moment(second + 1), count: count,
            scope: scope.map { RawPath($0) }, cause: "commits of a database: not stored")
    }

    /// A disk that is full for hours: what cannot be said yet takes no more room for it.
    @Test func gapsThatFollowOnEachOtherBecomeOne() {
        var additions = Additions()
        for number in 1...1_000 as ClosedRange<UInt64> {
            additions.capture.streams.append(MadeStream.stream(Self.one))
            additions.capture.gaps.append(Self.gap(2 * number...2 * number + 1, 2, of: Self.one))
            additions.capture.gaps.append(Self.gap(number...number, number == 7 ? nil : 1, of: Self.other))
            additions.gaps.append(Self.loss(number, "/srv/a.db"))
        }
        // Between these two a commit is stored.
        additions.capture.gaps.append(Self.gap(1_002...1_002, 1, of: Self.other))
        var untouched = additions
        untouched.fold(beyond: 10_000)
        #expect(untouched.count == additions.count)
        additions.fold(beyond: 10)
        #expect(additions.capture.streams == [MadeStream.stream(Self.one)])
        #expect(
            additions.capture.gaps == [
                Self.gap(2...2_001, 2_000, of: Self.one), Self.gap(1...1_000, nil, of: Self.other),
                Self.gap(1_002...1_002, 1, of: Self.other),
            ])
        #expect(additions.gaps.count == 1)
        #expect(additions.gaps.first?.from == MadeStream.moment(1))
        #expect(additions.gaps.first?.to == MadeStream.moment(1_001))
        #expect(additions.gaps.first?.count == 1_000)
    }

    /// Databases with other names each time share one; what concerns events stays as it is.
    @Test func lossesOfTooManyDatabasesAreOne() {
        var additions = Additions()
        let overflow = Gap(
            kind: .queueOverflow, from: MadeStream.moment(1), to: MadeStream.moment(2), count: nil, scope: nil,
            cause: "")
        additions.gaps =
            [overflow] + (1...100).map { Self.loss($0, "/tmp/\($0)", count: $0 == 5 ? nil : 1) } + [overflow]
        additions.fold(beyond: 20)
        #expect(additions.gaps.count == 3)
        #expect(additions.gaps.filter { $0 == overflow }.count == 2)
        let loss = additions.gaps.first { $0.kind == .walMissed }
        #expect(loss?.scope == nil && loss?.count == nil)
        #expect(loss?.from == MadeStream.moment(1) && loss?.to == MadeStream.moment(101))
    }
}
