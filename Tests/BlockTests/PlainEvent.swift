import Block
import Model

/// An event as anyone sees it, free of dictionaries: what must survive every encoding.
struct PlainEvent: Hashable {
    var sequence: UInt64
    var window: TimeWindow
    var process: ActorProcess?
    var lastProcess: ActorProcess?
    var path: [UInt8]?
    var target: [UInt8]?
    var object: FileIdentity?
    var mask: UInt32
    var flags: UInt32
}

/// All that a block says, free of how it says it.
struct PlainBlock: Equatable {
    var events: [PlainEvent] = []
    var commits: [CommitRecord] = []
    var facts: [ProcessFact] = []
    var processes: Set<ActorProcess> = []
    var runs: Set<RunIdentity> = []

    init() {}

    init(_ reader: BlockReader) throws {
        let paths = try reader.pathDictionary()
        let processes = try reader.processes()
        for (index, rowGroup) in reader.header.rowGroups.enumerated() {
            let windows = try reader.windows(of: index).expanded
            let windowColumn = try reader.column(.window, rowGroup: index)
            let process = try reader.column(.process, rowGroup: index)
            let path = try reader.column(.path, rowGroup: index)
            let target = try reader.column(.target, rowGroup: index)
            let mask = try reader.column(.mask, rowGroup: index)
            let flags = try reader.column(.flags, rowGroup: index)
            let last = try reader.column(.lastProcess, rowGroup: index)
            let objects = try reader.objects(rowGroup: index)
            for event in 0..<rowGroup.count {
                precondition(windowColumn[event] == windows.index[event])
                events.append(
                    PlainEvent(
                        sequence: rowGroup.firstSequence + UInt64(event), window: windows[event],
                        process: process[event] == .absent ? nil : processes[Int(process[event])],
                        lastProcess: last[event] == .absent ? nil : processes[Int(last[event])],
                        path: Self.bytes(path[event], paths), target: Self.bytes(target[event], paths),
                        object: objects[event], mask: mask[event], flags: flags[event]))
            }
        }
        commits = try reader.commits()
        facts = try reader.facts()
        self.processes = Set(processes)
        runs = Set(reader.header.runs)
    }

    /// What a block of this batch must say; the commits are the block's own.
    init(_ batch: borrowing Batch, firstSequence: UInt64) {
        for index in 0..<batch.count {
            let event = batch[index]
            guard !event.isDropped else { continue }
            events.append(
                PlainEvent(
                    sequence: firstSequence + UInt64(events.count),
                    window: batch.windows[Int(event.window)].asStored,
                    process: event.process == .absent ? nil : batch.processes[Int(event.process)].asStored,
                    lastProcess: event.lastProcess == .absent
                        ? nil : batch.processes[Int(event.lastProcess)].asStored,
                    path: Self.bytes(event.path, batch.paths), target: Self.bytes(event.target, batch.paths),
                    object: event.object, mask: event.mask.rawValue, flags: UInt32(event.flags.rawValue)))
        }
        facts = batch.facts.map(\.asStored)
        processes = Set(batch.processes.map(\.asStored))
    }

    mutating func append(_ other: PlainBlock) {
        events += other.events
        commits += other.commits
        facts += other.facts
        processes.formUnion(other.processes)
        runs.formUnion(other.runs)
    }

    private static func bytes(_ path: PathIndex, _ paths: DecodedPaths) -> [UInt8]? {
        guard path != .absent else { return nil }
        var bytes: [UInt8] = []
        paths.appendPath(path, to: &bytes)
        return bytes
    }

    /// A directory that was never placed has no bytes to go by: its path is absent in the block.
    private static func bytes(_ path: PathIndex, _ paths: borrowing PathDictionary) -> [UInt8]? {
        guard path != .absent else { return nil }
        var bytes: [UInt8] = []
        paths.appendPath(path, to: &bytes)
        return bytes.isEmpty ? nil : bytes
    }
}
