/// A block's directories and paths, decoded: arenas, no object per entry.
package struct DecodedPaths: Sendable {
    /// For each directory its parent; the root's is `absent`.
    let directoryParents: [UInt32]
    /// For each path its directory, `absent` where it is not known.
    let pathDirectories: [UInt32]
    private let directoryNames: NameArena
    private let pathNames: NameArena
    /// The whole path of each directory, with "/" at the end; nil where together they are too long.
    private let directoryPaths: NameArena?

    /// Whole directory paths are kept up to this size; a tree of endless depth must not blow up its readers.
    private static let maximumPathByteCount = 16 << 20

    init(
        directoryParents: [UInt32], directoryNames: [UInt8], pathDirectories: [UInt32], pathNames: [UInt8]
    ) throws(PartError) {
        self.directoryParents = directoryParents
        self.pathDirectories = pathDirectories
        self.directoryNames = try NameArena(endedByNUL: directoryNames, count: directoryParents.count - 1, skipping: 1)
        self.pathNames = try NameArena(endedByNUL: pathNames, count: pathDirectories.count, skipping: 0)
        directoryPaths = NameArena(
            wholePathsOf: self.directoryNames, parents: directoryParents, atMost: Self.maximumPathByteCount)
    }

    package var directoryCount: Int { directoryParents.count }

    /// `PathIndex` counts to here.
    package var count: Int { pathDirectories.count }

    /// The directory a path lies in; `absent` where it is not known (then the path is only a name).
    package func directory(of path: PathIndex) -> DirectoryIndex { pathDirectories[Int(path)] }

    /// The parent of a directory; `absent` for the root, index 0.
    package func parent(of directory: DirectoryIndex) -> DirectoryIndex { directoryParents[Int(directory)] }

    /// The last name of a path; empty for the root itself.
    package func name(of path: PathIndex) -> ArraySlice<UInt8> { pathNames[Int(path)] }

    /// The last name of a directory; empty for the root.
    package func name(ofDirectory directory: DirectoryIndex) -> ArraySlice<UInt8> { directoryNames[Int(directory)] }

    /// Appends the whole path, "/a/b"; only the name where the directory is not known.
    package func appendPath(_ path: PathIndex, to bytes: inout [UInt8]) {
        let directory = pathDirectories[Int(path)]
        if directory != .absent { appendSlashEnded(directory, to: &bytes) }
        bytes.append(contentsOf: pathNames[Int(path)])
    }

    /// Appends the directory's whole path, without a slash at the end; "/" for the root.
    package func appendDirectory(_ directory: DirectoryIndex, to bytes: inout [UInt8]) {
        appendSlashEnded(directory, to: &bytes)
        if directory != 0 { bytes.removeLast() }
    }

    private func appendSlashEnded(_ directory: DirectoryIndex, to bytes: inout [UInt8]) {
        if let directoryPaths {
            bytes.append(contentsOf: directoryPaths[Int(directory)])
            return
        }
        var chain: [UInt32] = []
        var current = directory
        while current != 0 {
            chain.append(current)
            current = directoryParents[Int(current)]
        }
        bytes.append(UInt8(ascii: "/"))
        for index in chain.reversed() {
            bytes.append(contentsOf: directoryNames[Int(index)])
            bytes.append(UInt8(ascii: "/"))
        }
    }

    /// The hashes of all directories and paths.
    func hashes() -> (directories: [EventsHash], paths: [EventsHash]) {
        var scratch: [UInt8] = []
        scratch.reserveCapacity(512)
        var directories: [EventsHash] = [PathHash.root]
        directories.reserveCapacity(directoryCount)
        for index in 1..<directoryCount {
            let parent = directories[Int(directoryParents[index])]
            directories.append(PathHash.child(of: parent, name: directoryNames[index], scratch: &scratch))
        }
        var paths: [EventsHash] = []
        paths.reserveCapacity(count)
        for index in 0..<count {
            let directory = pathDirectories[index]
            let parent = directory == .absent ? PathHash.unknown : directories[Int(directory)]
            let name = pathNames[index]
            paths.append(name.isEmpty ? parent : PathHash.child(of: parent, name: name, scratch: &scratch))
        }
        return (directories, paths)
    }
}

/// Byte strings one after the other.
struct NameArena: Sendable {
    private var bytes: [UInt8]
    private var starts: [UInt32]
    /// How many bytes lie between two names.
    private let gap: Int

    /// `count` names each ended by NUL, after `skipping` empty ones that are not stored.
    init(endedByNUL bytes: [UInt8], count: Int, skipping: Int) throws(PartError) {
        guard count <= bytes.count, bytes.last ?? 0 == 0 else { throw .truncated }
        var starts: [UInt32] = []
        starts.reserveCapacity(count + skipping + 1)
        // The empty names are made of the gap alone: their successor's start is one beyond it.
        if skipping > 0 { starts.append(0) }
        let shift = UInt32(skipping > 0 ? 1 : 0)
        starts.append(shift)
        let span = bytes.span
        for index in span.indices where span[index] == 0 {
            guard starts.count <= count + skipping else { throw .malformed("name after the last") }
            starts.append(UInt32(truncatingIfNeeded: index) &+ 1 &+ shift)
        }
        guard starts.count == count + skipping + 1 else { throw .truncated }
        self.bytes = shift == 0 ? bytes : [0] + bytes
        self.starts = starts
        gap = 1
    }

    /// Each directory's whole path with "/" at the end; nil when that takes more than `limit` bytes.
    init?(wholePathsOf names: NameArena, parents: [UInt32], atMost limit: Int) {
        bytes = [UInt8(ascii: "/")]
        starts = [0, 1]
        starts.reserveCapacity(parents.count + 1)
        gap = 0
        var path: [UInt8] = []
        for index in parents.indices.dropFirst() {
            let parent = Int(parents[index])
            // By way of a second buffer: a slice of an array that grows would copy all of it.
            path.removeAll(keepingCapacity: true)
            path.append(contentsOf: bytes[Int(starts[parent])..<Int(starts[parent + 1])])
            bytes.append(contentsOf: path)
            bytes.append(contentsOf: names[index])
            bytes.append(UInt8(ascii: "/"))
            guard bytes.count <= limit else { return nil }
            starts.append(UInt32(bytes.count))
        }
    }

    subscript(index: Int) -> ArraySlice<UInt8> {
        bytes[Int(starts[index])..<Int(starts[index + 1]) - gap]
    }
}
