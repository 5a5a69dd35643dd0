internal import Block

/// Decodes blocks; keeps what zstd needs between them. Thread: one.
package struct BlockUnpacker: ~Copyable {
    private var decompressor: Decompressor

    package init() throws(SegmentError) {
        decompressor = try Decompressor.make()
    }

    /// The pages of one block, one after the other.
    ///
    /// Parameters:
    ///   - stored: the block as the file has it.
    ///   - pages: the page numbers it holds, in order.
    ///   - previous: the version of a page before the block; nil where there is none.
    /// Throws: `damaged` when it does not decode, `incomplete` when a version that it needs is not there.
    package mutating func unpack(
        _ block: SegmentTable.Block, stored: [UInt8], pages: ArraySlice<UInt32>, pageSize: Int,
        previous: (UInt32) throws(SegmentError) -> [UInt8]?
    ) throws(SegmentError) -> [UInt8] {
        let byteCount = block.pageCount * pageSize
        guard stored.count == block.byteCount, pages.count == block.pageCount else {
            throw SegmentError(.damaged, "block of another size")
        }
        if block.codec == .raw { return stored }
        let prefix =
            try block.codec == .frameWithPrefix
            ? prefix(pages, lacking: block.lacking, pageSize: pageSize, previous) : []
        // SAFETY: bytes are initialised memory without padding; the span does not outlive the call.
        let content = decompressor.decompress(unsafe stored.span.bytes, prefix: prefix, byteCount: byteCount)
        guard let content else { throw SegmentError(.damaged, "block") }
        return content
    }

    private func prefix(
        _ pages: ArraySlice<UInt32>, lacking: [Int], pageSize: Int,
        _ previous: (UInt32) throws(SegmentError) -> [UInt8]?
    ) throws(SegmentError) -> [UInt8] {
        var prefix: [UInt8] = []
        var seen: Set<UInt32> = []
        var lacking = lacking[...]
        for page in pages where seen.insert(page).inserted {
            if lacking.first == seen.count - 1 {
                lacking.removeFirst()
                continue
            }
            guard let version = try previous(page), version.count == pageSize else {
                throw SegmentError(.incomplete, "page \(page) has no version before its change")
            }
            prefix.append(contentsOf: version)
        }
        return prefix
    }
}
