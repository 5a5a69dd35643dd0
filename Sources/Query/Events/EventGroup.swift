package import Block
package import Model

/// The selected events of one row group, of which only the parts that are wanted were decoded.
///
/// Thread: one.
package final class EventGroup {
    /// What of an event can be asked for.
    package struct Parts: OptionSet, Sendable {
        package let rawValue: UInt8

        package init(rawValue: UInt8) {
            self.rawValue = rawValue
        }

        package static let windows = Parts(rawValue: 1)
        package static let masks = Parts(rawValue: 2)
        package static let flags = Parts(rawValue: 4)
        /// Path and target.
        package static let paths = Parts(rawValue: 8)
        /// The process, and the one after an exec within a merged record.
        package static let processes = Parts(rawValue: 16)
        package static let objects = Parts(rawValue: 32)
    }

    private let view: RowGroupView
    // What is asked for row by row stands in arrays of its own: a copy of a structure with arrays in it costs more than a row.
    private let positions: [Int]
    private let firstSequence: UInt64
    private let masks: [UInt32]
    private let flags: [UInt32]
    private let paths: [UInt32]
    private let targets: [UInt32]?
    private let processIndices: [UInt32]
    private let lastProcessIndices: [UInt32]?
    private let processes: [ActorProcess]
    private let windowTable: [TimeWindow]
    private let windowIndices: [UInt32]
    private let objects: [FileIdentity?]
    /// The host that recorded them.
    package let hostName: [UInt8]

    /// Decodes `parts`; what is damaged is found here. Asking for another part later traps.
    package init(_ view: RowGroupView, _ parts: Parts) throws(BlockError) {
        self.view = view
        positions = view.positions
        firstSequence = view.group.firstSequence
        masks = parts.contains(.masks) ? try view.column(.mask) : []
        flags = parts.contains(.flags) ? try view.column(.flags) : []
        paths = parts.contains(.paths) ? try view.column(.path) : []
        targets =
            parts.contains(.paths) && view.group.maskUnion.contains(.rename) ? try view.column(.target) : nil
        processIndices = parts.contains(.processes) ? try view.column(.process) : []
        lastProcessIndices =
            parts.contains(.processes) && view.group.flagsUnion.contains(.spansExec)
            ? try view.column(.lastProcess) : nil
        processes = parts.contains(.processes) ? try view.block.reader.processes() : []
        let windows = parts.contains(.windows) ? try view.windows() : nil
        (windowTable, windowIndices) = (windows?.table ?? [], windows?.index ?? [])
        objects = parts.contains(.objects) ? try view.objects() : []
        hostName = view.block.reader.header.origin.hostName.bytes
        guard parts.contains(.paths) else { return }
        let (paths, targets) = (paths, targets)
        try view.block.names.prepare(
            for: view.positions.lazy.flatMap { [paths[$0], targets?[$0] ?? .absent] })
    }

    /// How many events are selected.
    package var count: Int { positions.count }

    /// Number of the selected event with that ordinal; so for all below. Range: `ordinal` < `count`.
    package func sequence(_ ordinal: Int) -> UInt64 { firstSequence &+ UInt64(positions[ordinal]) }

    /// The first selected event whose number is at least `sequence`.
    package func firstOrdinal(notBelow sequence: UInt64) -> Int {
        var (low, high) = (0, count)
        while low < high {
            let middle = (low + high) / 2
            if self.sequence(middle) < sequence { low = middle + 1 } else { high = middle }
        }
        return low
    }

    package func window(_ ordinal: Int) -> TimeWindow {
        windowTable[Int(windowIndices[positions[ordinal]])]
    }

    package func mask(_ ordinal: Int) -> EventMask { EventMask(rawValue: masks[positions[ordinal]]) }

    package func flags(_ ordinal: Int) -> EventFlags {
        EventFlags(rawValue: UInt8(truncatingIfNeeded: flags[positions[ordinal]]))
    }

    package func path(_ ordinal: Int) -> [UInt8]? { view.block.names.path(pathIndex(ordinal)) }

    /// The path's index, or `absent`: events with the same one have the same path.
    package func pathIndex(_ ordinal: Int) -> PathIndex { paths[positions[ordinal]] }

    package func object(_ ordinal: Int) -> FileIdentity? { objects[ordinal] }
    package func process(_ ordinal: Int) -> ActorProcess? { process(at: processIndices[positions[ordinal]]) }

    /// The process's index among `processCount`; nil where it is not known.
    package func processIndex(_ ordinal: Int) -> Int? {
        let index = Int(processIndices[positions[ordinal]])
        return index < processes.count ? index : nil
    }

    package var processCount: Int { processes.count }

    /// Range: below `processCount`.
    package func process(withIndex index: Int) -> ActorProcess { processes[index] }

    /// Whether both are of one block: then equal indices are the same.
    package func isOfSameBlock(as other: EventGroup) -> Bool { view.block === other.view.block }

    package func target(_ ordinal: Int) -> [UInt8]? {
        targets.flatMap { view.block.names.path($0[positions[ordinal]]) }
    }

    package func lastProcess(_ ordinal: Int) -> ActorProcess? {
        lastProcessIndices.flatMap { process(at: $0[positions[ordinal]]) }
    }

    private func process(at index: UInt32) -> ActorProcess? {
        Int(index) < processes.count ? processes[Int(index)] : nil
    }
}
