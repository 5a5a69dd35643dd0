package import Block
internal import Model

/// What a selection finds in one block, of which every column that it takes is decoded once and kept.
///
/// `Scan` is the same over a store; this is for whoever measures the filter alone.
/// Thread: one.
package final class BlockFilter {
    private let rows: RowFilter
    private let views: [RowGroupView]

    /// Throws: `BlockError` where the bytes are no block.
    package init(_ bytes: [UInt8], _ selection: Selection) throws(BlockError) {
        let processes = selection.hasProcessCondition ? ProcessMatcher(selection) : nil
        let block = try BlockView(
            BlockReader(bytes), paths: selection.hasPathCondition ? PathMatcher(selection) : nil, processes: processes,
            pathGroup: { _ in nil })
        rows = RowFilter(selection, acceptsUnknownProcesses: processes?.acceptsUnknown ?? true)
        views = block.reader.header.rowGroups.enumerated().map { RowGroupView(block, index: $0, group: $1) }
    }

    /// How many events are selected. Throws: `BlockError` at damage.
    package func count() throws(BlockError) -> Int {
        var count = 0
        for view in views { count += try rows.select(view, among: 0..<view.group.count).places.count }
        return count
    }
}
