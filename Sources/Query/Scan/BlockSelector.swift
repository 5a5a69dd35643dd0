internal import Block
internal import Model

/// What a selection asks of a block, worked out once for all blocks and all threads.
struct BlockSelector: Sendable {
    let paths: PathMatcher?
    private let processes: ProcessMatcher?
    let rows: RowFilter

    init(_ selection: Selection) {
        paths = selection.hasPathCondition ? PathMatcher(selection) : nil
        processes = selection.hasProcessCondition ? ProcessMatcher(selection) : nil
        rows = RowFilter(selection, acceptsUnknownProcesses: processes?.acceptsUnknown ?? true)
    }

    /// What the block's dictionaries say. `pathGroup` names the only path group that may hold a path, where that is known.
    func view(_ reader: BlockReader, pathGroup: (RawPath) -> Int?) throws(BlockError) -> BlockView {
        try BlockView(reader, paths: paths, processes: processes, pathGroup: pathGroup)
    }

    /// Fills `view.places` with the selected events whose numbers are in `remaining`, which may be more than the row
    /// group's; gives how many windows cross the end of the range of time.
    func select(_ view: RowGroupView, among remaining: Range<UInt64>) throws(BlockError) -> UInt64 {
        let numbers = remaining.clamped(to: view.group.firstSequence..<view.group.endSequence)
        let low = Int(numbers.lowerBound &- view.group.firstSequence)
        let selected = try rows.select(view, among: low..<(low + numbers.count))
        view.places = selected.places
        return selected.crossingCount
    }
}
