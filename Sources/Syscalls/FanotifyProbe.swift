internal import CLinux
internal import Glibc
package import Model

/// Asks the kernel what it would allow, without recording anything. For explaining, not for recording.
package enum FanotifyProbe {
    /// Tries to make a notification group as the recorder does, but for its unlimited queue; 0 or the error number.
    ///
    /// Any user may: Linux ≥ 5.13 lets everybody make a group that reports file identifiers. EINVAL: the kernel does not
    /// know how to report directory, name, object and target together (Linux < 5.17). ENOSYS: built without fanotify.
    /// EPERM: a seccomp filter, as in most containers, or an older kernel. Source: fanotify_init(2).
    package static func makeGroup() -> Int32 {
        withGroup { _ in 0 }
    }

    /// Whether this kernel can tell of mounts (FAN_REPORT_MNT, Linux 6.14); nil where it may not be asked.
    package static func reportsMounts() -> Bool? {
        knows(UInt32(FAN_REPORT_MNT))
    }

    /// Whether this kernel can hand out a pidfd with each record (FAN_REPORT_PIDFD); nil where it may not be asked.
    package static func reportsPIDFD() -> Bool? {
        knows(UInt32(FAN_REPORT_PIDFD))
    }

    /// Whether this kernel reports on the filesystem below what is written to files through an overlay. Linux 6.5; known by
    /// AT_HANDLE_FID, which came with it: to see it happen takes a mount.
    ///
    /// Without it the names are reported all the same: what is created, renamed and deleted, and changed attributes.
    package static func seesBelowOverlays() -> Bool {
        var handle = clinux_file_handle()
        var mountID: Int32 = 0
        // SAFETY: the C function reads a literal and fills the two variables lent to it.
        let result = unsafe clinux_name_to_handle_at(AT_FDCWD, "/", &handle, &mountID, AT_HANDLE_FID)
        return result == 0 || Glibc.errno != EINVAL
    }

    private static func knows(_ flag: UInt32) -> Bool? {
        let flags = UInt32(FAN_CLASS_NOTIF) | UInt32(FAN_CLOEXEC) | UInt32(FAN_NONBLOCK) | flag
        let group = retryingOnInterrupt { fanotify_init(flags, UInt32(O_RDONLY)) }
        if group >= 0 {
            // Closed at once by its owner's end.
            _ = OwnedDescriptor(takingOver: group)
            return true
        }
        return group == -EINVAL ? false : nil
    }

    /// Tries to mark the filesystem that holds `path`; 0 or the error number. EPERM without CAP_SYS_ADMIN.
    ///
    /// Source: fanotify_mark(2).
    package static func markFilesystem(of path: RawPath) -> Int32 {
        withGroup { group in
            let flags = UInt32(FAN_MARK_ADD) | UInt32(FAN_MARK_FILESYSTEM)
            let result = retryingOnInterrupt {
                // SAFETY: the path is a C string for the length of the call, which only reads it.
                unsafe path.withCString { unsafe fanotify_mark(group, flags, UInt64(FAN_CREATE), AT_FDCWD, $0) }
            }
            return result < 0 ? -result : 0
        }
    }

    /// Tries to mark the directory `path` alone, as any user may who can read it; 0 or the error number.
    ///
    /// EOPNOTSUPP: its files have no handles, as on overlayfs before Linux 6.5. Source: fanotify_mark(2).
    package static func markDirectory(_ path: RawPath) -> Int32 {
        withGroup { group in
            let flags = UInt32(FAN_MARK_ADD) | UInt32(FAN_MARK_ONLYDIR)
            let mask = UInt64(FAN_CREATE) | UInt64(FAN_ONDIR)
            let result = retryingOnInterrupt {
                // SAFETY: the path is a C string for the length of the call, which only reads it.
                unsafe path.withCString { unsafe fanotify_mark(group, flags, mask, AT_FDCWD, $0) }
            }
            return result < 0 ? -result : 0
        }
    }

    private static func withGroup(_ body: (Int32) -> Int32) -> Int32 {
        let reports = UInt32(FAN_REPORT_FID) | UInt32(FAN_REPORT_DFID_NAME) | UInt32(FAN_REPORT_TARGET_FID)
        let flags = UInt32(FAN_CLASS_NOTIF) | UInt32(FAN_CLOEXEC) | UInt32(FAN_NONBLOCK) | reports
        let group = retryingOnInterrupt { fanotify_init(flags, UInt32(O_RDONLY)) }
        guard group >= 0 else { return -group }
        let descriptor = OwnedDescriptor(takingOver: group)
        return body(descriptor.fileDescriptor)
    }
}

/// The capabilities that the kernel gives a program when it is started, capabilities(7) "File capabilities".
package struct FileCapabilities: Hashable, Sendable {
    /// One bit a capability, by its number.
    package var permitted: UInt64
    /// The program starts with them effective; then it does not start at all where one is not to be had.
    package var isEffective: Bool

    /// Reads the attribute `security.capability`; nil where the file has none or it cannot be read.
    package static func read(of path: RawPath) -> FileCapabilities? {
        var bytes = [UInt8](repeating: 0, count: 64)
        let count = retryingOnInterrupt {
            // SAFETY: both strings live for the call; the kernel writes at most the count of the memory lent to it.
            unsafe path.withCString { name in
                unsafe bytes.withUnsafeMutableBytes {
                    unsafe getxattr(name, "security.capability", $0.baseAddress, $0.count)
                }
            }
        }
        return count > 0 ? FileCapabilities(Array(bytes.prefix(count))) : nil
    }

    /// Shape: `struct vfs_cap_data`, little-endian words: revision in the high byte and the effective flag in bit 0, then
    /// permitted and inheritable of capabilities 0 to 31, the same of 32 to 63, and from revision 3 on a user id.
    package init?(_ bytes: [UInt8]) {
        func word(_ index: Int) -> UInt32 {
            (0..<4).reduce(0) { $0 | UInt32(bytes[index * 4 + $1]) << UInt32(8 * $1) }
        }
        guard bytes.count >= 12 else { return nil }
        let head = word(0)
        switch head >> 24 {
        case 1: permitted = UInt64(word(1))
        case 2 where bytes.count >= 20, 3 where bytes.count >= 24:
            permitted = UInt64(word(1)) | UInt64(word(3)) << 32
        default: return nil
        }
        isEffective = head & 1 != 0
    }

    package func contains(_ capability: Capability) -> Bool {
        permitted & (1 << UInt64(capability.number)) != 0
    }
}
