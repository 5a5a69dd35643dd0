internal import CLinux
internal import Glibc
package import Syscalls

extension HandleResolver {
    /// Opens the file a handle stands for, to read it; whatever its name is by now.
    ///
    /// Parameter mount: any descriptor on the filesystem that is not O_PATH itself (EBADF).
    /// Returns: nil where no such file exists any more, or only a hash of the handle is held.
    /// Throws: EPERM without CAP_DAC_READ_SEARCH; what open(2) can.
    /// Source: open_by_handle_at(2).
    package static func openFile(_ handle: FileHandle, mount: borrowing OwnedDescriptor) throws(SyscallError)
        -> OwnedDescriptor?
    {
        let number = mount.fileDescriptor
        // SAFETY: the C function copies `count` bytes, at most 24, which withKernelHandle lends.
        let result = unsafe handle.withKernelHandle { type, bytes, count in
            retryingOnInterrupt {
                // O_NONBLOCK: a FIFO would otherwise wait for its other end.
                unsafe clinux_open_by_handle_at(number, type, bytes, count, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
            }
        }
        guard let result, result != -ESTALE, result != -ENOENT else { return nil }
        guard result >= 0 else { throw SyscallError(call: "open_by_handle_at", errno: -result) }
        return OwnedDescriptor(takingOver: result)
    }

    /// The status of whatever a handle stands for, without opening its contents.
    ///
    /// Returns: nil where it exists no longer, or only a hash of the handle is held. Throws: EPERM without
    /// CAP_DAC_READ_SEARCH.
    package static func status(of handle: FileHandle, mount: borrowing OwnedDescriptor) throws(SyscallError)
        -> FileStatus?
    {
        let number = mount.fileDescriptor
        // SAFETY: as above.
        let result = unsafe handle.withKernelHandle { type, bytes, count in
            retryingOnInterrupt { unsafe clinux_open_by_handle_at(number, type, bytes, count, O_PATH | O_CLOEXEC) }
        }
        guard let result, result != -ESTALE, result != -ENOENT else { return nil }
        guard result >= 0 else { throw SyscallError(call: "open_by_handle_at", errno: -result) }
        return try OwnedDescriptor(takingOver: result).status()
    }
}
