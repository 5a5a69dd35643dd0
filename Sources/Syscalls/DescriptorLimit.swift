internal import Glibc

/// How many descriptors this process may have open.
package enum DescriptorLimit {
    /// Raises the soft limit to the hard one, which needs no privilege. The soft one is 1,024 for the sake of programs that
    /// use select(2). getrlimit(2) RLIMIT_NOFILE.
    package static func raise() {
        var limit = rlimit()
        let resource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
        // SAFETY: both calls use the struct for their length only.
        guard unsafe getrlimit(resource, &limit) == 0, limit.rlim_cur < limit.rlim_max else { return }
        limit.rlim_cur = limit.rlim_max
        // A refusal leaves what there was.
        _ = unsafe setrlimit(resource, &limit)
    }
}
