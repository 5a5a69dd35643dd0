internal import CLinux
internal import Glibc

/// An open file descriptor with exactly one owner; it is closed when the owner's life ends.
///
/// Source: open(2), close(2).
package struct OwnedDescriptor: ~Copyable, Sendable {
    /// The number; valid only while this value lives.
    package let fileDescriptor: Int32

    /// Takes over `fileDescriptor`, which nothing else may close.
    package init(takingOver fileDescriptor: Int32) {
        precondition(fileDescriptor >= 0, "a failed call's result is no descriptor")
        self.fileDescriptor = fileDescriptor
    }

    deinit {
        // close(2) frees the number even when it reports EINTR or EIO; asking again could close another's descriptor.
        _ = Glibc.close(fileDescriptor)
    }

    /// Closes now and tells of a failure, for descriptors where a late write error matters (EIO, ENOSPC on NFS).
    package consuming func close() throws(SyscallError) {
        let number = fileDescriptor
        discard self
        if Glibc.close(number) != 0 && Glibc.errno != EINTR {
            throw SyscallError(call: "close", errno: Glibc.errno)
        }
    }

    /// Gives the number away: whoever takes it must close it.
    package consuming func release() -> Int32 {
        let number = fileDescriptor
        discard self
        return number
    }

    /// A second descriptor of the same open file description, closed on exec.
    package borrowing func duplicate() throws(SyscallError) -> OwnedDescriptor {
        let original = fileDescriptor
        let copy = try orThrow("fcntl") { () -> Int32 in fcntl(original, F_DUPFD_CLOEXEC, 3) }
        return OwnedDescriptor(takingOver: copy)
    }
}
