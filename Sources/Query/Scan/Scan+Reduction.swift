internal import Block
package import Store
internal import Syscalls

/// What came of one block.
struct BlockOutcome<Part: Sendable>: Sendable {
    /// Nil where nothing of the block is selected.
    var part: Part?
    var crossingCount: UInt64 = 0
    /// In how many row groups something was found.
    var groupCount = 0
    /// Why the block could not be read to its end; `part` is of what came before.
    var error: BlockError?
}

/// What is done to one block, on whichever thread: `remaining` has the numbers of the events to look at.
typealias BlockWork<Part: Sendable> =
    @Sendable (
        _ block: BlockView, _ selector: BlockSelector, _ remaining: Range<UInt64>, _ outcome: inout BlockOutcome<Part>
    ) throws(BlockError) -> Void

/// Answers for which the order of events does not matter: blocks are looked at side by side.
extension Scan {
    /// Makes a part of every block that has selected events, as many at once as there are processors, and gives them to
    /// `fold` in the order of blocks.
    ///
    /// `begin`, `visit` and `end`, behind the last row group, are called on other threads; so is `summary`, of blocks of which
    /// nothing but the operation leaves events out: where it knows the part, nothing is decoded. Damaged blocks are noted; what was found before the damage counts.
    func reduce<Part: Sendable>(
        begin: @escaping @Sendable (BlockView) throws(BlockError) -> Part,
        visit: @escaping @Sendable (inout Part, RowGroupView) throws(BlockError) -> Void,
        end: @escaping @Sendable (inout Part, BlockView) throws(BlockError) -> Void = { _, _ in },
        summary: (@Sendable (BlockView) throws(BlockError) -> Part?)? = nil,
        fold: (Part) -> Flow
    ) throws(StoreError) {
        let selection = selection
        try eachBlock(
            { (block, selector, remaining, outcome) throws(BlockError) in
                let header = block.reader.header
                if let summary, selection.isOnlyTimeAndOperation, selection.holds(header.earliest, header.latest),
                    remaining.count == header.count, let known = try summary(block)
                {
                    outcome.part = known
                    return
                }
                var part: Part?
                defer { outcome.part = part }
                for (index, group) in block.reader.header.rowGroups.enumerated() {
                    let view = RowGroupView(block, index: index, group: group)
                    outcome.crossingCount += try selector.select(view, among: remaining)
                    guard !view.places.isEmpty else { continue }
                    outcome.groupCount += 1
                    // Taken out, so that it is not held twice while it is changed.
                    var grown: Part
                    if let known = part.take() { grown = known } else { grown = try begin(block) }
                    defer { part = grown }
                    try visit(&grown, view)
                }
                if var ended = part.take() {
                    defer { part = ended }
                    try end(&ended, block)
                }
            }, fold: fold)
    }

    /// How many events are selected. Blocks and row groups that the range holds whole are counted without decoding.
    package func count() throws(StoreError) -> UInt64 {
        let selection = selection
        var whole: UInt64 = 0
        var total: UInt64 = 0
        let isAnswered: @Sendable (RowGroup) -> Bool = {
            selection.isOnlyTime && selection.holds($0.earliest, $0.latest)
        }
        // Of a block that the range cuts, the row groups at the cut.
        var rowGroups: ((BlockHeader) -> [Int])?
        if selection.isOnlyTime {
            rowGroups = { header in
                header.rowGroups.indices.filter {
                    !isAnswered(header.rowGroups[$0]) && self.selector.rows.mayMatch(header.rowGroups[$0])
                }
            }
        }
        try eachBlock(
            unless: { row in
                // The last block has no neighbour that speaks for its row, so it is opened.
                guard selection.isOnlyTime, row.followedBy == row.endSequence,
                    selection.holds(row.earliest, row.latest)
                else { return false }
                whole += UInt64(walk.remaining(first: row.firstSequence, end: row.endSequence).count)
                return true
            }, rowGroups: rowGroups,
            { (block, selector, remaining, outcome: inout BlockOutcome<UInt64>) throws(BlockError) in
                var count: UInt64 = 0
                for (index, group) in block.reader.header.rowGroups.enumerated() {
                    if isAnswered(group) {
                        count += UInt64(remaining.clamped(to: group.firstSequence..<group.endSequence).count)
                    } else {
                        let view = RowGroupView(block, index: index, group: group)
                        outcome.crossingCount += try selector.select(view, among: remaining)
                        count += UInt64(view.places.count)
                    }
                }
                outcome.part = count
            },
            fold: {
                total += $0
                return .proceed
            })
        return whole + total
    }

    /// A block of fewer events takes no longer than to start a thread.
    static var fewEvents: Int { 4_096 }
    /// Each errand holds a block.
    static var greatestErrandCount: Int { min(Processors.usableCount, 8) }

    private func eachBlock<Part: Sendable>(
        unless isAnswered: (BlockRow) -> Bool = { _ in false }, rowGroups: ((BlockHeader) -> [Int])? = nil,
        _ work: @escaping BlockWork<Part>,
        fold: (Part) -> Flow
    ) throws(StoreError) {
        let errandCount = Self.greatestErrandCount
        var errands: [(row: BlockRow, errand: Errand<BlockOutcome<Part>>)] = []
        while let (row, fetched) = try nextBlock(unless: isAnswered, rowGroups: rowGroups) {
            let reader: BlockReader
            do throws(BlockError) {
                reader = try open(fetched, row)
            } catch {
                try pass(error, fetched, row)
                continue
            }
            let header = reader.header
            let remaining = walk.remaining(first: header.firstSequence, end: header.endSequence)
            guard case .bytes(let bytes) = fetched else {
                // Paths are looked up, and what that takes is read by this thread's connection.
                let outcome = Self.outcome(selector, remaining, work) { () throws(BlockError) in try view(reader, row) }
                if let error = outcome.error {
                    try pass(error, fetched, row)
                    // What took its place has the same events, and those that were found here are among them.
                    guard error.code != .gone else { continue }
                }
                walk.finish(first: header.firstSequence, end: header.endSequence)
                guard take(outcome, fold) == .proceed else { return }
                continue
            }
            walk.finish(first: header.firstSequence, end: header.endSequence)
            if errands.count == errandCount {
                let (row, errand) = errands.removeFirst()
                guard take(errand.result(), row, fold) == .proceed else { return }
            }
            let selector = selector
            let errand = Errand(isSmall: errandCount == 1 || header.count < Self.fewEvents) {
                Self.outcome(selector, remaining, work) { () throws(BlockError) in
                    try selector.view(BlockReader(bytes)) { _ in nil }
                }
            }
            errands.append((row, errand))
        }
        for (row, errand) in errands {
            guard take(errand.result(), row, fold) == .proceed else { return }
        }
    }

    static func outcome<Part: Sendable>(
        _ selector: BlockSelector, _ remaining: Range<UInt64>, _ work: BlockWork<Part>,
        _ view: () throws(BlockError) -> BlockView
    ) -> BlockOutcome<Part> {
        var outcome = BlockOutcome<Part>()
        do throws(BlockError) {
            let block = try view()
            if !block.isEmpty { try work(block, selector, remaining, &outcome) }
        } catch {
            outcome.error = error
        }
        return outcome
    }

    func take<Part>(_ outcome: BlockOutcome<Part>, _ row: BlockRow, _ fold: (Part) -> Flow) -> Flow {
        if let error = outcome.error { note(error, row) }
        return take(outcome, fold)
    }

    private func take<Part>(_ outcome: BlockOutcome<Part>, _ fold: (Part) -> Flow) -> Flow {
        crossingCount += outcome.crossingCount
        groupCount += outcome.groupCount
        return outcome.part.map(fold) ?? .proceed
    }
}
