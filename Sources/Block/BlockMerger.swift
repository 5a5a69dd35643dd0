import Model

/// Merges consecutive blocks of one store into one, with one dictionary and row groups of equal size.
///
/// Events, `seq`, windows, processes, facts and commits stay what they were. Memory is the dictionaries, those of the
/// block being taken over, one row group and the compressed output: see `memoryByteCount(appending:)`. Thread: one at a
/// time; between two calls the caller may do other work.
package struct BlockMerger: ~Copyable {
    let level: Int32
    private let filterKey: FilterKey
    private let rowGroupEventCount: Int
    private let pathGroupSize: Int?
    private var compressor: Compressor?

    private(set) var assembler = BlockAssembler()
    private(set) var content: BlockContent?
    private(set) var dictionary = PathDictionary()
    private(set) var known: [StoredObject] = []
    private(set) var isKnown: [Bool] = []
    private(set) var processIndices: [EventsHash: UInt32] = [:]
    /// Of all processes' texts as they are encoded.
    private var processTextByteCount = 0
    /// What the texts take in memory at most; many processes share theirs.
    private(set) var textMemoryByteCount = 0
    private var hashScratch: [UInt8] = []
    private var marks = DictionaryMarks()
    private(set) var predictorStorage: [UInt32] = []
    private(set) var pending = RowGroupEvents()
    private(set) var pathTally = PathTally()
    /// The block being taken over, until its last row group is.
    private var source: MergeSource?
    private var ending: MergeEnding?

    /// `level` is a zstd level, 1...19, or 0 to compress nothing; `rowGroupEventCount` is 1...`BlockLimits.rowGroupEventCount`;
    /// more than `pathGroupSize` paths, at least 1, come in groups of that many; without it as many as suit them.
    package init(
        level: Int32 = 9, filterKey: FilterKey, rowGroupEventCount: Int = 65_536, pathGroupSize: Int? = nil
    ) {
        precondition(1...BlockLimits.rowGroupEventCount ~= rowGroupEventCount, "row group size out of range")
        precondition(pathGroupSize ?? 1 > 0, "path group size out of range")
        self.pathGroupSize = pathGroupSize
        self.level = level
        self.filterKey = filterKey
        self.rowGroupEventCount = rowGroupEventCount
        compressor = nil
    }

    /// How many events were appended so far.
    package var count: Int { content?.count ?? 0 }

    /// Takes over a whole block.
    package mutating func append(_ block: BlockReader) throws(BlockError) {
        for index in block.header.rowGroups.indices { try appendRowGroup(index, of: block) }
    }

    /// Takes over one row group of a block; row groups must come in order, without holes, from the first of a block on.
    ///
    /// Throws: `notConsecutive`, and `limitExceeded` when the result would be too large, both before anything changed;
    /// whatever decoding throws: then the merger is of no more use.
    package mutating func appendRowGroup(_ index: Int, of block: BlockReader) throws(BlockError) {
        if index == 0 { try begin(block) }
        guard var source = self.source, source.block === block, source.nextRowGroup == index else {
            throw BlockError(.notConsecutive, "row group \(index) is not the next")
        }
        self.source = nil
        let events = try RowGroupEvents(of: block, index)
        content?.count += events.count
        content?.maskUnion |= events.maskUnion
        try take(events, &source)
        source.nextRowGroup += 1
        if source.nextRowGroup == block.header.rowGroups.count {
            // What no event names is still there to be asked for.
            for index in source.processes.indices { _ = process(UInt32(index), &source) }
        } else {
            self.source = source
        }
    }

    /// The merged block. At least one row group must have been appended; the merger is empty afterwards.
    package mutating func finish() throws(BlockError) -> EncodedBlock {
        while true {
            if let block = try finishStep() { return block }
        }
    }

    /// A piece of the work of `finish`, some milliseconds: nil until the merged block is there.
    ///
    /// After the first step nothing can be appended before the last.
    package mutating func finishStep() throws(BlockError) -> EncodedBlock? {
        precondition(ending != nil || count > 0, "nothing was appended")
        guard source == nil else { throw BlockError(.notConsecutive, "the last block was not appended whole") }
        if pending.count > 0 {
            try flush()
            return nil
        }
        guard var ending = self.ending.take() else {
            guard let content = self.content.take() else {
                throw BlockError(.notConsecutive, "nothing was appended")
            }
            self.ending = MergeEnding(
                content, dictionary, objects: known, pathTally, assembler, pathGroupSize: pathGroupSize,
                filterKey: filterKey)
            // What only finds entries, or waits for more of them, is of no more use.
            forget()
            return nil
        }
        var compressor = try takeCompressor()
        let block = try ending.step(level: level, &compressor)
        self.compressor = consume compressor
        if block == nil { self.ending = ending }
        return block
    }

    /// Checks that a block follows what was appended, and takes over what is not of a row group.
    private mutating func begin(_ block: BlockReader) throws(BlockError) {
        let header = block.header
        guard ending == nil else { throw BlockError(.notConsecutive, "the merge is being finished") }
        if let content {
            guard source == nil else {
                throw BlockError(.notConsecutive, "the block before was not appended whole")
            }
            guard header.origin.store == content.origin.store else {
                throw BlockError(.notConsecutive, "they are of different stores")
            }
            let expected = content.firstSequence + UInt64(content.count)
            guard header.firstSequence == expected else {
                throw BlockError(.notConsecutive, "event \(header.firstSequence) does not follow \(expected - 1)")
            }
            guard
                content.count + header.count <= BlockLimits.eventCount,
                content.facts.count + header.factCount <= BlockLimits.factCount
            else {
                throw BlockError(.limitExceeded, "\(content.count + header.count) events in one block")
            }
        }
        let commits = try block.commits()
        let facts = try block.facts()
        let names = try block.names()
        guard dictionary.nameByteCount + names.nameByteCount <= BlockLimits.nameByteCount else {
            throw BlockError(.limitExceeded, "\(dictionary.nameByteCount + names.nameByteCount) bytes of names")
        }
        let decoded = try block.decodedProcesses()
        let processes = decoded.processes
        let textByteCount = processTextByteCount + processes.reduce(0) { $0 + $1.textByteCount }
        guard textByteCount <= BlockLimits.processStringByteCount else {
            throw BlockError(.limitExceeded, "\(textByteCount) bytes of process texts")
        }
        textMemoryByteCount += decoded.textMemoryByteCount
        source = MergeSource(block: block, names: names, processes: processes)
        if content == nil {
            content = BlockContent(
                origin: header.origin, base: header.earliest.microsecondsRoundedDown, runs: [], commits: [],
                firstSequence: header.firstSequence, count: 0,
                earliest: header.earliest.microsecondsRoundedDown, latest: header.latest.microsecondsRoundedDown,
                maskUnion: 0, rowGroupCount: 0, processes: [], facts: [], volumes: [])
        }
        content?.add(header, commits, facts)
        content?.reserveProcesses(processes.count)
        for volume in try block.volumes() {
            source?.volumeMap.append(content?.volumes.index(adding: volume) ?? 0)
        }
    }

    /// Moves events over the source's dictionaries into row groups over the merged ones.
    private mutating func take(_ events: RowGroupEvents, _ source: inout MergeSource) throws(BlockError) {
        var start = 0
        while start < events.count {
            if pending.count == rowGroupEventCount { try flush() }
            let end = min(events.count, start + rowGroupEventCount - pending.count)
            let range = start..<end
            pending.reserveCapacity(min(rowGroupEventCount, max(2 * pending.count, pending.count + range.count)))
            takeWindows(events, range)
            for index in events.processes[range] {
                pending.processes.append(index == .absent ? .absent : process(index, &source))
            }
            for index in range {
                let path = events.paths[index]
                pending.paths.append(path == .absent ? .absent : self.path(path, &source))
                let target = events.targets[index]
                pending.targets.append(target == .absent ? .absent : self.path(target, &source))
            }
            takeLastProcesses(events, range, &source)
            pending.masks.append(contentsOf: events.masks[range])
            pending.flags.append(contentsOf: events.flags[range])
            for object in events.objects[range] {
                var mapped = object
                if object.volume != .absent { mapped.volume = source.volumeMap[Int(object.volume)] }
                pending.objects.append(mapped)
            }
            start = end
        }
    }

    /// Called before the masks of the range are appended, whose count is that of the events so far.
    private mutating func takeLastProcesses(
        _ events: borrowing RowGroupEvents, _ range: Range<Int>, _ source: inout MergeSource
    ) {
        if events.lastProcesses.isEmpty, pending.lastProcesses.isEmpty { return }
        let missing = pending.count - pending.lastProcesses.count
        pending.lastProcesses.append(contentsOf: repeatElement(.absent, count: missing))
        guard !events.lastProcesses.isEmpty else {
            pending.lastProcesses.append(contentsOf: repeatElement(.absent, count: range.count))
            return
        }
        for index in events.lastProcesses[range] {
            pending.lastProcesses.append(index == .absent ? .absent : process(index, &source))
        }
    }

    private mutating func takeWindows(_ events: borrowing RowGroupEvents, _ range: Range<Int>) {
        var map = [UInt32](repeating: 0, count: events.table.count)
        for index in events.windows[range] {
            if map[Int(index)] == 0 {
                // A window that a commit or row group cut in two is one again.
                let window = events.table[Int(index)]
                if pending.table.last != window { pending.table.append(window) }
                map[Int(index)] = UInt32(pending.table.count)
            }
            pending.windows.append(map[Int(index)] - 1)
        }
    }

    private mutating func flush() throws(BlockError) {
        guard let content else { return }
        // What ends with fewer events says nothing of them, and the first row group of what does not is this large.
        if content.count >= min(PathTally.leastEventCount, rowGroupEventCount) {
            pathTally.add(pending, pathCount: known.count)
        }
        var compressor = try takeCompressor()
        try assembler.add(
            pending, hasPathChunks: true, origin: content.base, marks: &marks, known: &known, isKnown: &isKnown,
            processCount: content.processes.count, level: level, storage: &predictorStorage, &compressor)
        self.compressor = consume compressor
        self.content?.rowGroupCount += 1
        pending.removeAll()
    }

    @inline(__always)
    private mutating func process(_ index: UInt32, _ source: inout MergeSource) -> UInt32 {
        let mapped = source.processMap[Int(index)]
        if mapped != 0 { return mapped - 1 }
        let process = source.processes[Int(index)]
        let hash = process.canonicalHash(scratch: &hashScratch)
        let merged: UInt32
        if let known = processIndices[hash], content?.processes[Int(known)] == process {
            merged = known
        } else {
            merged = UInt32(content?.processes.count ?? 0)
            content?.processes.append(process)
            processIndices[hash] = merged
            processTextByteCount += process.textByteCount
        }
        source.processMap[Int(index)] = merged + 1
        return merged
    }

    @inline(__always)
    private mutating func path(_ index: UInt32, _ source: inout MergeSource) -> UInt32 {
        let mapped = source.pathMap[Int(index)]
        if mapped != 0 { return mapped - 1 }
        let directory = source.names.pathDirectories[Int(index)]
        let parent = directory == .absent ? .absent : self.directory(directory, &source)
        let merged = dictionary.internMerged(directory: parent, name: source.names.name(of: index))
        if Int(merged) == known.count {
            known.append(.none)
            isKnown.append(false)
        }
        source.pathMap[Int(index)] = merged + 1
        return merged
    }

    private mutating func directory(_ index: UInt32, _ source: inout MergeSource) -> UInt32 {
        var missing: [UInt32] = []
        var current = index
        while source.directoryMap[Int(current)] == 0 {
            missing.append(current)
            current = source.names.directoryParents[Int(current)]
        }
        var merged = source.directoryMap[Int(current)] - 1
        for index in missing.reversed() {
            merged = dictionary.internDirectory(parent: merged, name: source.names.name(ofDirectory: index))
            source.directoryMap[Int(index)] = merged + 1
        }
        return merged
    }

    private mutating func takeCompressor() throws(BlockError) -> Compressor {
        if let compressor = self.compressor.take() { return compressor }
        return try Compressor()
    }

    /// Empties all but the ending and the compressor.
    private mutating func forget() {
        assembler = BlockAssembler()
        content = nil
        dictionary = PathDictionary()
        known = []
        isKnown = []
        processIndices = [:]
        processTextByteCount = 0
        textMemoryByteCount = 0
        marks = DictionaryMarks()
        predictorStorage = []
        pending = RowGroupEvents()
        pathTally = PathTally()
        source = nil
    }
}

extension BlockContent {
    fileprivate mutating func add(_ header: BlockHeader, _ commits: [CommitRecord], _ facts: [ProcessFact]) {
        earliest = min(earliest, header.earliest.microsecondsRoundedDown)
        latest = max(latest, header.latest.microsecondsRoundedDown)
        for run in header.runs where !runs.contains(run) { runs.append(run) }
        self.commits.append(contentsOf: commits)
        self.facts.append(contentsOf: facts)
    }

    /// Room for so many more; in smaller steps than an array grows by itself, since a process takes so much.
    fileprivate mutating func reserveProcesses(_ addedCount: Int) {
        let needed = processes.count + addedCount
        if needed > processes.capacity { processes.reserveCapacity(max(needed, processes.count * 5 / 4)) }
    }
}

/// The block being merged, and where its dictionary entries went: index + 1, 0 while they are not needed.
struct MergeSource {
    let block: BlockReader
    let names: DecodedPaths
    let processes: [ActorProcess]
    var nextRowGroup = 0
    /// The merged index of each volume.
    var volumeMap: [UInt32] = []
    var processMap: [UInt32]
    var pathMap: [UInt32]
    var directoryMap: [UInt32]

    init(block: BlockReader, names: DecodedPaths, processes: [ActorProcess]) {
        self.block = block
        self.names = names
        self.processes = processes
        processMap = Array(repeating: 0, count: processes.count)
        pathMap = Array(repeating: 0, count: names.count)
        directoryMap = Array(repeating: 0, count: names.directoryCount)
        directoryMap[0] = 1
    }
}
