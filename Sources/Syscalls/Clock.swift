internal import Glibc
package import Model

/// The kernel's clocks, clock_gettime(2).
package enum Clock {
    /// The wall clock, CLOCK_REALTIME: it can step.
    package static func realtime() -> Instant {
        Instant(nanosecondsSinceEpoch: nanoseconds(CLOCK_REALTIME))
    }

    /// The wall clock as it was at the last tick, CLOCK_REALTIME_COARSE: filesystems date changes by it where they do not have
    /// finer times (Linux 6.13).
    package static func realtimeOfTick() -> Instant {
        Instant(nanosecondsSinceEpoch: nanoseconds(CLOCK_REALTIME_COARSE))
    }

    /// Nanoseconds of CLOCK_MONOTONIC: never steps, does not run while the machine sleeps.
    package static func monotonic() -> Int64 {
        nanoseconds(CLOCK_MONOTONIC)
    }

    /// Nanoseconds of CLOCK_BOOTTIME: as monotonic, but runs on while the machine sleeps. Process start times are in it.
    package static func boottime() -> Int64 {
        nanoseconds(CLOCK_BOOTTIME)
    }

    /// User and system time of this process in nanoseconds, CLOCK_PROCESS_CPUTIME_ID.
    package static func processCPU() -> Int64 {
        nanoseconds(CLOCK_PROCESS_CPUTIME_ID)
    }

    /// User and system time of the calling thread in nanoseconds, CLOCK_THREAD_CPUTIME_ID.
    package static func threadCPU() -> Int64 {
        nanoseconds(CLOCK_THREAD_CPUTIME_ID)
    }

    /// Waits; returns early when a signal arrives. nanosleep(2).
    package static func sleep(nanoseconds: Int64) {
        guard nanoseconds > 0 else { return }
        var request = timespec(
            tv_sec: Int(nanoseconds / 1_000_000_000), tv_nsec: Int(nanoseconds % 1_000_000_000))
        // SAFETY: both pointers are of this call's own variable, and the second may be null.
        _ = unsafe nanosleep(&request, nil)
    }

    private static func nanoseconds(_ clock: clockid_t) -> Int64 {
        var time = timespec()
        // SAFETY: the kernel writes one timespec into the variable lent to it. The clocks named here always exist.
        _ = unsafe clock_gettime(clock, &time)
        return Int64(time.tv_sec) &* 1_000_000_000 &+ Int64(time.tv_nsec)
    }
}
