import Block
import Model
import Segment
import Testing

@testable import Recorder

@Suite struct WriterHistoryTests {
    private static func moment(_ number: Int) -> Instant { Instant(nanosecondsSinceEpoch: Int64(number) * 1_000) }

    private static func window(_ number: Int) -> TimeWindow {
        TimeWindow(earliest: moment(number), time: moment(number + 1), clockOffsetNanoseconds: 0)
    }

    private static func process(_ pid: Int32) -> ActorProcess {
        ActorProcess(instance: UInt64(pid), pid: pid, firstSeen: moment(0))
    }

    /// What had to make room may have been of another writer.
    @Test func whoIsLeftIsNotTheOnlyOneWhereSomeWereForgotten() {
        var history = WriterHistory()
        history.add(Self.process(1), Self.window(0))
        for number in 0..<8_193 { history.add(Self.process(2), Self.window(number)) }
        let early = history.writers(low: Self.moment(1), high: Self.moment(8_000), holder: nil)
        #expect(early.attribution == .set)
        let late = history.writers(low: Self.moment(8_000), high: Self.moment(8_100), holder: nil)
        #expect(late.attribution == .exact)
        #expect(late.writers.map(\.pid) == [2])
    }
}
