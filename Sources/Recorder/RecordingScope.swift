import Fanotify
import Model

/// Which directories are the tops of what is recorded, and how their paths are written.
struct RecordingScope {
    struct Root {
        var handle: FileHandle
        /// The path its descendants are written with: a PATH argument's real path, or a mount point.
        var path: RawPath
        /// False for the top of a filesystem of which only trees are kept: it names the far side of a rename.
        var isKept: Bool
        /// The directory that holds it on the same filesystem, and its name there; nil for the top of a filesystem.
        var parent: FileHandle?
        var name: [UInt8] = []
    }

    var roots: [Root]
    /// Where overlays prepare what they move into their writable layers.
    var workDirectories: [FileHandle] = []
    /// Only what lies below a kept root is recorded.
    var isRestricted: Bool
    /// What is asked for; a record with none of these bits only serves attribution.
    var operations: EventMask
    var ownPID: Int32
    /// The trees whose directories are marked one by one, if any.
    var directoryMarking: DirectoryMarking?
    /// The kernel tells who did it; it does not to a recorder without CAP_SYS_ADMIN.
    var tellsProcesses = true
}

/// How trees are recorded on filesystems that take no filesystem mark.
struct DirectoryMarking: Sendable {
    var marker: DirectoryMarker
    /// What was marked before the recording; emptied once it is known.
    var crawls: [DirectoryCrawl] = []
}
