internal import CLinux
package import Model

/// What a mark is put on, fanotify_mark(2).
package enum MarkKind: Hashable, Sendable, CaseIterable {
    /// One file or directory; with `.onChild` also what is directly in the directory. Pins the inode.
    case inode
    /// One mount object: opens, reads and writes through it, no directory entry events, no truncations.
    case mount
    /// A whole filesystem, through whatever mount: the only complete kind.
    case filesystem
    /// A mount namespace, by a descriptor of `/proc/PID/ns/mnt`, in a `.reportMount` group only. Linux ≥ 6.14.
    case mountNamespace

    var flags: UInt32 {
        switch self {
        case .inode: UInt32(FAN_MARK_INODE)
        case .mount: UInt32(FAN_MARK_MOUNT)
        case .filesystem: UInt32(FAN_MARK_FILESYSTEM)
        case .mountNamespace: UInt32(FAN_MARK_MNTNS)
        }
    }
}

extension EventMask {
    /// Asks for events on what is directly in a marked directory (inode marks and ignore marks).
    package static let onChild = EventMask(rawValue: UInt32(FAN_EVENT_ON_CHILD))
    /// A name was moved out of or into a directory; `.rename` tells both in one record.
    package static let movedFrom = EventMask(rawValue: UInt32(FAN_MOVED_FROM))
    package static let movedTo = EventMask(rawValue: UInt32(FAN_MOVED_TO))
    /// A mount appeared in or vanished from a marked mount namespace. Linux ≥ 6.14.
    package static let mountAttach = EventMask(rawValue: UInt32(FAN_MNT_ATTACH))
    package static let mountDetach = EventMask(rawValue: UInt32(FAN_MNT_DETACH))
}
