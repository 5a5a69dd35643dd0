import Model

/// A batch's kept events over dictionaries in the order of their first appearance there; what no event names is left
/// out, but for processes, which may be asked for by instance.
struct BatchTranslation {
    private(set) var events = RowGroupEvents()
    private(set) var names = BlockNames()
    private(set) var processes: [ActorProcess] = []
    private(set) var volumes: [Volume] = []

    /// Index in the block + 1 for each index in the batch, 0 while there is none.
    private var windowMap: [UInt32] = []
    private var processMap: [UInt32] = []
    private var pathMap: [UInt32] = []
    private var directoryMap: [UInt32] = []

    /// Takes a batch over; what was before is gone.
    mutating func translate(_ batch: borrowing Batch) {
        events.removeAll()
        names.removeAll()
        processes.removeAll(keepingCapacity: true)
        volumes.removeAll(keepingCapacity: true)
        Self.reset(&windowMap, batch.windows.count)
        Self.reset(&processMap, batch.processes.count)
        Self.reset(&pathMap, batch.paths.pathCount)
        Self.reset(&directoryMap, batch.paths.directoryCount)
        directoryMap[0] = 1
        events.reserveCapacity(batch.keptCount)
        for event in batch.events where !event.isDropped {
            events.windows.append(window(event.window, batch.windows))
            events.processes.append(event.process == .absent ? .absent : process(event.process, batch.processes))
            events.paths.append(event.path == .absent ? .absent : path(event.path, batch.paths))
            events.targets.append(event.target == .absent ? .absent : path(event.target, batch.paths))
            events.masks.append(event.mask.rawValue)
            events.flags.append(UInt32(event.flags.rawValue))
            events.objects.append(event.hasObject ? object(event.storedObject) : .none)
        }
        for index in batch.processes.indices where processMap[index] == 0 {
            _ = process(UInt32(index), batch.processes)
        }
    }

    private static func reset(_ map: inout [UInt32], _ count: Int) {
        map.removeAll(keepingCapacity: true)
        map.append(contentsOf: repeatElement(0, count: count))
    }

    @inline(__always)
    private mutating func window(_ index: UInt32, _ table: [TimeWindow]) -> UInt32 {
        let known = windowMap[Int(index)]
        if known != 0 { return known &- 1 }
        events.table.append(StoredWindow(table[Int(index)]))
        windowMap[Int(index)] = UInt32(events.table.count)
        return UInt32(events.table.count - 1)
    }

    @inline(__always)
    private mutating func process(_ index: UInt32, _ table: [ActorProcess]) -> UInt32 {
        let known = processMap[Int(index)]
        if known != 0 { return known &- 1 }
        processes.append(table[Int(index)].asStored)
        processMap[Int(index)] = UInt32(processes.count)
        return UInt32(processes.count - 1)
    }

    @inline(__always)
    private mutating func path(_ index: UInt32, _ dictionary: borrowing PathDictionary) -> UInt32 {
        let known = pathMap[Int(index)]
        if known != 0 { return known &- 1 }
        var entry = dictionary.paths[Int(index)]
        if entry.nameByteCount == 0 && entry.directory != 0 {
            // A directory by itself that had no name when the event came.
            guard !dictionary.isUnplaced(entry.directory) else { return .absent }
            entry = dictionary.directories[Int(entry.directory)]
        }
        entry.directory = dictionary.isUnplaced(entry.directory) ? .absent : directory(entry.directory, dictionary)
        names.paths.append(entry)
        pathMap[Int(index)] = UInt32(names.paths.count)
        return UInt32(names.paths.count - 1)
    }

    /// The directory in the block; its ancestors come before it.
    private mutating func directory(_ index: UInt32, _ dictionary: borrowing PathDictionary) -> UInt32 {
        let known = directoryMap[Int(index)]
        if known != 0 { return known &- 1 }
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
    private mutating func object(_ identity: FileIdentity) -> StoredObject {
        let volume = Volume(filesystem: identity.filesystem.rawValue, root: identity.root)
        return StoredObject(
            inode: identity.inode, volume: volumes.index(adding: volume), generation: identity.generation)
    }
}

extension [Volume] {
    /// The index of a volume, added when it is new. A machine has few.
    @inline(__always)
    mutating func index(adding volume: Volume) -> UInt32 {
        for index in indices where self[index] == volume { return UInt32(index) }
        append(volume)
        return UInt32(count - 1)
    }
}
