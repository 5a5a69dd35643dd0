import Block
import Model
import Syscalls

/// Turns what the kernel says of starts, in time since boot, into moments of the wall clock as the readings have it.
///
/// A step of the wall clock moves the moment of the boot, or a process would seem younger than its events, or as old as
/// those of who had its pid before. While the machine sleeps, CLOCK_MONOTONIC stands still and the other two go on, so that
/// a reading from after it shows a step as well.
struct StartClock {
    private var clock: BootClock
    private let ticksPerSecond: Int64
    /// CLOCK_REALTIME − CLOCK_MONOTONIC of the readings that `clock` is for.
    private var offset: Int64
    /// CLOCK_BOOTTIME − CLOCK_MONOTONIC from moments of CLOCK_MONOTONIC on, oldest first; never empty.
    private var sleeps: [(since: Int64, nanoseconds: Int64)]
    /// When the last reading was made.
    private var lastReading: Int64

    /// What two clocks that are read one after the other may differ by; below the grain that start times are compared with.
    private static let stepNanoseconds: Int64 = 10_000_000
    private static let maximumSleepCount = 64

    init() {
        let monotonic = Clock.monotonic()
        self.init(
            offset: Clock.realtime().nanosecondsSinceEpoch &- monotonic, slept: Clock.boottime() &- monotonic,
            monotonic: monotonic, ticksPerSecond: ProcFS.ticksPerSecond)
    }

    /// Parameters: `offset` is CLOCK_REALTIME − CLOCK_MONOTONIC, `slept` CLOCK_BOOTTIME − CLOCK_MONOTONIC.
    init(offset: Int64, slept: Int64, monotonic: Int64, ticksPerSecond: Int64) {
        self.offset = offset
        self.ticksPerSecond = ticksPerSecond
        clock = BootClock(
            bootInstant: Instant(nanosecondsSinceEpoch: offset &- slept), ticksPerSecond: ticksPerSecond)
        sleeps = [(.min, slept)]
        lastReading = monotonic
    }

    /// What follows is asked for the records of this reading. `slept` is asked only where a clock was moved.
    mutating func follow(_ window: TimeWindow, slept: () -> Int64) {
        defer { lastReading = window.time.nanosecondsSinceEpoch &- window.clockOffsetNanoseconds }
        guard abs(window.clockOffsetNanoseconds &- offset) > Self.stepNanoseconds else { return }
        offset = window.clockOffsetNanoseconds
        let now = slept()
        if let last = sleeps.last, abs(now &- last.nanoseconds) > Self.stepNanoseconds {
            if sleeps.count == Self.maximumSleepCount { sleeps.remove(at: 1) }
            sleeps.append((lastReading, now))
        }
        clock = BootClock(
            bootInstant: Instant(nanosecondsSinceEpoch: offset &- (sleeps.last?.nanoseconds ?? 0)),
            ticksPerSecond: ticksPerSecond)
    }

    /// The beginning of a clock tick since boot.
    func instant(ofTicks ticks: UInt64) -> Instant {
        clock.instant(ofTicks: ticks)
    }

    /// The beginning of the tick in which a moment of CLOCK_MONOTONIC lies.
    func instant(ofMonotonic nanoseconds: Int64) -> Instant {
        let slept = sleeps.last { $0.since <= nanoseconds }?.nanoseconds ?? 0
        return clock.instant(ofBoottime: nanoseconds &+ slept)
    }
}
