import Model
import Testing

@testable import Recorder

@Suite struct JournalSightTests {
    private static func moment(_ nanoseconds: Int64) -> Instant { Instant(nanosecondsSinceEpoch: nanoseconds) }

    private static let atRest = JournalSight(
        changeCounter: 7, pageSize: 4_096,
        version: JournalSight.Version(byteCount: 8_192, modified: moment(100), changed: moment(100)), isLocked: false,
        hasHotJournal: false, isNamed: true)

    private static func sight(_ change: (inout JournalSight) -> Void) -> JournalSight {
        var sight = atRest
        change(&sight)
        return sight
    }

    @Test func aStateIsWhatNobodyWroteNorWrites() {
        #expect(Self.atRest.isSameState(as: Self.atRest))
        let changes: [(inout JournalSight) -> Void] = [
            { $0.isLocked = true }, { $0.hasHotJournal = true }, { $0.isNamed = false }, { $0.changeCounter = 8 },
            { $0.pageSize = 512 }, { $0.version.byteCount = 12_288 },
            // What was rolled back leaves the counter as it was, and whoever sets the one time does not set the other.
            { $0.version.changed = Self.moment(101) }, { $0.version.modified = Self.moment(101) },
        ]
        for change in changes {
            let other = Self.sight(change)
            #expect(!other.isSameState(as: Self.atRest), "\(other)")
            #expect(!Self.atRest.isSameState(as: other), "\(other)")
        }
    }

    @Test func theCounterSaysHowManyTransactionsWhereItMovedOn() {
        #expect(Self.atRest.transactionCount(since: 6) == 1)
        #expect(Self.atRest.transactionCount(since: 1) == 6)
        #expect(Self.atRest.transactionCount(since: nil) == nil)
        // In exclusive locking mode it is not raised; another file may have a lesser one.
        #expect(Self.atRest.transactionCount(since: 7) == nil)
        #expect(Self.atRest.transactionCount(since: 8) == nil)
        #expect(Self.sight { $0.changeCounter = 1 }.transactionCount(since: .max) == 2, "it goes round")
    }

    @Test func aFileIsOldEnoughWhereALaterChangeHasAnotherDate() {
        let tick: Int64 = 1_000_400_000
        let later = tick + FileTimeResolution.settlingNanoseconds
        func tells(_ resolution: inout FileTimeResolution, from changed: Int64, tick: Int64, now: Int64) -> Bool {
            resolution.tellsLaterChanges(
                from: Self.moment(changed), tick: Self.moment(tick), now: Self.moment(now))
        }
        var coarse = FileTimeResolution()
        // Dated by the last tick: something written now would have the same date.
        let asSoon = tells(&coarse, from: tick, tick: tick, now: tick + 3_000_000)
        let onTheMark = tells(&coarse, from: tick, tick: later, now: later)
        let oldEnough = tells(&coarse, from: tick, tick: later, now: later + 1)
        // A date in the future, of a clock that was set back, proves nothing.
        let ofTheFuture = tells(&coarse, from: later, tick: tick, now: tick + 1)
        #expect(!asSoon && !onTheMark && oldEnough && !ofTheFuture && !coarse.isFine)

        var fine = FileTimeResolution()
        let within = tells(&fine, from: tick + 1_000_000, tick: tick, now: tick + 1_000_001)
        let ever = tells(&fine, from: tick, tick: tick, now: tick + 1)
        #expect(within && ever && fine.isFine)
    }
}
