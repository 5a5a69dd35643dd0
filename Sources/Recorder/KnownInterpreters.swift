import Model
import Syscalls

/// The files that interpreters' paths named last: a machine has few, and nearly every exec asks for one of them.
///
/// Bounded. Thread: the resolve thread only.
final class KnownInterpreters {
    private struct Entry {
        var device: UInt64
        var inode: UInt64
        /// An inode number that was given out again has another time of change.
        var changed: Instant
        var identity: FileIdentity
    }

    private static let maximumCount = 256
    private var entries: [RawPath: Entry] = [:]

    /// nil unless the path named the same file when it was remembered.
    func identity(of path: RawPath, at status: FileStatus) -> FileIdentity? {
        guard let entry = entries[path], entry.device == status.device, entry.inode == status.inode,
            entry.changed == status.changed
        else { return nil }
        return entry.identity
    }

    func remember(_ path: RawPath, at status: FileStatus, _ identity: FileIdentity) {
        if entries.count >= Self.maximumCount { entries.removeAll() }
        entries[path] = Entry(
            device: status.device, inode: status.inode, changed: status.changed, identity: identity)
    }
}
