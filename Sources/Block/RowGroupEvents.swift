import Model

/// The events of one row group over a block's dictionary, column by column.
struct RowGroupEvents {
    var table: [StoredWindow] = []
    var windows: [UInt32] = []
    var processes: [UInt32] = []
    var paths: [UInt32] = []
    var targets: [UInt32] = []
    var masks: [UInt32] = []
    var flags: [UInt32] = []
    var objects: [StoredObject] = []
    /// Empty when no event has one.
    var lastProcesses: [UInt32] = []

    var count: Int { masks.count }

    /// What it takes in memory.
    var memoryByteCount: Int {
        table.capacity * MemoryLayout<StoredWindow>.stride + objects.capacity * MemoryLayout<StoredObject>.stride
            + [windows, processes, paths, targets, masks, flags, lastProcesses].reduce(0) { $0 + $1.capacity }
            * MemoryLayout<UInt32>.stride
    }

    mutating func removeAll() {
        table.removeAll(keepingCapacity: true)
        windows.removeAll(keepingCapacity: true)
        processes.removeAll(keepingCapacity: true)
        paths.removeAll(keepingCapacity: true)
        targets.removeAll(keepingCapacity: true)
        masks.removeAll(keepingCapacity: true)
        flags.removeAll(keepingCapacity: true)
        objects.removeAll(keepingCapacity: true)
        lastProcesses.removeAll(keepingCapacity: true)
    }

    /// Makes all columns hold `count` values, which are then written; the table is emptied.
    mutating func resize(_ count: Int, hasLastProcesses: Bool) {
        table.removeAll(keepingCapacity: true)
        for column in [\RowGroupEvents.windows, \.processes, \.paths, \.targets, \.masks, \.flags] {
            Self.resize(&self[keyPath: column], count, filling: 0)
        }
        Self.resize(&objects, count, filling: .none)
        lastProcesses.removeAll(keepingCapacity: true)
        if hasLastProcesses { Self.resize(&lastProcesses, count, filling: .absent) }
    }

    private static func resize<Value>(_ column: inout [Value], _ count: Int, filling value: Value) {
        if column.count > count {
            column.removeSubrange(count...)
        } else {
            column.append(contentsOf: repeatElement(value, count: count - column.count))
        }
    }

    mutating func reserveCapacity(_ count: Int) {
        windows.reserveCapacity(count)
        processes.reserveCapacity(count)
        paths.reserveCapacity(count)
        targets.reserveCapacity(count)
        masks.reserveCapacity(count)
        flags.reserveCapacity(count)
        objects.reserveCapacity(count)
    }

    /// The least start and greatest end of the windows, in microseconds.
    var bounds: (earliest: Int64, latest: Int64) {
        var earliest = Int64.max
        var latest = Int64.min
        for window in table {
            earliest = min(earliest, window.earliest)
            latest = max(latest, window.time)
        }
        return (earliest, latest)
    }

    var maskUnion: UInt32 { masks.reduce(0, |) }
    var flagsUnion: UInt32 { flags.reduce(0, |) }
}

extension RowGroupEvents {
    /// For each event with a last process the zigzag difference of its index to that of the process.
    var encodedLastProcesses: [UInt8] {
        var bytes: [UInt8] = []
        for (index, last) in lastProcesses.enumerated() where last != .absent {
            bytes.appendZigzag(Int64(last) &- Self.base(of: processes[index]))
        }
        return bytes
    }

    /// `limit` processes are in the block's dictionary. Returns an empty column when no event has a last process.
    static func decodeLastProcesses(
        _ bytes: [UInt8], flags: [UInt32], processes: [UInt32], limit: Int
    ) throws(PartError) -> [UInt32] {
        guard !bytes.isEmpty else {
            guard !flags.contains(where: hasLastProcess) else { throw .malformed("flag without a last process") }
            return []
        }
        // SAFETY: bytes are initialised memory without padding; the span does not outlive the array.
        var cursor = unsafe ByteCursor(bytes.span.bytes)
        var column = [UInt32](repeating: .absent, count: flags.count)
        for index in flags.indices where hasLastProcess(flags[index]) {
            let last = base(of: processes[index]) &+ (try cursor.zigzag())
            guard last >= 0, last < Int64(limit) else { throw .malformed("last process out of range") }
            column[index] = UInt32(truncatingIfNeeded: last)
        }
        try cursor.expectEnd()
        return column
    }

    private static func hasLastProcess(_ flags: UInt32) -> Bool { flags & UInt32(EventFlags.spansExec.rawValue) != 0 }

    private static func base(of process: UInt32) -> Int64 { process == .absent ? 0 : Int64(process) }
}

/// How far the block's dictionary was used by the row groups before.
struct DictionaryMarks {
    var path: UInt32 = 0
    var process: UInt32 = 0
}

extension BlockAssembler {
    /// Adds all parts of a row group and ends its section. Its path chunks are of no use where it is the only one.
    mutating func add(
        _ events: borrowing RowGroupEvents, hasPathChunks: Bool, origin: Int64, marks: inout DictionaryMarks,
        known: inout [StoredObject], isKnown: inout [Bool], processCount: Int, level: Int32,
        storage: inout [UInt32], _ compressor: inout Compressor
    ) throws(BlockError) {
        let windows = WindowColumn(events.windows, table: events.table, origin: origin)
        try add(.windowSymbols, windows.symbols, level: level, &compressor)
        try add(.windowRuns, windows.runs, level: level, &compressor)
        try add(.windowEdges, windows.edges, level: level, &compressor)
        try add(.windowLowLengths, windows.lowLengths, level: level, &compressor)
        try add(.windowHighLengths, windows.highLengths, level: level, &compressor)

        var bytes: [UInt8] = []
        var transform = SymbolColumn.encode(events.masks, to: &bytes)
        try add(.masks, bytes, transform: transform, level: level, &compressor)
        let flagsUnion = events.flagsUnion
        if flagsUnion != 0 {
            bytes.removeAll(keepingCapacity: true)
            transform = SymbolColumn.encode(events.flags, to: &bytes)
            try add(.flags, bytes, transform: transform, level: level, &compressor)
        }

        bytes.removeAll(keepingCapacity: true)
        var runs: [UInt8] = []
        RunColumn.encode(events.processes, firstNew: marks.process, symbols: &bytes, lengths: &runs)
        try add(.processSymbols, bytes, level: level, &compressor)
        try add(.processRuns, runs, level: level, &compressor)

        let paths = PathColumn(
            paths: events.paths, targets: events.targets, processes: events.processes, firstNew: marks.path,
            pathCount: known.count, processCount: processCount, storage: &storage)
        try add(.paths, paths.symbols, level: level, &compressor)
        try add(.pathLowBytes, paths.lowBytes, level: level, &compressor)
        try add(.pathHighBytes, paths.highBytes, level: level, &compressor)
        try add(.targets, paths.targets, level: level, &compressor)

        let objects = ObjectColumn(
            objects: events.objects, paths: events.paths, targets: events.targets, known: &known, isKnown: &isKnown)
        try add(.objectPositions, objects.positions, level: level, &compressor)
        try add(.objectVolumes, objects.objects.volumes, level: level, &compressor)
        try add(.objectInodes, objects.objects.inodes, level: level, &compressor)
        try add(.objectGenerations, objects.objects.generations, level: level, &compressor)
        try add(.lastProcesses, events.encodedLastProcesses, level: level, &compressor)
        if hasPathChunks { try add(.pathChunks, events.encodedPathChunks, level: level, &compressor) }

        marks.path = UInt32(known.count)
        for process in events.processes where process != .absent { marks.process = max(marks.process, process + 1) }
        for process in events.lastProcesses where process != .absent { marks.process = max(marks.process, process + 1) }
        let bounds = events.bounds
        var zone: [UInt8] = []
        zone.appendVarint(events.count)
        zone.appendZigzag(bounds.earliest &- origin)
        zone.appendVarint(UInt64(bitPattern: bounds.latest &- bounds.earliest))
        zone.appendVarint(UInt64(events.maskUnion))
        zone.append(UInt8(truncatingIfNeeded: flagsUnion))
        endRowGroup(zone: zone)
    }
}
