package import Block
internal import Model
package import Store

/// Finds the events of a selection, decoding as little as can be.
///
/// A block is passed over by its row (times, operations), by its filter (paths), by its dictionaries, then each row group
/// by its zone map; only what is left has columns decoded. Memory: one block, and those that are looked through ahead of it.
/// Thread: one.
package final class Scan {
    /// What a visitor wants next.
    package enum Flow: Sendable {
        case proceed
        case stop
    }

    /// A block that could not be read.
    package struct Damage: Sendable {
        package var firstSequence: UInt64
        package var count: UInt64
        package var error: BlockError

        package init(firstSequence: UInt64, count: UInt64, error: BlockError) {
            self.firstSequence = firstSequence
            self.count = count
            self.error = error
        }

        /// One line for people.
        package var text: String {
            "damaged block: events \(firstSequence) to \(firstSequence &+ count &- 1) cannot be read: \(error)"
        }
    }

    let reader: StoreReader
    let selection: Selection
    let walk: BlockWalk
    let selector: BlockSelector
    /// The last filter that was read, and of which block.
    private var filter: (firstSequence: UInt64, reader: PathFilterReader)?

    /// A block of which row groups are still to be looked at.
    struct OpenBlock {
        let row: BlockRow
        let fetched: Fetched
        let view: BlockView
        var groups: ArraySlice<Int>
        /// The numbers of the events to look at, where the walk has gone on already.
        var remaining: Range<UInt64>?
        /// By row group, where it was found out before.
        var places: [Int: Places]?
    }

    var current: OpenBlock?
    /// Blocks of the walk behind the current one, being looked through.
    var ahead: [BlockAhead] = []
    /// Blocks of the walk behind the current one, in whose place their rows come.
    var writing: [BlockWriting] = []
    /// Whether a row group turned out to have more rows than are written ahead.
    var hasManyRows = false
    /// The row group last given.
    private var visited: RowGroup?
    /// How many blocks were fetched, and in how many row groups something was found.
    package private(set) var fetchedBlockCount = 0
    package internal(set) var groupCount = 0

    /// Events behind the range's end whose windows reach into it; they are selected only with `includesOverlapping`.
    package internal(set) var crossingCount: UInt64 = 0
    package internal(set) var damages: [Damage] = []
    package var lostToPruning: Bool { walk.lostToPruning }
    /// Says how far the scan is.
    package var progress: ProgressLine?
    /// Whether `next` may look through blocks that come later on other threads; then `nextSequence` runs ahead of what was
    /// given.
    package var looksAhead = false
    /// Asked before each block; once it says yes there are no more blocks, and what was found is of no use.
    package var shouldStop: () -> Bool = { false }
    /// Whether `shouldStop` ended the scan.
    package private(set) var isStopped = false
    /// Forwards: the number of the first event not yet looked at.
    package var nextSequence: UInt64 { walk.cursor }

    /// Only events behind `afterSequence` (forwards), and before `beforeSequence` (in both directions).
    package init(
        _ reader: StoreReader, _ selection: Selection, afterSequence: UInt64? = nil, beforeSequence: UInt64? = nil
    ) {
        self.reader = reader
        self.selection = selection
        walk = BlockWalk(
            reader, from: selection.since, to: selection.until, isReversed: selection.isReversed,
            afterSequence: afterSequence, beforeSequence: beforeSequence)
        selector = BlockSelector(selection)
    }

    /// Calls `visit` for every row group with selected events, in the selection's order of groups.
    ///
    /// `RowGroupView.positions` ascend also when the selection is reversed. Damaged blocks are noted and passed over.
    /// Throws: `StoreError`, and what `visit` throws but `BlockError`.
    package func forEachGroup(_ visit: (RowGroupView) throws -> Flow) throws {
        while let view = try next() {
            do {
                if try visit(view) == .stop { return }
            } catch let error as BlockError {
                try passOver(error)
            }
        }
    }

    /// The next row group with selected events, nil at the end: what `forEachGroup` visits, for callers that are asked
    /// row by row. Damaged blocks are noted and passed over.
    package func next() throws(StoreError) -> RowGroupView? {
        while true {
            if let view = try nextOpened() { return view }
            if isWorthLookingAhead {
                guard try openAhead() else { return nil }
                continue
            }
            guard let (row, block) = try nextBlock() else { return nil }
            do throws(BlockError) {
                let view = try view(open(block, row), row)
                current = opened(view, block, row)
            } catch {
                try pass(error, block, row)
            }
        }
    }

    /// A block to be gone through in the selection's order of groups. Parameter groups: nil for all that may hold something.
    func opened(_ view: BlockView, _ fetched: Fetched, _ row: BlockRow, groups: [Int]? = nil) -> OpenBlock {
        let groups = groups ?? (view.isEmpty ? [] : Array(view.reader.header.rowGroups.indices))
        return OpenBlock(
            row: row, fetched: fetched, view: view, groups: (selection.isReversed ? groups.reversed() : groups)[...])
    }

    /// The next row group with selected events of the block at hand, nil when there is none left.
    func nextOpened() throws(StoreError) -> RowGroupView? {
        finishVisited()
        do throws(BlockError) {
            guard let view = try nextInBlock() else { return nil }
            groupCount += 1
            visited = view.group
            return view
        } catch {
            try passOver(error)
            return nil
        }
    }

    /// Whether the row group last given was the last of its block that may have selected events.
    var hasLeftBlock: Bool { current?.groups.isEmpty ?? true }

    /// Gives up the block of the row group last given by `next`, which could not be decoded.
    package func passOver(_ error: BlockError) throws(StoreError) {
        guard let block = current else { return }
        current = nil
        visited = nil
        try pass(error, block.fetched, block.row)
    }

    /// The next block that may hold selected events, nil at the end; those for which `isAnswered` are passed over.
    ///
    /// Where a few paths are looked up, only what that takes is read; so where `rowGroups` says which row groups of a block
    /// are to be looked at. With `isWhole` all of the block is.
    func nextBlock(
        unless isAnswered: (BlockRow) -> Bool = { _ in false }, isWhole: Bool = false,
        rowGroups: ((BlockHeader) -> [Int])? = nil
    ) throws(StoreError) -> (row: BlockRow, block: Fetched)? {
        while let row = try walk.next() {
            progress?.update { walk.share }
            if isStopped || shouldStop() {
                isStopped = true
                return nil
            }
            var isNeeded = !isAnswered(row)
            if isNeeded { isNeeded = try mayMatch(row) }
            guard isNeeded else {
                walk.finish(first: row.firstSequence, end: row.endSequence)
                continue
            }
            guard let block = try fetch(row, isWhole: isWhole, rowGroups: rowGroups) else { continue }
            fetchedBlockCount += 1
            return (row, block)
        }
        return nil
    }

    /// A block as it was fetched: whole, or to be read as far as it is needed.
    enum Fetched {
        case bytes([UInt8])
        case stored(StoredBlock)
    }

    /// The block; nil when it is gone, or when SQLite finds the pages it lies on damaged: that is noted, and the other
    /// blocks are still answered.
    private func fetch(
        _ row: BlockRow, isWhole: Bool, rowGroups: ((BlockHeader) -> [Int])?
    ) throws(StoreError) -> Fetched? {
        do throws(StoreError) {
            if let rowGroups {
                return try walk.open(row) { start, byteCount in
                    BlockReader.stretches(after: start, byteCount: byteCount) { header, _ in (rowGroups(header), []) }
                }.map(Fetched.stored)
            }
            if !isWhole, let literals = selector.paths?.literals {
                return try walk.open(row) { start, byteCount in
                    BlockReader.stretches(after: start, byteCount: byteCount) { header, pathGroupCount in
                        let groups = literals.map { pathGroup(of: $0, header, pathGroupCount: pathGroupCount, row) }
                        return (
                            header.rowGroups.indices.filter { selector.rows.mayMatch(header.rowGroups[$0]) },
                            groups.contains(nil) ? Array(0..<pathGroupCount) : groups.compactMap(\.self)
                        )
                    }
                }.map(Fetched.stored)
            }
            return try walk.fetch(row).map(Fetched.bytes)
        } catch  where error.code == .corrupt {
            note(BlockError(.damaged, error.description), row)
            return nil
        }
    }

    /// Goes on behind a block that could not be read to its end, or with what took its place.
    func pass(_ error: BlockError, _ block: Fetched, _ row: BlockRow) throws(StoreError) {
        guard error.code == .gone else {
            note(error, row)
            return
        }
        if case .stored(let block) = block, let failure = block.failure {
            guard failure.code == .corrupt else { throw failure }
            note(BlockError(.damaged, failure.description), row)
            return
        }
        try walk.goOnWithout(row)
    }

    /// Reads the header of a block and holds it against the row, which decides where the walk goes on.
    ///
    /// A merged block starts where its first source did, so it may hold more than a row that was listed before the merge.
    func open(_ fetched: Fetched, _ row: BlockRow) throws(BlockError) -> BlockReader {
        let block: BlockReader
        switch fetched {
        case .bytes(let bytes): block = try BlockReader(bytes)
        case .stored(let source): block = try BlockReader(source)
        }
        let end = block.header.endSequence
        if let next = row.followedBy, next > end, !row.isContiguous {
            let error = BlockError(.damaged, "no block holds them")
            damages.append(Damage(firstSequence: end, count: next - end, error: error))
        }
        guard block.header.firstSequence == row.firstSequence, UInt64(block.header.count) >= row.count else {
            throw BlockError(
                .malformed,
                "it holds \(block.header.count) events from \(block.header.firstSequence), its row says \(row.count) from "
                    + "\(row.firstSequence)")
        }
        return block
    }

    /// Opens a block that was fetched whole, for another thread, and has the walk go on behind it; nil where it is damaged, which
    /// is noted. `remaining` has the numbers of the events to look at.
    func handOut(
        _ fetched: Fetched, _ row: BlockRow
    ) throws(StoreError) -> (bytes: [UInt8], reader: BlockReader, remaining: Range<UInt64>)? {
        guard case .bytes(let bytes) = fetched else { return nil }
        let reader: BlockReader
        do throws(BlockError) {
            reader = try open(fetched, row)
        } catch {
            try pass(error, fetched, row)
            return nil
        }
        let header = reader.header
        let remaining = walk.remaining(first: header.firstSequence, end: header.endSequence)
        walk.finish(first: header.firstSequence, end: header.endSequence)
        return (bytes, reader, remaining)
    }

    /// Passes over what is left of a block that cannot be read.
    func note(_ error: BlockError, _ row: BlockRow) {
        damages.append(Damage(firstSequence: row.firstSequence, count: row.count, error: error))
        walk.finish(first: row.firstSequence, end: row.endSequence)
    }

    /// What the block's row and its filter say.
    private func mayMatch(_ row: BlockRow) throws(StoreError) -> Bool {
        if !selection.operations.isEmpty, row.maskUnion.isDisjoint(with: selection.operations) { return false }
        guard selection.hasPathCondition, row.filterByteCount > 0,
            let filter = try reader.filter(firstSequence: row.firstSequence)
        else { return true }
        let opened = PathFilterReader(filter, key: reader.filterKey)
        self.filter = (row.firstSequence, opened)
        return selection.mayMatch { opened.find($0) != .absent }
    }

    /// The only path group of a block that may hold a path, where its filter says so.
    ///
    /// The filter was read before the block, which may have been merged in between; then it holds more events than its row.
    func pathGroup(
        of path: RawPath, _ header: BlockHeader, pathGroupCount: Int, _ row: BlockRow
    ) -> Int? {
        guard let filter, filter.firstSequence == row.firstSequence, UInt64(header.count) == row.count,
            case .possible(let group) = filter.reader.find(path.bytes, pathGroupCount: pathGroupCount)
        else { return nil }
        return group
    }

    func view(_ block: BlockReader, _ row: BlockRow) throws(BlockError) -> BlockView {
        try selector.view(block) { pathGroup(of: $0, block.header, pathGroupCount: block.pathGroupCount, row) }
    }

    /// The next row group with selected events of the block at hand; nil when there is none left.
    private func nextInBlock() throws(BlockError) -> RowGroupView? {
        guard let block = current else { return nil }
        let header = block.view.reader.header
        while let index = current?.groups.popFirst() {
            let view = RowGroupView(block.view, index: index, group: header.rowGroups[index])
            if let places = block.places {
                view.places = places[index] ?? .list([])
            } else {
                try select(view, among: block.remaining)
            }
            if !view.places.isEmpty { return view }
        }
        current = nil
        walk.finish(first: header.firstSequence, end: header.endSequence)
        return nil
    }

    /// A block that turns out to be damaged behind a group must not give the group's events again.
    private func finishVisited() {
        guard let group = visited else { return }
        visited = nil
        walk.finish(first: group.firstSequence, end: group.endSequence)
    }

    /// Fills `view.places` with the events that are selected among those of `remaining`, nil being all not yet looked at.
    private func select(_ view: RowGroupView, among remaining: Range<UInt64>?) throws(BlockError) {
        crossingCount += try selector.select(
            view, among: remaining ?? walk.remaining(first: view.group.firstSequence, end: view.group.endSequence))
    }
}
