internal import CLinux
internal import Glibc

/// How a thread stands against others for the processor.
package enum ThreadPriority {
    /// Makes the calling thread yield to others; `steps` above 0, at most 19, needs no privilege.
    ///
    /// Linux keeps the nice value per thread, where POSIX has one for the process: setpriority(2) "C library/kernel
    /// differences".
    package static func lower(by steps: Int32) {
        // A refusal changes nothing but the order of work.
        _ = setpriority(__priority_which_t(PRIO_PROCESS.rawValue), 0, steps)
    }

    /// Asks the scheduler for short turns of the calling thread, so that it runs soon after it wakes: among waiting
    /// threads the one whose turn ends first comes first. Needs no privilege. Units: nanoseconds, 100,000 to 100,000,000.
    ///
    /// Linux ≥ 6.12 (EEVDF with slices per task); older kernels ignore it. sched_setattr(2).
    package static func preferShortTurns(nanoseconds: UInt64) {
        // A refusal changes nothing but how soon the thread runs.
        _ = clinux_set_scheduler_slice(nanoseconds)
    }
}
