import Model

/// A block's header, read and checked: what it says and where the parts are.
struct BlockLayout {
    var header: BlockHeader
    /// What the moments of the block are counted from, in microseconds.
    var origin: Int64
    var volumeCount: Int
    var bundle: BundleEntry
    /// How many paths a path group holds, the last one what is left; 0 where they are not divided.
    let pathGroupSize: Int
    /// The parts of the whole block, then those of each row group and of each path group; there is none of the last where
    /// paths are not divided.
    private var blockParts: [PartEntry]
    private var rowGroupParts: [[PartEntry]]
    private var pathGroupParts: [[PartEntry]]

    /// How many bytes from the start hold the header, as far as the first of them tell; nil where they tell nothing.
    static func headerByteCount(_ start: [UInt8]) -> Int? {
        guard start.starts(with: BlockFormat.magic), start.count > BlockFormat.magic.count else { return nil }
        // SAFETY: bytes are initialised memory without padding; the span does not outlive the array.
        var cursor = unsafe ByteCursor(start.span.bytes.extracting(droppingFirst: BlockFormat.magic.count + 1))
        guard let content = try? cursor.count(atMost: BlockLimits.byteCount) else { return nil }
        return BlockFormat.magic.count + 1 + cursor.offset + content + 8
    }

    /// Reads the header of a block of `byteCount` bytes, of which at least all that belong to the header are given.
    init(_ bytes: [UInt8], byteCount: Int) throws(BlockError) {
        guard bytes.starts(with: BlockFormat.magic) else {
            if BlockFormat.magic.starts(with: bytes) { throw BlockError(.truncated, "header") }
            throw BlockError(.notABlock, "no magic number")
        }
        guard byteCount <= BlockLimits.byteCount else { throw BlockError(.limitExceeded, "\(byteCount) bytes") }
        do {
            // SAFETY: bytes are initialised memory without padding; the span does not outlive the array.
            try self.init(checking: unsafe bytes.span.bytes, byteCount: byteCount)
        } catch let error as BlockError {
            throw error
        } catch PartError.malformed(let reason) {
            throw BlockError(.malformed, "header: \(reason)")
        } catch {
            throw BlockError(.truncated, "header")
        }
    }

    private init(checking bytes: RawSpan, byteCount: Int) throws {
        var start = ByteCursor(bytes.extracting(droppingFirst: BlockFormat.magic.count))
        let version = try start.byte()
        guard BlockFormat.versions.contains(version) else { throw BlockError(.newerVersion(version), "cannot read it") }
        let headerByteCount = try start.count(atMost: bytes.byteCount)
        let headerStart = BlockFormat.magic.count + start.offset
        let headerEnd = headerStart + headerByteCount
        guard headerEnd + 8 <= bytes.byteCount else { throw BlockError(.truncated, "header") }
        guard bytes.word(at: headerEnd) == XXH3.hash64(bytes.extracting(0..<headerEnd)) else {
            throw BlockError(.damaged, "header")
        }
        var cursor = ByteCursor(bytes.extracting(headerStart..<headerEnd))
        (header, origin, volumeCount) = try Self.readPreamble(&cursor, version: version)
        let rowGroupCount = try cursor.count(atMost: min(BlockLimits.rowGroupCount, header.count))
        rowGroupParts = []
        rowGroupParts.reserveCapacity(rowGroupCount)
        var used = 0
        for _ in 0..<rowGroupCount {
            let rowGroup = try Self.readZone(
                &cursor, firstSequence: header.firstSequence &+ UInt64(used), origin: origin)
            used += rowGroup.count
            header.rowGroups.append(rowGroup)
            rowGroupParts.append(try Self.readList(&cursor, [.rowGroup], version: version))
        }
        guard used == header.count else { throw PartError.malformed("row groups do not sum to the block's events") }
        pathGroupSize = version < 4 ? 0 : try cursor.count(atMost: BlockLimits.pathCount)
        let pathGroupCount =
            pathGroupSize == 0 ? 0 : BlockFormat.pathGroupCount(of: header.pathCount, size: pathGroupSize)
        guard pathGroupCount <= BlockLimits.pathGroupCount else { throw PartError.malformed("too many path groups") }
        pathGroupParts = []
        pathGroupParts.reserveCapacity(pathGroupCount)
        for _ in 0..<pathGroupCount {
            pathGroupParts.append(try Self.readList(&cursor, [.paths], version: version))
        }
        // What one part may not be, those of all groups may not be together: they are kept when they were looked into.
        var byteCounts: [PartKind: Int] = [:]
        for part in pathGroupParts.joined() { byteCounts[part.kind, default: 0] += part.byteCount }
        guard byteCounts.values.allSatisfy({ $0 <= BlockLimits.partByteCount }) else {
            throw PartError.malformed("path groups beyond the limit of a part")
        }
        blockParts = try Self.readList(&cursor, pathGroupSize > 0 ? [.block] : [.block, .paths], version: version)
        bundle = BundleEntry(
            byteCount: Int(try cursor.littleEndian32()), storedByteCount: Int(try cursor.littleEndian32()),
            checksum: try cursor.littleEndian32(), offset: headerEnd + 8)
        try cursor.expectEnd()
        // The bundle comes first, then the other parts.
        guard bundle.storedByteCount <= byteCount - bundle.offset else { throw PartError.truncated }
        guard bundle.byteCount <= BlockLimits.partByteCount else {
            throw PartError.malformed("bundle beyond its limit")
        }
        var bundleOffset = 0
        for index in rowGroupParts.indices { Self.locateBundled(&rowGroupParts[index], &bundleOffset) }
        for index in pathGroupParts.indices { Self.locateBundled(&pathGroupParts[index], &bundleOffset) }
        Self.locateBundled(&blockParts, &bundleOffset)
        guard bundleOffset == bundle.byteCount else { throw PartError.malformed("bundle is not its parts") }
        var offset = bundle.offset + bundle.storedByteCount
        func locateRowGroups() throws(PartError) {
            for index in rowGroupParts.indices { try Self.locate(&rowGroupParts[index], &offset, end: byteCount) }
        }
        if version < 4 { try locateRowGroups() }
        for index in pathGroupParts.indices { try Self.locate(&pathGroupParts[index], &offset, end: byteCount) }
        try Self.locate(&blockParts, &offset, end: byteCount)
        if version >= 4 { try locateRowGroups() }
        guard offset == byteCount else { throw PartError.malformed("bytes after the last part") }
    }

    /// How many groups the paths come in, at least one.
    var pathGroupCount: Int { max(1, pathGroupParts.count) }

    /// The sections of path groups; none where paths are not divided.
    var pathGroups: [BlockSection] { pathGroupParts.indices.map(BlockSection.pathGroup) }

    /// Where the parts of a path group stand.
    func section(ofPathGroup group: Int) -> BlockSection {
        pathGroupSize == 0 ? .block : .pathGroup(group)
    }

    /// The parts of a section.
    func parts(of section: BlockSection) -> [PartEntry] {
        switch section {
        case .block: blockParts
        case .rowGroup(let index): rowGroupParts[index]
        case .pathGroup(let index): pathGroupParts[index]
        }
    }

    /// Where the frames of a section stand in the block, one behind the other; empty when it has none. Those of the commits
    /// are not counted: few ask for them.
    func frames(of section: BlockSection) -> Range<Int> {
        let frames = parts(of: section).filter {
            $0.storage != .bundle && $0.kind != .commits && $0.kind != .commitHashes
        }
        guard let first = frames.first, let last = frames.last else { return 0..<0 }
        return first.offset..<last.offset + last.storedByteCount
    }

    private static func readPreamble(
        _ cursor: inout ByteCursor, version: UInt8
    ) throws(PartError) -> (BlockHeader, Int64, Int) {
        let store = try cursor.uuid()
        let machineID = try cursor.uuid()
        let hostName = try cursor.array(try cursor.count(atMost: 255))
        let runCount = try cursor.count(atMost: min(BlockLimits.commitCount, cursor.remainingByteCount / 17))
        var runs: [RunIdentity] = []
        runs.reserveCapacity(runCount)
        for _ in 0..<runCount {
            let run = try cursor.count(atMost: Int(UInt32.max))
            runs.append(RunIdentity(run: UInt32(truncatingIfNeeded: run), bootID: try cursor.uuid()))
        }
        let firstSequence = try cursor.varint()
        let count = try cursor.count(atMost: BlockLimits.eventCount)
        guard count > 0, firstSequence <= UInt64(Int64.max) - UInt64(count) else {
            throw .malformed("event numbers out of range")
        }
        let base = try cursor.zigzag()
        let earliest = base &+ (try cursor.zigzag())
        let latest = earliest &+ Int64(bitPattern: try cursor.varint())
        let commitCount = try cursor.count(atMost: min(count, BlockLimits.commitCount))
        let directoryCount = try cursor.count(atMost: BlockLimits.directoryCount)
        let pathCount = try cursor.count(atMost: BlockLimits.pathCount)
        let processCount = try cursor.count(atMost: BlockLimits.processCount)
        let factCount = try cursor.count(atMost: BlockLimits.factCount)
        let volumeCount = try cursor.count(atMost: BlockLimits.volumeCount)
        guard directoryCount > 0 else { throw .malformed("no root directory") }
        let header = BlockHeader(
            version: version,
            origin: BlockOrigin(store: store, machineID: machineID, hostName: RawPath(hostName)), runs: runs,
            firstSequence: firstSequence, count: count, earliest: Instant(microsecondsSinceEpoch: earliest),
            latest: Instant(microsecondsSinceEpoch: latest), rowGroups: [], commitCount: commitCount,
            directoryCount: directoryCount, pathCount: pathCount, processCount: processCount, factCount: factCount)
        return (header, base, volumeCount)
    }

    private static func readZone(
        _ cursor: inout ByteCursor, firstSequence: UInt64, origin: Int64
    ) throws(PartError) -> RowGroup {
        let count = try cursor.count(atMost: BlockLimits.rowGroupEventCount)
        guard count > 0 else { throw .malformed("empty row group") }
        let earliest = origin &+ (try cursor.zigzag())
        let latest = earliest &+ Int64(bitPattern: try cursor.varint())
        let maskUnion = try cursor.count(atMost: Int(UInt32.max))
        return RowGroup(
            firstSequence: firstSequence, count: count, earliest: Instant(microsecondsSinceEpoch: earliest),
            latest: Instant(microsecondsSinceEpoch: latest),
            maskUnion: EventMask(rawValue: UInt32(truncatingIfNeeded: maskUnion)),
            flagsUnion: EventFlags(rawValue: try cursor.byte()))
    }

    private static func readList(
        _ cursor: inout ByteCursor, _ owners: [PartKind.Owner], version: UInt8
    ) throws(PartError) -> [PartEntry] {
        let count = try cursor.count(atMost: PartKind.allCases.count)
        var list: [PartEntry] = []
        list.reserveCapacity(count)
        var last: UInt8 = 0
        for _ in 0..<count {
            guard let kind = PartKind(rawValue: try cursor.byte()), owners.contains(kind.owner),
                kind.version <= version
            else {
                throw .malformed("unknown part")
            }
            guard kind.rawValue > last else { throw .malformed("parts out of order") }
            last = kind.rawValue
            let coding = try cursor.byte()
            guard let storage = PartStorage(rawValue: coding >> 6) else { throw .malformed("unknown storage") }
            let byteCount = try cursor.count(atMost: BlockLimits.partByteCount)
            let stored = storage == .frame ? try cursor.count(atMost: BlockLimits.partByteCount) : byteCount
            let checksum = storage == .bundle ? 0 : try cursor.littleEndian32()
            list.append(
                PartEntry(
                    kind: kind, transform: coding & 0x3F, storage: storage, checksum: checksum, offset: 0,
                    storedByteCount: stored, byteCount: byteCount))
        }
        return list
    }

    private static func locateBundled(_ list: inout [PartEntry], _ offset: inout Int) {
        for index in list.indices where list[index].storage == .bundle {
            list[index].offset = offset
            offset += list[index].storedByteCount
        }
    }

    private static func locate(
        _ list: inout [PartEntry], _ offset: inout Int, end: Int
    ) throws(PartError) {
        for index in list.indices where list[index].storage != .bundle {
            let byteCount = list[index].storedByteCount
            guard byteCount <= end - offset else { throw .truncated }
            list[index].offset = offset
            offset += byteCount
        }
    }
}

/// The frame that holds all small parts.
struct BundleEntry {
    var byteCount: Int
    /// The same as `byteCount` when it is not compressed.
    var storedByteCount: Int
    var checksum: UInt32
    var offset: Int
}
