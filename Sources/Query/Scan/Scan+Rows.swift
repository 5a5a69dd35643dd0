internal import Block
internal import Store

/// What comes next of an answer in rows.
enum RowsStep {
    /// Rows that are written already.
    case written(WrittenRows)
    /// A row group with selected events, whose rows are still to be written.
    case group(RowGroupView)
}

/// What another thread leaves of a block.
struct RowsLeft: Sendable {
    /// The last rows that it wrote.
    var rows = WrittenRows()
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

/// Rows come in the order of their blocks, but the text of a block does not depend on those before: the next block is looked
/// through, and its rows are written, while those of the one before are.
extension Scan {
    /// Two: what is decoded of a block takes some twenty megabytes, and an answer in rows is to stay small.
    private static var writingCount: Int { min(2, greatestErrandCount) }
    /// A row group of more rows is written by the owner, and so are all that follow: two of them, with all names of two blocks,
    /// would take too much.
    private static var greatestRowCount: Int { 4_096 }

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
                if let view = try nextOpened() { return give(view) }
                continue
            }
            guard writesAhead || !writing.isEmpty else {
                // The rows of the first block are to come at once.
                guard let view = try next() else { return nil }
                letWalkGoOn()
                return give(view)
            }
            guard let block = writing.first else { return nil }
            switch block.work {
            case .another(let fetched, let errand, let queue):
                if let rows = queue.take() { return .written(rows) }
                writing.removeFirst()
                var left = RowsLeft()
                _ = take(errand.result(), block.row) { part in
                    left = part
                    return .proceed
                }
                if let rest = left.rest {
                    hasManyRows = true
                    current = OpenBlock(
                        row: block.row, fetched: fetched, view: rest.view, groups: rest.groups,
                        remaining: rest.remaining)
                }
                if left.rows.count > 0 { return .written(left.rows) }
            case .owner(let bytes, let remaining):
                writing.removeFirst()
                try openNow(block.row, bytes, remaining)
            }
        }
    }

    private func give(_ view: RowGroupView) -> RowsStep {
        if view.places.count > Self.greatestRowCount { hasManyRows = true }
        return .group(view)
    }

    /// The block at hand keeps to what it has to look at, so that those behind it can be fetched.
    private func letWalkGoOn() {
        guard let header = current?.view.reader.header else { return }
        current?.remaining = walk.remaining(first: header.firstSequence, end: header.endSequence)
        walk.finish(first: header.firstSequence, end: header.endSequence)
    }

    private func openNow(_ row: BlockRow, _ bytes: [UInt8], _ remaining: Range<UInt64>) throws(StoreError) {
        let fetched = Fetched.bytes(bytes)
        do throws(BlockError) {
            let view = try selector.view(BlockReader(bytes)) { _ in nil }
            current = opened(view, fetched, row)
            current?.remaining = remaining
        } catch {
            try pass(error, fetched, row)
        }
    }

    private func write(
        _ row: BlockRow, _ fetched: Fetched, _ makeWriter: @escaping @Sendable () -> any RowWriter
    ) throws(StoreError) {
        guard let (bytes, reader, remaining) = try handOut(fetched, row) else { return }
        let (selector, isReversed) = (selector, selection.isReversed)
        if reader.header.count >= Self.fewEvents, let queue = try? RowsQueue() {
            let work: BlockWork<RowsLeft> = { (block, selector, remaining, outcome) throws(BlockError) in
                try Self.write(block, selector, remaining, isReversed: isReversed, makeWriter(), to: queue, &outcome)
            }
            let errand = Errand {
                defer { queue.end() }
                return Self.outcome(selector, remaining, work) { () throws(BlockError) in
                    try selector.view(BlockReader(bytes)) { _ in nil }
                }
            }
            if let errand {
                writing.append(BlockWriting(row, .another(fetched, errand, queue)))
                return
            }
        }
        writing.append(BlockWriting(row, .owner(bytes, remaining: remaining)))
    }

    private static func write(
        _ block: BlockView, _ selector: BlockSelector, _ remaining: Range<UInt64>, isReversed: Bool,
        _ writer: any RowWriter, to queue: RowsQueue, _ outcome: inout BlockOutcome<RowsLeft>
    ) throws(BlockError) {
        var ahead = RowsAhead(writer, queue)
        var left = RowsLeft()
        defer {
            // What came before damage is of the answer.
            ahead.write(all: true)
            left.rows = ahead.rows
            outcome.part = left
        }
        let header = block.reader.header
        let groups = Array(header.rowGroups.indices)
        var rest = (isReversed ? groups.reversed() : groups)[...]
        while let index = rest.first, !ahead.isGivenUp {
            let view = RowGroupView(block, index: index, group: header.rowGroups[index])
            let crossingCount = try selector.select(view, among: remaining)
            guard view.places.count <= greatestRowCount else {
                left.rest = RowsLeft.Rest(view: block, groups: rest, remaining: remaining)
                return
            }
            rest.removeFirst()
            outcome.crossingCount += crossingCount
            guard !view.places.isEmpty else { continue }
            try ahead.append(view, isReversed: isReversed)
            outcome.groupCount += 1
            ahead.write()
        }
    }
}

/// A block behind the one at hand, whose rows come after those of that one.
final class BlockWriting {
    enum Work {
        /// Another thread writes its rows.
        case another(Scan.Fetched, Errand<BlockOutcome<RowsLeft>>, RowsQueue)
        /// It is small, or there is no thread to be had: its owner does, in its turn. With the numbers of the events to look
        /// at.
        case owner([UInt8], remaining: Range<UInt64>)
    }

    let row: BlockRow
    let work: Work

    init(_ row: BlockRow, _ work: Work) {
        self.row = row
        self.work = work
    }

    deinit {
        if case .another(_, _, let queue) = work { queue.giveUp() }
    }
}
