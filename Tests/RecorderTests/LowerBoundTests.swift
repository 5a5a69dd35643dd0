import Model
import SQLiteWAL
import Testing

@testable import Recorder

@Suite struct LowerBoundTests {
    private func moment(_ second: Int64) -> Instant { Instant(nanosecondsSinceEpoch: second * 1_000_000_000) }

    @Test func itFollowsTheLooksThatLeaveNothing() {
        var bound = LowerBound(moment(1))
        for second in 2...4 {
            bound.pass(lookBegan: moment(Int64(second)), rest: .none)
            #expect(bound.moment == moment(Int64(second)))
        }
        bound.pass(lookBegan: moment(3), rest: .none)
        #expect(bound.moment == moment(4), "a clock that was set back")
    }

    /// What a look saw is not younger than it, however late it is returned.
    @Test func whatIsLeftKeepsItsBound() {
        var bound = LowerBound(moment(1))
        bound.pass(lookBegan: moment(2), rest: .new)
        #expect(bound.moment == moment(1))
        for second in 3...9 { bound.pass(lookBegan: moment(Int64(second)), rest: .old) }
        #expect(bound.moment == moment(1))
        // All that the look at 2 saw is returned, so what is left came after it.
        bound.pass(lookBegan: moment(10), rest: .new)
        #expect(bound.moment == moment(2))
        bound.pass(lookBegan: moment(11), rest: .new)
        #expect(bound.moment == moment(10))
        bound.pass(lookBegan: moment(12), rest: .none)
        #expect(bound.moment == moment(12))
    }

    /// Another log: what the old one had left is a gap.
    @Test func anotherLogBeginsAnew() {
        var bound = LowerBound(moment(1))
        bound.pass(lookBegan: moment(2), rest: .new)
        bound.raise(to: moment(5))
        #expect(bound.moment == moment(5))
        bound.pass(lookBegan: moment(6), rest: .old)
        #expect(bound.moment == moment(5))
        bound.pass(lookBegan: moment(7), rest: .new)
        #expect(bound.moment == moment(5))
    }
}
