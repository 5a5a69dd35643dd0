internal import Block

/// The block under way: its pages, and the earlier versions that they are stored as changes to.
struct BlockPacker: ~Copyable {
    private let pageSize: Int
    private let groupByteCount: Int
    private let blockByteLimit: Int
    private var bytes: [UInt8] = []
    private var prefix: [UInt8] = []
    /// In the order in which they came first.
    private var firstPages: [UInt32] = []
    /// Where in `bytes` the newest version of a page is.
    private var newest: [UInt32: Int] = [:]
    private var lacking: [Int] = []
    private var compressor: Compressor
    private var decompressor: Decompressor
    private static let level: Int32 = 3

    init(pageSize: Int, groupByteCount: Int) throws(SegmentError) {
        let newCompressor = try Compressor.make()
        let newDecompressor = try Decompressor.make()
        self.pageSize = pageSize
        self.groupByteCount = groupByteCount
        blockByteLimit = SegmentLimits.pageCount(pageSize: pageSize) * pageSize
        compressor = newCompressor
        decompressor = newDecompressor
    }

    var isEmpty: Bool { bytes.isEmpty }
    var isFull: Bool { bytes.count >= blockByteLimit }
    /// A commit that ends now ends the block.
    var hasEnough: Bool { !bytes.isEmpty && bytes.count >= groupByteCount }
    var rawByteCount: Int { bytes.count }

    /// True while the block has no version of the page.
    func isFirst(_ page: UInt32) -> Bool { newest[page] == nil }

    /// Before a page's first version: the one before the block, nil where it has none or none is known.
    mutating func begin(_ page: UInt32, previous: [UInt8]?) {
        if let previous { prefix.append(contentsOf: previous) } else { lacking.append(firstPages.count) }
        firstPages.append(page)
    }

    /// A page's next version; of its first one `begin` was told before.
    mutating func append(_ page: UInt32, _ contents: ArraySlice<UInt8>) {
        newest[page] = bytes.count
        bytes.append(contentsOf: contents)
    }

    /// The pages of the block as they are after it, in the order in which they came first.
    func forEachNewest(_ body: (UInt32, [UInt8]) -> Void) {
        for page in firstPages {
            guard let start = newest[page] else { continue }
            body(page, Array(bytes[start..<start + pageSize]))
        }
    }

    /// Ends the block and says how it is stored. Throws: `compression`, and `stateMismatch` where decoding does not give
    /// the pages back.
    mutating func close(appendingTo output: inout [UInt8]) throws(SegmentError) -> SegmentTable.Block {
        let start = output.count
        var block = SegmentTable.Block(
            pageCount: bytes.count / pageSize, codec: prefix.isEmpty ? .frame : .frameWithPrefix, byteCount: 0,
            lacking: prefix.isEmpty ? [] : lacking)
        do {
            try compressor.compress(bytes, prefix: prefix, level: Self.level, to: &output)
        } catch {
            throw SegmentError(error)
        }
        if output.count - start >= bytes.count {
            // Encrypted pages, for example.
            output.removeSubrange(start...)
            output.append(contentsOf: bytes)
            block.codec = .raw
            block.lacking = []
        } else {
            let end = output.count
            let byteCount = bytes.count
            // SAFETY: bytes are initialised memory without padding; the span does not outlive the call.
            let decoded = decompressor.decompress(
                unsafe output.span.bytes.extracting(start..<end), prefix: prefix, byteCount: byteCount)
            guard let decoded, decoded.isEqualInWords(to: bytes) else {
                throw SegmentError(.stateMismatch, "a block that was just encoded")
            }
        }
        block.byteCount = output.count - start
        bytes.removeAll(keepingCapacity: true)
        prefix.removeAll(keepingCapacity: true)
        firstPages.removeAll(keepingCapacity: true)
        newest.removeAll(keepingCapacity: true)
        lacking.removeAll(keepingCapacity: true)
        return block
    }

    /// One frame without a prefix.
    mutating func compress(_ content: [UInt8], level: Int32, to output: inout [UInt8]) throws(SegmentError) {
        do {
            try compressor.compress(content, prefix: [], level: level, to: &output)
        } catch {
            throw SegmentError(error)
        }
    }
}
