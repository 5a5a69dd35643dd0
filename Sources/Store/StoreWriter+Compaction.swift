internal import Block
internal import Model
internal import Syscalls

/// What a slice of compaction came to.
package enum CompactionProgress: Hashable, Sendable {
    /// Nothing is worth merging.
    case idle
    /// There is more to do: call again.
    case working
    /// Blocks were replaced by one. There may be more to do.
    case merged
}

/// Where compaction stands.
struct CompactionState: ~Copyable, Sendable {
    /// The blocks above the last segment, in order.
    var tail: [BlockSummary]
    var merge: BlockMerge?
    /// A full compaction was asked for and goes on: what lies below is merged as far as it can be.
    var fullUpTo: UInt64?
    /// Blocks that do not decode: they stay as they are, and nothing is merged across them.
    var unmergeable: Set<UInt64> = []

    init(tail: [BlockSummary]) {
        self.tail = tail
    }
}

extension StoreWriter {
    /// zstd levels: what is merged again later need not be squeezed; what is not takes 2 % less
    /// at 14 than at 9, for 1 µs an event more.
    static var levelOneCompression: Int32 { 3 }
    static var segmentCompression: Int32 { 14 }
    /// Pages a slice gives back to the filesystem.
    static var vacuumPageCount: Int { 256 }

    /// Merges in the background: works for about the budget and comes back; the state is kept in memory.
    ///
    /// The replacing transaction and the encoding of a result are single steps and may take longer.
    /// Throws: `badBlock` once for each block that does not decode or whose commits do not match their hashes; it stays
    /// as it is. `diskFull`: the merge is kept and tried again at the next call.
    package mutating func compactStep(budgetNanoseconds: Int64 = 20_000_000) throws(StoreError) -> CompactionProgress {
        let end = Clock.monotonic() &+ budgetNanoseconds
        repeat {
            if compaction.merge == nil, try !beginMerge() {
                guard compaction.fullUpTo != nil else { return .idle }
                return try finishFullCompaction()
            }
            if try advanceMerge() { return .merged }
        } while Clock.monotonic() < end
        return .working
    }

    /// True when a call of `compactStep` would do something.
    package var isCompactionDue: Bool {
        compaction.merge != nil || compaction.fullUpTo != nil || policy.next(mergeableTail) != nil
    }

    /// From now on `compactStep` merges all there is, gives free pages back and cuts the `-wal`, then is idle again.
    package mutating func beginFullCompaction() {
        compaction.merge = nil
        compaction.fullUpTo = nextSequence
    }

    /// True until the full compaction that was asked for is done.
    package var isFullCompactionRunning: Bool { compaction.fullUpTo != nil }

    /// All of a full compaction at once.
    package mutating func compactAll() throws(StoreError) {
        beginFullCompaction()
        var damage: StoreError?
        while isFullCompactionRunning {
            do throws(StoreError) {
                _ = try compactStep(budgetNanoseconds: .max / 4)
            } catch {
                // One damaged block must not keep the others from being merged.
                guard error.code == .badBlock else { throw error }
                damage = error
            }
        }
        if let damage { throw damage }
    }

    private var policy: CompactionPolicy {
        var policy = CompactionPolicy()
        policy.maximumByteCount = mergedByteLimit
        return policy
    }

    /// A store with a size limit prunes whole blocks and merges in what room it has.
    var mergedByteLimit: UInt64 {
        limits.maxByteCount.map { max($0 / 32, 64 << 10) } ?? CompactionPolicy().maximumByteCount
    }

    /// What may be merged in the background: all behind the last damaged block.
    private var mergeableTail: [BlockSummary] {
        guard !compaction.unmergeable.isEmpty,
            let last = compaction.tail.lastIndex(where: { compaction.unmergeable.contains($0.firstSequence) })
        else { return compaction.tail }
        return Array(compaction.tail[(last + 1)...])
    }

    /// True when there is a merge to work on.
    private mutating func beginMerge() throws(StoreError) -> Bool {
        let plan = compaction.fullUpTo == nil ? policy.next(mergeableTail) : try nextOfAll()
        guard let plan else { return false }
        compaction.merge = BlockMerge(
            plan: plan, compressionLevel: plan.level < 2 ? Self.levelOneCompression : Self.segmentCompression,
            filterKey: filterKey)
        return true
    }

    private func nextOfAll() throws(StoreError) -> MergePlan? {
        var blocks: [BlockSummary] = []
        let statement = try connection.prepare(
            "all blocks",
            "SELECT first_seq, count, level, length(data) FROM block WHERE first_seq < ? ORDER BY first_seq")
        try statement.forEachRow([.count(compaction.fullUpTo ?? 0)]) { (row) throws(StoreError) in
            blocks.append(BlockSummary(row))
        }
        for stretch in blocks.split(whereSeparator: { compaction.unmergeable.contains($0.firstSequence) }) {
            if let plan = policy.nextOfAll(Array(stretch)) { return plan }
        }
        return nil
    }

    /// One step of the current merge. True when its result replaced its sources.
    private mutating func advanceMerge() throws(StoreError) -> Bool {
        guard var merge = compaction.merge.take() else { return false }
        if let result = merge.result {
            do throws(StoreError) {
                try replace(merge.plan, with: result)
            } catch {
                // What was merged is kept: when the disk has room again, only this transaction is repeated.
                compaction.merge = consume merge
                throw error
            }
            _ = consume merge
            // A merge takes and frees more than all that comes before the next.
            HeapPolicy.giveFreedMemoryBack()
            return true
        }
        var bytes: [UInt8]?
        if let source = merge.neededSource {
            do throws(StoreError) {
                bytes = try data(of: source.firstSequence)
            } catch {
                compaction.merge = consume merge
                throw error
            }
            // Deleted by somebody else: the merge would wait for it for ever.
            if bytes == nil { throw excludeDamage(from: merge.plan, because: BlockError(.gone, "it has no row")) }
        }
        do throws(BlockError) {
            if let bytes { try merge.supply(bytes) }
            try merge.advance()
        } catch {
            throw excludeDamage(from: merge.plan, because: error)
        }
        compaction.merge = consume merge
        return false
    }

    /// Which of the sources is damaged shows when each is read alone; if none is, the first stands for the group.
    private mutating func excludeDamage(from plan: MergePlan, because cause: BlockError) -> StoreError {
        var damaged = plan.sources.filter { !isSound($0) }
        if damaged.isEmpty { damaged = Array(plan.sources.prefix(1)) }
        compaction.unmergeable.formUnion(damaged.map(\.firstSequence))
        let names = damaged.map { "\($0.firstSequence)" }.joined(separator: ", ")
        return StoreError(.badBlock, "not merged: the block from seq \(names); \(cause)", path: directory)
    }

    private func isSound(_ source: BlockSummary) -> Bool {
        guard let bytes = try? data(of: source.firstSequence), let reader = try? BlockReader(bytes) else {
            return false
        }
        return (try? reader.verify()) != nil
    }

    private func data(of firstSequence: UInt64) throws(StoreError) -> [UInt8]? {
        try connection.prepare("block data", "SELECT data FROM block WHERE first_seq = ?")
            .first([.count(firstSequence)]) { (row) throws(StoreError) in row.bytes(0) }
    }

    /// Old for new in one transaction: a reader sees either all sources or the result.
    private mutating func replace(_ plan: MergePlan, with result: EncodedBlock) throws(StoreError) {
        guard let first = plan.sources.first, let last = plan.sources.last else { return }
        guard result.firstSequence == first.firstSequence, result.endSequence == last.endSequence else {
            throw StoreError(.badBlock, "a merged block does not hold the events of its sources", path: directory)
        }
        let range: [BoundValue] = [.count(first.firstSequence), .count(last.firstSequence)]
        try connection.transaction { (connection) throws(StoreError) in
            let nextInstance = try connection.prepare(
                "next instance", "SELECT next_instance FROM block WHERE first_seq = ?"
            )
            .first([.count(last.firstSequence)]) { (row) throws(StoreError) -> UInt64 in row.count(0) }
            // Deleting first lets the result take the pages of its sources.
            try connection.prepare("delete sources", "DELETE FROM block WHERE first_seq BETWEEN ? AND ?").run(range)
            try connection.prepare("delete filters", "DELETE FROM block_filter WHERE first_seq BETWEEN ? AND ?").run(
                range)
            try Self.insert(result, level: plan.level, nextInstance: nextInstance ?? 1, connection)
        }
        if plan.level >= 2 {
            compaction.tail.removeAll { $0.firstSequence <= last.firstSequence }
        } else if let position = compaction.tail.firstIndex(of: first) {
            compaction.tail.replaceSubrange(
                position..<position + plan.sources.count,
                with: [
                    BlockSummary(
                        firstSequence: first.firstSequence, count: UInt64(result.count), level: plan.level,
                        byteCount: UInt64(result.bytes.count))
                ])
        }
    }

    /// When nothing is left to merge: gives some free pages back, and at last cuts the `-wal`.
    private mutating func finishFullCompaction() throws(StoreError) -> CompactionProgress {
        let free = try connection.integer("PRAGMA freelist_count")
        if free > 0 {
            try connection.execute("PRAGMA incremental_vacuum(\(Self.vacuumPageCount))")
            _ = try checkpointIfDue()
            if try connection.integer("PRAGMA freelist_count") < free { return .working }
        }
        _ = try checkpoint(truncating: true)
        compaction.fullUpTo = nil
        return .idle
    }
}
