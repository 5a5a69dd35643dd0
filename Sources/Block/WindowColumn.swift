/// The windows of a row group: a table in order of first use, and each event's index into it as a `RunColumn`.
///
/// Shape: `edges` is the count n of the table, the unit u of its moments in microseconds, then n numbers for the starts: 0
/// the start of the window before (at first the block's base), else 1 + the zigzag difference to the end before in units;
/// then n zigzag differences of each clock offset to the one before (the first to 0) in microseconds. A window's length
/// in units is an unsigned number: its low bytes are `lowLengths`, one a window; the rest, length >> 8, are the numbers of
/// `highLengths`, empty when all are 0.
struct WindowColumn {
    var symbols: [UInt8] = []
    var runs: [UInt8] = []
    var edges: [UInt8] = []
    var lowLengths: [UInt8] = []
    var highLengths: [UInt8] = []

    init() {}

    /// Encodes a row group's windows; `origin` is the block's base in microseconds.
    init(_ indices: [UInt32], table: [StoredWindow], origin: Int64) {
        RunColumn.encode(indices, firstNew: 0, symbols: &symbols, lengths: &runs)
        let isOnGrid = (table.lazy.flatMap { [$0.earliest, $0.time] } + [origin]).allSatisfy {
            $0 % StoredWindow.grid == 0
        }
        let unit = isOnGrid ? StoredWindow.grid : 1
        edges.appendVarint(table.count)
        edges.appendVarint(UInt64(unit))
        var start = origin
        var end = origin
        var hasHigh = false
        for window in table {
            if window.earliest == start {
                edges.append(0)
            } else {
                edges.appendVarint(1 &+ Zigzag.encode((window.earliest &- end) / unit))
            }
            start = window.earliest
            end = window.time
            let length = UInt64(bitPattern: (window.time &- window.earliest) / unit)
            lowLengths.append(UInt8(truncatingIfNeeded: length))
            highLengths.appendVarint(length >> 8)
            hasHigh = hasHigh || length >> 8 != 0
        }
        if !hasHigh { highLengths = [] }
        var offset: Int64 = 0
        for window in table {
            edges.appendZigzag(window.clockOffset &- offset)
            offset = window.clockOffset
        }
    }

    /// The table and the indices of `count` events.
    func decode(count: Int, origin: Int64) throws(PartError) -> (table: [StoredWindow], indices: ColumnRuns) {
        let table = try decodeTable(origin: origin, atMost: count)
        let indices = try RunColumn.decodeRuns(symbols, runs, count: count, limit: table.count)
        guard !indices.values.contains(.absent) else { throw .malformed("event without a window") }
        return (table, indices)
    }

    private func decodeTable(origin: Int64, atMost limit: Int) throws(PartError) -> [StoredWindow] {
        // SAFETY: bytes are initialised memory without padding; the spans do not outlive the arrays.
        var edges = unsafe ByteCursor(self.edges.span.bytes)
        var low = unsafe ByteCursor(lowLengths.span.bytes)
        var high = unsafe ByteCursor(highLengths.span.bytes)
        let hasHigh = high.remainingByteCount > 0
        let count = try edges.count(atMost: limit)
        let unit = Int64(bitPattern: try edges.varint())
        var table: [StoredWindow] = []
        table.reserveCapacity(count)
        var earliest = origin
        var end = origin
        for _ in 0..<count {
            let code = try edges.varint()
            if code != 0 { earliest = end &+ Zigzag.decode(code &- 1) &* unit }
            var length = UInt64(try low.byte())
            if hasHigh { length |= try high.varint() << 8 }
            end = earliest &+ Int64(bitPattern: length) &* unit
            table.append(StoredWindow(earliest: earliest, time: end, clockOffset: 0))
        }
        var offset: Int64 = 0
        for index in 0..<count {
            offset &+= try edges.zigzag()
            table[index].clockOffset = offset
        }
        try edges.expectEnd()
        try low.expectEnd()
        try high.expectEnd()
        return table
    }
}
