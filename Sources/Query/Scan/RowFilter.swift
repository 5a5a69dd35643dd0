internal import Block
internal import Model

/// Which events of a row group a selection asks for.
struct RowFilter {
    private let selection: Selection
    private let acceptsUnknownProcesses: Bool

    /// Parameter acceptsUnknownProcesses: whether an event of no known process may be selected.
    init(_ selection: Selection, acceptsUnknownProcesses: Bool) {
        self.selection = selection
        self.acceptsUnknownProcesses = acceptsUnknownProcesses
    }

    /// What the row group's zone map says.
    func mayMatch(_ group: RowGroup) -> Bool {
        if !selection.operations.isEmpty, group.maskUnion.isDisjoint(with: selection.operations) { return false }
        if let since = selection.since, group.latest < since { return false }
        if let until = selection.until, group.earliest >= until { return false }
        return true
    }

    /// The places of the selected events, ascending, among those of `range`; and how many events lie behind the range of time
    /// and have windows that reach into it. Cheapest and most telling columns are looked at first.
    func select(
        _ view: RowGroupView, among range: Range<Int>
    ) throws(BlockError) -> (positions: [Int], crossingCount: UInt64) {
        let group = view.group
        guard mayMatch(group), try view.block.selectedPaths.mayOccur(in: view) else { return ([], 0) }
        var candidates = Candidates(range)
        if selection.hasPathCondition { try selectPaths(view, &candidates) }
        if let matches = view.block.processMatches, !candidates.isEmpty {
            let column = try view.column(.process)
            candidates.keep { position in
                let process = Int(column[position])
                return process < matches.count ? matches[process] : acceptsUnknownProcesses
            }
        }
        if !selection.operations.isEmpty, !candidates.isEmpty {
            let column = try view.column(.mask)
            let asked = selection.operations.rawValue
            candidates.keep { column[$0] & asked != 0 }
        }
        guard !selection.holds(group.earliest, group.latest), !candidates.isEmpty else {
            return (candidates.positions, 0)
        }
        let crossingCount = try selectTimes(view, &candidates)
        return (candidates.positions, crossingCount)
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
            candidates.keep(indices[0], in: path, or: target)
        case .only(let indices):
            candidates.keep { indices.contains(path[$0]) || indices.contains(target[$0]) }
        }
    }

    /// Gives how many windows cross the end of the range.
    private func selectTimes(_ view: RowGroupView, _ candidates: inout Candidates) throws(BlockError) -> UInt64 {
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
        return crossing
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

    /// Leaves out the places where neither column has the value. The same as below without a call for each event, of which
    /// there are many when this is the first condition.
    mutating func keep(_ value: UInt32, in column: [UInt32], or other: [UInt32]) {
        guard list == nil else {
            keep { column[$0] == value || other[$0] == value }
            return
        }
        var kept: [Int] = []
        let column = column.span
        let other = other.span
        for position in range where column[position] == value || other[position] == value { kept.append(position) }
        list = kept
    }

    /// Leaves out the places for which the condition does not hold.
    mutating func keep(_ isKept: (Int) -> Bool) {
        if let list {
            self.list = list.filter(isKept)
        } else {
            list = range.filter(isKept)
        }
    }
}
