internal import Block
package import Model

/// One event of a row group, ready to be written in any form.
struct EventView {
    let sequence: UInt64
    let window: TimeWindow
    let mask: EventMask
    let flags: EventFlags
    let path: PathIndex
    let target: PathIndex
    let process: ProcessIndex
    let lastProcess: ProcessIndex
    let object: FileIdentity?
}

/// The columns of a row group that whole events need, decoded once, and the names of their paths made ready.
struct EventColumns {
    private let view: RowGroupView
    /// One value a selected event, like the flags and the objects; the other columns have one an event of the group.
    private let masks: [UInt32]
    private let flags: [UInt32]
    private let paths: [UInt32]
    private let targets: [UInt32]?
    private let processes: [UInt32]
    private let lastProcesses: [UInt32]?
    private let windows: DecodedWindows
    private let objects: [FileIdentity?]

    init(_ view: RowGroupView) throws(BlockError) {
        self.view = view
        masks = try view.masks()
        flags = try view.flags()
        paths = try view.column(.path)
        targets = view.group.maskUnion.contains(.rename) ? try view.column(.target) : nil
        processes = try view.column(.process)
        lastProcesses = view.group.flagsUnion.contains(.spansExec) ? try view.column(.lastProcess) : nil
        windows = try view.windows()
        objects = try view.objects()
        try view.block.names.prepare(for: pathIndices)
    }

    /// The selected events' places in `RowGroupView.positions`.
    var ordinals: Range<Int> { view.positions.indices }

    /// The paths and targets of the selected events.
    private var pathIndices: [PathIndex] {
        var indices: [PathIndex] = []
        indices.reserveCapacity(2 * view.positions.count)
        for position in view.positions {
            indices.append(paths[position])
            if let target = targets?[position] { indices.append(target) }
        }
        return indices
    }

    /// The selected event with that ordinal.
    subscript(ordinal: Int) -> EventView {
        let position = view.positions[ordinal]
        return EventView(
            sequence: view.group.firstSequence &+ UInt64(position), window: windows[position],
            mask: EventMask(rawValue: masks[ordinal]),
            flags: EventFlags(rawValue: UInt8(truncatingIfNeeded: flags[ordinal])), path: paths[position],
            target: targets?[position] ?? .absent, process: processes[position],
            lastProcess: lastProcesses?[position] ?? .absent, object: objects[ordinal])
    }
}

/// Writes events in one output form. What it throws ends the answer.
protocol EventWriter {
    /// What comes before the first event.
    mutating func begin(into bytes: inout [UInt8]) throws
    /// What the next events' indices refer to. Called before the first event of each block.
    mutating func use(_ block: BlockView) throws(BlockError)
    /// No event of the block in use comes any more: what was decoded of it need not stay while the next one is decoded.
    mutating func leaveBlock()
    mutating func write(_ event: EventView, into bytes: inout [UInt8]) throws
    /// Puts a gap between two events, where the form has a place for it.
    mutating func write(_ gap: Gap, into bytes: inout [UInt8]) throws
    /// What comes after the last event.
    mutating func end(into bytes: inout [UInt8]) throws
}

/// Writes events one a row, each by itself.
protocol RowWriter: EventWriter {
    mutating func write(_ event: EventView, into bytes: inout [UInt8])
}

/// Writes events of which one can be marked among the others.
protocol MarkingEventWriter: EventWriter {
    /// The marked event; set before `begin`. Nil marks none.
    var markedSequence: UInt64? { get set }
}

/// The dictionaries that the indices of events refer to.
struct EventDictionaries {
    let hostName: [UInt8]
    private let names: PathNames
    let processes: [ActorProcess]

    init(_ block: BlockView) throws(BlockError) {
        hostName = block.reader.header.origin.hostName.bytes
        names = block.names
        processes = try block.reader.processes()
    }

    /// The whole path; nil where the event has none.
    func path(_ index: PathIndex) -> [UInt8]? { names.path(index) }

    func process(_ index: ProcessIndex) -> ActorProcess? {
        Int(index) < processes.count ? processes[Int(index)] : nil
    }
}

extension Scan {
    /// Calls `visit` for every selected event, in the order of row groups and ascending in each, with the dictionaries of its
    /// block.
    func forEachEvent(_ visit: (EventView, EventDictionaries) throws -> Void) throws {
        var block: BlockView?
        var dictionaries: EventDictionaries?
        try forEachGroup { view in
            let columns = try EventColumns(view)
            if block !== view.block {
                dictionaries = try EventDictionaries(view.block)
                block = view.block
            }
            guard let dictionaries else { return .proceed }
            for ordinal in columns.ordinals { try visit(columns[ordinal], dictionaries) }
            return .proceed
        }
    }
}

extension EventFlags {
    /// The words of `uncertain`.
    package var uncertainties: [StaticString] {
        var words: [StaticString] = []
        if contains(.uncertainPath) { words.append("path") }
        if contains(.uncertainProcess) { words.append("process") }
        if contains(.uncertainOrder) { words.append("order") }
        return words
    }
}

extension EventMask {
    /// The operations of the mask, in the order of `Operation.allCases`.
    package var operationNames: [String] {
        Operation.allCases.compactMap { contains($0.mask) ? $0.rawValue : nil }
    }
}
