/// Merges consecutive blocks of one store into one, with one dictionary and row groups of equal size.
///
/// Events, `seq`, windows, processes, facts and commits stay what they were. Memory is the dictionaries, one row group
/// and the compressed output. Thread: one at a time; between two calls the caller may do other work.
package struct BlockMerger: ~Copyable {
    private let level: Int32
    private let filterKey: FilterKey
    private let rowGroupEventCount: Int

    /// `rowGroupEventCount` is 1...`BlockLimits.rowGroupEventCount`.
    package init(level: Int32 = 9, filterKey: FilterKey, rowGroupEventCount: Int = 65_536) {
        self.level = level
        self.filterKey = filterKey
        self.rowGroupEventCount = rowGroupEventCount
    }

    /// How many events were appended so far.
    package var count: Int { 0 }

    /// Takes over one row group of a block; row groups must come in order, without holes, from the first block on.
    ///
    /// Throws: `notConsecutive`; `limitExceeded` before anything changed when the result would be too large;
    /// whatever decoding throws. After a throw the merger is of no more use.
    package mutating func appendRowGroup(_ index: Int, of block: BlockReader) throws(BlockError) {
        throw BlockError(.compression, "not written")
    }

    /// Takes over a whole block.
    package mutating func append(_ block: BlockReader) throws(BlockError) {
        for index in block.header.rowGroups.indices { try appendRowGroup(index, of: block) }
    }

    /// The merged block. At least one row group must have been appended; the merger is empty afterwards.
    package mutating func finish() throws(BlockError) -> EncodedBlock {
        throw BlockError(.compression, "not written")
    }
}
