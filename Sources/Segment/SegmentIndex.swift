package import Block

/// What a segment file says without its blocks. Shape: schema/README.md, "The segment file".
package struct SegmentIndex: Hashable, Sendable {
    package let header: SegmentHeader
    package let table: SegmentTable
    /// Where each block begins in the file.
    package let blockOffsets: [Int]

    /// Parameter tableBytes: the table as stored, `header.tableByteCount` bytes from `tableOffset`.
    /// Throws: `damaged`, `malformed`, `incomplete`, `limitExceeded`, `compression`.
    package init(header: SegmentHeader, tableBytes: [UInt8]) throws(SegmentError) {
        self.header = header
        table = try SegmentTable(content: try SegmentTable.content(tableBytes, header), header)
        var offsets: [Int] = []
        offsets.reserveCapacity(table.blocks.count)
        var offset = header.byteCount
        for block in table.blocks {
            offsets.append(offset)
            offset += block.byteCount
        }
        blockOffsets = offsets
    }

    init(header: SegmentHeader, table: SegmentTable, blockOffsets: [Int]) {
        self.header = header
        self.table = table
        self.blockOffsets = blockOffsets
    }

    /// Where the table begins in a file.
    package static func tableOffset(_ header: SegmentHeader) -> Int {
        header.byteCount + header.blocksByteCount
    }

    /// A whole file, its hash checked. Throws: as `init`, and `notASegment`.
    package init(file bytes: [UInt8]) throws(SegmentError) {
        let header = try SegmentHeader(bytes)
        _ = try Self.hash(ofFile: bytes, header)
        let offset = Self.tableOffset(header)
        try self.init(header: header, tableBytes: Array(bytes[offset..<offset + header.tableByteCount]))
    }

    /// The hash of a whole file. Throws: `damaged` when it is not the one in its footer.
    package static func hash(ofFile bytes: [UInt8], _ header: SegmentHeader) throws(SegmentError) -> EventsHash {
        guard bytes.count == header.fileByteCount else { throw SegmentError(.damaged, "file of another size") }
        let end = bytes.count - SegmentHeader.footerByteCount
        // SAFETY: bytes are initialised memory without padding; the span does not outlive the call.
        let hash = XXH3.hash128(unsafe bytes.span.bytes.extracting(0..<end))
        var footer: [UInt8] = []
        footer.appendLittleEndian(hash.low)
        footer.appendLittleEndian(hash.high)
        footer.append(contentsOf: SegmentHeader.endMagic)
        guard bytes[end...].elementsEqual(footer) else { throw SegmentError(.damaged, "the file's hash") }
        return hash
    }
}
