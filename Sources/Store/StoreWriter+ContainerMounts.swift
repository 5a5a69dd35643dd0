internal import Glibc
internal import Model
internal import Syscalls

extension StoreWriter {
    /// How often the layers of containers are looked for, and how many of the containers at a time.
    static var containerLookNanoseconds: Int64 { 60_000_000_000 }
    static var containerLookCount: Int { 4_096 }

    /// Drops where a container saw what, once no event that is kept can need it: a container whose writable layer is gone
    /// has no process and no file any more, so only events from before that was noticed are its own.
    ///
    /// Of containers without a layer of their own, the rows stay. What was noticed is not kept over a restart, which only
    /// makes rows stay longer. Cost: one stat(2) a container, once a minute.
    mutating func dropContainerMounts(now: Instant) throws(StoreError) {
        guard now >= nextContainerLook else { return }
        nextContainerLook = now.advanced(byNanoseconds: Self.containerLookNanoseconds)
        try noticeGoneContainers(now)
        guard !goneContainers.isEmpty, let oldest = try oldestKept() else { return }
        for (container, noticed) in goneContainers where noticed < oldest {
            try connection.prepare("prune container mounts", "DELETE FROM container_mount WHERE container = ?")
                .run([.bytes(container.bytes)])
            goneContainers[container] = nil
        }
    }

    private mutating func noticeGoneContainers(_ now: Instant) throws(StoreError) {
        var layers: [RawPath: [RawPath]] = [:]
        try connection.prepare(
            "container layers",
            """
            SELECT container, host_path FROM container_mount WHERE is_own = 1
            GROUP BY container, host_path ORDER BY min(id) LIMIT ?
            """
        ).forEachRow([.count(Self.containerLookCount)]) { (row) throws(StoreError) in
            layers[RawPath(row.bytes(0)), default: []].append(RawPath(row.bytes(1)))
        }
        for (container, paths) in layers {
            if paths.allSatisfy(Self.isGone) {
                goneContainers[container] = goneContainers[container] ?? now
            } else {
                goneContainers[container] = nil
            }
        }
        for container in goneContainers.keys where layers[container] == nil { goneContainers[container] = nil }
    }

    /// What may not be looked at counts as there.
    private static func isGone(_ path: RawPath) -> Bool {
        do throws(SyscallError) {
            _ = try path.status()
            return false
        } catch {
            return error.errno == ENOENT
        }
    }

    /// The earliest moment of any event that is kept; nil where none is.
    private func oldestKept() throws(StoreError) -> Instant? {
        // Blocks overlap little in time, and nothing is dropped out of order.
        try connection.prepare(
            "oldest kept", "SELECT min(earliest) FROM (SELECT earliest FROM block ORDER BY first_seq LIMIT 64)"
        ).first { (row) throws(StoreError) in row.optionalInteger(0).map(Instant.init(nanosecondsSinceEpoch:)) } ?? nil
    }
}
