internal import CLinux
internal import Glibc
package import Model
package import Syscalls

/// Turns file handles into open directories and paths, and climbs to parents.
///
/// Nothing is kept: the caller opens a mount descriptor for the work in hand and closes it after, so that a watched
/// filesystem can be unmounted at any time. What is gone (ESTALE, ENOENT) is an answer, not an error.
/// Cost: open and close of a handle 2.5 µs, the path 3.5 µs, the first after a mount more; no events are raised.
/// Source: open_by_handle_at(2), which needs CAP_DAC_READ_SEARCH; fanotify(7).
package enum HandleResolver {
    /// What the link of a descriptor in /proc/self/fd says.
    package enum PathOutcome: Hashable, Sendable {
        /// The absolute path in this process's mount namespace, by the mount of the mount descriptor. `/` stands for
        /// the root directory, but also for every directory outside that mount (a bind mount of a subtree).
        case path
        /// The directory was removed and lives on only because something holds it; the bytes are its last path.
        case deleted
        /// Longer than the system allows a path to be (PATH_MAX): only its end could be known.
        case tooLong
    }

    /// A directory one step up.
    package enum ParentOutcome: ~Copyable {
        /// The parent, open, and its handle on the same filesystem.
        case parent(OwnedDescriptor, FileHandle)
        /// The parent's place is taken by another mount: open is what that mount shows there, with its handle. Where the
        /// parent was mounted on itself (as container engines do with their data directory) it is the parent all the same.
        case covered(OwnedDescriptor, FileHandle)
        /// The directory is the root of its filesystem or of the mount it was reached by.
        case root
        /// It is gone.
        case gone
    }

    /// Opens the directory a handle stands for, as O_PATH.
    ///
    /// Parameter mount: any descriptor on the filesystem that is not O_PATH itself (EBADF), such as its root directory.
    /// Returns: nil where no such directory exists any more, or the handle is not of a directory.
    /// Throws: EPERM without CAP_DAC_READ_SEARCH; EBADF; ENOMEM.
    package static func open(_ handle: FileHandle, mount: borrowing OwnedDescriptor) throws(SyscallError)
        -> OwnedDescriptor?
    {
        let number = mount.fileDescriptor
        // SAFETY: the C function copies `count` bytes, at most 24, which withKernelHandle lends.
        let result = unsafe handle.withKernelHandle { type, bytes, count in
            retryingOnInterrupt { unsafe clinux_open_by_handle_at(number, type, bytes, count, openFlags) }
        }
        return try owned(result ?? -ESTALE)
    }

    /// The same for a handle in a read buffer, of any length.
    package static func open(_ handle: HandleView, in bytes: RawSpan, mount: borrowing OwnedDescriptor)
        throws(SyscallError) -> OwnedDescriptor?
    {
        let number = mount.fileDescriptor
        let count = handle.bytes.byteCount
        // SAFETY: extracting checks the bounds; the C function copies exactly `count` bytes or refuses.
        let result = unsafe bytes.extracting(handle.bytes.indices).withUnsafeBytes { memory -> Int32 in
            guard let start = memory.baseAddress else { return -ESTALE }
            return retryingOnInterrupt {
                unsafe clinux_open_by_handle_at(number, handle.type, start, count, openFlags)
            }
        }
        return try owned(result)
    }

    /// Replaces `path` by the absolute path of an open directory.
    ///
    /// Cost: one readlink(2), a second system call only where the path ends in " (deleted)"; no allocation once `path`
    /// has grown.
    package static func readPath(of directory: borrowing OwnedDescriptor, into path: inout [UInt8])
        throws(SyscallError) -> PathOutcome
    {
        try readDescriptorPath(directory, into: &path)
        if path.count >= maximumPathByteCount { return .tooLong }
        guard path.count > deletedSuffix.count, path.suffix(deletedSuffix.count).elementsEqual(deletedSuffix) else {
            return .path
        }
        // A live directory may be named so; only one without links is deleted.
        guard try directory.status().linkCount == 0 else { return .path }
        path.removeLast(deletedSuffix.count)
        return .deleted
    }

    /// The handle of an open file or directory, as events of its filesystem carry it.
    ///
    /// Parameter filesystem: the id its events carry; it is not asked for again.
    /// Returns: nil where the filesystem has no handles, not even such that only name (AT_HANDLE_FID, Linux 6.5).
    package static func handle(of file: borrowing OwnedDescriptor, filesystem: FilesystemID) throws(SyscallError)
        -> FileHandle?
    {
        let number = file.fileDescriptor
        var raw = clinux_file_handle()
        var mountID: Int32 = 0
        let result = kernelHandle(number, "", &raw, &mountID)
        switch result {
        case 0: return FileHandle(filesystem: filesystem, raw)
        // EINVAL: a kernel before 6.5, asked for a handle that only names.
        case -EOPNOTSUPP, -EOVERFLOW, -EINVAL: return nil
        default: throw SyscallError(call: "name_to_handle_at", errno: -result)
        }
    }

    /// The handle of what a name in an open directory stands for, symbolic links not followed.
    ///
    /// Parameter filesystem: of the directory; the name may stand for another filesystem that is mounted there.
    /// Returns: nil where it is gone, or has no handle.
    package static func handle(
        of name: RawPath, in directory: borrowing OwnedDescriptor, filesystem: FilesystemID
    ) throws(SyscallError) -> FileHandle? {
        let number = directory.fileDescriptor
        var raw = clinux_file_handle()
        var mountID: Int32 = 0
        let result = retryingOnInterrupt {
            // SAFETY: the C function reads the C string and fills the two variables, all lent for the call.
            unsafe name.withCString { name in
                let result = unsafe clinux_name_to_handle_at(number, name, &raw, &mountID, 0)
                guard result != 0, Glibc.errno == EOPNOTSUPP else { return result }
                return unsafe clinux_name_to_handle_at(number, name, &raw, &mountID, AT_HANDLE_FID)
            }
        }
        switch result {
        case 0: return FileHandle(filesystem: filesystem, raw)
        case -EOPNOTSUPP, -EOVERFLOW, -EINVAL, -ENOENT, -ESTALE: return nil
        default: throw SyscallError(call: "name_to_handle_at", errno: -result)
        }
    }

    /// Whether an open directory is what is mounted there, and not an entry of the directory above it.
    package static func isMountRoot(_ directory: borrowing OwnedDescriptor) -> Bool {
        clinux_is_mount_root(directory.fileDescriptor) == 1
    }

    /// The directory above an open directory, on the same filesystem and within the mount it was reached by.
    ///
    /// Cost: name_to_handle_at(2) twice and openat(2).
    package static func parent(of directory: borrowing OwnedDescriptor, filesystem: FilesystemID)
        throws(SyscallError) -> ParentOutcome
    {
        let number = directory.fileDescriptor
        var own = clinux_file_handle()
        var ownMount: Int32 = 0
        var above = clinux_file_handle()
        var aboveMount: Int32 = 0

        // SAFETY: the string is a literal; openat only reads it.
        let opened = retryingOnInterrupt { unsafe openat(number, "..", O_PATH | O_DIRECTORY | O_CLOEXEC) }
        guard let up = try owned(opened) else { return .gone }
        // The parent's handle is taken from the open descriptor, not by name, so both are of the same directory even
        // while it is being moved.
        let ownResult = kernelHandle(number, "", &own, &ownMount)
        let aboveResult = ownResult == 0 ? kernelHandle(up.fileDescriptor, "", &above, &aboveMount) : ownResult
        switch aboveResult {
        case 0: break
        case -ESTALE, -ENOENT: return .gone
        // What lies above the root of a mount may be a filesystem without handles, such as a container's.
        case _ where ownResult == 0 && clinux_is_mount_root(number) == 1: return .root
        default: throw SyscallError(call: "name_to_handle_at", errno: -aboveResult)
        }
        let ownHandle = FileHandle(filesystem: filesystem, own)
        let parentHandle = FileHandle(filesystem: filesystem, above)
        // Above the root of a filesystem is itself; above the root of a mount is another mount.
        if ownHandle == parentHandle { return .root }
        if ownMount != aboveMount {
            // `..` also steps into what is mounted over the parent.
            return clinux_is_mount_root(number) == 0 ? .covered(up, parentHandle) : .root
        }
        return .parent(up, parentHandle)
    }

    private static let openFlags = O_PATH | O_DIRECTORY | O_CLOEXEC
    private static let deletedSuffix = Array(" (deleted)".utf8)
    private static let maximumPathByteCount = Int(PATH_MAX)

    private static func kernelHandle(
        _ directory: Int32, _ name: StaticString, _ handle: inout clinux_file_handle, _ mountID: inout Int32
    ) -> Int32 {
        retryingOnInterrupt {
            // SAFETY: the C function fills the two variables lent to it; a StaticString of ASCII is a C string.
            unsafe name.utf8Start.withMemoryRebound(to: CChar.self, capacity: name.utf8CodeUnitCount + 1) { name in
                let result = unsafe clinux_name_to_handle_at(directory, name, &handle, &mountID, AT_EMPTY_PATH)
                guard result != 0, Glibc.errno == EOPNOTSUPP else { return result }
                // A handle that only names, as events of such a filesystem carry it: overlayfs. Linux ≥ 6.5.
                return unsafe clinux_name_to_handle_at(
                    directory, name, &handle, &mountID, AT_EMPTY_PATH | AT_HANDLE_FID)
            }
        }
    }

    private static func owned(_ result: Int32) throws(SyscallError) -> OwnedDescriptor? {
        if result >= 0 { return OwnedDescriptor(takingOver: result) }
        switch -result {
        // ENOTDIR: the handle was used again for something that is no directory.
        case ESTALE, ENOENT, ENOTDIR: return nil
        case let number: throw SyscallError(call: "open_by_handle_at", errno: number)
        }
    }
}

extension FileHandle {
    /// Copies what name_to_handle_at(2) gave.
    init(filesystem: FilesystemID, _ raw: clinux_file_handle) {
        let count = min(Int(raw.count), Int(MAX_HANDLE_SZ))
        // SAFETY: the tuple of the imported struct is MAX_HANDLE_SZ bytes without padding, lent for the call.
        self = unsafe withUnsafeBytes(of: raw.bytes) { memory in
            FileHandle(
                filesystemBits: filesystem.rawValue, type: raw.type, bytes: unsafe RawSpan(_unsafeBytes: memory),
                offset: 0,
                count: count)
        }
    }
}
