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

extension BlockContent {
    /// All parts of the whole block, by rising kind, the paths among them.
    func parts(_ entries: borrowing BlockNames, names: [UInt8], objects: [StoredObject]) -> [PendingPart] {
        var firstNew: UInt32 = 0
        let paths = entries.pathParts(0..<entries.paths.count, names: names, objects: objects, firstNew: &firstNew)
        return (partsBesidePaths(entries, names: names) + paths).sorted { $0.kind.rawValue < $1.kind.rawValue }
    }

    /// The parts of the whole block where its paths come in groups, by rising kind.
    func partsBesidePaths(_ entries: borrowing BlockNames, names: [UInt8]) -> [PendingPart] {
        let commits = CommitTable(self.commits, runs: runs, origin: base)
        let processes = ProcessTable(self.processes, origin: base)
        let parts =
            [PendingPart(.commits, commits.numbers), PendingPart(.commitHashes, commits.hashes)]
            + entries.directoryParts(names: names, volumes: volumes)
            + [
                PendingPart(.processIdentities, processes.identities), PendingPart(.processTimes, processes.times),
                PendingPart(.processDetails, processes.details), PendingPart(.processReferences, processes.references),
                PendingPart(ProcessTexts(processes.texts, commandLinesOf: self.processes)),
                PendingPart(.facts, FactTable.encode(facts, origin: base)),
                PendingPart(.processLinks, processes.links),
                PendingPart(.processControlGroups, processes.controlGroups),
            ]
        return parts.sorted { $0.kind.rawValue < $1.kind.rawValue }
    }
}

/// What header and row of a block say of its content: what is left of that when its parts are encoded.
struct BlockOutline {
    let preamble: BlockPreamble
    private let maskUnion: UInt32
    private let rowGroupCount: Int
    private let instances: ClosedRange<UInt64>?

    init(_ content: BlockContent, _ entries: borrowing BlockNames) {
        preamble = BlockPreamble(
            origin: content.origin, base: content.base, runs: content.runs, firstSequence: content.firstSequence,
            count: content.count, earliest: content.earliest, latest: content.latest,
            commitCount: content.commits.count, directoryCount: entries.directories.count,
            pathCount: entries.paths.count, processCount: content.processes.count, factCount: content.facts.count,
            volumeCount: content.volumes.count)
        maskUnion = content.maskUnion
        rowGroupCount = content.rowGroupCount
        instances = content.instances
    }

    func block(_ bytes: [UInt8], filter: [UInt8]) -> EncodedBlock {
        EncodedBlock(
            bytes: bytes, filter: filter, firstSequence: preamble.firstSequence, count: preamble.count,
            earliest: Instant(microsecondsSinceEpoch: preamble.earliest),
            latest: Instant(microsecondsSinceEpoch: preamble.latest), maskUnion: EventMask(rawValue: maskUnion),
            rowGroupCount: rowGroupCount, commitCount: preamble.commitCount, pathCount: preamble.pathCount,
            processCount: preamble.processCount, factCount: preamble.factCount, instances: instances)
    }
}

extension BlockAssembler {
    /// The whole block, after all of its parts were added.
    mutating func finish(
        _ outline: BlockOutline, filter: [UInt8], pathGroupSize: Int = 0, level: Int32, _ compressor: inout Compressor
    ) throws(BlockError) -> EncodedBlock {
        outline.block(
            try finish(preamble: outline.preamble.bytes, pathGroupSize: pathGroupSize, level: level, &compressor),
            filter: filter)
    }
}
