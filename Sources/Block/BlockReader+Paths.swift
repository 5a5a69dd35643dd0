/// The paths of a block: the whole dictionary, or one group of it.
extension BlockReader {
    /// The dictionary for those who need no whole paths.
    func names() throws(BlockError) -> DecodedPaths {
        if let cachedPaths { return cachedPaths }
        let directories = try directoryNames()
        var stored = StoredPaths()
        // Nobody looks up single paths any more.
        for group in cachedPathGroups.indices { cachedPathGroups[group].parts = nil }
        for group in 0..<pathGroupCount { stored.append(try storedPaths(group)) }
        let paths = try decoding("paths") { () throws(PartError) in
            try DecodedPaths(directories: directories, stored)
        }
        cachedPaths = paths
        // It has them all.
        for group in cachedPathGroups.indices { cachedPathGroups[group].directories = nil }
        return paths
    }

    /// How many groups the paths come in, at least one.
    package var pathGroupCount: Int { layout.pathGroupCount }

    /// The group a path is in.
    package func pathGroup(of path: PathIndex) -> Int {
        layout.pathGroupSize == 0 ? 0 : Int(path) / layout.pathGroupSize
    }

    /// The paths of a group.
    package func paths(ofGroup group: Int) -> Range<Int> {
        guard layout.pathGroupSize > 0 else { return 0..<header.pathCount }
        let start = group * layout.pathGroupSize
        return start..<min(header.pathCount, start + layout.pathGroupSize)
    }

    /// The directories, without the names of what is in them.
    package func directoryNames() throws(BlockError) -> DirectoryNames {
        if let cachedDirectories { return cachedDirectories }
        let parents = try part(.directoryParents)
        let prefixes = try part(.directoryPrefixes)
        let names = try part(.directoryNames)
        let digits = try part(.directoryDigits)
        let directories = try decoding("directories") { () throws(PartError) in
            try DirectoryNames(
                parents: Self.decodeParents(parents, count: header.directoryCount), prefixes: prefixes,
                rests: NameDigits.expand(names, digits))
        }
        cachedDirectories = directories
        return directories
    }

    /// Whether two directories have the same path; then so may paths. Only of blocks that were never merged: an event may name a
    /// directory before it is known where it lies.
    package func hasRepeatedDirectories() throws(BlockError) -> Bool {
        // Only merging adds that part.
        if layout.parts(of: .rowGroup(0)).contains(where: { $0.kind == .pathChunks }) { return false }
        let directories = try directoryNames()
        var hashes: [EventsHash] = [PathHash.root]
        hashes.reserveCapacity(directories.parents.count)
        for index in directories.parents.indices.dropFirst() {
            hashes.append(directories.names.hash(of: index, in: hashes[Int(directories.parents[index])]))
        }
        return Set(hashes).count < hashes.count
    }

    /// The directory of each path of a group, `absent` where it is not known; no names are decoded.
    package func pathDirectories(ofGroup group: Int) throws(BlockError) -> [DirectoryIndex] {
        if let cached = cachedPathGroups[group].directories { return cached }
        let section = layout.section(ofPathGroup: group)
        let count = paths(ofGroup: group).count
        guard count > 0 else { return [] }
        let directories = try part(.pathDirectories, in: section)
        let runs = try part(.pathDirectoryRuns, in: section)
        let decoded = try decoding("paths") { () throws(PartError) in
            try RunColumn.decode(directories, runs, count: count, limit: header.directoryCount)
        }
        cachedPathGroups[group].directories = decoded
        return decoded
    }

    private func storedPaths(_ group: Int) throws(BlockError) -> StoredPaths {
        let section = layout.section(ofPathGroup: group)
        let directories = try pathDirectories(ofGroup: group)
        let prefixes = try part(.pathPrefixes, in: section)
        let names = try part(.pathNames, in: section)
        let digits = try part(.pathDigits, in: section)
        return try decoding("paths") { () throws(PartError) in
            try StoredPaths(directories: directories, prefixes: prefixes, rests: NameDigits.expand(names, digits))
        }
    }

    /// A path group with the names of its paths as they are stored.
    func pathParts(_ group: Int) throws(BlockError) -> PathParts {
        if let cached = cachedPathGroups[group].parts { return cached }
        let directories = try directoryNames()
        let stored = try storedPaths(group)
        let parts = try decoding("paths") { () throws(PartError) in
            try PathParts(directories: directories, stored, first: paths(ofGroup: group).lowerBound)
        }
        cachedPathGroups[group].parts = parts
        return parts
    }

    /// What each path is predicted to be about.
    func pathObjects() throws(BlockError) -> [StoredObject] {
        if let cachedPathObjects { return cachedPathObjects }
        var objects: [StoredObject] = []
        objects.reserveCapacity(header.pathCount)
        for group in 0..<pathGroupCount { try forEachPathObject(group) { objects.append($1) } }
        cachedPathObjects = objects
        return objects
    }

    /// The same of the paths that are marked.
    func pathObjects(of isWanted: [Bool]) throws(BlockError) -> [PathIndex: StoredObject] {
        var objects: [PathIndex: StoredObject] = [:]
        let isWanted = isWanted.span
        for group in 0..<pathGroupCount {
            let paths = paths(ofGroup: group)
            guard paths.contains(where: { isWanted[$0] }) else { continue }
            let known = try pathObjects(ofGroup: group)
            for path in paths where isWanted[path] { objects[PathIndex(path)] = known[path - paths.lowerBound] }
        }
        return objects
    }

    /// The same of a path group. Kept: what is asked for in one row group often is in the next.
    private func pathObjects(ofGroup group: Int) throws(BlockError) -> [StoredObject] {
        if let cached = cachedPathGroups[group].objects { return cached }
        var objects: [StoredObject] = []
        objects.reserveCapacity(paths(ofGroup: group).count)
        try forEachPathObject(group) { objects.append($1) }
        cachedPathGroups[group].objects = objects
        return objects
    }

    @inline(__always)
    private func forEachPathObject(
        _ group: Int, _ body: (PathIndex, StoredObject) -> Void
    ) throws(BlockError) {
        let section = layout.section(ofPathGroup: group)
        let paths = paths(ofGroup: group)
        var list = ObjectList()
        list.volumes = try part(.pathVolumes, in: section)
        guard !list.volumes.isEmpty else {
            for path in paths { body(PathIndex(path), .none) }
            return
        }
        list.inodes = try part(.pathInodes, in: section)
        list.generations = try part(.pathGenerations, in: section)
        try decoding("objects of paths") { () throws(PartError) in
            try list.forEach(count: paths.count, volumeCount: layout.volumeCount) {
                body(PathIndex(paths.lowerBound + $0), $1)
            }
        }
    }

    private static func decodeParents(_ bytes: [UInt8], count: Int) throws(PartError) -> [UInt32] {
        // SAFETY: bytes are initialised memory without padding; the span does not outlive the array.
        var cursor = unsafe ByteCursor(bytes.span.bytes)
        guard count - 1 <= bytes.count else { throw .truncated }
        var parents: [UInt32] = [.absent]
        parents.reserveCapacity(count)
        for index in 1..<max(count, 1) {
            let distance = try cursor.count(atMost: index)
            guard distance > 0 else { throw .malformed("directory is its own parent") }
            parents.append(UInt32(index - distance))
        }
        try cursor.expectEnd()
        return parents
    }
}
