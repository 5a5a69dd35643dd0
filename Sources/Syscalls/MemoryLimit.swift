internal import Glibc
internal import Model

/// How much memory this process's memory cgroup may take, cgroups(7), v1 and v2.
package enum MemoryLimit: Hashable, Sendable {
    case unlimited
    /// The smallest limit on the way from the process's group to the root, in bytes.
    case limited(UInt64)
    /// No memory controller is mounted, or its files cannot be read.
    case unknown

    /// Looks it up. Cost: a few files of /proc and /sys.
    package static func current() -> MemoryLimit {
        let limit = 1 << 22
        guard let groups = try? Files.contents(of: RawPath("/proc/self/cgroup"), limit: limit),
            let mounts = try? Files.contents(of: RawPath("/proc/self/mountinfo"), limit: limit)
        else { return .unknown }
        return find(groups: groups, mounts: MountTable.parse(mounts)) { path in
            try? Files.contents(of: path, limit: 4_096)
        }
    }

    /// The same from given file contents, for tests.
    static func find(groups: [UInt8], mounts: [MountEntry], contents: (RawPath) -> [UInt8]?) -> MemoryLimit {
        guard let (version, range) = ControlGroup.memoryPath(in: groups) else { return .unknown }
        let type = version == 1 ? "cgroup" : "cgroup2"
        let mount = mounts.last { mount in
            mount.filesystemType == RawPath(type)
                && (version == 2
                    || mount.superblockOptions.bytes.split(separator: UInt8(ascii: ","))
                        .contains { $0.elementsEqual("memory".utf8) })
        }
        guard let mount else { return .unknown }
        // In a container the mount shows only a subtree, whose path the group's path begins with.
        var group = RawPath(Array(groups[range]))
        if mount.root != RawPath("/"), group.isAtOrUnder(mount.root) {
            group = RawPath(Array(group.bytes.dropFirst(mount.root.bytes.count)))
        }
        var smallest: UInt64?
        var sawFile = false
        var directory = group.bytes == [UInt8(ascii: "/")] ? RawPath([]) : group
        while true {
            let place = RawPath(mount.mountPoint.bytes + directory.bytes)
            let file = place.appending((version == 1 ? "memory.limit_in_bytes" : "memory.max").utf8)
            if let text = contents(file) {
                sawFile = true
                // v1 says "no limit" by a number near 2^63, v2 by the word max.
                if let bytes = ByteScanner.decimal(text[...]), bytes < UInt64(1) << 62 {
                    smallest = min(smallest ?? bytes, bytes)
                }
            }
            guard !directory.bytes.isEmpty else { break }
            directory = directory.parent.map { $0.bytes == [UInt8(ascii: "/")] ? RawPath([]) : $0 } ?? RawPath([])
        }
        // The root group of v2 has no file: nothing limits it.
        if let smallest { return .limited(smallest) }
        return sawFile || version == 2 ? .unlimited : .unknown
    }
}
