internal import Block
internal import Store

/// The rows of a block, as text, as far as another thread wrote them.
struct WrittenRows: Sendable {
    var bytes: [UInt8] = []
    var count = 0
    /// What it stopped at, since the rows came to be many.
    var rest: Rest?

    /// A block and the row groups of it that are still to be looked at.
    // Sendable: a view is of one thread at a time, and the one that made it has ended when its owner comes for it.
    struct Rest: @unchecked Sendable {
        let view: BlockView
        let groups: ArraySlice<Int>
        /// The numbers of the events to look at.
        let remaining: Range<UInt64>
    }
}

/// What comes next of an answer in rows.
enum RowsStep {
    /// Rows that are written already.
    case written(WrittenRows)
    /// A row group with selected events, whose rows are still to be written.
    case group(RowGroupView)
}

/// Rows come in the order of their blocks, but the text of a block does not depend on those before: where a question finds
/// little in much, the next block is looked through while the rows of the one before are being written.
extension Scan {
    /// Two: what is decoded of a block takes some twenty megabytes, and an answer in rows is to stay small.
    private static var writingCount: Int { min(2, greatestErrandCount) }
    /// A block of more text, or a row group of more rows, is written by the owner from there on, and so are all that follow.
    private static var greatestByteCount: Int { 2 << 20 }
    private static var greatestRowCount: Int { 4_096 }
    /// So is a row group with which a block comes to more text than this: command lines can be long.
    private static var greatestGroupByteCount: Int { 4 << 20 }

    /// The next rows, nil at the end. Damaged blocks are noted and passed over.
    ///
    /// Parameter makeWriter: a writer for the rows of a block. It is called, and used, on other threads.
    func nextRows(_ makeWriter: @escaping @Sendable () -> any RowWriter) throws(StoreError) -> RowsStep? {
        while true {
            let writesAhead = fetchedBlockCount > 0 && !hasManyRows && Self.writingCount > 1
            let openCount = current == nil ? 0 : 1
            while writesAhead, writing.count + openCount < Self.writingCount,
                let (row, fetched) = try nextBlock(isWhole: true)
            {
                try write(row, fetched, makeWriter)
            }
            if current != nil {
                if let view = try nextOpened() { return .group(view) }
                continue
            }
            guard writesAhead || !writing.isEmpty else {
                // The rows of the first block are to come at once.
                guard let view = try next() else { return nil }
                letWalkGoOn()
                return .group(view)
            }
            guard !writing.isEmpty else { return nil }
            let block = writing.removeFirst()
            var rows: WrittenRows?
            _ = take(block.rows.result(), block.row) { written in
                rows = written
                return .proceed
            }
            guard let rows else { continue }
            if let rest = rows.rest {
                hasManyRows = true
                current = OpenBlock(
                    row: block.row, fetched: block.fetched, view: rest.view, groups: rest.groups,
                    remaining: rest.remaining)
            }
            if rows.count > 0 { return .written(rows) }
        }
    }

    /// The block at hand keeps to what it has to look at, so that those behind it can be fetched.
    private func letWalkGoOn() {
        guard let header = current?.view.reader.header else { return }
        current?.remaining = walk.remaining(first: header.firstSequence, end: header.endSequence)
        walk.finish(first: header.firstSequence, end: header.endSequence)
    }

    private func write(
        _ row: BlockRow, _ fetched: Fetched, _ makeWriter: @escaping @Sendable () -> any RowWriter
    ) throws(StoreError) {
        guard let (bytes, reader, remaining) = try handOut(fetched, row) else { return }
        let (selector, isReversed) = (selector, selection.isReversed)
        let work: BlockWork<WrittenRows> = { (block, selector, remaining, outcome) throws(BlockError) in
            try Self.write(block, selector, remaining, isReversed: isReversed, makeWriter(), &outcome)
        }
        let rows = Errand(isSmall: reader.header.count < Self.fewEvents) {
            Self.outcome(selector, remaining, work) { () throws(BlockError) in
                try selector.view(BlockReader(bytes)) { _ in nil }
            }
        }
        writing.append(BlockWriting(row: row, fetched: fetched, rows: rows))
    }

    private static func write(
        _ block: BlockView, _ selector: BlockSelector, _ remaining: Range<UInt64>, isReversed: Bool,
        _ writer: any RowWriter, _ outcome: inout BlockOutcome<WrittenRows>
    ) throws(BlockError) {
        var writer = writer
        var rows = WrittenRows()
        defer { outcome.part = rows }
        try writer.use(block)
        let header = block.reader.header
        let groups = Array(header.rowGroups.indices)
        var rest = (isReversed ? groups.reversed() : groups)[...]
        while let index = rest.first {
            let view = RowGroupView(block, index: index, group: header.rowGroups[index])
            let crossingCount = try selector.select(view, among: remaining)
            guard rows.bytes.count < greatestByteCount, view.places.count <= greatestRowCount else {
                rows.rest = WrittenRows.Rest(view: block, groups: rest, remaining: remaining)
                return
            }
            if !view.places.isEmpty {
                let columns = try EventColumns(view)
                let start = rows.bytes.count
                let count = columns.ordinals.count
                for number in 0..<count {
                    writer.write(columns[isReversed ? count - 1 - number : number], into: &rows.bytes)
                    guard rows.bytes.count < greatestGroupByteCount else {
                        rows.bytes.removeSubrange(start...)
                        rows.rest = WrittenRows.Rest(view: block, groups: rest, remaining: remaining)
                        return
                    }
                }
                outcome.groupCount += 1
                rows.count += count
            }
            rest.removeFirst()
            outcome.crossingCount += crossingCount
        }
    }
}

/// A block whose rows are being written on another thread.
struct BlockWriting {
    let row: BlockRow
    let fetched: Scan.Fetched
    let rows: Errand<BlockOutcome<WrittenRows>>
}
