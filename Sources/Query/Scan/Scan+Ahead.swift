internal import Block
internal import Model
internal import Store

/// A block in which paths are being looked up on another thread.
struct BlockAhead {
    let row: BlockRow
    let bytes: [UInt8]
    /// The only path groups that may hold the paths, where they are known.
    let pathGroups: [RawPath: Int]
    /// By row group, the places of the selected events.
    let found: Errand<BlockOutcome<[Int: Places]>>
}

/// Where a few paths are looked up in many blocks, and most have nothing to show, several are looked through at once.
///
/// What is found is decoded again when it is given, so that nothing is held of a path that has events everywhere.
extension Scan {
    /// Whether only a few paths are asked for, each by its whole name.
    var looksForFewPaths: Bool { selector.paths?.literals != nil }

    /// Not for the first block: most questions end with it, and its rows are to come at once.
    var isWorthLookingAhead: Bool {
        looksAhead && fetchedBlockCount > 0 && looksForFewPaths && Self.greatestErrandCount > 1
    }

    /// Goes on with the next block that was looked through, nothing of which may be selected; false at the end.
    func openAhead() throws(StoreError) -> Bool {
        while ahead.count < Self.greatestErrandCount, let (row, fetched) = try nextBlock(isWhole: true) {
            try lookAhead(row, fetched)
        }
        guard !ahead.isEmpty else { return false }
        let block = ahead.removeFirst()
        var found: [Int: Places] = [:]
        _ = take(block.found.result(), block.row) { places in
            found = places
            return .proceed
        }
        guard !found.isEmpty else { return true }
        let fetched = Fetched.bytes(block.bytes)
        do throws(BlockError) {
            let view = try selector.view(BlockReader(block.bytes)) { block.pathGroups[$0] }
            current = opened(view, fetched, block.row, groups: found.keys.sorted())
            current?.places = found
        } catch {
            try pass(error, fetched, block.row)
        }
        return true
    }

    private func lookAhead(_ row: BlockRow, _ fetched: Fetched) throws(StoreError) {
        guard let (bytes, reader, remaining) = try handOut(fetched, row) else { return }
        let header = reader.header
        // The filter is read by this thread's connection.
        let literals = selector.paths?.literals ?? []
        let groups = Dictionary(
            literals.compactMap { path in
                pathGroup(of: path, header, pathGroupCount: reader.pathGroupCount, row).map { (path, $0) }
            }, uniquingKeysWith: { first, _ in first })
        let selector = selector
        let isSmall = header.count < Self.fewEvents
        ahead.append(
            BlockAhead(
                row: row, bytes: bytes, pathGroups: groups,
                found: Errand(isSmall: isSmall) {
                    Self.outcome(selector, remaining, Self.places) { () throws(BlockError) in
                        try selector.view(BlockReader(bytes)) { groups[$0] }
                    }
                }))
    }

    private static let places: BlockWork<[Int: Places]> = {
        (block, selector, remaining, outcome) throws(BlockError) in
        var found: [Int: Places] = [:]
        defer { outcome.part = found }
        for (index, group) in block.reader.header.rowGroups.enumerated() {
            let view = RowGroupView(block, index: index, group: group)
            outcome.crossingCount += try selector.select(view, among: remaining)
            if !view.places.isEmpty { found[index] = view.places }
        }
    }
}
