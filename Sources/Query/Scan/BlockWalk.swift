package import Model
package import Store

/// Walks the blocks of a store that a time range needs, in `seq` order or backwards, while a recorder merges and prunes.
///
/// The blocks are listed in one short read and fetched one by one, so that no read transaction lives long. A block that
/// is gone when it is fetched was merged or pruned meanwhile: the rest is listed anew from the cursor. Merging changes
/// neither order nor numbers, so each event is met exactly once.
/// Thread: one.
package final class BlockWalk {
    private let reader: StoreReader
    private let from: Instant?
    private let to: Instant?
    private let isReversed: Bool
    /// Forwards: events from this number on are not asked for.
    private var end: UInt64
    private var rows: [BlockRow] = []
    private var position = 0
    private var isListed = false

    /// Forwards: events from this number on are still to come. Backwards: events below it are.
    package private(set) var cursor: UInt64
    /// True when blocks of the range were pruned before they could be read.
    package private(set) var lostToPruning = false

    /// Walks blocks that may hold events with `from` ≤ time and earliest < `to`; nil is an open end. `afterSequence` counts
    /// forwards, `beforeSequence` in both directions.
    package init(
        _ reader: StoreReader, from: Instant?, to: Instant?, isReversed: Bool = false, afterSequence: UInt64? = nil,
        beforeSequence: UInt64? = nil
    ) {
        self.reader = reader
        self.from = from
        self.to = to
        self.isReversed = isReversed
        end = beforeSequence ?? .max
        cursor = isReversed ? beforeSequence ?? .max : (afterSequence ?? 0) &+ 1
    }

    /// From now on events from this number on are not asked for.
    func stop(before sequence: UInt64) {
        end = min(end, sequence)
        if isReversed { cursor = min(cursor, sequence) }
    }

    /// The next block, nil at the end. Call `finish` or `fetch` before asking for another.
    package func next() throws(StoreError) -> BlockRow? {
        if !isListed { try list() }
        while position < rows.count {
            let row = rows[position]
            if !isReversed, row.firstSequence >= end { return nil }
            if isReversed ? row.firstSequence < cursor : row.endSequence > cursor { return row }
            position += 1
        }
        return nil
    }

    /// How many events of the blocks that are listed lie behind, of all.
    package var share: (done: UInt64, total: UInt64) {
        let counts = rows.map(\.count)
        return (counts.prefix(position).reduce(0, &+), counts.reduce(0, &+))
    }

    /// The bytes of the block; nil when it is gone, then `next` goes on with what took its place.
    package func fetch(_ row: BlockRow) throws(StoreError) -> [UInt8]? {
        if let bytes = try reader.blockBytes(firstSequence: row.firstSequence) { return bytes }
        try goOnWithout(row)
        return nil
    }

    /// The same, to be read as far as it is needed; `plan` is that of `StoreReader.block`.
    package func open(
        _ row: BlockRow, _ plan: ([UInt8], Int) -> [Range<Int>]
    ) throws(StoreError) -> StoredBlock? {
        if let block = try reader.block(firstSequence: row.firstSequence, plan) { return block }
        try goOnWithout(row)
        return nil
    }

    /// Lists anew after a block was found to be gone.
    package func goOnWithout(_ row: BlockRow) throws(StoreError) {
        try list()
        let isReplaced = rows.contains { $0.firstSequence < row.endSequence && $0.endSequence > row.firstSequence }
        if !isReplaced { lostToPruning = true }
    }

    /// The numbers of the block's events that are still to come, of `first` ..< `end`: a merged block may hold some that
    /// were met before, or that are not asked for.
    package func remaining(first: UInt64, end: UInt64) -> Range<UInt64> {
        let low = isReversed ? first : max(first, cursor)
        let high = min(end, isReversed ? cursor : self.end)
        return low..<max(low, high)
    }

    /// Moves on behind a block whose events are `first` ..< `end`.
    package func finish(first: UInt64, end: UInt64) {
        cursor = isReversed ? min(cursor, first) : max(cursor, end)
    }

    private func list() throws(StoreError) {
        isListed = true
        position = 0
        rows = try reader.blocks(from: from, to: to, afterSequence: isReversed || cursor == 0 ? nil : cursor - 1)
        if isReversed { rows.reverse() }
    }
}
