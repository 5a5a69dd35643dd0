private import Glibc
internal import Model
internal import Store
internal import Syscalls

extension DoctorFacts {
    /// Looks at this machine, this process, the recorder's program and the paths.
    ///
    /// Parameter program: the recorder's program, nil to look for it beside this one, then in $PATH.
    static func gather(_ context: QueryContext, paths: [RawPath], program: RawPath?) -> DoctorFacts {
        let mounts = (try? MountTable.current()) ?? []
        let release = (try? Files.contents(of: RawPath("/proc/sys/kernel/osrelease"), limit: 256)) ?? []
        let canMark = Capabilities.isEffective(.sysAdmin)
        let recorder = findProgram(program, mounts)
        // Root's recorder has what root has; another one what its file gives it.
        let mayMark = isInitialUserNamespace && (canMark || recorder?.capabilities?.contains(.sysAdmin) == true)
        let places =
            paths.isEmpty
            ? wholeFilesystems(mounts, canMark: canMark)
            : paths.map { byDirectories(place($0, mounts, canMark: canMark), mayMark: mayMark) }
        var facts = DoctorFacts(
            kernelRelease: String(decoding: release.filter { $0 > 0x20 }, as: UTF8.self),
            groupError: FanotifyProbe.makeGroup(), program: recorder, userID: geteuid(),
            permitted: Set(Capability.needed.filter(Capabilities.isPermitted)),
            boundingSet: Set(Capability.needed.filter(Capabilities.isInBoundingSet)),
            hasNoNewPrivileges: Capabilities.hasNoNewPrivileges, memoryLimit: MemoryLimit.current(), places: places,
            liveRecorder: liveRecorder(context))
        facts.isInUserNamespace = !isInitialUserNamespace
        facts.hasSeccompFilter = seccompMode == "2"
        if let isThere = FanotifyProbe.reportsMounts() {
            facts.features.append(
                KernelFeature(
                    name: "FAN_REPORT_MNT", isThere: isThere, otherwise: "mounts are noticed through mountinfo"))
        }
        if let isThere = FanotifyProbe.reportsPIDFD() {
            facts.features.append(
                KernelFeature(name: "FAN_REPORT_PIDFD", isThere: isThere, otherwise: "processes are known by number"))
        }
        facts.features.append(
            KernelFeature(
                name: "what containers write, below their overlays,", isThere: FanotifyProbe.seesBelowOverlays(),
                otherwise: "before Linux 6.5 the host hears of names alone: created, renamed, deleted"))
        facts.features.append(processConnector(for: recorder))
        return facts
    }

    /// Whether the recorder would hear of forks and ends: as this process does, or as its file allows it.
    private static func processConnector(for program: Program?) -> KernelFeature {
        let without = "the program of a process that was gone before its event was read is known only from its execs"
        var feature = KernelFeature(name: "the process connector", isThere: true, otherwise: "")
        do throws(SyscallError) {
            _ = try ProcessConnector.open()
        } catch {
            if error.errno == EPERM {
                feature.isThere = program?.capabilities?.contains(.netAdmin) == true
                feature.otherwise =
                    "before Linux 6.6 it needs CAP_NET_ADMIN, which root has and file capabilities may add; \(without)"
            } else {
                feature.isThere = false
                feature.otherwise = "refused outside the initial namespaces; \(without)"
            }
        }
        return feature
    }

    /// The initial user namespace maps every user to itself.
    private static var isInitialUserNamespace: Bool {
        let map = (try? Files.contents(of: RawPath("/proc/self/uid_map"), limit: 4_096)) ?? []
        let words = map.split { $0 <= 0x20 }.map { String(decoding: $0, as: UTF8.self) }
        return words.isEmpty || words == ["0", "0", "4294967295"]
    }

    private static var seccompMode: String {
        let status = (try? Files.contents(of: RawPath("/proc/self/status"), limit: 65_536)) ?? []
        let line = status.split(separator: UInt8(ascii: "\n")).first { $0.starts(with: "Seccomp:".utf8) }
        return String(decoding: line?.filter { (0x30...0x39).contains($0) } ?? [], as: UTF8.self)
    }

    private static func liveRecorder(_ context: QueryContext) -> Int32? {
        let client = ControlClient(context.storeDirectory)
        guard let answer = try? client.ask("status", timeoutNanoseconds: 2_000_000_000), answer.isOK else { return nil }
        return answer.value["pid"]?.unsigned.map { Int32(clamping: $0) }
    }

    private static func findProgram(_ named: RawPath?, _ mounts: [MountEntry]) -> Program? {
        var candidates: [RawPath] = []
        if let named {
            candidates = [named]
        } else {
            if let own = try? Files.readLink(RawPath("/proc/self/exe")), let directory = own.parent {
                candidates.append(directory.appending("varved".utf8))
            }
            // SAFETY: the value is copied at once, and no other thread changes the environment.
            let search = unsafe getenv("PATH").map { unsafe String(cString: $0) } ?? ""
            for directory in search.split(separator: ":").map(String.init) + ["/usr/local/sbin", "/usr/sbin"] {
                candidates.append(RawPath(directory).appending("varved".utf8))
            }
        }
        for candidate in candidates {
            guard let path = try? Files.realPath(candidate), let status = try? path.status(), status.kind == .regular,
                status.permissions & 0o111 != 0
            else { continue }
            let mount = holder(of: path, in: mounts)
            return Program(
                path: path, capabilities: FileCapabilities.read(of: path), isOnNoSUIDMount: mount?.isNoSUID ?? false,
                permissions: status.permissions)
        }
        return nil
    }

    /// The mount that shows a path: of those with the longest mount point above it the last, which hides the others.
    private static func holder(of path: RawPath, in mounts: [MountEntry]) -> MountEntry? {
        var best: MountEntry?
        for mount in mounts where path.isAtOrUnder(mount.mountPoint) {
            if mount.mountPoint.bytes.count >= best?.mountPoint.bytes.count ?? 0 { best = mount }
        }
        return best
    }

    private static func place(_ given: RawPath, _ mounts: [MountEntry], canMark: Bool) -> Place {
        let path: RawPath
        do throws(SyscallError) {
            path = try Files.realPath(given)
        } catch {
            return Place(
                path: given, filesystemType: "?", mountPoint: given,
                support: .missing(reason: SyscallError.text(of: error.errno)))
        }
        guard let mount = holder(of: path, in: mounts) else {
            return Place(
                path: path, filesystemType: "?", mountPoint: path,
                support: .missing(reason: "it lies on no mount of this namespace"))
        }
        return place(path, on: mount, canMark: canMark)
    }

    /// What becomes of a place that was named and takes no filesystem mark, or whose recorder may not set one.
    private static func byDirectories(_ place: Place, mayMark: Bool) -> Place {
        var place = place
        switch place.support {
        case .refused where hasOwnFiles(place.filesystemType):
            guard FanotifyProbe.markDirectory(place.path) == 0 else { return place }
            place.support = place.support.byDirectories
        case .expected where !mayMark && FanotifyProbe.markDirectory(place.path) == 0:
            place.support = .directories(
                reason: "without CAP_SYS_ADMIN only single directories can be marked, and the kernel does not tell who "
                    + "did it", instead: "run varved as root, or give it its file capabilities")
        default: break
        }
        return place
    }

    private static func place(_ path: RawPath, on mount: MountEntry, canMark: Bool) -> Place {
        let identity = try? path.filesystemStatus().id.rawValue
        let support = MarkSupport(
            mount, hasFilesystemID: identity != 0, tried: canMark ? FanotifyProbe.markFilesystem(of: path) : nil,
            takesDirectoryMarks: FanotifyProbe.markDirectory(path) == 0)
        return Place(
            path: path, filesystemType: mount.filesystemType.lossyText, mountPoint: mount.mountPoint, support: support)
    }

    /// Filesystems with files of their own.
    private static let ownTypes: Set<String> = [
        "ext2", "ext3", "ext4", "xfs", "btrfs", "f2fs", "bcachefs", "jfs", "tmpfs", "vfat", "exfat", "ntfs3", "udf",
        "reiserfs", "zfs", "overlay", "fuse", "fuseblk", "nfs", "nfs4", "cifs", "9p", "virtiofs", "ceph",
    ]

    /// What the recorder takes for such: all of FUSE but the kernel's own state under another name, and what desktops show
    /// once more.
    private static func hasOwnFiles(_ type: String) -> Bool {
        if type.hasPrefix("fuse.") { return !["fuse.lxcfs", "fuse.gvfsd-fuse", "fuse.portal"].contains(type) }
        return ownTypes.contains(type)
    }

    /// Every filesystem with files of its own, once, by its shortest mount point.
    private static func wholeFilesystems(_ mounts: [MountEntry], canMark: Bool) -> [Place] {
        var byDevice: [UInt64: MountEntry] = [:]
        // A later mount on the same point hides an earlier one.
        var visible: [RawPath: MountEntry] = [:]
        for mount in mounts { visible[mount.mountPoint] = mount }
        for mount in visible.values where hasOwnFiles(mount.filesystemType.lossyText) {
            // What is written through an overlay is recorded where it lands, if that is in sight.
            if let upper = mount.overlayDirectories?.upper, let below = holder(of: upper, in: mounts),
                below.filesystemType != mount.filesystemType, hasOwnFiles(below.filesystemType.lossyText)
            {
                continue
            }
            let known = byDevice[mount.device]
            let isBetter =
                known.map {
                    (mount.root.bytes.count, mount.mountPoint.bytes.count) < (
                        $0.root.bytes.count, $0.mountPoint.bytes.count
                    )
                } ?? true
            if isBetter { byDevice[mount.device] = mount }
        }
        return byDevice.values.sorted { $0.mountPoint < $1.mountPoint }.map {
            place($0.mountPoint, on: $0, canMark: canMark)
        }
    }
}
