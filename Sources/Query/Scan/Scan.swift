package import Block
internal import Model
package import Store

/// Finds the events of a selection, decoding as little as can be.
///
/// A block is passed over by its row (times, operations), by its filter (paths), by its dictionaries, then each row group
/// by its zone map; only what is left has columns decoded. Memory: one block at a time.
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
    }

    private let reader: StoreReader
    private let selection: Selection
    private let walk: BlockWalk
    private let paths: PathMatcher?
    private let processes: ProcessMatcher?

    /// Events behind the range's end whose windows reach into it; they are selected only with `includesOverlapping`.
    package private(set) var crossingCount: UInt64 = 0
    package private(set) var damages: [Damage] = []
    package var lostToPruning: Bool { walk.lostToPruning }
    /// Forwards: the number of the first event not yet looked at.
    package var nextSequence: UInt64 { walk.cursor }

    /// Only events behind `afterSequence` (forwards), or before `beforeSequence` (backwards).
    package init(
        _ reader: StoreReader, _ selection: Selection, afterSequence: UInt64? = nil, beforeSequence: UInt64? = nil
    ) {
        self.reader = reader
        self.selection = selection
        walk = BlockWalk(
            reader, from: selection.since, to: selection.until, isReversed: selection.isReversed,
            afterSequence: afterSequence, beforeSequence: beforeSequence)
        paths = selection.hasPathCondition ? PathMatcher(selection) : nil
        processes = selection.hasProcessCondition ? ProcessMatcher(selection) : nil
    }

    /// Calls `visit` for every row group with selected events, in the selection's order of groups.
    ///
    /// `RowGroupView.positions` ascend also when the selection is reversed. Damaged blocks are noted and passed over.
    /// Throws: `StoreError`, and what `visit` throws but `BlockError`.
    package func forEachGroup(_ visit: (RowGroupView) throws -> Flow) throws {
        while let row = try walk.next() {
            guard try mayMatch(row) else {
                walk.finish(first: row.firstSequence, end: row.endSequence)
                continue
            }
            guard let bytes = try fetch(row) else { continue }
            do {
                if try visitBlock(bytes, row, visit) == .stop { return }
            } catch let error as BlockError {
                note(error, row)
            }
        }
    }

    /// How many events are selected. Blocks and row groups that the range holds whole are counted without decoding.
    package func count() throws(StoreError) -> UInt64 {
        var total: UInt64 = 0
        while let row = try walk.next() {
            // The last block has no neighbour that speaks for its row, so it is opened.
            if selection.isOnlyTime, row.followedBy == row.endSequence, holds(row.earliest, row.latest) {
                total += UInt64(walk.remaining(first: row.firstSequence, end: row.endSequence).count)
                walk.finish(first: row.firstSequence, end: row.endSequence)
                continue
            }
            guard try mayMatch(row) else {
                walk.finish(first: row.firstSequence, end: row.endSequence)
                continue
            }
            guard let bytes = try fetch(row) else { continue }
            do throws(BlockError) {
                total += try countBlock(bytes, row)
            } catch {
                note(error, row)
            }
        }
        return total
    }

    /// The block's bytes; nil when it is gone, or when SQLite finds the pages it lies on damaged: that is noted, and the
    /// other blocks are still answered.
    private func fetch(_ row: BlockRow) throws(StoreError) -> [UInt8]? {
        do throws(StoreError) {
            return try walk.fetch(row)
        } catch  where error.code == .corrupt {
            note(BlockError(.damaged, error.description), row)
            return nil
        }
    }

    /// Reads the header of a block and holds it against the row, which decides where the walk goes on.
    ///
    /// A merged block starts where its first source did, so it may hold more than a row that was listed before the merge.
    private func open(_ bytes: [UInt8], _ row: BlockRow) throws(BlockError) -> BlockReader {
        let block = try BlockReader(bytes)
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

    /// Passes over what is left of a block that cannot be read.
    private func note(_ error: BlockError, _ row: BlockRow) {
        damages.append(Damage(firstSequence: row.firstSequence, count: row.count, error: error))
        walk.finish(first: row.firstSequence, end: row.endSequence)
    }

    private func holds(_ earliest: Instant, _ latest: Instant) -> Bool {
        selection.since.map { $0 <= earliest } ?? true && selection.until.map { latest < $0 } ?? true
    }

    /// What the block's row and its filter say.
    private func mayMatch(_ row: BlockRow) throws(StoreError) -> Bool {
        if !selection.operations.isEmpty, row.maskUnion.isDisjoint(with: selection.operations) { return false }
        guard selection.hasPathCondition, row.filterByteCount > 0,
            let filter = try reader.filter(firstSequence: row.firstSequence)
        else { return true }
        let key = reader.filterKey
        return selection.mayMatch { PathFilter.mayContain($0, in: filter, key: key) }
    }

    private func visitBlock(_ bytes: [UInt8], _ row: BlockRow, _ visit: (RowGroupView) throws -> Flow) throws -> Flow {
        let block = try BlockView(open(bytes, row), paths: paths, processes: processes)
        let header = block.reader.header
        guard !block.isEmpty else {
            walk.finish(first: header.firstSequence, end: header.endSequence)
            return .proceed
        }
        let order = header.rowGroups.indices
        for index in selection.isReversed ? Array(order.reversed()) : Array(order) {
            let view = RowGroupView(block, index: index, group: header.rowGroups[index])
            try select(view)
            guard !view.positions.isEmpty else { continue }
            if try visit(view) == .stop { return .stop }
            // A block that turns out to be damaged behind this group must not give the group's events again.
            walk.finish(first: view.group.firstSequence, end: view.group.endSequence)
        }
        walk.finish(first: header.firstSequence, end: header.endSequence)
        return .proceed
    }

    private func countBlock(_ bytes: [UInt8], _ row: BlockRow) throws(BlockError) -> UInt64 {
        let block = try BlockView(open(bytes, row), paths: paths, processes: processes)
        let header = block.reader.header
        var total: UInt64 = 0
        if !block.isEmpty {
            for (index, group) in header.rowGroups.enumerated() {
                if selection.isOnlyTime, holds(group.earliest, group.latest) {
                    total += UInt64(walk.remaining(first: group.firstSequence, end: group.endSequence).count)
                } else {
                    let view = RowGroupView(block, index: index, group: group)
                    try select(view)
                    total += UInt64(view.positions.count)
                }
            }
        }
        walk.finish(first: header.firstSequence, end: header.endSequence)
        return total
    }

    /// Fills `view.positions`, cheapest and most telling columns first.
    private func select(_ view: RowGroupView) throws(BlockError) {
        let group = view.group
        if !selection.operations.isEmpty, group.maskUnion.isDisjoint(with: selection.operations) { return }
        if let since = selection.since, group.latest < since { return }
        if let until = selection.until, group.earliest >= until { return }
        guard try view.block.selectedPaths.mayOccur(in: view) else { return }
        let remaining = walk.remaining(first: group.firstSequence, end: group.endSequence)
        let low = Int(remaining.lowerBound &- group.firstSequence)
        var candidates = Candidates(low..<(low + remaining.count))
        if selection.hasPathCondition { try selectPaths(view, &candidates) }
        if let matches = view.block.processMatches, !candidates.isEmpty {
            let column = try view.column(.process)
            let unknown = processes?.acceptsUnknown ?? true
            candidates.keep { position in
                let process = Int(column[position])
                return process < matches.count ? matches[process] : unknown
            }
        }
        if !selection.operations.isEmpty, !candidates.isEmpty {
            let column = try view.column(.mask)
            let asked = selection.operations.rawValue
            candidates.keep { column[$0] & asked != 0 }
        }
        if !holds(group.earliest, group.latest), !candidates.isEmpty {
            try selectTimes(view, &candidates)
        }
        view.positions = candidates.positions
    }

    /// Either side of a rename may be the selected path.
    private func selectPaths(_ view: RowGroupView, _ candidates: inout Candidates) throws(BlockError) {
        let path = try view.column(.path)
        let target = view.group.maskUnion.contains(.rename) ? try view.column(.target) : path
        switch view.block.selectedPaths {
        case .all: break
        case .flags(let flags):
            func isSelected(_ path: UInt32) -> Bool { Int(path) < flags.count && flags[Int(path)] }
            candidates.keep { isSelected(path[$0]) || isSelected(target[$0]) }
        case .only(let indices) where indices.count == 1:
            let wanted = indices[0]
            candidates.keep { path[$0] == wanted || target[$0] == wanted }
        case .only(let indices):
            candidates.keep { indices.contains(path[$0]) || indices.contains(target[$0]) }
        }
    }

    private func selectTimes(_ view: RowGroupView, _ candidates: inout Candidates) throws(BlockError) {
        let windows = try view.windows()
        let since = selection.since ?? .distantPast
        enum Verdict { case outside, inside, crossing }
        let verdicts = windows.table.map { window in
            guard window.time >= since else { return Verdict.outside }
            guard let until = selection.until, window.time >= until else { return .inside }
            return window.earliest < until ? .crossing : .outside
        }
        var crossing: UInt64 = 0
        let includesCrossing = selection.includesOverlapping
        candidates.keep { position in
            let index = Int(windows.index[position])
            guard index < verdicts.count else { return false }
            switch verdicts[index] {
            case .outside: return false
            case .inside: return true
            case .crossing:
                crossing += 1
                return includesCrossing
            }
        }
        crossingCount += crossing
    }
}

/// The places in a row group of the events that passed all conditions so far.
private struct Candidates {
    /// Nil while every place of `range` is one: the first condition writes the list, and it is short for a narrow question.
    private var list: [Int]?
    private let range: Range<Int>

    init(_ range: Range<Int>) {
        self.range = range
    }

    var isEmpty: Bool { list?.isEmpty ?? range.isEmpty }
    var positions: [Int] { list ?? Array(range) }

    /// Leaves out the places for which the condition does not hold.
    mutating func keep(_ isKept: (Int) -> Bool) {
        if let list {
            self.list = list.filter(isKept)
        } else {
            list = range.filter(isKept)
        }
    }
}
