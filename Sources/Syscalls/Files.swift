internal import CLinux
internal import Glibc
package import Model

/// Calls that take paths and change or list directories.
package enum Files {
    /// mkdir(2). Throws: EEXIST where it is there.
    package static func makeDirectory(_ path: RawPath, mode: UInt32 = 0o750) throws(SyscallError) {
        // SAFETY: here and below the path is a C string for the length of the call, which only reads it.
        try orThrow("mkdir", path) { () -> Int32 in unsafe path.withCString { unsafe mkdir($0, mode) } }
    }

    /// Makes a directory with every one above it that is missing; fine where it exists.
    package static func makeDirectories(_ path: RawPath, mode: UInt32 = 0o750) throws(SyscallError) {
        do throws(SyscallError) {
            try makeDirectory(path, mode: mode)
        } catch {
            switch error.errno {
            case EEXIST:
                guard try path.status().kind == .directory else { throw error }
            case ENOENT:
                guard let parent = path.parent else { throw error }
                try makeDirectories(parent, mode: mode)
                try makeDirectory(path, mode: mode)
            default:
                throw error
            }
        }
    }

    /// unlink(2)
    package static func unlink(_ path: RawPath) throws(SyscallError) {
        // SAFETY: see above.
        try orThrow("unlink", path) { () -> Int32 in unsafe path.withCString { unsafe Glibc.unlink($0) } }
    }

    /// rmdir(2)
    package static func removeDirectory(_ path: RawPath) throws(SyscallError) {
        // SAFETY: see above.
        try orThrow("rmdir", path) { () -> Int32 in unsafe path.withCString { unsafe rmdir($0) } }
    }

    /// rename(2)
    package static func rename(_ path: RawPath, to target: RawPath) throws(SyscallError) {
        try orThrow("rename", path) { () -> Int32 in
            // SAFETY: see above.
            unsafe path.withCString { from in unsafe target.withCString { unsafe Glibc.rename(from, $0) } }
        }
    }

    /// link(2)
    package static func link(_ path: RawPath, to newName: RawPath) throws(SyscallError) {
        try orThrow("link", newName) { () -> Int32 in
            // SAFETY: see above.
            unsafe path.withCString { from in unsafe newName.withCString { unsafe Glibc.link(from, $0) } }
        }
    }

    /// symlink(2)
    package static func makeSymbolicLink(_ path: RawPath, to contents: RawPath) throws(SyscallError) {
        try orThrow("symlink", path) { () -> Int32 in
            // SAFETY: see above.
            unsafe contents.withCString { text in unsafe path.withCString { unsafe symlink(text, $0) } }
        }
    }

    /// chmod(2)
    package static func setPermissions(_ path: RawPath, mode: UInt32) throws(SyscallError) {
        // SAFETY: see above.
        try orThrow("chmod", path) { () -> Int32 in unsafe path.withCString { unsafe chmod($0, mode) } }
    }

    /// chown(2)
    package static func setOwner(_ path: RawPath, uid: UInt32, gid: UInt32) throws(SyscallError) {
        // SAFETY: see above.
        try orThrow("chown", path) { () -> Int32 in unsafe path.withCString { unsafe chown($0, uid, gid) } }
    }

    /// What a symbolic link says, readlink(2).
    package static func readLink(_ path: RawPath) throws(SyscallError) -> RawPath {
        var bytes = [UInt8](repeating: 0, count: Int(PATH_MAX))
        let count = try orThrow("readlink", path) { () -> Int in
            unsafe path.withCString { name in
                // SAFETY: the kernel writes at most the count of the memory lent to it.
                unsafe bytes.withUnsafeMutableBytes {
                    unsafe readlink(name, $0.baseAddress.unsafelyUnwrapped, $0.count)
                }
            }
        }
        return RawPath(Array(bytes.prefix(count)))
    }

    /// The absolute path without symbolic links, `.` and `..`: the link of an O_PATH descriptor.
    ///
    /// Throws: ENOENT where it does not exist, EACCES, ELOOP.
    package static func realPath(_ path: RawPath) throws(SyscallError) -> RawPath {
        let file = try OwnedDescriptor.open(path, flags: O_PATH)
        var bytes = [UInt8]()
        try readDescriptorPath(file, into: &bytes)
        return RawPath(bytes)
    }

    /// The whole of a small file.
    ///
    /// Throws: EFBIG above `limit`.
    package static func contents(of path: RawPath, limit: Int = 1 << 20) throws(SyscallError) -> [UInt8] {
        let file = try OwnedDescriptor.open(path, flags: O_RDONLY)
        let bytes = try file.readToEnd(limit: limit + 1)
        if bytes.count > limit { throw SyscallError(call: "read", errno: EFBIG, subject: path) }
        return bytes
    }

    /// Makes or replaces a file with these contents; not atomic, not synced.
    package static func write(_ bytes: [UInt8], to path: RawPath, mode: UInt32 = 0o640) throws(SyscallError) {
        let file = try OwnedDescriptor.open(path, flags: O_WRONLY | O_CREAT | O_TRUNC, mode: mode)
        try file.write(bytes)
        try file.close()
    }

    /// The names in a directory without `.` and `..`, in no order. readdir(3).
    package static func names(in path: RawPath) throws(SyscallError) -> [RawPath] {
        // SAFETY: opendir only reads the C string; the stream is closed below on every way out.
        guard let stream = unsafe path.withCString({ unsafe opendir($0) }) else {
            throw SyscallError(call: "opendir", errno: Glibc.errno, subject: path)
        }
        defer { _ = unsafe closedir(stream) }
        var names = [RawPath]()
        while true {
            Glibc.errno = 0
            // SAFETY: the entry is valid until the next readdir of this stream; its name ends in NUL.
            guard let entry = unsafe readdir(stream) else {
                if Glibc.errno != 0 { throw SyscallError(call: "readdir", errno: Glibc.errno, subject: path) }
                return names
            }
            let name = unsafe withUnsafeBytes(of: &entry.pointee.d_name) { memory in
                unsafe Array(memory.prefix { $0 != 0 })
            }
            if name != [UInt8(ascii: ".")] && name != [UInt8(ascii: "."), UInt8(ascii: ".")] {
                names.append(RawPath(name))
            }
        }
    }

    /// Removes a file, or a directory with all below it, never following symbolic links; fine where it is missing.
    package static func removeTree(_ path: RawPath) throws(SyscallError) {
        do throws(SyscallError) {
            try unlink(path)
        } catch {
            switch error.errno {
            case ENOENT: return
            case EISDIR, EPERM:
                guard try path.status(followingLinks: false).kind == .directory else { throw error }
                for name in try names(in: path) { try removeTree(path.appending(name.bytes)) }
                try removeDirectory(path)
            default: throw error
            }
        }
    }
}

extension RawPath {
    /// The path without its last component; nil for `/` and for a single name.
    package var parent: RawPath? {
        var rest = bytes[...]
        while rest.count > 1, rest.last == UInt8(ascii: "/") { rest.removeLast() }
        guard let slash = rest.lastIndex(of: UInt8(ascii: "/")), rest.count > 1 else { return nil }
        return RawPath(slash == 0 ? [UInt8(ascii: "/")] : Array(rest[..<slash]))
    }
}
