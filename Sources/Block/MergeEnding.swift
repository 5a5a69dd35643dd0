import Model

/// The end of a merge, once all row groups are there: the dictionaries are encoded, and let go as they are.
struct MergeEnding {
    private let outline: BlockOutline
    private let pathGroupSize: Int
    private let filterKey: FilterKey
    private var assembler: BlockAssembler
    /// Until the parts are there.
    private var content: BlockContent?
    private let entries: BlockNames
    private let names: [UInt8]
    /// Counts until the busiest paths are found, for one key after the other.
    private var tally: PathTally
    private var tallyKeys: ArraySlice<BusiestPathsKey>
    private let busiestEntryCount: Int
    private var busiestLists: (count: Int, bytes: [UInt8]) = (0, [])
    /// Of the paths, until these are encoded.
    private var objects: [StoredObject]
    /// The path groups that are left to be added, before all parts.
    private var pathGroups: Range<Int>
    private var firstNewDirectory: UInt32 = 0
    /// What is left to be added, taken from the end.
    private var parts: [PendingPart] = []
    private var filter: [UInt8]?

    /// `objects` are those of the dictionary's paths; `assembler` has all row groups. Without a path group size it is chosen by
    /// the count of paths.
    init(
        _ content: BlockContent, _ dictionary: PathDictionary, objects: [StoredObject], _ tally: PathTally,
        _ assembler: BlockAssembler, pathGroupSize chosen: Int?, filterKey: FilterKey
    ) {
        entries = BlockNames(directories: dictionary.directories, paths: dictionary.paths)
        busiestEntryCount = PathTally.entryCount(eventCount: content.count)
        (self.tally, tallyKeys) = busiestEntryCount > 0 ? (tally, tally.keys[...]) : (PathTally(), [])
        names = dictionary.names
        outline = BlockOutline(content, entries)
        self.content = content
        self.objects = objects
        self.assembler = assembler
        pathGroupSize = chosen ?? BlockFormat.pathGroupSize(of: entries.paths.count)
        self.filterKey = filterKey
        // A group alone would be the whole dictionary again.
        let groupCount = BlockFormat.pathGroupCount(of: entries.paths.count, size: pathGroupSize)
        pathGroups = 0..<(2...BlockLimits.pathGroupCount ~= groupCount ? groupCount : 0)
    }

    /// A piece of the work, some milliseconds; the block at the end, after which there is nothing more to do.
    mutating func step(level: Int32, _ compressor: inout Compressor) throws(BlockError) -> EncodedBlock? {
        if let group = pathGroups.popFirst() {
            try addPathGroup(group, level: level, &compressor)
        } else if let key = tallyKeys.popFirst() {
            addBusiestPaths(key)
        } else if let content = content.take() {
            parts =
                (assembler.pathGroupCount > 0
                ? content.partsBesidePaths(entries, names: names)
                : content.parts(entries, names: names, objects: objects)).reversed()
            // The last of the block's parts.
            parts.insert(PendingPart(.busiestPaths, busiestPaths), at: 0)
            tally = PathTally()
            objects = []
        } else if var part = parts.popLast() {
            if try !assembler.addPiece(of: &part, level: level, &compressor) { parts.append(part) }
        } else if let filter {
            return try assembler.finish(
                outline, filter: filter, pathGroupSize: pathGroupSize, level: level, &compressor)
        } else {
            filter = makeFilter()
        }
        return nil
    }

    private mutating func addPathGroup(_ group: Int, level: Int32, _ compressor: inout Compressor) throws(BlockError) {
        let start = group * pathGroupSize
        let end = min(entries.paths.count, start + pathGroupSize)
        for part in entries.pathParts(start..<end, names: names, objects: objects, firstNew: &firstNewDirectory) {
            try assembler.add(part.kind, part.bytes, level: level, &compressor)
        }
        assembler.endPathGroup()
    }

    private mutating func addBusiestPaths(_ key: BusiestPathsKey) {
        let list = tally.list(key, limit: busiestEntryCount) { entries.paths[$0].directory == .absent }
        guard let list else { return }
        list.append(key, to: &busiestLists.bytes)
        busiestLists.count += 1
    }

    /// The part of the block; empty where it has no lists.
    private var busiestPaths: [UInt8] {
        guard busiestLists.count > 0 else { return [] }
        var bytes: [UInt8] = []
        bytes.appendVarint(busiestLists.count)
        return bytes + busiestLists.bytes
    }

    private func makeFilter() -> [UInt8] {
        let hashes = entries.hashes(names)
        let grouped =
            assembler.pathGroupCount > 0
            ? PathGroupFilter.make(hashes.directories, hashes.paths, groupSize: pathGroupSize, key: filterKey) : nil
        return grouped ?? PathFilter.make(hashes.directories, hashes.paths, key: filterKey)
    }
}
