/// A filesystem by the identity its file handles carry: the two words of `fsid`, the first in the low half.
///
/// Source: `fanotify_event_info_fid.fsid`, fanotify(7); statfs(2) `f_fsid`.
@usableFromInline
package struct FilesystemID: Hashable, Sendable {
    @usableFromInline package var rawValue: UInt64

    @inlinable
    package init(rawValue: UInt64) {
        self.rawValue = rawValue
    }
}

/// Which file an event was about, independent of its names.
///
/// An inode number is used again after deletion; 8 bits of the handle's generation tell the lives apart. The whole
/// generation is random and would cost 0.4 to 1.5 bytes an event.
@usableFromInline
package struct FileIdentity: Hashable, Sendable {
    @usableFromInline package var filesystem: FilesystemID
    @usableFromInline package var inode: UInt64
    /// The btrfs subvolume, 0 where the filesystem has none, `.max` where the handle's layout is unknown: then `inode`
    /// is a hash of the handle's bytes and names the file only within this store.
    @usableFromInline package var root: UInt64
    @usableFromInline package var generation: UInt8

    @inlinable
    package init(filesystem: FilesystemID, inode: UInt64, root: UInt64 = 0, generation: UInt8) {
        self.filesystem = filesystem
        self.inode = inode
        self.root = root
        self.generation = generation
    }

    @inlinable package static var opaqueRoot: UInt64 { .max }
}
