import Fanotify
import Model

/// Asks the kernel where a directory is; a script in tests.
protocol DirectorySource {
    /// Where the directory with this handle is now: itself and its ancestors up to the first that `isKnown`.
    ///
    /// Cost: 8 µs for a directory whose parent is known, about 3 µs for each further level.
    mutating func locate(_ handle: FileHandle, isKnown: (FileHandle) -> Bool) -> DirectoryLocation

    /// Whether a file is a whiteout of an overlay, a character device 0:0; nil where it is gone or cannot be looked at.
    mutating func isWhiteout(_ handle: FileHandle) -> Bool?

    /// A filesystem is seen at this mount point from now on.
    mutating func see(_ filesystem: FilesystemID, at mountPoint: RawPath)

    /// The work in hand is done: gives back whatever was opened for it, so that nothing pins a filesystem.
    mutating func release()
}

enum DirectoryLocation {
    /// From the directory itself upwards; each link's parent is the next link, the last one's parent is `top`.
    case found(links: [Link], top: FileHandle)
    /// The directory exists no longer, or its filesystem is not mounted any more.
    case stale
    /// It exists, but not below the mount through which the filesystem is seen.
    case outside
    /// The kernel refused to tell, for example for want of CAP_DAC_READ_SEARCH.
    case refused(errno: Int32)

    struct Link {
        var handle: FileHandle
        var name: [UInt8]
    }
}
