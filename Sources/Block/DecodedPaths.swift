/// A block's directories and paths, decoded: arenas, no object per entry.
package struct DecodedPaths: Sendable {
    package let directories: DirectoryNames
    /// For each path its directory, `absent` where it is not known.
    let pathDirectories: [UInt32]
    private let pathNames: NameArena
    /// The whole path of each directory, with "/" at the end; nil where together they are too long.
    private var directoryPaths: NameArena?
    private(set) var hasWholePaths = false

    /// Whole directory paths are kept up to this size; a tree of endless depth must not blow up its readers.
    private static let maximumPathByteCount = 16 << 20

    init(directories: DirectoryNames, _ paths: StoredPaths) throws(PartError) {
        self.directories = directories
        pathDirectories = paths.directories
        pathNames = try NameArena(
            prefixes: paths.prefixes, rests: paths.rests, count: paths.directories.count, afterRoot: false)
    }

    /// The same with whole directory paths at hand, or the knowledge that they are too long for that.
    var withWholePaths: DecodedPaths {
        var result = self
        result.hasWholePaths = true
        result.directoryPaths = NameArena(
            wholePathsOf: directories.names, parents: directories.parents, atMost: Self.maximumPathByteCount)
        return result
    }

    package var directoryCount: Int { directories.parents.count }

    /// For each directory its parent; the root's is `absent`.
    var directoryParents: [UInt32] { directories.parents }

    /// The bytes of all names.
    package var nameByteCount: Int { directories.names.byteCount + pathNames.byteCount }

    /// `PathIndex` counts to here.
    package var count: Int { pathDirectories.count }

    /// The directory a path lies in; `absent` where it is not known (then the path is only a name).
    package func directory(of path: PathIndex) -> DirectoryIndex { pathDirectories[Int(path)] }

    /// The parent of a directory; `absent` for the root, index 0.
    package func parent(of directory: DirectoryIndex) -> DirectoryIndex { directoryParents[Int(directory)] }

    /// The last name of a path; empty for the root itself.
    package func name(of path: PathIndex) -> ArraySlice<UInt8> { pathNames[Int(path)] }

    /// The last name of a directory; empty for the root.
    package func name(ofDirectory directory: DirectoryIndex) -> ArraySlice<UInt8> { directories.names[Int(directory)] }

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
        directories.appendSlashEnded(directory, to: &bytes)
    }

    /// The hashes of all directories and paths.
    func hashes() -> (directories: [EventsHash], paths: [EventsHash]) {
        var hashes: [EventsHash] = [PathHash.root]
        hashes.reserveCapacity(directoryCount)
        for index in 1..<directoryCount {
            let parent = hashes[Int(directories.parents[index])]
            hashes.append(directories.names.hash(of: index, in: parent))
        }
        var paths: [EventsHash] = []
        paths.reserveCapacity(count)
        for index in 0..<count {
            let directory = pathDirectories[index]
            let parent = directory == .absent ? PathHash.unknown : hashes[Int(directory)]
            paths.append(pathNames.isEmpty(at: index) ? parent : pathNames.hash(of: index, in: parent))
        }
        return (hashes, paths)
    }
}

/// A block's directories: a tree of names.
package struct DirectoryNames: Sendable {
    /// For each directory its parent, which stands before it; the root's is `absent`.
    let parents: [UInt32]
    let names: NameArena

    package var count: Int { parents.count }

    /// The parent of a directory; `absent` for the root, index 0.
    package func parent(of directory: DirectoryIndex) -> DirectoryIndex { parents[Int(directory)] }

    /// The last name of a directory; empty for the root.
    package func name(of directory: DirectoryIndex) -> ArraySlice<UInt8> { names[Int(directory)] }

    init(parents: [UInt32], prefixes: [UInt8], rests: [UInt8]) throws(PartError) {
        self.parents = parents
        names = try NameArena(prefixes: prefixes, rests: rests, count: parents.count - 1, afterRoot: true)
    }

    /// Appends the whole path of a directory with a slash at the end.
    func appendSlashEnded(_ directory: DirectoryIndex, to bytes: inout [UInt8]) {
        var chain: [UInt32] = []
        var current = directory
        while current != 0 {
            chain.append(current)
            current = parents[Int(current)]
        }
        bytes.append(UInt8(ascii: "/"))
        for index in chain.reversed() {
            bytes.append(contentsOf: names[Int(index)])
            bytes.append(UInt8(ascii: "/"))
        }
    }
}
