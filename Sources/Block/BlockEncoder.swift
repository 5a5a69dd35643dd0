import Model

/// Turns batches into fresh blocks: one commit, one row group each.
///
/// Thread: one at a time; reuses its compression context and scratch.
package struct BlockEncoder: ~Copyable {
    /// A fresh block with fewer entries has no filter: it is merged soon, and opening it costs less than asking.
    private static let leastFilteredCount = 32

    private let level: Int32
    private let filterKey: FilterKey
    private var compressor: Compressor?
    private var hasher = EventHasher()
    private var scratch = BatchTranslation()
    private var predictorStorage: [UInt32] = []

    /// `level` is a zstd level, 1...19, or 0 to compress nothing; fresh blocks use 1: they are rewritten soon.
    package init(level: Int32 = 1, filterKey: FilterKey) {
        self.level = level
        self.filterKey = filterKey
        compressor = nil
    }

    /// Encodes what the batch holds and did not drop, with `seq` counting from `firstSequence`.
    ///
    /// A batch without kept events but with facts or processes makes no block: `batch.keptCount` must be above 0.
    /// Throws: `limitExceeded` when the batch is larger than `BlockLimits`.
    package mutating func encode(
        _ batch: borrowing Batch, firstSequence: UInt64, run: RunIdentity, origin: BlockOrigin
    ) throws(BlockError) -> EncodedBlock {
        precondition(batch.keptCount > 0, "a block has at least one event")
        guard batch.keptCount <= BlockLimits.rowGroupEventCount else {
            throw BlockError(.limitExceeded, "\(batch.keptCount) events in one batch")
        }
        guard batch.paths.nameByteCount <= BlockLimits.nameByteCount else {
            throw BlockError(.limitExceeded, "\(batch.paths.nameByteCount) bytes of names in one batch")
        }
        let textByteCount = batch.processes.reduce(0) { $0 + $1.textByteCount }
        guard textByteCount <= BlockLimits.processStringByteCount, batch.processes.count <= BlockLimits.processCount,
            batch.facts.count <= BlockLimits.factCount
        else {
            throw BlockError(.limitExceeded, "\(batch.processes.count) processes with \(textByteCount) bytes of text")
        }
        var compressor = try takeCompressor()
        scratch.translate(batch)
        let bounds = scratch.events.bounds
        let hashes = scratch.names.hashes(batch.paths.names)
        let hash = hashEvents(hashes.paths, firstSequence: firstSequence)
        let commit = CommitRecord(
            firstSequence: firstSequence, count: UInt32(scratch.events.count),
            earliest: Instant(microsecondsSinceEpoch: bounds.earliest),
            latest: Instant(microsecondsSinceEpoch: bounds.latest), run: run.run, hash: hash)

        var assembler = BlockAssembler()
        var known = [StoredObject](repeating: .none, count: scratch.names.paths.count)
        var isKnown = [Bool](repeating: false, count: known.count)
        var marks = DictionaryMarks()
        try assembler.add(
            scratch.events, hasPathChunks: false, origin: bounds.earliest, marks: &marks, known: &known,
            isKnown: &isKnown, processCount: scratch.processes.count, level: level, storage: &predictorStorage,
            &compressor)
        let content = BlockContent(
            origin: origin, base: bounds.earliest, runs: [run], commits: [commit], firstSequence: firstSequence,
            count: scratch.events.count, earliest: bounds.earliest, latest: bounds.latest,
            maskUnion: scratch.events.maskUnion, rowGroupCount: 1, processes: scratch.processes,
            facts: batch.facts.map(\.asStored), volumes: scratch.volumes)
        for part in content.parts(scratch.names, names: batch.paths.names, objects: known) {
            try assembler.add(part.kind, part.bytes, level: level, &compressor)
        }
        var filter: [UInt8] = []
        if hashes.directories.count + hashes.paths.count >= Self.leastFilteredCount {
            filter = PathFilter.make(hashes.directories, hashes.paths, key: filterKey)
        }
        let block = try assembler.finish(
            BlockOutline(content, scratch.names), filter: filter, level: level, &compressor)
        self.compressor = consume compressor
        return block
    }

    private mutating func takeCompressor() throws(BlockError) -> Compressor {
        if let compressor = self.compressor.take() { return compressor }
        return try Compressor()
    }

    private mutating func hashEvents(_ pathHashes: [EventsHash], firstSequence: UInt64) -> EventsHash {
        var bytes: [UInt8] = []
        let processHashes = scratch.processes.map { $0.canonicalHash(scratch: &bytes) }
        hasher.append(
            scratch.events, firstSequence: firstSequence, range: 0..<scratch.events.count, paths: pathHashes,
            processes: processHashes, volumes: scratch.volumes)
        return hasher.finish()
    }
}
