/// Why a run of frames ends. Whichever it is, it is where the log ends, and no error.
package enum ScanEnd: Hashable, Sendable {
    /// The file ends with a whole frame.
    case endOfFile
    /// The file ends inside a frame.
    case truncatedFrame
    /// The frame is of another generation, or is being rewritten.
    case saltMismatch
    /// It was not written behind the frame before it, or is damaged.
    case checksumMismatch
    /// Page 0 does not exist.
    case badPageNumber
}

/// A place in one generation of a WAL from which the frames behind it can be proved: the running checksum up to there.
package struct FrameChain: Hashable, Sendable {
    package var order: WALWordOrder
    package var pageSize: WALPageSize
    package var salts: WALSalts
    /// The last frame of the chain, 0 before the first.
    package var frame: UInt32
    package var checksum: WALChecksum

    /// Before the first frame of a file.
    package init(_ header: WALHeader) {
        order = header.order
        pageSize = header.pageSize
        salts = header.salts
        frame = 0
        checksum = header.checksum
    }

    /// Behind a frame whose checksum is known.
    package init(
        order: WALWordOrder, pageSize: WALPageSize, salts: WALSalts, frame: UInt32, checksum: WALChecksum
    ) {
        self.order = order
        self.pageSize = pageSize
        self.salts = salts
        self.frame = frame
        self.checksum = checksum
    }

    /// Moves over the next frame where it belongs to the chain.
    ///
    /// Parameter bytes: from the frame's start; may be longer than the frame.
    package mutating func take(_ bytes: RawSpan) -> Result<WALFrameHeader, ChainBreak> {
        guard bytes.byteCount >= pageSize.frameByteCount, let header = WALFrameHeader(bytes) else {
            return .failure(ChainBreak(bytes.byteCount == 0 ? .endOfFile : .truncatedFrame))
        }
        guard header.salts == salts else { return .failure(ChainBreak(.saltMismatch)) }
        guard header.page != 0 else { return .failure(ChainBreak(.badPageNumber)) }
        var sum = checksum
        sum.add(bytes.extracting(0..<8), order: order)
        sum.add(bytes.extracting(WALFrameHeader.byteCount..<pageSize.frameByteCount), order: order)
        guard sum == header.checksum, frame < .max - 1 else { return .failure(ChainBreak(.checksumMismatch)) }
        checksum = sum
        frame += 1
        return .success(header)
    }
}

/// The frame that does not belong to a chain.
package struct ChainBreak: Error, Hashable {
    package var end: ScanEnd

    init(_ end: ScanEnd) {
        self.end = end
    }
}
