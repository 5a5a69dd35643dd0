import Model

/// What a merge takes in memory. Counted from what arrays hold room for, so that the copying of an array that grows is in it.
extension BlockMerger {
    /// The most that the merge takes from now on when it takes over `block` and is finished then, the verification of the
    /// result included. Range: an estimate, on the safe side where entries of the block are known already.
    ///
    /// Cost: decodes the dictionaries of the block, which the reader keeps.
    package func memoryByteCount(appending block: BlockReader) throws(BlockError) -> Int {
        let source = MergeMemory(
            pathCount: block.header.pathCount, directoryCount: block.header.directoryCount,
            nameByteCount: try block.names().nameByteCount, processCount: block.header.processCount,
            textByteCount: try block.decodedProcesses().textMemoryByteCount, factCount: block.header.factCount,
            commitCount: block.header.commitCount)
        let entries = dictionary.entryMemoryByteCount + source.entryByteCount
        let held = entries + contentByteCount + source.contentByteCount
        let output = assembler.memoryByteCount + block.byteCount
        let appending =
            held + output + lookupByteCount + source.lookupByteCount + source.decodedByteCount + block.byteCount
            + RowGroupMemory.byteCount(block.header) + Compressor.greatestByteCount(level: min(level, 3))
        // Then, without what finds entries, the columns of the processes beside these.
        let processCount = (content?.processes.count ?? 0) + source.processCount
        let compressor = Compressor.greatestByteCount(level: level)
        let encoding = held + output + compressor + processCount * MergeMemory.processColumnByteCount
        // At last the filter, and the block beside its frames; of the dictionaries only paths are left.
        let entryCount =
            dictionary.pathCount + source.pathCount + dictionary.directoryCount + source.directoryCount
        let closing = entries + 2 * output + compressor + entryCount * MergeMemory.filterByteCount
        return max(appending, encoding, closing)
    }

    /// What the processes, facts, commits and the objects of the paths take.
    private var contentByteCount: Int {
        var byteCount = textMemoryByteCount + known.capacity * MemoryLayout<StoredObject>.stride
        guard let content else { return byteCount }
        byteCount += content.processes.capacity * MemoryLayout<ActorProcess>.stride
        byteCount += content.facts.capacity * MemoryLayout<ProcessFact>.stride
        return byteCount + content.commits.capacity * MemoryLayout<CommitRecord>.stride
    }

    /// What is let go before the end is encoded.
    private var lookupByteCount: Int {
        // A hash table is at most three quarters full.
        dictionary.tableMemoryByteCount + processIndices.capacity * 4 / 3 * MergeMemory.processSlotByteCount
            + isKnown.capacity + pathTally.memoryByteCount + pending.memoryByteCount + predictorStorage.capacity
            * MemoryLayout<UInt32>.stride
    }
}

/// How much a block has of what takes memory while it is merged.
private struct MergeMemory {
    var pathCount: Int
    var directoryCount: Int
    var nameByteCount: Int
    var processCount: Int
    /// What the texts take in memory.
    var textByteCount: Int
    var factCount: Int
    var commitCount: Int

    /// Key and value of the table that finds processes.
    static let processSlotByteCount = MemoryLayout<EventsHash>.stride + MemoryLayout<UInt32>.stride
    /// A process in the columns of `ProcessTable`, all but its texts, and its start.
    static let processColumnByteCount = 48
    /// A path's or directory's hash and its equation, one in eight more of these than there are paths.
    static let filterByteCount = MemoryLayout<EventsHash>.stride + 20 * 9 / 8

    /// What its paths and directories take in the merged dictionary.
    var entryByteCount: Int {
        (pathCount + directoryCount) * MemoryLayout<PathDictionary.Entry>.stride + nameByteCount
    }

    /// What the rest of it takes in the merged content.
    var contentByteCount: Int {
        pathCount * MemoryLayout<StoredObject>.stride + processCount * MemoryLayout<ActorProcess>.stride
            + textByteCount + factCount * MemoryLayout<ProcessFact>.stride
            + commitCount * MemoryLayout<CommitRecord>.stride
    }

    /// What finds them there, a table half full.
    var lookupByteCount: Int {
        PathTally.memoryByteCount(pathCount: pathCount)
            + (pathCount + directoryCount) * 2 * MemoryLayout<UInt64>.stride + processCount * 2
            * Self.processSlotByteCount
    }

    /// What it takes to have them decoded, the texts aside, which are shared with the merged ones: for each path where it is,
    /// where its name begins, its object and where it went; for a directory the same without the object.
    var decodedByteCount: Int {
        let index = MemoryLayout<UInt32>.stride
        return pathCount * (3 * index + MemoryLayout<StoredObject>.stride) + directoryCount * 3 * index + nameByteCount
            + processCount * (MemoryLayout<ActorProcess>.stride + index)
    }
}

/// What it takes to decode a row group and to encode the one it goes into.
private enum RowGroupMemory {
    /// The columns decoded, those that the reader keeps for others, and their parts.
    private static let eventByteCount = 15 * MemoryLayout<UInt32>.stride + 2 * MemoryLayout<StoredObject>.stride
    /// The context that predicts a process's paths.
    private static let contextByteCount = 20 * MemoryLayout<UInt32>.stride

    static func byteCount(_ header: BlockHeader) -> Int {
        let eventCount = header.rowGroups.reduce(0) { max($0, $1.count) }
        return eventCount * eventByteCount + min(eventCount, header.processCount) * contextByteCount
    }
}
