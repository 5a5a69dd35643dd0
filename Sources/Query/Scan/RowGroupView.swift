package import Block
package import Model

/// A row group of a block with the events in it that are asked for. Columns are decoded when asked and kept.
///
/// Thread: one.
package final class RowGroupView {
    package let block: BlockView
    package let index: Int
    package let group: RowGroup
    /// The places of the selected events in the group.
    var places = Places.list([]) {
        didSet { madePositions = nil }
    }
    private var madePositions: [Int]?
    /// The same as a list, ascending.
    package var positions: [Int] {
        if let madePositions { return madePositions }
        let made = places.list
        madePositions = made
        return made
    }

    private var columns: [Column: [UInt32]] = [:]
    private var decodedWindowRuns: WindowRuns?
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
        let windows = try windowRuns().expanded
        decodedWindows = windows
        return windows
    }

    package func windowRuns() throws(BlockError) -> WindowRuns {
        if let windows = decodedWindowRuns { return windows }
        let windows = try block.reader.windows(of: index)
        guard Int(windows.runs.ends.last ?? 0) == group.count else {
            throw BlockError(.malformed, "windows of another length")
        }
        decodedWindowRuns = windows
        return windows
    }

    /// False when no event of the group can have one of the selected paths; found out without decoding its columns.
    func mayHaveSelectedPaths() throws(BlockError) -> Bool {
        guard let chunks = block.selectedChunks else { return true }
        return try block.reader.mayHavePath(of: chunks, rowGroup: index)
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

/// Places of events in a row group, ascending.
enum Places: Sendable {
    case range(Range<Int>)
    case list([Int])

    var count: Int {
        switch self {
        case .range(let range): range.count
        case .list(let list): list.count
        }
    }

    var isEmpty: Bool { count == 0 }

    var list: [Int] {
        switch self {
        case .range(let range): Array(range)
        case .list(let list): list
        }
    }

    /// Calls `body` with each place of those in `bounds`.
    @inline(__always)
    func forEach(in bounds: Range<Int>, _ body: (Int) -> Void) {
        switch self {
        case .range(let range):
            for place in range.clamped(to: bounds) { body(place) }
        case .list(let list):
            var index = bounds.lowerBound == 0 ? 0 : Self.firstIndex(notBelow: bounds.lowerBound, list)
            while index < list.count, list[index] < bounds.upperBound {
                body(list[index])
                index &+= 1
            }
        }
    }

    private static func firstIndex(notBelow place: Int, _ list: [Int]) -> Int {
        var (low, high) = (0, list.count)
        while low < high {
            let middle = (low + high) / 2
            if list[middle] < place { low = middle + 1 } else { high = middle }
        }
        return low
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

    /// Where they are among the block's; nil for all.
    var chunks: PathChunks? {
        var chunks = PathChunks()
        switch self {
        case .all: return nil
        case .flags(let flags):
            for (index, isSelected) in flags.enumerated() where isSelected { chunks.insert(PathIndex(index)) }
        case .only(let indices): for index in indices { chunks.insert(index) }
        }
        return chunks
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
    /// The chunks of the selected paths; nil when all are.
    let selectedChunks: PathChunks?
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
                selectedPaths = .flags(try paths.matches(in: reader))
            }
            isEmpty = selectedPaths.isEmpty
        }
        names = PathNames(reader, known: known)
        self.processMatches = processMatches
        self.selectedPaths = selectedPaths
        selectedChunks = isEmpty ? nil : selectedPaths.chunks
        self.isEmpty = isEmpty
    }
}
