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

    /// The places of the selected events among those of `range`; and how many events lie behind the range of time and have
    /// windows that reach into it. Cheapest and most telling columns are looked at first.
    func select(
        _ view: RowGroupView, among range: Range<Int>
    ) throws(BlockError) -> (places: Places, crossingCount: UInt64) {
        let group = view.group
        guard mayMatch(group), try view.mayHaveSelectedPaths() else { return (.list([]), 0) }
        var places = Places.range(range)
        if selection.hasPathCondition { try selectPaths(view, &places) }
        if let matches = view.block.processMatches, !places.isEmpty {
            let column = try view.column(.process)
            places.keep { position in
                let process = Int(column[position])
                return process < matches.count ? matches[process] : acceptsUnknownProcesses
            }
        }
        if !selection.operations.isEmpty, !places.isEmpty {
            let column = try view.column(.mask)
            let asked = selection.operations.rawValue
            places.keep { column[$0] & asked != 0 }
        }
        guard !selection.holds(group.earliest, group.latest), !places.isEmpty else { return (places, 0) }
        let crossingCount = try selectTimes(view, &places)
        return (places, crossingCount)
    }

    /// Either side of a rename may be the selected path.
    private func selectPaths(_ view: RowGroupView, _ places: inout Places) throws(BlockError) {
        let path = try view.column(.path)
        let target = view.group.maskUnion.contains(.rename) ? try view.column(.target) : path
        switch view.block.selectedPaths {
        case .all: break
        case .flags(let flags):
            func isSelected(_ path: UInt32) -> Bool { Int(path) < flags.count && flags[Int(path)] }
            places.keep { isSelected(path[$0]) || isSelected(target[$0]) }
        case .only(let indices) where indices.count == 1:
            places.keep(indices[0], in: path, or: target)
        case .only(let indices):
            places.keep { indices.contains(path[$0]) || indices.contains(target[$0]) }
        }
    }

    /// Gives how many windows cross the end of the range.
    private func selectTimes(_ view: RowGroupView, _ places: inout Places) throws(BlockError) -> UInt64 {
        let windows = try view.windowRuns()
        let since = selection.since ?? .distantPast
        enum Verdict { case outside, inside, crossing }
        let verdicts = windows.table.map { window in
            guard window.time >= since else { return Verdict.outside }
            guard let until = selection.until, window.time >= until else { return .inside }
            return window.earliest < until ? .crossing : .outside
        }
        var kept = PlacesBuilder(from: places)
        var crossing: UInt64 = 0
        windows.runs.forEach(in: 0..<view.group.count) { window, run in
            guard Int(window) < verdicts.count, verdicts[Int(window)] != .outside else { return }
            let isCrossing = verdicts[Int(window)] == .crossing
            if isCrossing { crossing += UInt64(places.count(in: run)) }
            if !isCrossing || selection.includesOverlapping { kept.keep(run) }
        }
        places = kept.places
        return crossing
    }
}

/// What is left of some places when only those in runs are kept.
private struct PlacesBuilder {
    private let all: Places
    private var range = 0..<0
    /// Once the runs are not one any more.
    private var list: [Int]?

    init(from all: Places) {
        self.all = all
    }

    /// Runs ascend.
    mutating func keep(_ run: Range<Int>) {
        if list == nil, case .range = all {
            if range.isEmpty || range.upperBound == run.lowerBound {
                range = (range.isEmpty ? run.lowerBound : range.lowerBound)..<run.upperBound
                return
            }
            list = Array(clamped)
        }
        var grown = list.take() ?? []
        all.forEach(in: run) { grown.append($0) }
        list = grown
    }

    private var clamped: Range<Int> {
        guard case .range(let all) = all else { return 0..<0 }
        return range.clamped(to: all)
    }

    var places: Places {
        if let list { return .list(list) }
        if case .list = all { return .list([]) }
        return .range(clamped)
    }
}

extension Places {
    /// Leaves out the places where neither column has the value. The same as below without a call for each event, of which
    /// there are many when this is the first condition.
    fileprivate mutating func keep(_ value: UInt32, in column: [UInt32], or other: [UInt32]) {
        guard case .range(let range) = self else {
            keep { column[$0] == value || other[$0] == value }
            return
        }
        var kept: [Int] = []
        let column = column.span
        let other = other.span
        for position in range where column[position] == value || other[position] == value { kept.append(position) }
        self = .list(kept)
    }

    /// Leaves out the places for which the condition does not hold.
    ///
    /// Each place is written and passed over only where it is kept: whether it is cannot be foreseen, and a guess that fails
    /// takes longer.
    @inline(__always)
    fileprivate mutating func keep(_ isKept: (Int) -> Bool) {
        // SAFETY: no more places are written than there were, and those before `keptCount` all were.
        self = unsafe .list(
            [Int](unsafeUninitializedCapacity: count) { target, keptCount in
                switch self {
                case .range(let range):
                    for place in range {
                        unsafe target[keptCount] = place
                        keptCount &+= isKept(place) ? 1 : 0
                    }
                case .list(let list):
                    for place in list {
                        unsafe target[keptCount] = place
                        keptCount &+= isKept(place) ? 1 : 0
                    }
                }
            })
    }

    fileprivate func count(in run: Range<Int>) -> Int {
        switch self {
        case .range(let range): return range.clamped(to: run).count
        case .list:
            var count = 0
            forEach(in: run) { _ in count &+= 1 }
            return count
        }
    }
}
