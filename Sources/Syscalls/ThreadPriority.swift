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
}
