import Model

/// Collects a block's parts, compressed as they come, and puts the header before them.
struct BlockAssembler {
    /// What does not fill this many bytes is not worth a frame of its own.
    private static let leastCompressedByteCount = 64

    private struct Section {
        var list: [UInt8] = []
        var inline: [UInt8] = []
        var partCount = 0
        var zone: [UInt8] = []
    }

    private var rowGroups: [Section] = []
    private var current = Section()
    private var frames: [UInt8] = []

    /// Bytes collected so far.
    var byteCount: Int { frames.count }

    /// Adds a part to the current section; an empty one is left out.
    mutating func add(
        _ kind: PartKind, _ content: [UInt8], transform: UInt8 = 1, level: Int32, _ compressor: inout Compressor
    ) throws(BlockError) {
        guard !content.isEmpty else { return }
        current.partCount += 1
        current.list.append(kind.rawValue)
        if content.count >= Self.leastCompressedByteCount {
            let start = frames.count
            try compressor.compress(content, level: level, to: &frames)
            if frames.count - start < content.count || content.count > 4096 {
                current.list.append(transform | 0x80)
                current.list.appendVarint(frames.count - start)
                current.list.appendVarint(content.count)
                // SAFETY: bytes are initialised memory without padding; the span does not outlive the array.
                let hash = XXH3.hash64(unsafe frames.span.bytes.extracting(start..<frames.count))
                for shift in stride(from: 0, to: 32, by: 8) {
                    current.list.append(UInt8(truncatingIfNeeded: hash >> UInt64(shift)))
                }
                return
            }
            frames.removeSubrange(start...)
        }
        current.list.append(transform)
        current.list.appendVarint(content.count)
        current.inline.append(contentsOf: content)
    }

    /// Ends the section of a row group; `zone` is its zone map.
    mutating func endRowGroup(zone: [UInt8]) {
        current.zone = zone
        rowGroups.append(current)
        current = Section()
    }

    /// The whole block; the current section is that of the block.
    mutating func finish(preamble: [UInt8]) -> [UInt8] {
        var header = preamble
        header.appendVarint(rowGroups.count)
        let sections = rowGroups + [current]
        for section in sections {
            header.append(contentsOf: section.zone)
            header.appendVarint(section.partCount)
            header.append(contentsOf: section.list)
        }
        for section in sections { header.append(contentsOf: section.inline) }
        var bytes = BlockFormat.magic
        bytes.append(BlockFormat.version)
        bytes.appendVarint(header.count)
        bytes.append(contentsOf: header)
        // SAFETY: bytes are initialised memory without padding; the span does not outlive the array.
        bytes.appendLittleEndian(unsafe XXH3.hash64(bytes.span.bytes))
        bytes.append(contentsOf: frames)
        self = BlockAssembler()
        return bytes
    }
}

/// Constants of the format.
enum BlockFormat {
    static let magic: [UInt8] = Array("VRVB".utf8)
    static let version: UInt8 = 1
    /// Shorter common beginnings of names are left to zstd.
    static let leastPrefixByteCount = 3
}
