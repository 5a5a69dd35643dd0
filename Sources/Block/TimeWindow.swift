package import Model

/// The time between two reads of the notification queue, in which all events of the later read happened.
///
/// fanotify gives no timestamps, so an event's time is known only as its window. A block stores all three values in
/// whole microseconds: the start rounded down and the end rounded up, so that the window never claims too much.
package struct TimeWindow: Hashable, Sendable {
    /// When the read before returned: no event of the window is older.
    package var earliest: Instant
    /// When the read returned: no event of the window is newer.
    package var time: Instant
    /// CLOCK_REALTIME minus CLOCK_MONOTONIC at the end; a jump between windows is a clock step.
    package var clockOffsetNanoseconds: Int64

    package init(earliest: Instant, time: Instant, clockOffsetNanoseconds: Int64) {
        self.earliest = earliest
        self.time = time
        self.clockOffsetNanoseconds = clockOffsetNanoseconds
    }

    /// The window as a block gives it back.
    package var roundedToMicroseconds: TimeWindow {
        TimeWindow(StoredWindow(self))
    }
}

/// A window on the microsecond grid of the format.
struct StoredWindow: Hashable, Sendable {
    var earliest: Int64
    var time: Int64
    var clockOffset: Int64

    init(earliest: Int64, time: Int64, clockOffset: Int64) {
        self.earliest = earliest
        self.time = time
        self.clockOffset = clockOffset
    }

    init(_ window: TimeWindow) {
        earliest = window.earliest.microsecondsRoundedDown
        time = window.time.microsecondsRoundedUp
        clockOffset = Instant(nanosecondsSinceEpoch: window.clockOffsetNanoseconds).microsecondsRoundedDown
    }
}

extension TimeWindow {
    init(_ stored: StoredWindow) {
        self.init(
            earliest: Instant(microsecondsSinceEpoch: stored.earliest),
            time: Instant(microsecondsSinceEpoch: stored.time),
            clockOffsetNanoseconds: Instant(microsecondsSinceEpoch: stored.clockOffset).nanosecondsSinceEpoch)
    }
}
