internal import Glibc
internal import Model
internal import Syscalls

/// The filesystems that tests run on.
package enum FilesystemKind: String, CaseIterable, Sendable {
    case ext4, xfs, btrfs, tmpfs

    /// What mkfs needs, as a sparse file.
    var defaultMebibytes: Int {
        switch self {
        case .ext4, .tmpfs: 64
        case .xfs: 320
        case .btrfs: 128
        }
    }
}

/// A filesystem of its own, mounted for one test: an image file on a loop device, or tmpfs.
///
/// However the test ends, the filesystem is unmounted, its device detached and its image removed; what a killed test
/// process left is removed by the next one. Needs `Privilege.required`.
package struct LoopFilesystem: ~Copyable, Sendable {
    package let kind: FilesystemKind
    /// Where it is mounted.
    package let path: String
    /// `/dev/loopN`, nil for tmpfs.
    package let device: String?
    private let directory: TemporaryDirectory

    package init(_ kind: FilesystemKind, mebibytes: Int? = nil, mountOptions: String = "rw") throws {
        let directory = try TemporaryDirectory()
        let path = directory.appending("mount")
        try Files.makeDirectory(RawPath(path), mode: 0o755)
        let size = mebibytes ?? kind.defaultMebibytes
        if kind == .tmpfs {
            try runSuccessfully("mount", ["-t", "tmpfs", "-o", "size=\(size)m,\(mountOptions)", "none", path])
            device = nil
        } else {
            device = try Self.mountImage(
                directory.appending("image"), kind, byteCount: Int64(size) << 20, at: path, mountOptions)
        }
        self.kind = kind
        self.path = path
        self.directory = directory
    }

    deinit {
        // Something may still be mounted below or working in it; a lazy unmount takes it out of sight all the same.
        _ = try? run("umount", ["-R", path])
        _ = try? run("umount", ["-l", path])
    }

    /// A path on the filesystem.
    package func appending(_ name: String) -> String {
        "\(path)/\(name)"
    }

    /// Unmounts now, as somebody would while it is being watched; the device goes with it.
    package borrowing func unmount() throws {
        try runSuccessfully("umount", [path])
    }

    /// Whether the loop device still holds its image.
    package borrowing func isAttached() throws -> Bool {
        guard let device else { return false }
        let list = try runSuccessfully("losetup", ["--noheadings", "--output", "NAME,BACK-FILE", "--list"])
        let image = directory.appending("image")
        return list.lines.contains { $0.contains(device + " ") && $0.contains(image) }
    }

    private static func mountImage(
        _ image: String, _ kind: FilesystemKind, byteCount: Int64, at path: String, _ options: String
    ) throws -> String {
        try OwnedDescriptor.open(RawPath(image), flags: O_RDWR | O_CREAT | O_EXCL).truncate(to: byteCount)
        try runSuccessfully("mkfs.\(kind.rawValue)", ["-q", kind == .ext4 ? "-F" : "-f", image])
        let device = try attach(image)
        // Detaching a device in use only marks it: the kernel lets go of it at the last unmount, whoever does that.
        defer { _ = try? run("losetup", ["-d", device]) }
        try runSuccessfully("mount", ["-t", kind.rawValue, "-o", options, device, path])
        return device
    }

    /// Tests run at the same time, so the device found free may be taken when it is asked for.
    private static func attach(_ image: String) throws -> String {
        var attempts = 0
        while true {
            do {
                return try runSuccessfully("losetup", ["--find", "--show", image]).lines.joined()
            } catch {
                attempts += 1
                if attempts == 20 { throw error }
                Clock.sleep(nanoseconds: 50_000_000)
            }
        }
    }
}
