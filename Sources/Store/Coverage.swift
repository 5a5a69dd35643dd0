package import Model

/// A tree or filesystem that a run recorded, and for how long.
package struct Coverage: Hashable, Sendable {
    /// The row's number; 0 while none was given.
    package var id: Int64
    package var run: UInt32
    /// The real path that was asked for, or the mount point for a whole filesystem.
    package var path: RawPath
    package var filesystem: FilesystemID
    package var filesystemType: String
    package var mountPoint: RawPath
    package var from: Instant
    /// Nil: to the end of its run.
    package var to: Instant?

    package init(
        path: RawPath, filesystem: FilesystemID, filesystemType: String, mountPoint: RawPath, from: Instant
    ) {
        id = 0
        run = 0
        self.path = path
        self.filesystem = filesystem
        self.filesystemType = filesystemType
        self.mountPoint = mountPoint
        self.from = from
    }
}

extension Coverage {
    static let columns = "id, run, path, filesystem, filesystem_type, mount_point, covered_from, covered_to"

    /// From a row of `columns`.
    init(_ row: borrowing Statement) {
        self.init(
            path: RawPath(row.bytes(2)),
            filesystem: FilesystemID(rawValue: UInt64(bitPattern: row.integer(3))),
            filesystemType: row.text(4),
            mountPoint: RawPath(row.bytes(5)),
            from: Instant(nanosecondsSinceEpoch: row.integer(6)))
        id = row.integer(0)
        run = row.count(1)
        to = row.optionalInteger(7).map(Instant.init(nanosecondsSinceEpoch:))
    }
}
