internal import CLinux

/// The processors that the calling thread may run on.
package enum Processors {
    /// How many there are, at least 1; 1 also where the kernel has more than 1,024. sched_getaffinity(2).
    package static var usableCount: Int { max(1, Int(clinux_usable_processor_count())) }
}
