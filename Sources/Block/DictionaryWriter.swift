import Model

/// A block's directories and paths while it is being written: entries over someone's arena of names.
///
/// A path whose directory is not known has `absent` for it. Directory 0 is the root; parents stand before children.
struct BlockNames {
    var directories: [PathDictionary.Entry] = [
        PathDictionary.Entry(directory: .absent, nameOffset: 0, nameByteCount: 0)
    ]
    var paths: [PathDictionary.Entry] = []

    mutating func removeAll() {
        directories.removeSubrange(1...)
        paths.removeAll(keepingCapacity: true)
    }

    /// The hashes of all directories and paths.
    func hashes(_ names: [UInt8]) -> (directories: [EventsHash], paths: [EventsHash]) {
        // SAFETY: bytes are initialised memory without padding; the span does not outlive the array.
        let arena = unsafe names.span.bytes
        var directoryHashes: [EventsHash] = [PathHash.root]
        directoryHashes.reserveCapacity(directories.count)
        for entry in directories.dropFirst() {
            directoryHashes.append(
                PathHash.child(of: directoryHashes[Int(entry.directory)], name: entry.name(in: arena)))
        }
        var pathHashes: [EventsHash] = []
        pathHashes.reserveCapacity(paths.count)
        for entry in paths {
            let directory = entry.directory == .absent ? PathHash.unknown : directoryHashes[Int(entry.directory)]
            pathHashes.append(
                entry.nameByteCount == 0 ? directory : PathHash.child(of: directory, name: entry.name(in: arena)))
        }
        return (directoryHashes, pathHashes)
    }
}

extension PathDictionary.Entry {
    /// The entry's name in the arena it was made over.
    @inline(__always)
    @_lifetime(copy arena)
    func name(in arena: RawSpan) -> RawSpan {
        arena.extracting(Int(nameOffset)..<Int(nameOffset) &+ Int(nameByteCount))
    }
}

extension BlockNames {
    /// The parts that hold volumes and directories.
    func directoryParts(names: [UInt8], volumes: [Volume]) -> [PendingPart] {
        var volumeBytes: [UInt8] = []
        for volume in volumes {
            volumeBytes.appendLittleEndian(volume.filesystem)
            volumeBytes.appendVarint(volume.root)
        }
        var parents: [UInt8] = []
        for index in 1..<directories.count {
            parents.appendVarint(index - Int(directories[index].directory))
        }
        let directoryNames = Self.encode(directories.dropFirst(), names)
        return [
            PendingPart(.volumes, volumeBytes), PendingPart(.directoryParents, parents),
            PendingPart(.directoryPrefixes, directoryNames.prefixes),
            PendingPart(.directoryNames, directoryNames.rests), PendingPart(.directoryDigits, directoryNames.digits),
        ]
    }

    /// The parts that hold the paths of a range, by rising kind. `firstNew` is one above the greatest directory of the paths
    /// before, and is kept up.
    func pathParts(
        _ range: Range<Int>, names: [UInt8], objects: [StoredObject], firstNew: inout UInt32
    ) -> [PendingPart] {
        var symbols: [UInt8] = []
        var runs: [UInt8] = []
        let entries = paths[range]
        let directories = entries.map(\.directory)
        RunColumn.encode(directories, firstNew: firstNew, symbols: &symbols, lengths: &runs)
        for directory in directories where directory != .absent { firstNew = max(firstNew, directory + 1) }
        let pathNames = Self.encode(entries, names)
        var list = ObjectList()
        if objects[range].contains(where: { $0 != .none }) {
            for object in objects[range] { list.append(object) }
        }
        return [
            PendingPart(.pathDirectories, symbols), PendingPart(.pathDirectoryRuns, runs),
            PendingPart(.pathPrefixes, pathNames.prefixes), PendingPart(.pathNames, pathNames.rests),
            PendingPart(.pathVolumes, list.volumes), PendingPart(.pathInodes, list.inodes),
            PendingPart(.pathGenerations, list.generations), PendingPart(.pathDigits, pathNames.digits),
        ]
    }

    /// Names that follow one another often begin alike: 4 to 7 % of their bytes in a store go with it.
    private static func encode(
        _ entries: ArraySlice<PathDictionary.Entry>, _ names: [UInt8]
    ) -> (prefixes: [UInt8], rests: [UInt8], digits: [UInt8]) {
        var prefixes: [UInt8] = []
        prefixes.reserveCapacity(entries.count)
        var digits: [UInt8] = []
        var bytes: [UInt8] = []
        bytes.reserveCapacity(entries.count * 12)
        // SAFETY: bytes are initialised memory without padding; the span does not outlive the array.
        let arena = unsafe names.span.bytes
        var previous = 0..<0
        var hasPrefix = false
        for entry in entries {
            let range = Int(entry.nameOffset)..<Int(entry.nameOffset) + Int(entry.nameByteCount)
            var shared = 0
            let limit = min(previous.count, range.count, Int(UInt8.max))
            while shared < limit
                && arena.byte(at: previous.lowerBound &+ shared) == arena.byte(at: range.lowerBound &+ shared)
            {
                shared &+= 1
            }
            if shared < BlockFormat.leastPrefixByteCount { shared = 0 }
            hasPrefix = hasPrefix || shared > 0
            prefixes.append(UInt8(truncatingIfNeeded: shared))
            NameDigits.append(
                arena.extracting(range.lowerBound &+ shared..<range.upperBound), to: &bytes, digits: &digits)
            bytes.append(0)
            previous = range
        }
        return (hasPrefix ? prefixes : [], bytes, digits)
    }
}
