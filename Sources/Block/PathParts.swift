/// Paths as a block holds them, of one path group or of several one after the other.
struct StoredPaths: Sendable {
    /// For each path its directory, `absent` where it is not known.
    private(set) var directories: [UInt32] = []
    /// As in `NameArena`: a name is the beginning of the one before it and a rest.
    private(set) var prefixes: [UInt8] = []
    private(set) var rests: [UInt8] = []

    init() {}

    /// Throws: `malformed` where the names are not as many as the paths, or the first builds on one before it: then groups
    /// would not be what they are when they are read one by one.
    init(directories: [UInt32], prefixes: [UInt8], rests: [UInt8]) throws(PartError) {
        guard prefixes.isEmpty || prefixes.count == directories.count else { throw .malformed("count of prefixes") }
        guard prefixes.first ?? 0 == 0 else { throw .malformed("prefix longer than the name before") }
        guard rests.last ?? 0 == 0 else { throw .truncated }
        // SAFETY: bytes are initialised memory without padding; the span does not outlive the array.
        guard unsafe rests.span.bytes.zeroCount == directories.count else { throw .malformed("count of names") }
        self.directories = directories
        self.prefixes = prefixes
        self.rests = rests
    }

    mutating func append(_ other: StoredPaths) {
        if directories.isEmpty {
            self = other
            return
        }
        if !prefixes.isEmpty || !other.prefixes.isEmpty {
            prefixes.append(contentsOf: repeatElement(0, count: directories.count - prefixes.count))
            prefixes.append(contentsOf: other.prefixes)
            prefixes.append(
                contentsOf: repeatElement(0, count: other.directories.count - other.prefixes.count))
        }
        directories.append(contentsOf: other.directories)
        rests.append(contentsOf: other.rests)
    }
}

/// A path group with the names of its paths as they are stored, which is enough to look up a few.
struct PathParts: Sendable {
    private let directories: DirectoryNames
    /// The index of the group's first path; below, places count from it.
    private let first: Int
    private let pathDirectories: [UInt32]
    private let prefixes: [UInt8]
    private let rests: [UInt8]
    /// Where each rest begins, and behind the last one.
    private let restStarts: [UInt32]

    /// Cost: one pass over the names, about 10 ns each.
    init(directories: DirectoryNames, _ paths: StoredPaths, first: Int) throws(PartError) {
        let prefixes = paths.prefixes
        let rests = paths.rests
        let count = paths.directories.count
        guard rests.count <= BlockLimits.partByteCount else { throw .truncated }
        // SAFETY: bytes are initialised memory without padding; the span does not outlive the array.
        let source = unsafe rests.span.bytes
        let shared = prefixes.span
        var starts = [UInt32](repeating: 0, count: count + 1)
        var target = starts.mutableSpan
        var position = 0
        var previousByteCount = 0
        for index in 0..<count {
            let sharedByteCount = shared.isEmpty ? 0 : Int(shared[index])
            guard sharedByteCount <= previousByteCount else {
                throw .malformed("prefix longer than the name before")
            }
            let end = source.first(0, from: position)
            guard end < source.byteCount else { throw .truncated }
            previousByteCount = sharedByteCount &+ (end &- position)
            position = end &+ 1
            target[index &+ 1] = UInt32(truncatingIfNeeded: position)
        }
        guard position == source.byteCount else { throw .malformed("name after the last") }
        self.directories = directories
        self.first = first
        pathDirectories = paths.directories
        self.prefixes = prefixes
        self.rests = rests
        restStarts = starts
    }

    /// The last name of the path at a place.
    private func name(at index: Int) -> [UInt8] {
        let rest = rest(index)
        var missing = sharedByteCount(index)
        var name = [UInt8](repeating: 0, count: missing) + rests[rest]
        var before = index
        // What is missing is the beginning of the name before, which may itself be that of the one before it.
        while missing > 0, before > 0 {
            before -= 1
            let shared = sharedByteCount(before)
            guard shared < missing else { continue }
            let start = self.rest(before).lowerBound
            name.replaceSubrange(shared..<missing, with: rests[start..<start + missing - shared])
            missing = shared
        }
        return name
    }

    /// The whole path, as `DecodedPaths.appendPath` gives it. Range: one of the group's.
    func path(_ path: PathIndex) -> [UInt8] {
        let index = Int(path) - first
        var bytes: [UInt8] = []
        let directory = pathDirectories[index]
        if directory != .absent { directories.appendSlashEnded(directory, to: &bytes) }
        return bytes + name(at: index)
    }

    /// The entries for the path with these components, at least one.
    func indices(of components: [ArraySlice<UInt8>]) -> [PathIndex] {
        guard let name = components.last else { return [] }
        let holders = directories.consisting(of: components.dropLast())
        guard holders.contains(true) else { return [] }
        var found: [PathIndex] = []
        for (index, directory) in pathDirectories.enumerated() where directory != .absent && holders[Int(directory)] {
            guard sharedByteCount(index) + rest(index).count == name.count else { continue }
            if self.name(at: index).elementsEqual(name) { found.append(PathIndex(first + index)) }
        }
        return found
    }

    private func sharedByteCount(_ index: Int) -> Int { prefixes.isEmpty ? 0 : Int(prefixes[index]) }

    /// Where the rest of a name stands, without the NUL behind it.
    private func rest(_ index: Int) -> Range<Int> { Int(restStarts[index])..<Int(restStarts[index + 1]) - 1 }
}

extension DirectoryNames {
    /// For each directory whether its path consists of these components.
    fileprivate func consisting(of components: ArraySlice<ArraySlice<UInt8>>) -> [Bool] {
        // How many components lead to a directory, -1 for one that lies elsewhere. Parents stand before children.
        var depths = [Int](repeating: -1, count: parents.count)
        depths[0] = 0
        for index in 1..<parents.count {
            let depth = depths[Int(parents[index])]
            guard depth >= 0, depth < components.count else { continue }
            if names[index].elementsEqual(components[components.startIndex + depth]) { depths[index] = depth + 1 }
        }
        return depths.map { $0 == components.count }
    }
}
