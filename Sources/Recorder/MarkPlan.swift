package import Model
package import Syscalls

/// What is to be marked and how its paths are written: decided from the mount table and the arguments, before anything
/// is touched. `varve doctor` explains the same plan.
package struct MarkPlan: Sendable {
    /// One filesystem to mark.
    package struct Target: Sendable, Hashable {
        /// The directory through which it is marked and seen.
        package var mountPoint: RawPath
        package var filesystemType: String
        /// Device number, the same for every mount of the filesystem (btrfs subvolumes excepted).
        package var device: UInt64
        /// Where its directories are opened by their handles: the mount that shows most of it.
        package var seenFrom: RawPath
        /// Recorded, or marked for exec events only, so that processes can be named.
        package var isRecorded: Bool
    }

    /// A directory that is a top of what is recorded.
    package struct Top: Sendable, Hashable {
        /// The path its descendants are written with.
        package var path: RawPath
        package var isKept: Bool
    }

    /// What was asked for or looked at and is not recorded.
    package struct Omission: Sendable, Hashable {
        package var path: RawPath
        package var filesystemType: String
        package var reason: String
        /// It was named on the command line.
        package var wasAskedFor: Bool
    }

    package var targets: [Target] = []
    package var tops: [Top] = []
    package var omissions: [Omission] = []
    package var isRestricted = false
    /// Of the overlays that are mounted here, whoever uses them.
    package var workDirectories: [RawPath] = []

    /// Plans for `paths`, which are real paths of directories; empty means every real local filesystem.
    ///
    /// Parameter seesBelowOverlays: of the kernel, `FanotifyProbe.seesBelowOverlays`.
    package init(
        paths: [RawPath], scope: RecorderOptions.Scope, mounts: [MountEntry], seesBelowOverlays: Bool = true
    ) {
        let visible = Self.visible(mounts)
        workDirectories = mounts.compactMap { $0.overlayDirectories?.work }
        isRestricted = !paths.isEmpty && scope != .filesystem
        if paths.isEmpty {
            for mount in visible { planWhole(mount, mounts: visible) }
        } else {
            for path in Self.outermost(paths, mounts: visible) { plan(path, mounts: visible) }
            if !isRestricted { tops = tops.map { Top(path: $0.path, isKept: true) } }
        }
        if !seesBelowOverlays { omitWritesThroughOverlays(mounts) }
        let recorded = Set(targets.map(\.device))
        var seen = recorded
        for mount in visible where FilesystemSupport(mount.filesystemType) == .local {
            guard seen.insert(mount.device).inserted else { continue }
            let best = Self.bestMountPoint(of: mount, in: visible)
            targets.append(Self.target(best, on: mount, seenFrom: best, isRecorded: false))
            // The paths of the programs that are run from it start here.
            tops.append(Top(path: best, isKept: false))
        }
    }

    /// The paths that are not part of another one's tree: a top of its own within a tree would keep its name when a
    /// directory between the two is renamed. What the outer one leaves out (a virtual filesystem) stays.
    private static func outermost(_ paths: [RawPath], mounts: [MountEntry]) -> [RawPath] {
        paths.filter { path in
            guard let holder = holder(of: path, in: mounts) else { return true }
            return !paths.contains { outer in
                guard outer != path, path.isAtOrUnder(outer) else { return false }
                return Self.holder(of: outer, in: mounts) == holder
                    || FilesystemSupport(holder.filesystemType) != .virtual
            }
        }
    }

    private static func target(
        _ path: RawPath, on mount: MountEntry, seenFrom best: RawPath, isRecorded: Bool
    ) -> Target {
        Target(
            mountPoint: path, filesystemType: mount.filesystemType.lossyText, device: mount.device, seenFrom: best,
            isRecorded: isRecorded)
    }

    /// Every mount that can be reached by its path: a later mount on the same point hides an earlier one.
    private static func visible(_ mounts: [MountEntry]) -> [MountEntry] {
        var last: [RawPath: Int] = [:]
        for (index, mount) in mounts.enumerated() { last[mount.mountPoint] = index }
        return mounts.enumerated().filter { last[$0.element.mountPoint] == $0.offset }.map(\.element)
    }

    private mutating func planWhole(_ mount: MountEntry, mounts: [MountEntry]) {
        switch FilesystemSupport(mount.filesystemType) {
        case .local:
            let best = Self.bestMountPoint(of: mount, in: mounts)
            guard !tops.contains(where: { $0.path == best }) else { return }
            add(Self.target(best, on: mount, seenFrom: best, isRecorded: true))
            tops.append(Top(path: best, isKept: true))
        case .unmarkable(let reason):
            // What is written through an overlay is seen where it lands.
            guard !Self.landsInSight(mount, mounts: mounts, under: nil) else { return }
            omissions.append(
                Omission(
                    path: mount.mountPoint, filesystemType: mount.filesystemType.lossyText, reason: reason,
                    wasAskedFor: false))
        case .virtual:
            break
        }
    }

    private mutating func plan(_ path: RawPath, mounts: [MountEntry]) {
        guard let holder = Self.holder(of: path, in: mounts) else { return }
        planTree(path, on: holder, mounts: mounts)
        // What is mounted below the path belongs to the tree that the user sees there.
        for mount in mounts where mount.mountPoint != path && mount.mountPoint.isAtOrUnder(path) {
            if case .virtual = FilesystemSupport(mount.filesystemType) { continue }
            if Self.landsInSight(mount, mounts: mounts, under: isRestricted ? path : nil) { continue }
            planTree(mount.mountPoint, on: mount, mounts: mounts)
        }
    }

    private mutating func planTree(_ path: RawPath, on mount: MountEntry, mounts: [MountEntry]) {
        let best = Self.bestMountPoint(of: mount, in: mounts)
        // Whether a filesystem that is asked for can be marked is for the kernel to say.
        add(Self.target(path, on: mount, seenFrom: best, isRecorded: true))
        tops.append(Top(path: path, isKept: true))
        // The top of the filesystem, where it is in sight, names the far side of a rename.
        if best != path, mounts.contains(where: { $0.mountPoint == best && $0.root.bytes == [UInt8(ascii: "/")] }) {
            tops.append(Top(path: best, isKept: false))
        }
    }

    /// Whether an overlay's writable layer lies on a filesystem that is marked, within the tree that is kept.
    private static func landsInSight(_ mount: MountEntry, mounts: [MountEntry], under tree: RawPath?) -> Bool {
        guard let upper = mount.overlayDirectories?.upper, let holder = holder(of: upper, in: mounts),
            FilesystemSupport(holder.filesystemType) == .local
        else { return false }
        return tree.map { upper.isAtOrUnder($0) } ?? true
    }

    /// Of overlays whose writable layer is recorded, what is written to files: their layers are named, for there it lands.
    private mutating func omitWritesThroughOverlays(_ mounts: [MountEntry]) {
        let kept = Set(targets.filter(\.isRecorded).map(\.device))
        for mount in mounts {
            guard let upper = mount.overlayDirectories?.upper, let holder = Self.holder(of: upper, in: mounts),
                kept.contains(holder.device), !omissions.contains(where: { $0.path == upper }),
                !isRestricted || tops.contains(where: { $0.isKept && upper.isAtOrUnder($0.path) })
            else { continue }
            omissions.append(
                Omission(
                    path: upper, filesystemType: "overlay",
                    reason: "written through an overlay: before Linux 6.5 the kernel reports what is created, renamed "
                        + "and deleted there, and not what is written to files", wasAskedFor: false))
        }
    }

    private mutating func add(_ target: Target) {
        if !targets.contains(target) { targets.append(target) }
    }

    /// The mount that shows a path: the one with the longest mount point above it.
    package static func holder(of path: RawPath, in mounts: [MountEntry]) -> MountEntry? {
        mounts.filter { path.isAtOrUnder($0.mountPoint) }.max { $0.mountPoint.bytes.count < $1.mountPoint.bytes.count }
    }

    /// The mount point that shows most of the filesystem with the shortest path.
    package static func bestMountPoint(of mount: MountEntry, in mounts: [MountEntry]) -> RawPath {
        let same = mounts.filter { $0.device == mount.device && $0.filesystemType == mount.filesystemType }
        let best = same.min {
            ($0.root.bytes.count, $0.mountPoint.bytes.count) < ($1.root.bytes.count, $1.mountPoint.bytes.count)
        }
        return (best ?? mount).mountPoint
    }
}

/// What can be expected of a filesystem type.
package enum FilesystemSupport: Equatable {
    /// Holds files of its own and reports file handles.
    case local
    /// Holds files, but a filesystem mark on it is refused.
    case unmarkable(reason: String)
    /// Windows into the kernel, and what others mount on demand: not recorded unless asked for.
    case virtual

    package init(_ type: RawPath) {
        let name = type.text ?? ""
        switch name {
        case "ext2", "ext3", "ext4", "xfs", "btrfs", "f2fs", "bcachefs", "jfs", "tmpfs", "vfat", "exfat", "ntfs3",
            "udf", "reiserfs", "zfs", "erofs", "squashfs", "iso9660":
            self = .local
        case "overlay":
            self = .unmarkable(
                reason: "overlayfs refuses filesystem marks unless mounted with index=on,nfs_export=on;"
                    + " record on the host, where its upper directory lies")
        case "fuse", "fuseblk", "nfs", "nfs4", "cifs", "9p", "virtiofs", "ceph":
            self = .unmarkable(reason: "it has no file handles that last, or changes that others make are not seen")
        // The kernel's own state under other names, and what desktops show once more.
        case "fuse.lxcfs", "fuse.gvfsd-fuse", "fuse.portal":
            self = .virtual
        case _ where name.hasPrefix("fuse."):
            self = Self(RawPath("fuse"))
        default:
            self = .virtual
        }
    }
}
