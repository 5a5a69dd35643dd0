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

    package func objects() throws(BlockError) -> [FileIdentity?] {
        if let objects = decodedObjects { return objects }
        let objects = try block.reader.objects(rowGroup: index)
        guard objects.count == group.count else { throw BlockError(.malformed, "objects of another length") }
        decodedObjects = objects
        return objects
    }
}

/// A block being read, with what a scan has worked out about its dictionaries.
///
/// Thread: one.
package final class BlockView {
    package let reader: BlockReader
    /// For each path whether it is selected; nil where every path is.
    let pathMatches: [Bool]?
    let processMatches: [Bool]?
    /// True when some dictionary holds nothing that is asked for.
    let isEmpty: Bool

    init(_ reader: BlockReader, paths: PathMatcher?, processes: ProcessMatcher?) throws(BlockError) {
        self.reader = reader
        var isEmpty = false
        var processMatches: [Bool]?
        if let processes {
            processMatches = processes.matches(in: try reader.processes())
            isEmpty = processMatches?.contains(true) == false && !processes.acceptsUnknown
        }
        var pathMatches: [Bool]?
        if let paths, !isEmpty {
            pathMatches = paths.matches(in: try reader.pathDictionary())
            isEmpty = pathMatches?.contains(true) == false
        }
        self.processMatches = processMatches
        self.pathMatches = pathMatches
        self.isEmpty = isEmpty
    }
}
