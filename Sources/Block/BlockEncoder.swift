/// Turns batches into fresh blocks: one commit, one row group each.
///
/// Thread: one at a time; reuses its compression context and scratch.
package struct BlockEncoder: ~Copyable {
    private let level: Int32
    private let filterKey: FilterKey

    /// `level` is a zstd level, 1...19; fresh blocks use 3.
    package init(level: Int32 = 3, filterKey: FilterKey) {
        self.level = level
        self.filterKey = filterKey
    }

    /// Encodes what the batch holds and did not drop, with `seq` counting from `firstSequence`.
    ///
    /// A batch without kept events but with facts or processes makes no block: `batch.keptCount` must be above 0.
    /// Throws: `limitExceeded` when the batch is larger than `BlockLimits`.
    package mutating func encode(
        _ batch: borrowing Batch, firstSequence: UInt64, run: RunIdentity, origin: BlockOrigin
    ) throws(BlockError) -> EncodedBlock {
        precondition(batch.keptCount > 0, "a block has at least one event")
        throw BlockError(.compression, "not written")
    }
}
