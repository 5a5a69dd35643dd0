package import Model

/// The wall clock was set: from here on realtime minus monotonic differs by more than slewing explains.
package struct ClockStep: Hashable, Sendable {
    package var run: UInt32
    /// The wall clock after the step.
    package var moment: Instant
    /// How far it jumped; negative backwards.
    package var stepNanoseconds: Int64
    /// CLOCK_MONOTONIC when it was noticed.
    package var monotonicNanoseconds: Int64

    package init(moment: Instant, stepNanoseconds: Int64, monotonicNanoseconds: Int64) {
        run = 0
        self.moment = moment
        self.stepNanoseconds = stepNanoseconds
        self.monotonicNanoseconds = monotonicNanoseconds
    }
}

extension ClockStep {
    static let columns = "run, moment, step, monotonic"

    /// From a row of `columns`.
    init(_ row: borrowing Statement) {
        self.init(
            moment: Instant(nanosecondsSinceEpoch: row.integer(1)),
            stepNanoseconds: row.integer(2),
            monotonicNanoseconds: row.integer(3))
        run = row.count(0)
    }
}
