import Model

/// Constants of the format.
enum BlockFormat {
    static let magic: [UInt8] = Array("VRVB".utf8)
    /// What is written.
    static let version: UInt8 = 6
    /// What is read.
    static let versions: ClosedRange<UInt8> = 1...6
    /// Shorter common beginnings of names are left to zstd.
    static let leastPrefixByteCount = 3
    /// How many paths a path group of a block with that many is given: no fewer, so that a look-up decodes no more than it must.
    ///
    /// Where that would be more than `mostSmallPathGroups` groups they are `largePathGroupCount` instead, and larger: naming
    /// its group costs each path and directory a bit for each doubling of the groups (docs/decisions/0009-looking-up-a-path.md).
    static func pathGroupSize(of pathCount: Int) -> Int {
        guard pathGroupCount(of: pathCount, size: leastPathGroupSize) > mostSmallPathGroups else {
            return leastPathGroupSize
        }
        return (pathCount + largePathGroupCount - 1) / largePathGroupCount
    }
    private static let leastPathGroupSize = 16_384
    private static let mostSmallPathGroups = 16
    private static let largePathGroupCount = 8
    /// How many groups of `size` paths that many make, the last of what is left; one where they are not divided (0).
    static func pathGroupCount(of pathCount: Int, size: Int) -> Int {
        size == 0 ? 1 : max(1, (pathCount + size - 1) / size)
    }
}

/// A part that waits to be added.
struct PendingPart {
    /// How much is compressed at once: some 5 ms at level 9, 20 ms at level 14.
    static let pieceByteCount = 256 << 10

    enum Content {
        case bytes([UInt8])
        /// Made while it is compressed.
        case processTexts(ProcessTexts)
    }

    let kind: PartKind
    var content: Content
    var doneByteCount = 0
    var frameStart = 0

    init(_ kind: PartKind, _ content: [UInt8]) {
        self.kind = kind
        self.content = .bytes(content)
    }

    init(_ texts: ProcessTexts) {
        kind = .processTexts
        content = .processTexts(texts)
    }

    var byteCount: Int {
        switch content {
        case .bytes(let bytes): bytes.count
        case .processTexts(let texts): texts.byteCount
        }
    }

    /// All of the content at once.
    var bytes: [UInt8] {
        switch content {
        case .bytes(let bytes): bytes
        case .processTexts(let texts): texts.bytes
        }
    }
}

/// Collects a block's parts, compressed as they come, and puts the header before them.
struct BlockAssembler {
    /// Smaller parts go into the bundle, one frame for all of them: a frame of its own costs a part some 16 bytes and
    /// 3 µs, and a fresh block has thirty small parts.
    private static let bundledByteCount = 4_096

    private struct Section {
        var list: [UInt8] = []
        var partCount = 0
        var zone: [UInt8] = []
    }

    private var rowGroups: [Section] = []
    private var pathGroups: [Section] = []
    private var current = Section()
    private var bundle: [UInt8] = []
    private var frames: [UInt8] = []
    /// How many of the frames' bytes are row groups'.
    private var rowGroupFrameByteCount = 0

    /// Bytes collected so far.
    var byteCount: Int { frames.count + bundle.count }

    /// What it takes in memory.
    var memoryByteCount: Int { frames.capacity + bundle.capacity }

    /// How many path groups were ended.
    var pathGroupCount: Int { pathGroups.count }

    /// Adds a part to the current section; an empty one is left out. At level 0 nothing is compressed.
    mutating func add(
        _ kind: PartKind, _ content: [UInt8], transform: UInt8 = 1, level: Int32, _ compressor: inout Compressor
    ) throws(BlockError) {
        guard !content.isEmpty else { return }
        current.partCount += 1
        current.list.append(kind.rawValue)
        if content.count < Self.bundledByteCount {
            current.list.append(transform | PartStorage.bundle.rawValue << 6)
            current.list.appendVarint(content.count)
            bundle.append(contentsOf: content)
            return
        }
        let start = frames.count
        if level > 0 { try compressor.compress(content, level: level, to: &frames) }
        let isFrame = start < frames.count && frames.count - start < content.count
        if !isFrame {
            frames.removeSubrange(start...)
            frames.append(contentsOf: content)
        }
        list(byteCount: content.count, transform: transform, from: start, isFrame: isFrame)
    }

    /// Lists a part whose stored bytes were appended from `start` on; what did not shrink is stored as it is.
    private mutating func list(byteCount: Int, transform: UInt8, from start: Int, isFrame: Bool) {
        current.list.append(transform | (isFrame ? PartStorage.frame : .plain).rawValue << 6)
        current.list.appendVarint(byteCount)
        if isFrame { current.list.appendVarint(frames.count - start) }
        current.list.appendLittleEndian32(Self.checksum(frames, from: start))
    }

    /// Adds a part as `add` does, but large ones piece by piece: true when it is done.
    mutating func addPiece(
        of part: inout PendingPart, level: Int32, _ compressor: inout Compressor
    ) throws(BlockError) -> Bool {
        let byteCount = part.byteCount
        if level <= 0 || byteCount <= PendingPart.pieceByteCount {
            try add(part.kind, part.bytes, level: level, &compressor)
            return true
        }
        if part.doneByteCount == 0 {
            part.frameStart = frames.count
            try compressor.beginFrame(byteCount: byteCount, level: level)
        }
        let piece: (bytes: [UInt8], range: Range<Int>)
        switch part.content {
        case .bytes(let bytes):
            piece = (bytes, part.doneByteCount..<min(byteCount, part.doneByteCount + PendingPart.pieceByteCount))
        case .processTexts(var texts):
            let bytes = texts.next(PendingPart.pieceByteCount)
            piece = (bytes, 0..<bytes.count)
            part.content = .processTexts(texts)
        }
        part.doneByteCount += piece.range.count
        let isLast = part.doneByteCount == byteCount
        try compressor.compressPiece(piece.bytes, piece.range, isLast: isLast, to: &frames)
        guard isLast else { return false }
        let isFrame = frames.count - part.frameStart < byteCount
        if !isFrame {
            frames.removeSubrange(part.frameStart...)
            frames.append(contentsOf: part.bytes)
        }
        current.partCount += 1
        current.list.append(part.kind.rawValue)
        list(byteCount: byteCount, transform: 1, from: part.frameStart, isFrame: isFrame)
        return true
    }

    /// Ends the section of a row group; `zone` is its zone map.
    mutating func endRowGroup(zone: [UInt8]) {
        current.zone = zone
        rowGroups.append(current)
        rowGroupFrameByteCount = frames.count
        current = Section()
    }

    /// Ends the section of a path group.
    mutating func endPathGroup() {
        pathGroups.append(current)
        current = Section()
    }

    /// The whole block; the current section is that of the block.
    /// `pathGroupSize` is how many paths a path group holds, where there are any.
    mutating func finish(
        preamble: [UInt8], pathGroupSize: Int, level: Int32, _ compressor: inout Compressor
    ) throws(BlockError) -> [UInt8] {
        var storedBundle: [UInt8] = []
        if level > 0 && !bundle.isEmpty { try compressor.compress(bundle, level: level, to: &storedBundle) }
        if storedBundle.isEmpty || storedBundle.count >= bundle.count { storedBundle = bundle }
        var header = preamble
        header.appendVarint(rowGroups.count)
        for section in rowGroups { Self.append(section, to: &header) }
        header.appendVarint(pathGroups.isEmpty ? 0 : pathGroupSize)
        for section in pathGroups + [current] { Self.append(section, to: &header) }
        header.appendLittleEndian32(UInt32(bundle.count))
        header.appendLittleEndian32(UInt32(storedBundle.count))
        header.appendLittleEndian32(Self.checksum(storedBundle, from: 0))
        var bytes = BlockFormat.magic
        // Magic, version, the header and its length and checksum; then all of the content.
        bytes.reserveCapacity(header.count + 32 + storedBundle.count + frames.count)
        bytes.append(BlockFormat.version)
        bytes.appendVarint(header.count)
        bytes.append(contentsOf: header)
        bytes.appendLittleEndian(XXH3.hash64(bytes))
        bytes.append(contentsOf: storedBundle)
        // The dictionaries first: what looks for a path needs them, and comes to them sooner.
        bytes.append(contentsOf: frames[rowGroupFrameByteCount...])
        bytes.append(contentsOf: frames[..<rowGroupFrameByteCount])
        self = BlockAssembler()
        return bytes
    }

    private static func append(_ section: Section, to header: inout [UInt8]) {
        header.append(contentsOf: section.zone)
        header.appendVarint(section.partCount)
        header.append(contentsOf: section.list)
    }

    private static func checksum(_ bytes: [UInt8], from start: Int) -> UInt32 {
        // SAFETY: bytes are initialised memory without padding; the span does not outlive the array.
        UInt32(truncatingIfNeeded: XXH3.hash64(unsafe bytes.span.bytes.extracting(start..<bytes.count)))
    }
}
