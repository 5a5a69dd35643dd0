import Model

/// What a block holds beside its row groups and names.
struct BlockContent {
    var origin: BlockOrigin
    /// What the moments of the block are counted from, in microseconds; near its start.
    var base: Int64
    var runs: [RunIdentity]
    var commits: [CommitRecord]
    var firstSequence: UInt64
    var count: Int
    /// Microseconds.
    var earliest: Int64
    var latest: Int64
    var maskUnion: UInt32
    var rowGroupCount: Int
    /// `asStored`, in the order of their indices.
    var processes: [ActorProcess]
    var facts: [ProcessFact]
    var volumes: [Volume]

    /// The least and greatest instance among processes and facts.
    var instances: ClosedRange<UInt64>? {
        var range: ClosedRange<UInt64>?
        for instance in processes.lazy.map(\.instance) { Self.extend(&range, instance) }
        for instance in facts.lazy.map(\.instance) { Self.extend(&range, instance) }
        return range
    }

    private static func extend(_ range: inout ClosedRange<UInt64>?, _ value: UInt64) {
        range = min(range?.lowerBound ?? value, value)...max(range?.upperBound ?? value, value)
    }
}

extension BlockAssembler {
    /// Adds the parts of the whole block and puts the header before everything.
    mutating func finish(
        _ content: BlockContent, _ entries: borrowing BlockNames, names: [UInt8], objects: [StoredObject],
        level: Int32, _ compressor: inout Compressor
    ) throws(BlockError) -> EncodedBlock {
        let commits = CommitTable(content.commits, runs: content.runs, origin: content.base)
        try add(.commits, commits.numbers, level: level, &compressor)
        try add(.commitHashes, commits.hashes, level: level, &compressor)
        try add(entries, names: names, objects: objects, volumes: content.volumes, level: level, &compressor)
        let processes = ProcessTable(content.processes, origin: content.base)
        try add(.processNumbers, processes.numbers, level: level, &compressor)
        try add(.processTexts, processes.texts, level: level, &compressor)
        try add(.facts, FactTable.encode(content.facts, origin: content.base), level: level, &compressor)
        let preamble = BlockPreamble(
            origin: content.origin, base: content.base, runs: content.runs, firstSequence: content.firstSequence,
            count: content.count,
            earliest: content.earliest, latest: content.latest, commitCount: content.commits.count,
            directoryCount: entries.directories.count, pathCount: entries.paths.count,
            processCount: content.processes.count, factCount: content.facts.count, volumeCount: content.volumes.count)
        return EncodedBlock(
            bytes: try finish(preamble: preamble.bytes, level: level, &compressor), filter: [],
            firstSequence: content.firstSequence,
            count: content.count, earliest: Instant(microsecondsSinceEpoch: content.earliest),
            latest: Instant(microsecondsSinceEpoch: content.latest),
            maskUnion: EventMask(rawValue: content.maskUnion), rowGroupCount: content.rowGroupCount,
            commitCount: content.commits.count, pathCount: entries.paths.count,
            processCount: content.processes.count, factCount: content.facts.count, instances: content.instances)
    }
}
