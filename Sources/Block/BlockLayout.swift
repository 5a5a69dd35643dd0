import Model

/// A block's header, read and checked: what it says and where the parts are.
struct BlockLayout {
    var header: BlockHeader
    /// What the moments of the block are counted from, in microseconds.
    var origin: Int64
    var volumeCount: Int
    var bundle: BundleEntry
    /// The parts of the whole block, then those of each row group.
    var blockParts: [PartEntry]
    var rowGroupParts: [[PartEntry]]

    /// Reads the header of a whole block.
    init(_ bytes: [UInt8]) throws(BlockError) {
        guard bytes.starts(with: BlockFormat.magic) else {
            if BlockFormat.magic.starts(with: bytes) { throw BlockError(.truncated, "header") }
            throw BlockError(.notABlock, "no magic number")
        }
        guard bytes.count <= BlockLimits.byteCount else { throw BlockError(.limitExceeded, "\(bytes.count) bytes") }
        do {
            // SAFETY: bytes are initialised memory without padding; the span does not outlive the array.
            try self.init(checking: unsafe bytes.span.bytes)
        } catch let error as BlockError {
            throw error
        } catch PartError.malformed(let reason) {
            throw BlockError(.malformed, "header: \(reason)")
        } catch {
            throw BlockError(.truncated, "header")
        }
    }

    private init(checking bytes: RawSpan) throws {
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
            rowGroupParts.append(try Self.readList(&cursor, ofRowGroup: true, version: version))
        }
        guard used == header.count else { throw PartError.malformed("row groups do not sum to the block's events") }
        blockParts = try Self.readList(&cursor, ofRowGroup: false, version: version)
        bundle = BundleEntry(
            byteCount: Int(try cursor.littleEndian32()), storedByteCount: Int(try cursor.littleEndian32()),
            checksum: try cursor.littleEndian32(), offset: headerEnd + 8)
        try cursor.expectEnd()
        // The bundle comes first, then the other parts in the order of the lists.
        guard bundle.storedByteCount <= bytes.byteCount - bundle.offset else { throw PartError.truncated }
        guard bundle.byteCount <= BlockLimits.partByteCount else {
            throw PartError.malformed("bundle beyond its limit")
        }
        var bundleOffset = 0
        var offset = bundle.offset + bundle.storedByteCount
        for index in rowGroupParts.indices {
            try Self.locate(&rowGroupParts[index], &bundleOffset, &offset, end: bytes.byteCount)
        }
        try Self.locate(&blockParts, &bundleOffset, &offset, end: bytes.byteCount)
        guard bundleOffset == bundle.byteCount else { throw PartError.malformed("bundle is not its parts") }
        guard offset == bytes.byteCount else { throw PartError.malformed("bytes after the last part") }
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
        _ cursor: inout ByteCursor, ofRowGroup: Bool, version: UInt8
    ) throws(PartError) -> [PartEntry] {
        let count = try cursor.count(atMost: PartKind.allCases.count)
        var list: [PartEntry] = []
        list.reserveCapacity(count)
        var last: UInt8 = 0
        for _ in 0..<count {
            guard let kind = PartKind(rawValue: try cursor.byte()), kind.isOfRowGroup == ofRowGroup,
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

    private static func locate(
        _ list: inout [PartEntry], _ bundleOffset: inout Int, _ offset: inout Int, end: Int
    ) throws(PartError) {
        for index in list.indices {
            let byteCount = list[index].storedByteCount
            if list[index].storage == .bundle {
                list[index].offset = bundleOffset
                bundleOffset += byteCount
            } else {
                guard byteCount <= end - offset else { throw .truncated }
                list[index].offset = offset
                offset += byteCount
            }
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
