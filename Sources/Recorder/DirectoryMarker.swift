import CLinux
import Fanotify
import Glibc
import Model
import Syscalls

/// Marks single directories, for filesystems that take no filesystem mark and for recorders that may not set one.
///
/// The mark is set first and the list is read then: what appears in between is reported and found, what appeared before
/// is found. Needs no capability, but the right to read the directory. Cost: some 15 µs a directory, 3 µs an entry.
struct DirectoryMarker: Sendable {
    /// An entry of a directory that was just marked.
    struct Entry {
        var name: RawPath
        var isDirectory: Bool
        /// nil where it is gone already.
        var handle: FileHandle?
    }

    enum Outcome {
        case marked(FileHandle, entries: [Entry], isComplete: Bool)
        /// Another filesystem is mounted there, or it is the store or the archive: nothing of this tree.
        case notOfTree
        /// It is not there, or another directory is.
        case elsewhere
        case refused(cause: String, isLimit: Bool)
    }

    /// What is listed of a directory.
    enum Listing {
        /// The initial crawl only goes down.
        case directories
        case everything
    }

    private let group: GroupBox?
    private let mask: EventMask
    private let own: [FileHandle]

    /// Directories that one recorder marks at most: the memory for their handles and names stays bounded, some 150 bytes
    /// each. Without CAP_SYS_ADMIN the kernel's own limit, fs.fanotify.max_user_marks, may be lower.
    static let maximumDirectoryCount = 200_000
    /// Entries of one directory that are looked at.
    static let maximumEntryCount = 100_000

    /// Parameter operations: what is recorded; what tells of directories is asked for in any case. Without a group it only
    /// lists.
    init(group: GroupBox?, operations: EventMask, own: [RawPath]) {
        self.group = group
        // Filesystem errors are reported by filesystem marks only.
        mask = operations.subtracting(.filesystemError).union([
            .create, .delete, .rename, .moveSelf, .openExec, .onChild, .onDirectory,
        ])
        self.own = own.compactMap(Self.handle)
    }

    private static func handle(of path: RawPath) -> FileHandle? {
        guard let directory = try? openPath(path), let filesystem = try? directory.filesystemStatus().id else {
            return nil
        }
        return try? HandleResolver.handle(of: directory, filesystem: filesystem)
    }

    /// Marks what is at `path` if it is the directory with this handle, or whatever directory is there, and lists it.
    ///
    /// Parameter filesystem: the id that its events carry. Parameter isTop: it may be what is mounted there.
    func mark(
        _ path: RawPath, expecting handle: FileHandle?, filesystem: FilesystemID, isTop: Bool = false,
        _ listing: Listing
    ) -> Outcome {
        do throws(SyscallError) {
            let directory = try OwnedDescriptor.open(path, flags: O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_NONBLOCK)
            if !isTop, HandleResolver.isMountRoot(directory) { return .notOfTree }
            guard let found = try HandleResolver.handle(of: directory, filesystem: filesystem) else {
                return .refused(
                    cause: "this kernel does not report the handles of its files (Linux 6.6 does)", isLimit: false)
            }
            if let handle, handle != found { return .elsewhere }
            if own.contains(found) { return .notOfTree }
            try group?.group.addMark(.inode, mask: mask, on: directory)
            let list = try directory.entries(limit: Self.maximumEntryCount)
            var entries: [Entry] = []
            for entry in list.entries {
                guard let isDirectory = entry.isDirectory ?? Self.isDirectory(entry.name, in: directory) else {
                    continue
                }
                guard isDirectory || listing == .everything else { continue }
                let handle = try HandleResolver.handle(of: entry.name, in: directory, filesystem: filesystem)
                entries.append(Entry(name: entry.name, isDirectory: isDirectory, handle: handle))
            }
            return .marked(found, entries: entries, isComplete: list.isComplete)
        } catch {
            switch error.errno {
            case ENOENT, ENOTDIR, ELOOP, ESTALE: return .elsewhere
            case ENODEV, EXDEV: return .refused(cause: Self.weakIDCause(path), isLimit: false)
            case ENOSPC: return .refused(cause: "fs.fanotify.max_user_marks is reached", isLimit: true)
            default: return .refused(cause: error.description, isLimit: false)
            }
        }
    }

    /// Why a filesystem without an id of its own (FUSE, a lone btrfs subvolume) takes no marks: the kernel never lets it,
    /// or not beside another one.
    private static func weakIDCause(_ path: RawPath) -> String {
        FanotifyProbe.markDirectory(path) == 0
            ? "it has no filesystem id of its own, and the kernel does not let one recorder mark such a filesystem beside "
                + "others: record it by itself"
            : "it has no filesystem id of its own, and this kernel marks no directories of such a filesystem (Linux 6.8 does)"
    }

    /// Whether a path shows what is mounted there.
    static func isMountRoot(_ path: RawPath) -> Bool {
        guard let directory = try? OwnedDescriptor.open(path, flags: O_PATH | O_NOFOLLOW) else { return false }
        return HandleResolver.isMountRoot(directory)
    }

    private static func isDirectory(_ name: RawPath, in directory: borrowing OwnedDescriptor) -> Bool? {
        guard let entry = try? directory.open(name, flags: O_PATH | O_NOFOLLOW), let status = try? entry.status() else {
            return nil
        }
        return status.kind == .directory
    }
}
