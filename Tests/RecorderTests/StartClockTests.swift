import Block
import Model
import Testing

@testable import Recorder

/// Moments are seconds.
@Suite struct StartClockTests {
    private var clock = StartClock(
        offset: 1_000 * Self.second, slept: 0, monotonic: 10 * Self.second, ticksPerSecond: 100)

    @Test mutating func aStepOfTheWallClockMovesTheBoot() {
        #expect(seconds(ofMonotonic: 5) == 1_005)
        follow(20, offset: 1_000, slept: 0)
        #expect(seconds(ofMonotonic: 5) == 1_005)
        follow(30, offset: 4_600, slept: 0)
        #expect(seconds(ofMonotonic: 25) == 4_625)
        #expect(clock.instant(ofTicks: 2_500) == Instant(nanosecondsSinceEpoch: 4_625 * Self.second))
        follow(40, offset: 500, slept: 0)
        #expect(seconds(ofMonotonic: 35) == 535)
    }

    @Test mutating func whatBeganBeforeASleepBeganThen() {
        follow(20, offset: 1_000, slept: 0)
        // A reading that was made before the machine slept, and taken in after.
        follow(21, offset: 1_000, slept: 7_200)
        #expect(seconds(ofMonotonic: 20) == 1_020)
        follow(22, offset: 8_200, slept: 7_200)
        #expect(seconds(ofMonotonic: 20) == 1_020)
        #expect(seconds(ofMonotonic: 22) == 8_222)
        // Field 22 of /proc/PID/stat counts on while the machine sleeps.
        #expect(clock.instant(ofTicks: 722_200) == Instant(nanosecondsSinceEpoch: 8_222 * Self.second))
        follow(30, offset: 9_200, slept: 8_200)
        #expect(seconds(ofMonotonic: 20) == 1_020)
        #expect(seconds(ofMonotonic: 21) == 8_221)
        #expect(seconds(ofMonotonic: 30) == 9_230)
    }

    private static let second: Int64 = 1_000_000_000

    private mutating func follow(_ monotonic: Int64, offset: Int64, slept: Int64) {
        let time = Instant(nanosecondsSinceEpoch: (monotonic + offset) * Self.second)
        clock.follow(
            TimeWindow(earliest: time, time: time, clockOffsetNanoseconds: offset * Self.second)
        ) { slept * Self.second }
    }

    private func seconds(ofMonotonic moment: Int64) -> Int64 {
        clock.instant(ofMonotonic: moment * Self.second).nanosecondsSinceEpoch / Self.second
    }
}
