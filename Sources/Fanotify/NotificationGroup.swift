internal import CLinux
internal import Glibc
package import Model
package import Syscalls

/// A fanotify notification group: a queue of event records and the marks that feed it.
///
/// Cost: the kernel charges queued records to the memory cgroup of the group's maker (about 136 bytes each with
/// `.directoryNamesAndTargets`). Thread: any; reads must not overlap if the order matters.
/// Source: fanotify(7), fanotify_init(2).
package struct NotificationGroup: ~Copyable, Sendable {
    /// What a group reports and how it queues.
    package struct Options: OptionSet, Hashable, Sendable {
        package var rawValue: UInt32

        package init(rawValue: UInt32) {
            self.rawValue = rawValue
        }

        /// A handle of the object itself.
        package static let reportFID = Options(rawValue: UInt32(FAN_REPORT_FID))
        /// A handle of the directory the event happened in.
        package static let reportDirectoryFID = Options(rawValue: UInt32(FAN_REPORT_DIR_FID))
        /// The name in that directory.
        package static let reportName = Options(rawValue: UInt32(FAN_REPORT_NAME))
        /// Also for create, delete and rename the handle of the object. Linux ≥ 5.17.
        package static let reportTargetFID = Options(rawValue: UInt32(FAN_REPORT_TARGET_FID))
        /// Everything about names and objects: the richest form, FAN_REPORT_DFID_NAME_TARGET.
        package static let directoryNamesAndTargets: Options = [
            .reportFID, .reportDirectoryFID, .reportName, .reportTargetFID,
        ]
        /// A pidfd with every record; it triples the cost of one.
        package static let reportPIDFD = Options(rawValue: UInt32(FAN_REPORT_PIDFD))
        /// Mount ids of attached and detached mounts, alone in its group. Linux ≥ 6.14.
        package static let reportMount = Options(rawValue: UInt32(FAN_REPORT_MNT))
        /// No limit on queued records (else fs.fanotify.max_queued_events, 16384). Needs CAP_SYS_ADMIN.
        package static let unlimitedQueue = Options(rawValue: UInt32(FAN_UNLIMITED_QUEUE))
        /// No limit on marks. Needs CAP_SYS_ADMIN.
        package static let unlimitedMarks = Options(rawValue: UInt32(FAN_UNLIMITED_MARKS))
    }

    /// What one read brought.
    package enum ReadOutcome: Hashable, Sendable {
        /// So many bytes of records were put into the buffer.
        case bytes(Int)
        /// The queue was seen empty.
        case wouldBlock
        /// The rest of the buffer is too small for the next record, which stays queued. Use the buffer, then read again.
        case bufferFull
    }

    private let descriptor: OwnedDescriptor

    /// Makes a group that notifies only (FAN_CLASS_NOTIF), does not block, and is closed on exec.
    ///
    /// Throws: EPERM without the capability its options need, EINVAL for combinations the kernel does not have, EMFILE
    /// at the limit of groups of this user.
    package init(_ options: Options) throws(SyscallError) {
        let flags = UInt32(FAN_CLASS_NOTIF) | UInt32(FAN_CLOEXEC) | UInt32(FAN_NONBLOCK) | options.rawValue
        // Event descriptors of an fd-mode group; the kernel adds O_LARGEFILE by itself on 64-bit machines.
        let eventFlags = UInt32(O_RDONLY | O_CLOEXEC)
        let number = try orThrow("fanotify_init") { () -> Int32 in fanotify_init(flags, eventFlags) }
        descriptor = OwnedDescriptor(takingOver: number)
    }

    /// For poll(2) and epoll(7); do not close it.
    package var fileDescriptor: Int32 { descriptor.fileDescriptor }

    /// Puts a mark on what `path` names, or adds `mask` to the mark that is there.
    package borrowing func addMark(_ kind: MarkKind, mask: EventMask, at path: RawPath) throws(SyscallError) {
        try change(UInt32(FAN_MARK_ADD) | kind.flags, mask, at: path)
    }

    /// Puts a mark on what an open descriptor stands for (for mounts and filesystems: the one it is on).
    ///
    /// Parameter descriptor: not O_PATH for a mount namespace; anything else may be O_PATH.
    package borrowing func addMark(_ kind: MarkKind, mask: EventMask, on descriptor: borrowing OwnedDescriptor)
        throws(SyscallError)
    {
        try change(UInt32(FAN_MARK_ADD) | kind.flags, mask, on: descriptor.fileDescriptor)
    }

    /// Takes `mask` out of a mark; a mark without mask is gone.
    package borrowing func removeMark(_ kind: MarkKind, mask: EventMask, at path: RawPath) throws(SyscallError) {
        try change(UInt32(FAN_MARK_REMOVE) | kind.flags, mask, at: path)
    }

    /// The same by descriptor.
    package borrowing func removeMark(_ kind: MarkKind, mask: EventMask, on descriptor: borrowing OwnedDescriptor)
        throws(SyscallError)
    {
        try change(UInt32(FAN_MARK_REMOVE) | kind.flags, mask, on: descriptor.fileDescriptor)
    }

    /// Ignores `mask` on an inode, mount or filesystem, also after it was modified (FAN_MARK_IGNORE_SURV).
    ///
    /// On a directory with `.onChild` and `.onDirectory` it covers the directory and what is directly in it; the
    /// attribute and delete-self events of unlinked files still come. Linux ≥ 6.0.
    /// Throws: EINVAL where `mask` has `.filesystemError` and the mark is not on a filesystem.
    package borrowing func addIgnoreMark(_ kind: MarkKind, mask: EventMask, at path: RawPath) throws(SyscallError) {
        try change(UInt32(FAN_MARK_ADD | FAN_MARK_IGNORE | FAN_MARK_IGNORED_SURV_MODIFY) | kind.flags, mask, at: path)
    }

    /// Removes all marks of one kind.
    package borrowing func removeAllMarks(_ kind: MarkKind) throws(SyscallError) {
        try change(UInt32(FAN_MARK_FLUSH) | kind.flags, [], on: AT_FDCWD)
    }

    /// Puts as many queued records as fit behind those that are in the buffer, without waiting.
    ///
    /// Cost: one read(2). Throws: EMFILE in fd mode when the descriptor table is full (that event is lost).
    package borrowing func read(into buffer: inout ReadBuffer) throws(SyscallError) -> ReadOutcome {
        let number = descriptor.fileDescriptor
        // SAFETY: read(2) writes at most the count of the memory lent to it.
        let count = unsafe buffer.append { memory in
            retryingOnInterrupt { unsafe Glibc.read(number, memory.baseAddress, memory.count) }
        }
        if count >= 0 { return .bytes(count) }
        switch Int32(truncatingIfNeeded: -count) {
        case EAGAIN: return .wouldBlock
        case EINVAL where buffer.byteCount > 0: return .bufferFull
        case let number: throw SyscallError(call: "read", errno: number)
        }
    }

    private borrowing func change(_ flags: UInt32, _ mask: EventMask, at path: RawPath) throws(SyscallError) {
        let number = descriptor.fileDescriptor
        try orThrow("fanotify_mark", path) { () -> Int32 in
            // SAFETY: the path is a C string for the length of the call, which only reads it.
            unsafe path.withCString { unsafe fanotify_mark(number, flags, UInt64(mask.rawValue), AT_FDCWD, $0) }
        }
    }

    private borrowing func change(_ flags: UInt32, _ mask: EventMask, on object: Int32) throws(SyscallError) {
        let number = descriptor.fileDescriptor
        try orThrow("fanotify_mark") { () -> Int32 in
            // A null path means the descriptor itself.
            fanotify_mark(number, flags, UInt64(mask.rawValue), object, nil)
        }
    }
}
