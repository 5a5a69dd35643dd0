import Block
import Model
import Query
import Store

/// A store whose events are those of another again and again: the last time at their own time, before that each time earlier
/// by what the recording took. Paths, objects and pids come again, as they do from day to day; processes are new ones.
///
/// What a recorder would have stored otherwise: a commit has a whole row group of 64 Ki events, and processes of which there
/// is no event are left out.
struct StoreReplication {
    private let reader: StoreReader
    /// What lies under it is there only the first time, so that there are files that were last written long ago.
    private let once: RawPath
    private let eventCount: UInt64
    private let start: Instant
    private let end: Instant
    private let instanceCount: UInt64

    init(source: RawPath, once: RawPath) throws {
        reader = try StoreReader(directory: source)
        self.once = once
        let rows = try reader.blocks()
        guard let first = rows.map(\.earliest).min(), let last = rows.map(\.latest).max() else {
            throw StoreReplicationError.empty
        }
        start = first
        end = last
        eventCount = rows.reduce(0) { $0 + $1.count }
        var instance: UInt64 = 0
        try Self.forEachBlock(reader) { block in
            for process in try block.processes() { instance = max(instance, process.instance) }
        }
        instanceCount = instance + 1
    }

    /// Writes whole rounds until there are at least `wanted` events; gives how many there are.
    func write(to directory: RawPath, eventCount wanted: UInt64) throws -> UInt64 {
        let rounds = Int64((wanted + eventCount - 1) / eventCount)
        // Whole seconds, so that windows stay on the grid of the format.
        let second: Int64 = 1_000_000_000
        let length = ((end.nanosecondsSinceEpoch - start.nanosecondsSinceEpoch) / second + 1) * second
        var store = try NewStore(directory, from: start.advanced(byNanoseconds: -length * (rounds - 1)))
        for round in 0..<rounds {
            let shift = Shift(
                nanoseconds: -length * (rounds - 1 - round), instances: UInt64(round) * instanceCount)
            try Self.forEachBlock(reader) { block in
                let translation = try BlockTranslation(block, shift, leavingOut: round == 0 ? nil : once)
                var facts = try block.facts().map { shift($0) }
                for group in block.header.rowGroups.indices {
                    var batch = try translation.batch(group)
                    guard batch.keptCount > 0 else { continue }
                    swap(&batch.facts, &facts)
                    try store.append(batch, nextInstance: UInt64(round + 1) * instanceCount + 1)
                }
            }
        }
        let count = store.count
        try store.finish(at: end)
        return count
    }

    private static func forEachBlock(_ reader: StoreReader, _ visit: (BlockReader) throws -> Void) throws {
        for row in try reader.blocks() {
            guard let bytes = try reader.blockBytes(firstSequence: row.firstSequence) else { continue }
            try visit(BlockReader(bytes))
        }
    }
}

enum StoreReplicationError: Error {
    case empty
}

/// How much earlier a round is, and which instances its processes are.
struct Shift {
    var nanoseconds: Int64
    var instances: UInt64

    func callAsFunction(_ instant: Instant) -> Instant { instant.advanced(byNanoseconds: nanoseconds) }

    func callAsFunction(_ window: TimeWindow) -> TimeWindow {
        TimeWindow(
            earliest: self(window.earliest), time: self(window.time),
            clockOffsetNanoseconds: window.clockOffsetNanoseconds)
    }

    func callAsFunction(_ process: ActorProcess) -> ActorProcess {
        var process = process
        process.instance += instances
        process.firstSeen = self(process.firstSeen)
        process.start = process.start.map { self($0) }
        process.parentInstance = process.parentInstance.map { $0 + instances }
        return process
    }

    func callAsFunction(_ fact: ProcessFact) -> ProcessFact {
        ProcessFact(
            instance: fact.instance + instances, kind: fact.kind, moment: self(fact.moment), status: fact.status)
    }
}

/// A block on its way into batches, one a row group.
struct BlockTranslation {
    private let block: BlockReader
    private let shift: Shift
    private let names: DecodedPaths
    private let processes: [ActorProcess]
    private let isLeftOut: [Bool]

    init(_ block: BlockReader, _ shift: Shift, leavingOut directory: RawPath?) throws {
        self.block = block
        self.shift = shift
        let names = try block.pathDictionary()
        self.names = names
        processes = try block.processes().map { shift($0) }
        isLeftOut = (0..<names.count).map { index in
            guard let directory else { return false }
            var path: [UInt8] = []
            names.appendPath(PathIndex(index), to: &path)
            return RawPath(path).isAtOrUnder(directory)
        }
    }

    func batch(_ group: Int) throws -> Batch {
        let columns = try [Column.mask, .flags, .process, .path, .target, .lastProcess].map {
            try block.column($0, rowGroup: group)
        }
        let windows = try block.windows(of: group).expanded
        let objects = try block.objects(rowGroup: group)
        var batch = Batch()
        var names = NameTranslation(names)
        var actors = ProcessTranslation(processes)
        batch.windows = windows.table.map { shift($0) }
        for position in windows.index.indices {
            let flags = EventFlags(rawValue: UInt8(truncatingIfNeeded: columns[1][position]))
            let path = columns[3][position], target = columns[4][position]
            batch.append(
                window: windows.index[position], process: actors.process(columns[2][position], &batch.processes),
                path: names.path(path, &batch.paths), target: names.path(target, &batch.paths),
                object: objects[position], mask: EventMask(rawValue: columns[0][position]), flags: flags)
            if flags.contains(.spansExec) {
                batch.setLastProcess(actors.process(columns[5][position], &batch.processes), at: position)
            }
            if isOut(path) || isOut(target) { batch.drop(at: position) }
        }
        return batch
    }

    private func isOut(_ path: PathIndex) -> Bool { path != .absent && isLeftOut[Int(path)] }
}

/// The paths of a block in the dictionary of a batch.
private struct NameTranslation {
    private let names: DecodedPaths
    private var paths: [PathIndex]
    private var directories: [DirectoryIndex]
    private var unplaced: DirectoryIndex?

    init(_ names: DecodedPaths) {
        self.names = names
        paths = Array(repeating: .absent, count: names.count)
        directories = Array(repeating: .absent, count: names.directoryCount)
        directories[0] = 0
    }

    mutating func path(_ index: PathIndex, _ dictionary: inout PathDictionary) -> PathIndex {
        guard index != .absent else { return .absent }
        if paths[Int(index)] == .absent {
            let directory = self.directory(names.directory(of: index), &dictionary)
            let name = names.name(of: index)
            // SAFETY: bytes are initialised memory without padding; the span does not outlive the slice.
            paths[Int(index)] = unsafe dictionary.internPath(directory: directory, name: name.span.bytes)
        }
        return paths[Int(index)]
    }

    private mutating func directory(_ index: DirectoryIndex, _ dictionary: inout PathDictionary) -> DirectoryIndex {
        guard index != .absent else {
            let directory = unplaced ?? dictionary.addUnplacedDirectory()
            unplaced = directory
            return directory
        }
        if directories[Int(index)] == .absent {
            let parent = directory(names.parent(of: index), &dictionary)
            let name = names.name(ofDirectory: index)
            // SAFETY: bytes are initialised memory without padding; the span does not outlive the slice.
            directories[Int(index)] = unsafe dictionary.internDirectory(parent: parent, name: name.span.bytes)
        }
        return directories[Int(index)]
    }
}

/// The processes of a block in the table of a batch.
private struct ProcessTranslation {
    private let processes: [ActorProcess]
    private var indices: [ProcessIndex]

    init(_ processes: [ActorProcess]) {
        self.processes = processes
        indices = Array(repeating: .absent, count: processes.count)
    }

    mutating func process(_ index: ProcessIndex, _ table: inout [ActorProcess]) -> ProcessIndex {
        guard index != .absent else { return .absent }
        if indices[Int(index)] == .absent {
            indices[Int(index)] = ProcessIndex(table.count)
            table.append(processes[Int(index)])
        }
        return indices[Int(index)]
    }
}
