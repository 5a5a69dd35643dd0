package import Model

/// One 32-bit column of the events.
package enum Column: UInt8, CaseIterable, Sendable {
    /// `EventMask.rawValue`.
    case mask
    /// `EventFlags.rawValue`.
    case flags
    /// Index into `processes()`, or `absent`.
    case process
    /// Index into `pathDictionary()`, or `absent`.
    case path
    /// Index into `pathDictionary()`, or `absent`: the new name of a rename.
    case target
    /// Index into `DecodedWindows.table`.
    case window
    /// Index into `processes()`, or `absent`: the program that may have done the later operations.
    case lastProcess
}

/// Reads one block, decoding only what is asked for.
///
/// Dictionaries are decoded once and kept; of the columns only those of the last row group that others are predicted
/// from, so the caller keeps what it needs. Thread: one at a time. No bytes make it trap; what is wrong is thrown.
package final class BlockReader {
    package let header: BlockHeader
    private var bytes: BlockBytes
    let byteCount: Int
    let layout: BlockLayout
    private var cachedBundle: [UInt8]?
    var cachedDirectories: DirectoryNames?
    /// What was decoded of each path group.
    struct CachedPathGroup {
        var parts: PathParts?
        var directories: [DirectoryIndex]?
        var objects: [StoredObject]?
    }
    var cachedPathGroups: [CachedPathGroup]
    var cachedPaths: DecodedPaths?
    var cachedProcesses: DecodedProcesses?
    /// Processes without their command lines.
    var cachedActors: [ActorProcess]?
    private var cachedVolumes: [Volume]?
    var cachedPathObjects: [StoredObject]?
    var cachedProcessRuns: (rowGroup: Int, runs: ColumnRuns)?
    var cachedProcessColumn: (rowGroup: Int, values: [UInt32])?
    /// Of `PathPredictor`, used again for each row group.
    private var predictorStorage: [UInt32] = []
    private var cachedPathSymbols: (rowGroup: Int, bytes: [UInt8])?
    private var cachedPathColumns: (rowGroup: Int, paths: [UInt32], targets: [UInt32])?

    /// Where fewer than this share of the entries are asked for, they are looked up instead of decoding all.
    package static let fewShare = 16

    /// Reads and checks the header; no part is decoded.
    package init(_ bytes: [UInt8]) throws(BlockError) {
        layout = try BlockLayout(bytes, byteCount: bytes.count)
        header = layout.header
        self.bytes = BlockBytes(bytes)
        byteCount = bytes.count
        cachedPathGroups = Array(repeating: CachedPathGroup(), count: layout.pathGroupCount)
    }

    /// The same over a source, of which only what is needed is read.
    package init(_ source: some BlockSource) throws(BlockError) {
        let byteCount = source.byteCount
        var start = try source.bytes(0..<min(byteCount, Self.startByteCount))
        if let needed = BlockLayout.headerByteCount(start), needed > start.count, needed <= byteCount {
            start = try source.bytes(0..<needed)
        }
        layout = try BlockLayout(start, byteCount: byteCount)
        header = layout.header
        bytes = BlockBytes(source, first: BlockBytes.Stretch(start: 0, bytes: start))
        self.byteCount = byteCount
        cachedPathGroups = Array(repeating: CachedPathGroup(), count: layout.pathGroupCount)
    }

    /// The commits of the block in order; their counts sum to the block's.
    package func commits() throws(BlockError) -> [CommitRecord] {
        let table = CommitTable(numbers: try part(.commits), hashes: try part(.commitHashes))
        return try decoding("commits") { () throws(PartError) in
            try table.decode(
                count: header.commitCount, eventCount: header.count, firstSequence: header.firstSequence,
                runs: header.runs, origin: layout.origin)
        }
    }

    /// The block's directories and paths.
    package func pathDictionary() throws(BlockError) -> DecodedPaths {
        if let cachedPaths, cachedPaths.hasWholePaths { return cachedPaths }
        let paths = try names().withWholePaths
        cachedPaths = paths
        return paths
    }

    /// Whether `pathDictionary` takes no time, since it was asked for before.
    package var hasPathDictionary: Bool { cachedPaths?.hasWholePaths ?? false }

    /// What was learned about processes while the block was gathered.
    package func facts() throws(BlockError) -> [ProcessFact] {
        let content = try part(.facts)
        return try decoding("facts") { () throws(PartError) in
            try FactTable.decode(content, count: header.factCount, origin: layout.origin, version: header.version)
        }
    }

    /// One column of a row group, one value an event.
    package func column(_ column: Column, rowGroup: Int) throws(BlockError) -> [UInt32] {
        let count = header.rowGroups[rowGroup].count
        switch column {
        case .mask:
            return try symbols(.masks, rowGroup: rowGroup, maximum: .max)
        case .flags:
            return try symbols(.flags, rowGroup: rowGroup, maximum: greatestFlags)
        case .process:
            return try processColumn(rowGroup)
        case .path:
            return try pathColumns(rowGroup).paths
        case .target:
            guard layout.parts(of: .rowGroup(rowGroup)).contains(where: { $0.kind == .targets }) else {
                return Array(repeating: .absent, count: count)
            }
            return try pathColumns(rowGroup).targets
        case .lastProcess:
            guard header.rowGroups[rowGroup].flagsUnion.contains(.spansExec) else {
                return Array(repeating: .absent, count: count)
            }
            let flags = try self.column(.flags, rowGroup: rowGroup)
            let last = try lastProcesses(rowGroup, flags: flags, processes: processColumn(rowGroup))
            return last.isEmpty ? Array(repeating: .absent, count: count) : last
        case .window:
            return try decodeWindows(rowGroup).indices.expanded
        }
    }

    /// The masks of a row group's events at `positions`.
    package func masks(rowGroup: Int, at positions: [Int]) throws(BlockError) -> [UInt32] {
        try symbols(.masks, rowGroup: rowGroup, maximum: .max, at: positions)
    }

    /// The flags of a row group's events at `positions`.
    package func flags(rowGroup: Int, at positions: [Int]) throws(BlockError) -> [UInt32] {
        try symbols(.flags, rowGroup: rowGroup, maximum: greatestFlags, at: positions)
    }

    private var greatestFlags: UInt32 {
        header.version > 1 ? UInt32(UInt8.max) : UInt32(EventFlags.spansExec.rawValue) - 1
    }

    /// The objects of a row group's events, or of those at `positions` in it, which ascend.
    package func objects(rowGroup: Int, at positions: [Int]? = nil) throws(BlockError) -> [FileIdentity?] {
        let volumes = try self.volumes()
        return try storedObjects(rowGroup, at: positions).map { object in
            guard object.volume != .absent else { return nil }
            let volume = volumes[Int(object.volume)]
            return FileIdentity(
                filesystem: FilesystemID(rawValue: volume.filesystem), inode: object.inode, root: volume.root,
                generation: object.generation)
        }
    }

    /// What every part takes.
    package var statistics: BlockStatistics {
        var parts: [BlockStatistics.Part] = []
        for rowGroup in header.rowGroups.indices {
            parts.append(
                contentsOf: layout.parts(of: .rowGroup(rowGroup)).map { BlockStatistics.Part($0, rowGroup: rowGroup) })
        }
        for section in layout.pathGroups + [.block] {
            parts.append(contentsOf: layout.parts(of: section).map { BlockStatistics.Part($0, rowGroup: nil) })
        }
        // What the bundle saves is shared among its parts by their size.
        let bundle = layout.bundle
        for index in parts.indices where parts[index].isBundled {
            parts[index].storedByteCount = parts[index].byteCount * bundle.storedByteCount / max(1, bundle.byteCount)
        }
        let content = parts.reduce(0) { $0 + $1.storedByteCount }
        parts.append(
            BlockStatistics.Part(
                name: "header", rowGroup: nil, storedByteCount: byteCount - content, byteCount: byteCount - content)
        )
        return BlockStatistics(parts: parts)
    }
}

// MARK: - Inside the room

extension BlockReader {
    /// The filesystems and subvolumes that objects are on.
    func volumes() throws(BlockError) -> [Volume] {
        if let cachedVolumes { return cachedVolumes }
        let content = try part(.volumes)
        let volumes = try decoding("volumes") { () throws(PartError) in
            try Self.decodeVolumes(content, count: layout.volumeCount)
        }
        cachedVolumes = volumes
        return volumes
    }

    /// The objects of the events at ascending `positions` of a row group, over `volumes()`.
    func storedObjects(
        _ rowGroup: Int, at positions: some RandomAccessCollection<Int>
    ) throws(BlockError) -> [StoredObject] {
        let known = try pathObjects()
        let (paths, targets) = try pathColumns(rowGroup)
        let column = try objectColumn(rowGroup)
        return try decoding("objects of row group \(rowGroup)") { () throws(PartError) in
            try column.decode(
                paths: paths, targets: targets, known: known, volumeCount: layout.volumeCount, at: positions)
        }
    }

    /// The same, in the way that is cheapest for so many; nil asks for all.
    private func storedObjects(_ rowGroup: Int, at positions: [Int]?) throws(BlockError) -> [StoredObject] {
        let eventCount = header.rowGroups[rowGroup].count
        guard let positions else { return try storedObjects(rowGroup, at: 0..<eventCount) }
        let (paths, targets) = try pathColumns(rowGroup)
        guard positions.count <= eventCount / Self.fewShare, positions.allSatisfy({ paths[$0] != .absent }) else {
            return try storedObjects(rowGroup, at: positions)
        }
        let column = try objectColumn(rowGroup)
        let followed = column.followed(paths: paths, targets: targets, pathCount: header.pathCount, at: positions)
        let known = try pathObjects(of: followed)
        return try decoding("objects of row group \(rowGroup)") { () throws(PartError) in
            try column.decodeFew(
                paths: paths, targets: targets, followed: followed, known: known, volumeCount: layout.volumeCount,
                at: positions)
        }
    }

    private func objectColumn(_ rowGroup: Int) throws(BlockError) -> ObjectColumn {
        var list = ObjectList()
        list.volumes = try part(.objectVolumes, rowGroup)
        list.inodes = try part(.objectInodes, rowGroup)
        list.generations = try part(.objectGenerations, rowGroup)
        return ObjectColumn(positions: try part(.objectPositions, rowGroup), objects: list)
    }

    /// Paths and targets of a row group; targets are empty when no event has one.
    func pathColumns(_ rowGroup: Int) throws(BlockError) -> (paths: [UInt32], targets: [UInt32]) {
        if let cached = cachedPathColumns, cached.rowGroup == rowGroup { return (cached.paths, cached.targets) }
        let processes = try processRuns(of: rowGroup)
        let column = PathColumn(
            symbols: try pathSymbols(rowGroup), lowBytes: try part(.pathLowBytes, rowGroup),
            highBytes: try part(.pathHighBytes, rowGroup), targets: try part(.targets, rowGroup))
        let decoded = try decoding("paths of row group \(rowGroup)") { () throws(PartError) in
            try column.decode(
                processes: processes, pathCount: header.pathCount, processCount: header.processCount,
                storage: &predictorStorage)
        }
        cachedPathColumns = (rowGroup, decoded.paths, decoded.targets)
        return decoded
    }

    /// The first part of the paths of a row group.
    func pathSymbols(_ rowGroup: Int) throws(BlockError) -> [UInt8] {
        if let cached = cachedPathSymbols, cached.rowGroup == rowGroup { return cached.bytes }
        let bytes = try part(.paths, rowGroup)
        cachedPathSymbols = (rowGroup, bytes)
        return bytes
    }

    /// The last processes of a row group's events; empty when none has one.
    func lastProcesses(_ rowGroup: Int, flags: [UInt32], processes: [UInt32]) throws(BlockError) -> [UInt32] {
        let content = try part(.lastProcesses, rowGroup)
        return try decoding("last processes of row group \(rowGroup)") { () throws(PartError) in
            try RowGroupEvents.decodeLastProcesses(
                content, flags: flags, processes: processes, limit: header.processCount)
        }
    }

    /// The masks or flags of a row group; with `positions` only those of the events there.
    private func symbols(
        _ kind: PartKind, rowGroup: Int, maximum: UInt32, at positions: [Int]? = nil
    ) throws(BlockError) -> [UInt32] {
        let count = header.rowGroups[rowGroup].count
        let section = BlockSection.rowGroup(rowGroup)
        guard let entry = layout.parts(of: section).first(where: { $0.kind == kind }) else {
            return Array(repeating: 0, count: positions?.count ?? count)
        }
        let content = try self.content(entry, section)
        return try decoding("\(kind.name) of row group \(rowGroup)") { () throws(PartError) in
            try SymbolColumn.decode(
                content, transform: entry.transform, count: count, maximum: maximum, at: positions)
        }
    }

    /// The content of a part of the block, or of a row group; empty when it is not there.
    func part(_ kind: PartKind, _ rowGroup: Int? = nil) throws(BlockError) -> [UInt8] {
        try part(kind, in: rowGroup.map(BlockSection.rowGroup) ?? .block)
    }

    func part(_ kind: PartKind, in section: BlockSection) throws(BlockError) -> [UInt8] {
        guard let entry = layout.parts(of: section).first(where: { $0.kind == kind }) else { return [] }
        guard entry.transform == 1 else {
            throw BlockError(.malformed, "\(kind.name): unknown transform \(entry.transform)")
        }
        return try content(entry, section)
    }

    private func content(_ entry: PartEntry, _ section: BlockSection) throws(BlockError) -> [UInt8] {
        let range = entry.offset..<entry.offset + entry.storedByteCount
        if entry.storage == .bundle { return Array(try bundle()[range]) }
        return try stored(
            range, together: layout.frames(of: section), checksum: entry.checksum,
            byteCount: entry.storage == .frame ? entry.byteCount : nil, name: Self.name(of: entry, section))
    }

    private func bundle() throws(BlockError) -> [UInt8] {
        if let cachedBundle { return cachedBundle }
        let entry = layout.bundle
        let range = entry.offset..<entry.offset + entry.storedByteCount
        let bundle = try stored(
            range, together: range, checksum: entry.checksum,
            byteCount: entry.storedByteCount == entry.byteCount ? nil : entry.byteCount, name: "bundle")
        cachedBundle = bundle
        return bundle
    }

    /// Checked bytes of the block, decompressed to `byteCount` where that is given; `together` is what is read at once.
    private func stored(
        _ range: Range<Int>, together: Range<Int>, checksum: UInt32, byteCount: Int?, name: @autoclosure () -> String
    ) throws(BlockError) -> [UInt8] {
        let stretch = try bytes.stretch(range, together: together)
        let range = range.lowerBound - stretch.start..<range.upperBound - stretch.start
        // SAFETY: bytes are initialised memory without padding; the span does not outlive the array.
        let stored = unsafe stretch.bytes.span.bytes.extracting(range)
        guard UInt32(truncatingIfNeeded: XXH3.hash64(stored)) == checksum else {
            throw BlockError(.damaged, "\(name()): checksum does not match")
        }
        guard let byteCount else { return Array(stretch.bytes[range]) }
        var decompressor = try SpareDecompressor.take()
        let content = decompressor.decompress(stored, byteCount: byteCount)
        SpareDecompressor.keep(decompressor)
        guard let content else { throw BlockError(.malformed, "\(name()): not a frame of that size") }
        return content
    }

    private static func name(of entry: PartEntry, _ section: BlockSection) -> String {
        switch section {
        case .block: entry.kind.name
        case .rowGroup(let index): "\(entry.kind.name) of row group \(index)"
        case .pathGroup(let index): "\(entry.kind.name) of path group \(index)"
        }
    }

    func decoding<T>(_ name: @autoclosure () -> String, _ body: () throws(PartError) -> T) throws(BlockError)
        -> T
    {
        do throws(PartError) {
            return try body()
        } catch {
            switch error {
            case .truncated: throw BlockError(.malformed, "\(name()): content ends too early")
            case .malformed(let reason): throw BlockError(.malformed, "\(name()): \(reason)")
            }
        }
    }

    private static func decodeVolumes(_ bytes: [UInt8], count: Int) throws(PartError) -> [Volume] {
        // SAFETY: bytes are initialised memory without padding; the span does not outlive the array.
        var cursor = unsafe ByteCursor(bytes.span.bytes)
        var volumes: [Volume] = []
        for _ in 0..<count {
            volumes.append(Volume(filesystem: try cursor.littleEndian64(), root: try cursor.varint()))
        }
        try cursor.expectEnd()
        return volumes
    }
}
