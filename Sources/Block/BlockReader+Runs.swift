package import Model

/// The windows of a row group: a table and, for runs of events, indices into it.
package struct WindowRuns: Sendable {
    /// As they are stored: of a row group's thousands of windows often nothing but the ends are asked for.
    let stored: [StoredWindow]
    package let runs: ColumnRuns

    package var table: [TimeWindow] { stored.map(TimeWindow.init) }

    /// `time` of each window of the table.
    package var times: [Instant] { stored.map { Instant(microsecondsSinceEpoch: $0.time) } }

    /// The index of each event.
    package var expanded: DecodedWindows { DecodedWindows(table: table, index: runs.expanded) }
}

/// The windows of a row group: a table and, for each event, an index into it.
package struct DecodedWindows: Sendable {
    package var table: [TimeWindow]
    package var index: [UInt32]

    /// The window of the event at `position` of the row group.
    package subscript(position: Int) -> TimeWindow { table[Int(index[position])] }
}

/// The columns whose values come in runs.
extension BlockReader {
    /// The windows of a row group.
    package func windows(of rowGroup: Int) throws(BlockError) -> WindowRuns {
        let windows = try decodeWindows(rowGroup)
        return WindowRuns(stored: windows.table, runs: windows.indices)
    }

    /// The processes of a row group's events: indices as of the column `.process`.
    package func processRuns(of rowGroup: Int) throws(BlockError) -> ColumnRuns {
        if let cached = cachedProcessRuns, cached.rowGroup == rowGroup { return cached.runs }
        let symbols = try part(.processSymbols, rowGroup)
        let runs = try part(.processRuns, rowGroup)
        let count = header.rowGroups[rowGroup].count
        let decoded = try decoding("processes of row group \(rowGroup)") { () throws(PartError) in
            try RunColumn.decodeRuns(symbols, runs, count: count, limit: header.processCount)
        }
        cachedProcessRuns = (rowGroup, decoded)
        return decoded
    }

    /// The table and indices of a row group's windows.
    func decodeWindows(_ rowGroup: Int) throws(BlockError) -> (table: [StoredWindow], indices: ColumnRuns) {
        var column = WindowColumn()
        column.symbols = try part(.windowSymbols, rowGroup)
        column.runs = try part(.windowRuns, rowGroup)
        column.edges = try part(.windowEdges, rowGroup)
        column.lowLengths = try part(.windowLowLengths, rowGroup)
        column.highLengths = try part(.windowHighLengths, rowGroup)
        let count = header.rowGroups[rowGroup].count
        return try decoding("windows of row group \(rowGroup)") { () throws(PartError) in
            try column.decode(count: count, origin: layout.origin)
        }
    }

    func processColumn(_ rowGroup: Int) throws(BlockError) -> [UInt32] {
        if let cached = cachedProcessColumn, cached.rowGroup == rowGroup { return cached.values }
        let values = try processRuns(of: rowGroup).expanded
        cachedProcessColumn = (rowGroup, values)
        return values
    }
}
