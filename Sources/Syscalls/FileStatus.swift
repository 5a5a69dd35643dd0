internal import CLinux
internal import Glibc
package import Model

/// What kind of file an inode is.
package enum FileKind: Hashable, Sendable {
    case regular, directory, symbolicLink, socket, fifo, characterDevice, blockDevice, unknown
}

/// The parts of stat(2) that are asked for.
package struct FileStatus: Hashable, Sendable {
    package var kind: FileKind
    /// Permission bits, the low 12 bits of `st_mode`.
    package var permissions: UInt32
    package var device: UInt64
    package var inode: UInt64
    package var linkCount: UInt64
    package var uid: UInt32
    package var gid: UInt32
    package var byteCount: Int64
    /// Allocated bytes, what `du` counts.
    package var allocatedByteCount: Int64
    package var modified: Instant
    /// When the inode was changed in any way, which nobody can set.
    package var changed: Instant
    /// Of a device file: which device, as `device` packs them.
    package var specialDevice: UInt64

    init(_ status: stat) {
        specialDevice = UInt64(status.st_rdev)
        kind =
            switch status.st_mode & S_IFMT {
            case S_IFREG: .regular
            case S_IFDIR: .directory
            case S_IFLNK: .symbolicLink
            case S_IFSOCK: .socket
            case S_IFIFO: .fifo
            case S_IFCHR: .characterDevice
            case S_IFBLK: .blockDevice
            default: .unknown
            }
        permissions = status.st_mode & 0o7777
        device = UInt64(status.st_dev)
        inode = UInt64(status.st_ino)
        linkCount = UInt64(status.st_nlink)
        uid = status.st_uid
        gid = status.st_gid
        byteCount = Int64(status.st_size)
        allocatedByteCount = Int64(status.st_blocks) &* 512
        modified = Instant(
            nanosecondsSinceEpoch: Int64(status.st_mtim.tv_sec) &* 1_000_000_000 &+ Int64(status.st_mtim.tv_nsec))
        changed = Instant(
            nanosecondsSinceEpoch: Int64(status.st_ctim.tv_sec) &* 1_000_000_000 &+ Int64(status.st_ctim.tv_nsec))
    }
}

/// The parts of statfs(2) that are asked for.
package struct FilesystemStatus: Hashable, Sendable {
    /// `f_type`: which filesystem, linux/magic.h.
    package var type: UInt64
    package var id: FilesystemID
    package var blockByteCount: UInt64
    package var totalByteCount: UInt64
    /// What an unprivileged writer could still use, `f_bavail`.
    package var availableByteCount: UInt64

    init(_ status: statfs) {
        type = UInt64(bitPattern: Int64(status.f_type)) & 0xFFFF_FFFF
        id = FilesystemID(
            rawValue: UInt64(UInt32(bitPattern: status.f_fsid.__val.0))
                | UInt64(UInt32(bitPattern: status.f_fsid.__val.1)) << 32)
        let block = UInt64(max(0, Int64(status.f_bsize)))
        blockByteCount = block
        totalByteCount = UInt64(status.f_blocks).multipliedReportingOverflow(by: block).partialValue
        availableByteCount = UInt64(status.f_bavail).multipliedReportingOverflow(by: block).partialValue
    }
}

extension OwnedDescriptor {
    /// fstat(2)
    package borrowing func status() throws(SyscallError) -> FileStatus {
        let number = fileDescriptor
        var status = stat()
        // SAFETY: the kernel fills the variable lent to it.
        try orThrow("fstat") { () -> Int32 in unsafe fstat(number, &status) }
        return FileStatus(status)
    }

    /// When its inode was made, statx(2); nil where the filesystem does not say, or the call fails. An inode number is given out
    /// again, with another birth.
    package var birth: Instant? {
        var nanoseconds: Int64 = 0
        // SAFETY: the C function writes the variable lent to it.
        guard unsafe clinux_birth(fileDescriptor, &nanoseconds) == 1 else { return nil }
        return Instant(nanosecondsSinceEpoch: nanoseconds)
    }

    /// fstatfs(2). Works on O_PATH descriptors.
    package borrowing func filesystemStatus() throws(SyscallError) -> FilesystemStatus {
        let number = fileDescriptor
        var status = statfs()
        // SAFETY: the kernel fills the variable lent to it.
        try orThrow("fstatfs") { () -> Int32 in unsafe fstatfs(number, &status) }
        return FilesystemStatus(status)
    }
}

extension RawPath {
    /// stat(2), or lstat(2) where a last symbolic link is not to be followed.
    package func status(followingLinks: Bool = true) throws(SyscallError) -> FileStatus {
        var status = stat()
        try orThrow(followingLinks ? "stat" : "lstat", self) { () -> Int32 in
            // SAFETY: the path is a C string for the call, and the kernel fills the variable lent to it.
            unsafe withCString { unsafe followingLinks ? stat($0, &status) : lstat($0, &status) }
        }
        return FileStatus(status)
    }

    /// statfs(2)
    package func filesystemStatus() throws(SyscallError) -> FilesystemStatus {
        var status = statfs()
        try orThrow("statfs", self) { () -> Int32 in
            // SAFETY: the path is a C string for the call, and the kernel fills the variable lent to it.
            unsafe withCString { unsafe statfs($0, &status) }
        }
        return FilesystemStatus(status)
    }
}
