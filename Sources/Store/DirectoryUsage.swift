internal import Model
internal import Syscalls

/// What a directory takes on disk, as `du` counts it.
enum DirectoryUsage {
    /// Allocated bytes of the directory, its files and everything below; a file with several names counts once.
    ///
    /// Cost: one stat(2) a file. Files that vanish meanwhile count nothing.
    static func byteCount(of directory: RawPath) -> UInt64 {
        var seen: Set<UInt64> = []
        return byteCount(of: directory, seen: &seen)
    }

    private static func byteCount(of path: RawPath, seen: inout Set<UInt64>) -> UInt64 {
        guard let status = try? path.status(followingLinks: false) else { return 0 }
        if status.linkCount > 1, status.kind != .directory, !seen.insert(status.inode).inserted { return 0 }
        var total = UInt64(clamping: status.allocatedByteCount)
        if status.kind == .directory {
            for name in (try? Files.names(in: path)) ?? [] {
                total &+= byteCount(of: path.appending(name.bytes), seen: &seen)
            }
        }
        return total
    }
}
