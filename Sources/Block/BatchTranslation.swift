import Model

/// A batch's kept events over dictionaries in the order of their first appearance there; what no event names is left
/// out, but for processes, which may be asked for by instance.
struct BatchTranslation {
    private(set) var events = RowGroupEvents()
    private var dictionary = BatchDictionary()

    var names: BlockNames { dictionary.names }
    var processes: [ActorProcess] { dictionary.processes }
    var volumes: [Volume] { dictionary.volumes }

    /// Takes a batch over; what was before is gone.
    mutating func translate(_ batch: borrowing Batch) {
        dictionary.begin(batch)
        events.resize(batch.keptCount, hasLastProcesses: batch.hasLastProcesses)
        Self.fill(
            &events.windows, &events.processes, &events.paths, &events.targets, &events.masks, &events.flags,
            &events.objects, &dictionary, batch)
        if batch.hasLastProcesses { Self.fillLastProcesses(&events.lastProcesses, &dictionary, batch) }
        dictionary.finish(batch)
        events.table = dictionary.windows
    }

    /// A pass of its own: few batches have any.
    private static func fillLastProcesses(
        _ column: inout [UInt32], _ dictionary: inout BatchDictionary, _ batch: borrowing Batch
    ) {
        var index = 0
        for event in batch.events where !event.isDropped {
            if event.lastProcess != .absent {
                column[index] = dictionary.process(event.lastProcess, batch.processes)
            }
            index += 1
        }
    }

    /// One pass over the events; as spans the columns cost no check for uniqueness each time.
    private static func fill(
        _ windowColumn: inout [UInt32], _ processColumn: inout [UInt32], _ pathColumn: inout [UInt32],
        _ targetColumn: inout [UInt32], _ maskColumn: inout [UInt32], _ flagsColumn: inout [UInt32],
        _ objectColumn: inout [StoredObject], _ dictionary: inout BatchDictionary, _ batch: borrowing Batch
    ) {
        // Not as a span: Swift 6.3.1 with optimization never releases an array of a borrowed value that lent one.
        var windows = windowColumn.mutableSpan
        var processes = processColumn.mutableSpan
        var paths = pathColumn.mutableSpan
        var targets = targetColumn.mutableSpan
        var masks = maskColumn.mutableSpan
        var flags = flagsColumn.mutableSpan
        var objects = objectColumn.mutableSpan
        var index = 0
        for position in 0..<batch.count {
            let event = batch.events[position]
            if event.isDropped { continue }
            windows[index] = dictionary.window(event.window, batch.windows)
            processes[index] = event.process == .absent ? .absent : dictionary.process(event.process, batch.processes)
            paths[index] = event.path == .absent ? .absent : dictionary.path(event.path, batch.paths)
            targets[index] = event.target == .absent ? .absent : dictionary.path(event.target, batch.paths)
            masks[index] = event.mask.rawValue
            flags[index] = UInt32(event.flags.rawValue)
            objects[index] = event.hasObject ? dictionary.object(event.storedObject) : .none
            index &+= 1
        }
    }
}

/// The entries of a batch that its block needs, in the block's order.
private struct BatchDictionary {
    private(set) var windows: [StoredWindow] = []
    private(set) var names = BlockNames()
    private(set) var processes: [ActorProcess] = []
    private(set) var volumes: [Volume] = []

    /// Index in the block + 1 for each index in the batch, 0 while there is none.
    private var windowMap: [UInt32] = []
    private var processMap: [UInt32] = []
    private var pathMap: [UInt32] = []
    private var directoryMap: [UInt32] = []

    mutating func begin(_ batch: borrowing Batch) {
        windows.removeAll(keepingCapacity: true)
        names.removeAll()
        processes.removeAll(keepingCapacity: true)
        volumes.removeAll(keepingCapacity: true)
        Self.reset(&windowMap, batch.windows.count)
        Self.reset(&processMap, batch.processes.count)
        Self.reset(&pathMap, batch.paths.pathCount)
        Self.reset(&directoryMap, batch.paths.directoryCount)
        directoryMap[0] = 1
    }

    /// Takes over the processes that no event named.
    mutating func finish(_ batch: borrowing Batch) {
        for index in batch.processes.indices where processMap[index] == 0 {
            _ = process(UInt32(index), batch.processes)
        }
    }

    private static func reset(_ map: inout [UInt32], _ count: Int) {
        map.removeAll(keepingCapacity: true)
        map.append(contentsOf: repeatElement(0, count: count))
    }

    @inline(__always)
    mutating func window(_ index: UInt32, _ table: [TimeWindow]) -> UInt32 {
        let known = windowMap[Int(index)]
        if known != 0 { return known &- 1 }
        windows.append(StoredWindow(table[Int(index)]))
        windowMap[Int(index)] = UInt32(windows.count)
        return UInt32(windows.count - 1)
    }

    @inline(__always)
    mutating func process(_ index: UInt32, _ table: [ActorProcess]) -> UInt32 {
        let known = processMap[Int(index)]
        if known != 0 { return known &- 1 }
        processes.append(table[Int(index)].asStored)
        processMap[Int(index)] = UInt32(processes.count)
        return UInt32(processes.count - 1)
    }

    @inline(__always)
    mutating func path(_ index: UInt32, _ dictionary: borrowing PathDictionary) -> UInt32 {
        let known = pathMap[Int(index)]
        return known != 0 ? known &- 1 : add(index, dictionary)
    }

    private mutating func add(_ index: UInt32, _ dictionary: borrowing PathDictionary) -> UInt32 {
        var entry = dictionary.paths[Int(index)]
        if entry.nameByteCount == 0 && entry.directory != 0 {
            // A directory by itself that had no name when the event came.
            guard !dictionary.isUnplaced(entry.directory) else { return .absent }
            entry = dictionary.directories[Int(entry.directory)]
        }
        let directory = directoryMap[Int(entry.directory)]
        if directory != 0 {
            entry.directory = directory - 1
        } else {
            entry.directory =
                dictionary.isUnplaced(entry.directory) ? .absent : addDirectory(entry.directory, dictionary)
        }
        names.paths.append(entry)
        pathMap[Int(index)] = UInt32(names.paths.count)
        return UInt32(names.paths.count - 1)
    }

    /// Adds a directory that is not there yet, its ancestors before it.
    private mutating func addDirectory(_ index: UInt32, _ dictionary: borrowing PathDictionary) -> UInt32 {
        var missing: [UInt32] = []
        var current = index
        while directoryMap[Int(current)] == 0 {
            missing.append(current)
            current = dictionary.directories[Int(current)].directory
        }
        var parent = directoryMap[Int(current)] &- 1
        for index in missing.reversed() {
            var entry = dictionary.directories[Int(index)]
            entry.directory = parent
            parent = UInt32(names.directories.count)
            names.directories.append(entry)
            directoryMap[Int(index)] = parent + 1
        }
        return parent
    }

    @inline(__always)
    mutating func object(_ identity: FileIdentity) -> StoredObject {
        let volume = Volume(filesystem: identity.filesystem.rawValue, root: identity.root)
        let index = volumes.first == volume ? 0 : volumes.index(adding: volume)
        return StoredObject(inode: identity.inode, volume: index, generation: identity.generation)
    }
}

extension [Volume] {
    /// The index of a volume, added when it is new. A machine has few.
    mutating func index(adding volume: Volume) -> UInt32 {
        for index in indices where self[index] == volume { return UInt32(index) }
        append(volume)
        return UInt32(count - 1)
    }
}
