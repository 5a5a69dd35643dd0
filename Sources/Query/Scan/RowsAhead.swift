internal import Block

/// The rows of a block on their way into its queue. While that is full their events wait: they take less than their text, and
/// what comes next in the block can be decoded.
///
/// Thread: one.
struct RowsAhead {
    /// Rows are handed over in pieces of that size.
    private static let pieceByteCount = 256 << 10
    /// Some two megabytes.
    private static let greatestWaitingCount = 16_384

    private var writer: any RowWriter
    private let queue: RowsQueue
    private var usesBlock = false
    private var events: [EventView] = []
    private var writtenCount = 0
    /// What is written and not handed over.
    private(set) var rows = WrittenRows()
    /// Nobody comes for the rows.
    private(set) var isGivenUp = false

    /// Parameter writer: one that has written nothing.
    init(_ writer: any RowWriter, _ queue: RowsQueue) {
        self.writer = writer
        self.queue = queue
    }

    /// Adds the selected events of a row group, all of them of one block.
    mutating func append(_ view: RowGroupView, isReversed: Bool) throws(BlockError) {
        let columns = try EventColumns(view)
        if !usesBlock { try writer.use(view.block) }
        usesBlock = true
        events.removeFirst(writtenCount)
        writtenCount = 0
        for ordinal in columns.ordinals {
            events.append(columns[isReversed ? columns.ordinals.upperBound - 1 - ordinal : ordinal])
        }
    }

    /// Writes rows for as long as there is room for them or too many wait; with `all` until none is left.
    mutating func write(all: Bool = false) {
        while writtenCount < events.count, !isGivenUp,
            all || events.count - writtenCount > Self.greatestWaitingCount || queue.hasRoom
        {
            while writtenCount < events.count, rows.bytes.count < Self.pieceByteCount {
                writer.write(events[writtenCount], into: &rows.bytes)
                writtenCount += 1
                rows.count += 1
            }
            if rows.bytes.count >= Self.pieceByteCount { isGivenUp = !queue.put(&rows) }
        }
    }
}
