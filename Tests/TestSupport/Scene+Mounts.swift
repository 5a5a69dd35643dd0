internal import Model
internal import Syscalls

/// Filesystems beside the recorded one, and waits for what the recorder makes of them.
extension Scene {
    /// Mounts a directory of the recorded filesystem a second time and gives the new name.
    package func bind(_ name: String) throws -> String {
        try mount(at: "bound", ["--bind", "\(root)/\(name)"])
    }

    /// Mounts an overlay that fanotify cannot mark.
    package func mountOverlay() throws -> String {
        for name in ["lower", "upper", "work"] { try Files.makeDirectory(RawPath("\(place)/\(name)")) }
        let layers = "lowerdir=\(place)/lower,upperdir=\(place)/upper,workdir=\(place)/work"
        return try mount(at: "merged", ["-t", "overlay", "-o", layers + ",index=off,nfs_export=off", "overlay"])
    }

    /// Makes one more filesystem and gives its mount point.
    package func addFilesystem(_ kind: FilesystemKind) throws -> String {
        let other = MountedFilesystem(try LoopFilesystem(kind, mebibytes: kind == .xfs ? 320 : 128))
        others.append(other)
        return other.filesystem.path
    }

    /// Unmounts the recorded filesystem; false when its loop device is still in use afterwards.
    package func unmountRecorded() throws -> Bool {
        try recorded?.unmount()
        return try recorded?.isAttached() != true
    }

    /// Makes a filesystem in an image file that is not mounted yet, and gives the image's path.
    package func image(_ kind: FilesystemKind) throws -> String {
        let image = "\(place)/image-\(Clock.monotonic())"
        try runSuccessfully("truncate", ["-s", kind == .xfs ? "320M" : "128M", image])
        try runSuccessfully("mkfs.\(kind.rawValue)", ["-q", kind == .ext4 ? "-F" : "-f", image])
        return image
    }

    /// Mounts something at a path that is a directory already; undone by `close`.
    package func mount(_ arguments: [String], on point: String) throws {
        try runSuccessfully("mount", arguments + [point])
        mounts.append(point)
    }

    /// Unmounts what the test mounted at a path.
    package func unmountPoint(_ point: String) throws {
        try unmount(point)
    }

    /// Waits until the live recorder says that it covers `path`, or no longer does.
    package func waitForCoverage(of path: String, isCovered: Bool = true) throws {
        let deadline = Clock.monotonic() + 20_000_000_000
        while try recorderCovers(path) != isCovered {
            guard Clock.monotonic() < deadline else {
                throw BackgroundProgram.Late(description: "\(path) is \(isCovered ? "not" : "still") covered")
            }
            Clock.sleep(nanoseconds: 5_000_000)
        }
    }

    private func recorderCovers(_ path: String) throws -> Bool {
        let answer = try sql("SELECT path FROM coverage WHERE covered_to IS NULL")
        return answer.split(separator: "\n").contains { $0 == path }
    }

    /// Waits until a filesystem of this type is covered, or no longer is.
    package func waitForFilesystem(_ type: String, isCovered: Bool = true) throws {
        try waitForRows(
            "SELECT count(*) FROM coverage WHERE covered_to IS NULL AND filesystem_type = '\(type)'",
            areThere: isCovered)
    }

    /// Waits until a gap of `scope` is open to the end of the run, or none is.
    package func waitForGap(of scope: String, isOpen: Bool = true) throws {
        try waitForRows(
            "SELECT count(*) FROM gap WHERE CAST(scope AS TEXT) = '\(scope)' AND missing_to = \(Int64.max)",
            areThere: isOpen)
    }

    private func waitForRows(_ query: String, areThere: Bool) throws {
        let deadline = Clock.monotonic() + 20_000_000_000
        while try (sql(query).split(separator: "\n") != ["0"]) != areThere {
            guard Clock.monotonic() < deadline else {
                throw BackgroundProgram.Late(description: "never true: \(query)")
            }
            Clock.sleep(nanoseconds: 5_000_000)
        }
    }

    func mount(at name: String, _ arguments: [String]) throws -> String {
        let point = "\(place)/\(name)"
        try Files.makeDirectory(RawPath(point), mode: 0o755)
        try runSuccessfully("mount", arguments + [point])
        mounts.append(point)
        return point
    }

    func unmount(_ point: String) throws {
        try runSuccessfully("umount", [point])
        mounts.removeAll { $0 == point }
    }
}

/// A filesystem that lives as long as the reference: a list cannot hold what is not copyable.
final class MountedFilesystem {
    let filesystem: LoopFilesystem

    init(_ filesystem: consuming LoopFilesystem) {
        self.filesystem = filesystem
    }
}
