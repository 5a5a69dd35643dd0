internal import CLinux
internal import Glibc
package import Model

/// One name in a directory.
package struct DirectoryEntry: Hashable, Sendable {
    package var name: RawPath
    /// Whether it is a directory; nil where the filesystem does not say so with the name (DT_UNKNOWN).
    package var isDirectory: Bool?
}

extension OwnedDescriptor {
    /// The names in this directory without `.` and `..`, in no order, `limit` at most.
    ///
    /// Returns: also whether these are all. Throws: ENOTDIR; EMFILE; what readdir(3) can.
    package borrowing func entries(limit: Int) throws(SyscallError) -> (entries: [DirectoryEntry], isComplete: Bool) {
        let number = fileDescriptor
        // closedir(3) closes the descriptor it is given, and this one has its own owner.
        let copy = try orThrow("fcntl") { () -> Int32 in fcntl(number, F_DUPFD_CLOEXEC, 0) }
        // SAFETY: the stream owns the copy from here on and is closed below on every way out.
        guard let stream = unsafe fdopendir(copy) else {
            let error = SyscallError(call: "fdopendir", errno: Glibc.errno)
            _ = Glibc.close(copy)
            throw error
        }
        defer { _ = unsafe closedir(stream) }
        var entries: [DirectoryEntry] = []
        while true {
            Glibc.errno = 0
            // SAFETY: the entry is valid until the next readdir of this stream; its name ends in NUL.
            guard let entry = unsafe readdir(stream) else {
                if Glibc.errno != 0 { throw SyscallError(call: "readdir", errno: Glibc.errno) }
                return (entries, true)
            }
            let name = unsafe withUnsafeBytes(of: &entry.pointee.d_name) { memory in
                unsafe Array(memory.prefix { $0 != 0 })
            }
            if name == [UInt8(ascii: ".")] || name == [UInt8(ascii: "."), UInt8(ascii: ".")] { continue }
            if entries.count == limit { return (entries, false) }
            let type = unsafe Int(entry.pointee.d_type)
            entries.append(
                DirectoryEntry(
                    name: RawPath(name), isDirectory: type == Int(DT_UNKNOWN) ? nil : type == Int(DT_DIR)))
        }
    }
}
