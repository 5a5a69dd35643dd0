import Testing

@testable import Recorder

@Suite struct CommitPacingTests {
    let pacing = CommitPacing(intervalNanoseconds: 250_000_000)

    @Test func fewEventsMayWaitTwoSeconds() {
        #expect(pacing.openNanoseconds(eventCount: 20, isWatched: false) == 2_000_000_000)
    }

    @Test func manyEventsOrAFollowerGetTheInterval() {
        #expect(pacing.openNanoseconds(eventCount: 2_000, isWatched: false) == 250_000_000)
        #expect(pacing.openNanoseconds(eventCount: 1, isWatched: true) == 250_000_000)
    }

    @Test func aLongerIntervalIsNotShortened() {
        let slow = CommitPacing(intervalNanoseconds: 10_000_000_000)
        #expect(slow.openNanoseconds(eventCount: 1, isWatched: false) == 10_000_000_000)
    }

    @Test func aBatchIsFullByEventsByNamesOrByProcesses() {
        #expect(!pacing.isFull(eventCount: 65_535, nameByteCount: 0, processCount: 0))
        #expect(pacing.isFull(eventCount: 65_536, nameByteCount: 0, processCount: 0))
        #expect(pacing.isFull(eventCount: 1, nameByteCount: 8 << 20, processCount: 0))
        #expect(pacing.isFull(eventCount: 1, nameByteCount: 0, processCount: 4_096))
    }
}
