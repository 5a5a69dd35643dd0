/// A block's directories and paths, decoded: arenas, no object per entry.
package struct DecodedPaths: Sendable {
    /// For each directory its parent; the root's is `absent`.
    let directoryParents: [UInt32]
    /// For each path its directory, `absent` where it is not known.
    let pathDirectories: [UInt32]
    private let directoryNames: NameArena
    private let pathNames: NameArena
    /// The whole path of each directory, with "/" at the end; nil where together they are too long.
    private var directoryPaths: NameArena?
    private(set) var hasWholePaths = false

    /// Whole directory paths are kept up to this size; a tree of endless depth must not blow up its readers.
    private static let maximumPathByteCount = 16 << 20

    init(
        directoryParents: [UInt32], directoryPrefixes: [UInt8], directoryNames: [UInt8], pathDirectories: [UInt32],
        pathPrefixes: [UInt8], pathNames: [UInt8]
    ) throws(PartError) {
        self.directoryParents = directoryParents
        self.pathDirectories = pathDirectories
        self.directoryNames = try NameArena(
            prefixes: directoryPrefixes, rests: directoryNames, count: directoryParents.count - 1, afterRoot: true)
        self.pathNames = try NameArena(
            prefixes: pathPrefixes, rests: pathNames, count: pathDirectories.count, afterRoot: false)
    }

    /// The same with whole directory paths at hand, or the knowledge that they are too long for that.
    var withWholePaths: DecodedPaths {
        var result = self
        result.hasWholePaths = true
        result.directoryPaths = NameArena(
            wholePathsOf: directoryNames, parents: directoryParents, atMost: Self.maximumPathByteCount)
        return result
    }

    package var directoryCount: Int { directoryParents.count }

    /// The bytes of all names.
    package var nameByteCount: Int { directoryNames.byteCount + pathNames.byteCount }

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
        var directories: [EventsHash] = [PathHash.root]
        directories.reserveCapacity(directoryCount)
        for index in 1..<directoryCount {
            let parent = directories[Int(directoryParents[index])]
            directories.append(directoryNames.hash(of: index, in: parent))
        }
        var paths: [EventsHash] = []
        paths.reserveCapacity(count)
        for index in 0..<count {
            let directory = pathDirectories[index]
            let parent = directory == .absent ? PathHash.unknown : directories[Int(directory)]
            paths.append(pathNames.isEmpty(at: index) ? parent : pathNames.hash(of: index, in: parent))
        }
        return (directories, paths)
    }
}

/// Byte strings one after the other.
struct NameArena: Sendable {
    private var bytes: [UInt8]
    private var starts: [UInt32]

    /// `count` names, each the beginning of the name before it and a rest ended by NUL. `prefixes` is empty where all are
    /// 0. With `afterRoot` an empty name comes before the first.
    init(prefixes: [UInt8], rests: [UInt8], count: Int, afterRoot: Bool) throws(PartError) {
        guard count <= rests.count, rests.last ?? 0 == 0 else { throw .truncated }
        guard prefixes.isEmpty || prefixes.count == count else { throw .malformed("count of prefixes") }
        // What the names take together follows from what is stored, so it is checked and allocated once.
        let shared = prefixes.reduce(0) { $0 + Int($1) }
        let total = rests.count - count + shared
        guard total <= BlockLimits.nameByteCount else { throw .malformed("too many bytes of names") }
        var bytes = [UInt8](repeating: 0, count: total)
        var starts: [UInt32] = []
        starts.reserveCapacity(count + 2)
        if afterRoot { starts.append(0) }
        starts.append(0)
        // SAFETY: bytes are initialised memory without padding; the span does not outlive the array.
        let source = unsafe rests.span.bytes
        var target = bytes.mutableSpan
        var previous = 0
        var position = 0
        var end = 0
        for index in 0..<count {
            let start = end
            let shared = prefixes.isEmpty ? 0 : Int(prefixes[index])
            guard shared <= start &- previous, shared <= total &- end else {
                throw .malformed("prefix longer than the name before")
            }
            for offset in 0..<shared { target[end &+ offset] = target[previous &+ offset] }
            end &+= shared
            while true {
                guard position < source.byteCount else { throw .truncated }
                let byte = source.byte(at: position)
                position &+= 1
                if byte == 0 { break }
                guard end < total else { throw .malformed("name after the last") }
                target[end] = byte
                end &+= 1
            }
            starts.append(UInt32(truncatingIfNeeded: end))
            previous = start
        }
        guard position == source.byteCount, end == total else { throw .malformed("name after the last") }
        self.bytes = bytes
        self.starts = starts
    }

    /// Each directory's whole path with "/" at the end; nil when that takes more than `limit` bytes.
    init?(wholePathsOf names: NameArena, parents: [UInt32], atMost limit: Int) {
        bytes = [UInt8(ascii: "/")]
        starts = [0, 1]
        starts.reserveCapacity(parents.count + 1)
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

    var byteCount: Int { bytes.count }

    func isEmpty(at index: Int) -> Bool { starts[index] == starts[index + 1] }

    /// The hash of a name in a directory of which the hash is given.
    func hash(of index: Int, in directory: EventsHash) -> EventsHash {
        // SAFETY: bytes are initialised memory without padding; the span does not outlive the array.
        let name = unsafe bytes.span.bytes.extracting(Int(starts[index])..<Int(starts[index + 1]))
        return PathHash.child(of: directory, name: name)
    }

    subscript(index: Int) -> ArraySlice<UInt8> {
        bytes[Int(starts[index])..<Int(starts[index + 1])]
    }
}
