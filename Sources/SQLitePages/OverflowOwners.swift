/// Finds the rows whose overflow pages changed while the page of their cell did not, as sqlite3_blob_write leaves them.
struct OverflowOwners {
    /// Below this number of pages the first byte of an overflow page, the highest of the next one's number, is 0 or 1 and
    /// no kind of a b-tree page.
    private static let pageCountLimit: UInt32 = 0x0200_0000

    private let run: RowDiffRun
    private var database: PagedDatabase { run.after.database }

    init(_ run: RowDiffRun) {
        self.run = run
    }

    /// Sets the run's changed pages that may be overflow pages.
    ///
    /// Cost: reads the changed pages, and the freelist's trunks where one may be.
    func findSuspects() throws(PagesError) {
        guard !run.changed.areAll else { return }
        let map = PointerMap(of: database)
        for page in run.changed.numbers where page > 1 && page <= database.pageCount {
            if map?.isMapPage(page) == true { continue }
            if database.pageCount < Self.pageCountLimit, try isTreePage(page) { continue }
            run.unowned.insert(page)
        }
        if !run.unowned.isEmpty { run.unowned.subtract(try Freelist.pages(of: database)) }
        run.hasNoOverflowChange = run.unowned.isEmpty
    }

    private func isTreePage(_ page: UInt32) throws(PagesError) -> Bool {
        TreePage.Kind(rawValue: try database.page(page)[0]) != nil
    }

    /// The leaves of `pairs` that own what is still unowned, in key order.
    func owners(among pairs: [TablePair]) throws(PagesError) -> [(TablePair, [UInt32])] {
        try passOverOtherTrees()
        var found: [Int: Set<UInt32>] = [:]
        try askPointerMap(pairs, &found)
        for (index, pair) in pairs.enumerated() where !run.unowned.isEmpty {
            guard let tree = pair.new?.tree else { continue }
            run.attempt(pair.table.name) { () throws(PagesError) in
                for page in (tree.isTable ? [] : tree.interior) + tree.leaves where !run.unowned.isEmpty {
                    guard !run.comparedPages.contains(page) else { continue }
                    run.leavesSearched += 1
                    if try owns(page) { found[index, default: []].insert(page) }
                }
            }
        }
        return pairs.enumerated().compactMap { index, pair in
            guard let pages = found[index], let tree = pair.new?.tree else { return nil }
            return (pair, (tree.interior + tree.leaves).filter { pages.contains($0) })
        }
    }

    /// Changed pages of indices and of tables that are not told of own their overflow pages themselves.
    private func passOverOtherTrees() throws(PagesError) {
        let unused = try Freelist.pages(of: database)
        let map = PointerMap(of: database)
        for page in run.changed.numbers where page <= database.pageCount && !run.unowned.isEmpty {
            // A page that is not in use may still hold cells, whose chains belong to others by now.
            guard !run.comparedPages.contains(page), !unused.contains(page), !run.unowned.contains(page),
                map?.isMapPage(page) != true
            else { continue }
            guard try isTreePage(page) || page == 1 else { continue }
            // Damage of a tree that is not told of concerns nobody.
            do throws(PagesError) { _ = try owns(page) } catch { continue }
        }
    }

    private func askPointerMap(_ pairs: [TablePair], _ found: inout [Int: Set<UInt32>]) throws(PagesError) {
        guard let map = PointerMap(of: database) else { return }
        for page in run.unowned.sorted() where run.unowned.contains(page) {
            guard let owner = try map.owner(ofOverflowPage: page), !run.comparedPages.contains(owner), try owns(owner),
                !run.unowned.contains(page)
            else { continue }
            for (index, pair) in pairs.enumerated() where pair.new?.tree.contains(owner) == true {
                found[index, default: []].insert(owner)
            }
        }
    }

    /// Follows the overflow chains of all cells of a page; true when an unowned page is on one of them.
    private func owns(_ page: UInt32) throws(PagesError) -> Bool {
        let count = run.unowned.count
        let page = try database.treePage(page)
        guard page.kind != .tableInterior else { return false }
        for index in 0..<page.cellCount where !run.unowned.isEmpty {
            let payload = page.kind == .tableLeaf ? try page.row(index).payload : try page.key(index)
            guard payload.hasOverflow else { continue }
            var cursor = PayloadCursor(payload, in: database)
            while !run.unowned.isEmpty, try cursor.next() != nil {}
        }
        return run.unowned.count < count
    }
}
