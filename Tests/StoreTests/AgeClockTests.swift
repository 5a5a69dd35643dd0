import Block
import Model
import Store
import TestSupport
import Testing

/// What a wall clock that jumps makes of a limit of age.
@Suite struct AgeClockTests {
    private static let day: Int64 = 86_400_000_000_000
    private static let year = 365 * day
    private static let start = StoreScene.start

    private static func wall(_ nanoseconds: Int64) -> Instant { start.advanced(byNanoseconds: nanoseconds) }

    private static func clock(known: Int64? = nil, wall: Int64 = 0) -> AgeClock {
        AgeClock(
            anchor: known.map { AgeClock.Anchor(moment: Self.wall($0), steady: 0) }, wall: Self.wall(wall), steady: 0)
    }

    @Test func aClockThatIsNotSetIsBelieved() {
        var clock = Self.clock(known: -1_000_000_000)
        for second in [0, 1, 60, 86_400, 10_000_000] as [Int64] {
            let moment = clock.moment(wall: Self.wall(second * 1_000_000_000), steady: second * 1_000_000_000)
            #expect(moment == Self.wall(second * 1_000_000_000))
        }
    }

    @Test func aJumpOfYearsAndBackLetsNothingAge() {
        var clock = Self.clock()
        _ = clock.moment(wall: Self.wall(10), steady: 10)
        for hour in 1..<24 as Range<Int64> {
            let steady = hour * 3_600_000_000_000
            #expect(clock.moment(wall: Self.wall(14 * Self.year + steady), steady: steady) == Self.wall(steady))
        }
        let later = Self.day + 1
        #expect(clock.moment(wall: Self.wall(later), steady: later) == Self.wall(later))
        // The next one has a day of its own.
        #expect(clock.moment(wall: Self.wall(Self.year), steady: later + 1) == Self.wall(later + 1))
        // Behind is followed at once, and what then lies ahead again is not.
        #expect(clock.moment(wall: Self.wall(-Self.year), steady: later + 2) == Self.wall(-Self.year))
        #expect(clock.moment(wall: Self.wall(later), steady: later + 3) == Self.wall(1 - Self.year))
    }

    @Test func whatStandsForADayIsBelieved() {
        var clock = Self.clock(known: -90 * Self.day)
        #expect(clock.moment(wall: Self.wall(0), steady: 0) == Self.wall(-90 * Self.day))
        // A further jump in between starts the day anew.
        let half = Self.day / 2
        _ = clock.moment(wall: Self.wall(Self.year + half), steady: half)
        #expect(
            clock.moment(wall: Self.wall(Self.year + Self.day), steady: Self.day)
                == Self.wall(-90 * Self.day + Self.day))
        #expect(
            clock.moment(wall: Self.wall(Self.year + half + Self.day), steady: half + Self.day)
                == Self.wall(Self.year + half + Self.day))
    }

    @Test func anImpossibleDistanceIsNoTrap() {
        var clock = AgeClock(
            anchor: AgeClock.Anchor(moment: .distantPast, steady: .max), wall: .distantFuture, steady: 0)
        #expect(clock.moment(wall: .distantFuture, steady: 5) < Self.start)
        #expect(clock.moment(wall: .distantPast, steady: 3) == .distantPast)
    }

    /// The store keeps what it has when a recorder starts, also a second time, under a clock that is years ahead.
    @Test func aStartUnderAWrongClockPrunesNothing() throws {
        let scene = try StoreScene()
        var factory = EventFactory()
        do {
            var writer = try scene.writer()
            _ = try writer.beginRun(StoreScene.run(), coverage: [])
            try writer.fill(&factory, blockCount: 10, eventCount: 3)
            try writer.endRun(at: Self.wall(10_000_000_000))
        }
        let boot = UUIDBytes(high: 5, low: 6)
        for start in 1...2 as ClosedRange<Int64> {
            var writer = try scene.writer(create: false)
            var run = StoreScene.run(bootID: boot, started: Self.wall(14 * Self.year + start))
            run.startedMonotonicNanoseconds = start * 1_000
            _ = try writer.beginRun(run, coverage: [])
            let anchor = try #require(try writer.ageAnchor(boot: boot))
            #expect(anchor == AgeClock.Anchor(moment: Self.wall(10_000_000_000), steady: 1_000))
            var clock = AgeClock(anchor: anchor, wall: run.started, steady: run.startedMonotonicNanoseconds)
            let now = clock.moment(wall: run.started, steady: run.startedMonotonicNanoseconds)
            let outcome = try writer.enforce(RetentionLimits(maxAgeNanoseconds: Self.day), now: now)
            #expect(outcome == PruneOutcome())
            try writer.endRun(at: run.started)
        }
        #expect(try scene.reader().totals().eventCount == 30)
    }
}
