package import Model
package import Syscalls

/// What `varve doctor` found out: the facts, from which its verdict follows without any I/O.
package struct DoctorFacts: Sendable {
    /// The recorder's program.
    package struct Program: Hashable, Sendable {
        package var path: RawPath
        package var capabilities: FileCapabilities?
        /// It lies on a mount on which file capabilities have no effect.
        package var isOnNoSUIDMount: Bool
        /// Permission bits.
        package var permissions: UInt32

        package init(
            path: RawPath, capabilities: FileCapabilities?, isOnNoSUIDMount: Bool, permissions: UInt32 = 0o750
        ) {
            self.path = path
            self.capabilities = capabilities
            self.isOnNoSUIDMount = isOnNoSUIDMount
            self.permissions = permissions
        }

        /// It lends the right to see every file's name to whoever is on the machine.
        package var lendsToEverybody: Bool { capabilities != nil && permissions & 0o001 != 0 }
    }

    /// One place that would be recorded.
    package struct Place: Hashable, Sendable {
        package var path: RawPath
        package var filesystemType: String
        package var mountPoint: RawPath
        package var support: MarkSupport

        package init(path: RawPath, filesystemType: String, mountPoint: RawPath, support: MarkSupport) {
            self.path = path
            self.filesystemType = filesystemType
            self.mountPoint = mountPoint
            self.support = support
        }
    }

    package var kernelRelease: String
    /// Of `FanotifyProbe.makeGroup`.
    package var groupError: Int32
    package var program: Program?
    package var userID: UInt32
    /// What this process, and so a recorder started by root from here, could use.
    package var permitted: Set<Capability>
    package var boundingSet: Set<Capability>
    package var hasNoNewPrivileges: Bool
    package var memoryLimit: MemoryLimit
    package var places: [Place]
    /// The pid of a recorder that holds the store already.
    package var liveRecorder: Int32?
    /// User 0 here is another user outside: capabilities reach only what belongs to this namespace.
    package var isInUserNamespace = false
    /// A filter decides which system calls are allowed.
    package var hasSeccompFilter = false
    /// What the kernel was seen to have, by the names of fanotify_init(2).
    package var features: [KernelFeature] = []

    package init(
        kernelRelease: String, groupError: Int32, program: Program?, userID: UInt32, permitted: Set<Capability>,
        boundingSet: Set<Capability>, hasNoNewPrivileges: Bool, memoryLimit: MemoryLimit, places: [Place],
        liveRecorder: Int32?
    ) {
        self.kernelRelease = kernelRelease
        self.groupError = groupError
        self.program = program
        self.userID = userID
        self.permitted = permitted
        self.boundingSet = boundingSet
        self.hasNoNewPrivileges = hasNoNewPrivileges
        self.memoryLimit = memoryLimit
        self.places = places
        self.liveRecorder = liveRecorder
    }
}

/// Something newer kernels can do for a recorder.
package struct KernelFeature: Hashable, Sendable {
    package var name: String
    package var isThere: Bool
    /// What is done without it.
    package var otherwise: String
}

/// Whether a filesystem mark on a place would work.
package enum MarkSupport: Hashable, Sendable {
    /// The kernel was asked and took the mark.
    case tried
    /// By its type it would; the kernel was not asked for want of CAP_SYS_ADMIN.
    case expected
    /// It would not: why, and what could be recorded instead.
    case refused(reason: String, instead: String)
    /// It would not, but marks on each of its directories would: why, and what would see more.
    case directories(reason: String, instead: String)
    /// The path does not exist or cannot be looked at.
    case missing(reason: String)

    /// The same for a PATH that was named, whose directories take marks.
    package var byDirectories: MarkSupport {
        guard case .refused(let reason, let instead) = self else { return self }
        return .directories(reason: reason, instead: Self.withoutDirectoryMarks(instead))
    }

    private static func withoutDirectoryMarks(_ instead: String) -> String {
        instead.replacing("; " + directoryMarks, with: "").replacing(directoryMarks, with: "")
    }

    package var isMarked: Bool {
        switch self {
        case .tried, .expected, .directories: true
        case .refused, .missing: false
        }
    }

    /// What single marks on directories see, where the filesystem cannot be marked.
    static let directoryMarks =
        "named as PATH, its directories would be marked one by one: what happens in a new one before its mark is found "
        + "by a scan, without a process"

    /// What is known of a type of filesystem. `tried` is the error number of an attempt, nil where none could be made;
    /// `takesDirectoryMarks` whether the kernel took a mark on a single directory.
    ///
    /// Source: measured on Linux 6.1 and 6.18; fanotify_mark(2) ERRORS.
    package init(_ mount: MountEntry, hasFilesystemID: Bool, tried error: Int32?, takesDirectoryMarks: Bool = true) {
        self.init(byType: mount, hasFilesystemID: hasFilesystemID, tried: error)
        guard !takesDirectoryMarks, case .refused(let reason, let instead) = self,
            instead.contains(Self.directoryMarks)
        else { return }
        // Overlayfs since Linux 6.6, filesystems without an id of their own since 6.8; the kernel was asked, all the same.
        let since = mount.filesystemType == RawPath("overlay") ? "6.6" : "6.8"
        self = .refused(
            reason: reason + "; nor does this kernel mark its directories (Linux \(since) does)",
            instead: Self.withoutDirectoryMarks(instead))
    }

    private init(byType mount: MountEntry, hasFilesystemID: Bool, tried error: Int32?) {
        if error == 0 {
            self = .tried
            return
        }
        let type = mount.filesystemType.text ?? ""
        func has(_ option: String) -> Bool {
            mount.superblockOptions.bytes.split(separator: UInt8(ascii: ",")).contains { $0.elementsEqual(option.utf8) }
        }
        switch type {
        case "proc", "sysfs", "devpts", "cgroup", "cgroup2", "securityfs", "debugfs", "tracefs", "bpf", "pstore",
            "mqueue",
            "autofs", "configfs", "fusectl", "binfmt_misc", "nsfs":
            self = .refused(
                reason: "\(type) shows the kernel's own state, no files", instead: "nothing worth recording")
        case "overlay" where !has("nfs_export=on"):
            self = .refused(
                reason: "overlayfs refuses filesystem marks unless it is mounted with index=on,nfs_export=on",
                instead: "record on the host, where its upper directory lies; " + Self.directoryMarks)
        case "btrfs" where !has("subvolid=5"):
            self = .refused(
                reason: "a btrfs subvolume cannot be marked",
                instead: "mount the top level (mount -o subvolid=5) and record that: it sees every subvolume; "
                    + Self.directoryMarks)
        case _ where !hasFilesystemID:
            self = .refused(
                reason: "\(type) has no filesystem id, so it cannot be marked as a whole",
                instead: "record what lies beneath it, where that is on this machine; " + Self.directoryMarks)
        case "nfs", "nfs4", "cifs", "smb3", "9p", "virtiofs", "ceph", "afs":
            self = .refused(
                reason: "\(type) is shared: what other machines change is not seen here",
                instead: "record on the machine that serves it")
        default:
            if let error, error != SyscallNumber.notPermitted {
                self = .refused(reason: SyscallError.text(of: error), instead: Self.directoryMarks)
            } else {
                self = .expected
            }
        }
    }
}
