package import Model

/// The time between two reads of the notification queue, in which all events of the later read happened.
///
/// fanotify gives no timestamps, so an event's time is known only as its window. A block stores the window on a grid of
/// 8 µs, its start rounded down and its end rounded up, so that it never claims too much: windows are a millisecond long
/// in a storm, finer moments would be noise at 0.1 bytes an event, and whole milliseconds are on the grid.
package struct TimeWindow: Hashable, Sendable {
    /// When the read before returned: no event of the window is older.
    package var earliest: Instant
    /// When the read returned: no event of the window is newer.
    package var time: Instant
    /// CLOCK_REALTIME minus CLOCK_MONOTONIC at the end, stored in whole milliseconds rounded down; a jump between windows
    /// is a clock step.
    package var clockOffsetNanoseconds: Int64

    package init(earliest: Instant, time: Instant, clockOffsetNanoseconds: Int64) {
        self.earliest = earliest
        self.time = time
        self.clockOffsetNanoseconds = clockOffsetNanoseconds
    }

    /// Moments of stored windows are multiples of it.
    package static var gridNanoseconds: Int64 { StoredWindow.grid * 1_000 }

    /// The window as a block gives it back.
    package var asStored: TimeWindow {
        TimeWindow(StoredWindow(self))
    }
}

/// A window on the grid of the format; all values are microseconds.
struct StoredWindow: Hashable, Sendable {
    /// What moments are rounded to. A divisor of a millisecond; a power of two, so that differences modulo 2^64 divide.
    static let grid: Int64 = 8
    private static let offsetGrid: Int64 = 1_000

    var earliest: Int64
    var time: Int64
    var clockOffset: Int64

    init(earliest: Int64, time: Int64, clockOffset: Int64) {
        self.earliest = earliest
        self.time = time
        self.clockOffset = clockOffset
    }

    /// `value` is of a nanosecond clock, a thousandth of the range, so nothing overflows.
    private static func roundDown(_ value: Int64, _ grid: Int64) -> Int64 {
        let rest = value % grid
        return value - (rest < 0 ? rest + grid : rest)
    }

    init(_ window: TimeWindow) {
        earliest = Self.roundDown(window.earliest.microsecondsRoundedDown, Self.grid)
        time = Self.roundDown(window.time.microsecondsRoundedUp + Self.grid - 1, Self.grid)
        clockOffset = Self.roundDown(
            Instant(nanosecondsSinceEpoch: window.clockOffsetNanoseconds).microsecondsRoundedDown, Self.offsetGrid)
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
