package import Block
package import Model

/// A row group of a block with the events in it that are asked for. Columns are decoded when asked and kept.
///
/// Thread: one.
package final class RowGroupView {
    package let block: BlockView
    package let index: Int
    package let group: RowGroup
    /// The places of the selected events in the group, ascending.
    package internal(set) var positions: [Int] = []

    private var columns: [Column: [UInt32]] = [:]
    private var decodedWindows: DecodedWindows?
    private var decodedObjects: [FileIdentity?]?

    init(_ block: BlockView, index: Int, group: RowGroup) {
        self.block = block
        self.index = index
        self.group = group
    }

    /// One value an event of the group.
    package func column(_ column: Column) throws(BlockError) -> [UInt32] {
        if let values = columns[column] { return values }
        let values = try block.reader.column(column, rowGroup: index)
        guard values.count == group.count else { throw BlockError(.malformed, "a column of another length") }
        columns[column] = values
        return values
    }

    package func windows() throws(BlockError) -> DecodedWindows {
        if let windows = decodedWindows { return windows }
        let windows = try block.reader.windows(of: index)
        guard windows.index.count == group.count else { throw BlockError(.malformed, "windows of another length") }
        decodedWindows = windows
        return windows
    }

    /// One mask a selected event, in the order of `positions`.
    package func masks() throws(BlockError) -> [UInt32] {
        if let values = columns[.mask] { return positions.map { values[$0] } }
        return try block.reader.masks(rowGroup: index, at: positions)
    }

    /// Flags, one value a selected event, in the order of `positions`.
    package func flags() throws(BlockError) -> [UInt32] {
        if let values = columns[.flags] { return positions.map { values[$0] } }
        return try block.reader.flags(rowGroup: index, at: positions)
    }

    /// One value a selected event, in the order of `positions`.
    package func objects() throws(BlockError) -> [FileIdentity?] {
        if let objects = decodedObjects { return objects }
        let objects = try block.reader.objects(rowGroup: index, at: positions)
        guard objects.count == positions.count else { throw BlockError(.malformed, "objects of another length") }
        decodedObjects = objects
        return objects
    }
}

/// Which entries of a block's path dictionary are asked for.
enum SelectedPaths {
    case all
    /// One claim for each entry.
    case flags([Bool])
    /// These, and no others; few.
    case only([PathIndex])

    var isEmpty: Bool {
        switch self {
        case .all: false
        case .flags(let flags): !flags.contains(true)
        case .only(let indices): indices.isEmpty
        }
    }

    /// False when no event of the row group can have one of the few paths; found out without decoding its columns.
    func mayOccur(in view: RowGroupView) throws(BlockError) -> Bool {
        guard case .only(let indices) = self, let first = indices.min() else { return true }
        return try view.block.reader.mayHavePath(atOrAbove: first, rowGroup: view.index)
    }
}

/// A block being read, with what a scan has worked out about its dictionaries.
///
/// Thread: one.
package final class BlockView {
    package let reader: BlockReader
    /// The names of its paths.
    let names: PathNames
    let selectedPaths: SelectedPaths
    let processMatches: [Bool]?
    /// True when some dictionary holds nothing that is asked for.
    let isEmpty: Bool

    /// `pathGroup` names the only path group that may hold a path, where that is known.
    init(
        _ reader: BlockReader, paths: PathMatcher?, processes: ProcessMatcher?, pathGroup: (RawPath) -> Int?
    ) throws(BlockError) {
        self.reader = reader
        var isEmpty = false
        var processMatches: [Bool]?
        if let processes {
            processMatches = processes.matches(in: try reader.processes())
            isEmpty = processMatches?.contains(true) == false && !processes.acceptsUnknown
        }
        var selectedPaths = SelectedPaths.all
        var known: [PathIndex: [UInt8]] = [:]
        if let paths, !isEmpty {
            if let literals = paths.literals {
                for literal in literals {
                    let group = pathGroup(literal)
                    for index in try reader.pathIndices(of: literal, inGroup: group) { known[index] = literal.bytes }
                }
                selectedPaths = .only(Array(known.keys))
            } else {
                selectedPaths = .flags(paths.matches(in: try reader.pathDictionary()))
            }
            isEmpty = selectedPaths.isEmpty
        }
        names = PathNames(reader, known: known)
        self.processMatches = processMatches
        self.selectedPaths = selectedPaths
        self.isEmpty = isEmpty
    }
}
