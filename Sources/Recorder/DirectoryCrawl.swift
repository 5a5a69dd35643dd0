import Fanotify
import Model
import Syscalls

/// The directories of a tree, marked one by one before recording begins: the map from handles to names.
///
/// Each is marked before it is listed, so that a directory made meanwhile is found here or reported. One that is moved
/// while the crawl is under way may be found twice or not at all; the records of its renames, which are taken in after the
/// map, put that right.
struct DirectoryCrawl: Sendable {
    struct Directory: Sendable {
        var handle: FileHandle
        /// Index into `directories`; negative for the top.
        var parent: Int32
        var name: [UInt8]
    }

    let top: RawPath
    let filesystem: FilesystemID
    private(set) var directories: [Directory] = []
    /// What is there and carries no mark, `maximumLeftCount` at most; it is not news when it is met again.
    private(set) var left: [Directory] = []
    private static let maximumLeftCount = 65_536
    private(set) var missed = MissedDirectories()

    /// Somebody who waits at a terminal is told how far it is, this often.
    static let progressCount = 20_000

    /// Marks `top` and all below it.
    ///
    /// Parameter limit: directories to mark at most. Parameter progress: called after each `progressCount`.
    /// Throws: what hinders the top itself, in words.
    init(
        _ top: RawPath, filesystem: FilesystemID, marker: DirectoryMarker, limit: Int, from now: Instant,
        progress: (Int) -> Void
    ) throws(Refusal) {
        self.top = top
        self.filesystem = filesystem
        var waiting = [Waiting(path: top, handle: nil, parent: -1, name: [])]
        while let next = waiting.popLast() {
            guard directories.count < limit else {
                miss(next, "\(limit) directories are marked, which is the most one recorder does", now)
                continue
            }
            let isTop = next.parent < 0
            switch marker.mark(
                next.path, expecting: next.handle, filesystem: filesystem, isTop: isTop, .directories)
            {
            case .marked(let handle, let entries, let isComplete):
                let index = Int32(truncatingIfNeeded: directories.count)
                directories.append(Directory(handle: handle, parent: next.parent, name: next.name))
                if directories.count.isMultiple(of: Self.progressCount) { progress(directories.count) }
                if !isComplete {
                    missed.add(
                        next.path, cause: "it has more than \(DirectoryMarker.maximumEntryCount) entries", from: now,
                        to: .distantFuture, tree: top)
                }
                for entry in entries {
                    guard let handle = entry.handle else { continue }
                    waiting.append(
                        Waiting(
                            path: next.path.appending(entry.name.bytes), handle: handle, parent: index,
                            name: entry.name.bytes))
                }
            case .notOfTree:
                if isTop { throw Refusal(cause: "it is not a directory that can be marked") }
                leave(next)
            case .elsewhere:
                // What was moved or removed since its parent was marked has a record that says so.
                if isTop { throw Refusal(cause: "it is not a directory that can be marked") }
            case .refused(let cause, _):
                if isTop { throw Refusal(cause: cause) }
                miss(next, cause, now)
            }
        }
    }

    /// Why not even the top could be marked.
    struct Refusal: Error {
        var cause: String
    }

    mutating func takeGaps() -> [Gap] { missed.takeGaps() }

    private struct Waiting {
        var path: RawPath
        var handle: FileHandle?
        var parent: Int32
        var name: [UInt8]
    }

    private mutating func miss(_ directory: Waiting, _ cause: String, _ now: Instant) {
        missed.add(directory.path, cause: cause, from: now, to: .distantFuture, tree: top)
        leave(directory)
    }

    private mutating func leave(_ directory: Waiting) {
        guard let handle = directory.handle, left.count < Self.maximumLeftCount else { return }
        left.append(Directory(handle: handle, parent: directory.parent, name: directory.name))
    }
}
