/// As much of a block as planning needs.
package struct BlockSummary: Hashable, Sendable {
    package var firstSequence: UInt64
    package var count: UInt64
    package var level: UInt8
    package var byteCount: UInt64

    package var endSequence: UInt64 { firstSequence &+ count }

    package init(firstSequence: UInt64, count: UInt64, level: UInt8, byteCount: UInt64) {
        self.firstSequence = firstSequence
        self.count = count
        self.level = level
        self.byteCount = byteCount
    }
}

/// Blocks to be merged into one: consecutive, in order.
package struct MergePlan: Hashable, Sendable {
    package var sources: [BlockSummary]
    /// Of the result.
    package var level: UInt8
}

/// Which blocks are worth merging. Pure: blocks in, plan out.
///
/// Levels: 0 fresh (one commit) → 1 up to `levelOneEventCount` events → 2 a segment of up to `segmentEventCount`.
/// A background merge waits until enough has come together, and leaves segments alone, so that each event is written
/// once fresh and rewritten at most twice.
package struct CompactionPolicy: Hashable, Sendable {
    package var levelOneEventCount: UInt64 = 1 << 16
    /// The trade-off between size and the time of a look-up is docs/decisions/0009-looking-up-a-path.md.
    package var segmentEventCount: UInt64 = 1 << 20
    /// The level of a segment that ended before its time because its dictionaries are large; nothing joins it.
    package static let closedSegmentLevel: UInt8 = 3
    /// This many fresh blocks are merged even when they hold few events: each costs a query a look.
    package var freshBlockCount = 128
    /// The same of level 1.
    package var levelOneBlockCount = 64
    /// A result never gets larger than its sources, which are held below this. A store with a size limit prunes whole
    /// blocks, so its blocks must be small against the limit.
    package var maximumByteCount: UInt64 = 64 << 20

    package init() {}

    /// The next merge among `tail`: all blocks above the last segment, in order. Nil: nothing is worth it yet.
    package func next(_ tail: [BlockSummary]) -> MergePlan? {
        nextSegment(tail) ?? nextLevelOne(tail)
    }

    /// The next merge that a full compaction makes: the fewest blocks of at most `segmentEventCount` events.
    ///
    /// A block that ends up alone is written again only when it is no segment yet.
    package func nextOfAll(_ blocks: [BlockSummary]) -> MergePlan? {
        var rest = blocks[...]
        while true {
            rest = rest.drop { $0.level >= Self.closedSegmentLevel }
            if rest.isEmpty { return nil }
            let open = rest.prefix { $0.level < Self.closedSegmentLevel }
            let group = prefix(of: open, eventCount: segmentEventCount)
            if group.count > 1 || group.first.map({ $0.level < 2 }) == true {
                return MergePlan(sources: Array(group), level: 2)
            }
            rest = rest.dropFirst(group.count)
        }
    }

    private func nextSegment(_ tail: [BlockSummary]) -> MergePlan? {
        var rest = tail[...]
        while !rest.isEmpty {
            let group = prefix(of: rest, eventCount: segmentEventCount)
            let isFull = group.count < rest.count
            if isFull {
                if group.count > 1 { return MergePlan(sources: Array(group), level: 2) }
            } else {
                // The newest blocks may still be fresh; the segment ends with the last that is not.
                guard let last = group.lastIndex(where: isAsGoodAsLevelOne) else { return nil }
                let closed = group[...last]
                guard closed.count(where: isAsGoodAsLevelOne) >= levelOneBlockCount else { return nil }
                return MergePlan(sources: Array(closed), level: 2)
            }
            rest = rest.dropFirst(group.count)
        }
        return nil
    }

    private func nextLevelOne(_ tail: [BlockSummary]) -> MergePlan? {
        var rest = tail[...]
        while !rest.isEmpty {
            guard let start = rest.firstIndex(where: { !isAsGoodAsLevelOne($0) }) else { return nil }
            rest = rest[start...]
            let run = rest.prefix { !isAsGoodAsLevelOne($0) }
            let group = prefix(of: run, eventCount: levelOneEventCount)
            // Nothing can join it any more: the next block would be too much, or is no fresh one.
            let isClosed = group.count < rest.count
            if group.count > 1, isClosed || group.count >= freshBlockCount {
                return MergePlan(sources: Array(group), level: 1)
            }
            rest = rest.dropFirst(group.count)
        }
        return nil
    }

    /// A large fresh block goes into a segment as it is: merging it first would only write it once more.
    private func isAsGoodAsLevelOne(_ block: BlockSummary) -> Bool {
        block.level > 0 || block.count >= levelOneEventCount / 2
    }

    /// As many blocks from the first as fit; at least one.
    private func prefix(of blocks: ArraySlice<BlockSummary>, eventCount limit: UInt64) -> ArraySlice<BlockSummary> {
        var events: UInt64 = 0
        var bytes: UInt64 = 0
        var end = blocks.startIndex
        for block in blocks {
            events &+= block.count
            bytes &+= block.byteCount
            if end > blocks.startIndex, events > limit || bytes > maximumByteCount { break }
            end += 1
        }
        return blocks[..<end]
    }
}
