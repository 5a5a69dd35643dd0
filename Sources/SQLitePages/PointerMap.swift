/// The parent of each page, which databases with auto_vacuum or incremental_vacuum keep.
///
/// Page 2 and each (usable size ÷ 5 + 1)-th page after it hold 5 bytes for each of the pages that follow: a type and the
/// parent's number. Type 3 is the first page of an overflow chain, its parent the page of the cell; type 4 is a later one,
/// its parent the one before. Source: fileformat2.html §1.8, "Pointer Map or Ptrmap Pages".
struct PointerMap {
    private static let firstOverflow: UInt8 = 3
    private static let laterOverflow: UInt8 = 4

    private let database: PagedDatabase
    private let pagesPerMapPage: UInt32

    /// Nil where the database has none.
    init?(of database: PagedDatabase) {
        guard database.header?.hasPointerMap == true else { return nil }
        self.database = database
        pagesPerMapPage = UInt32(database.usableByteCount / 5) + 1
    }

    private func mapPage(for page: UInt32) -> UInt32 {
        let position = (page - 2) / pagesPerMapPage * pagesPerMapPage + 2
        return position == database.lockBytePage ? position + 1 : position
    }

    func isMapPage(_ page: UInt32) -> Bool {
        page >= 2 && mapPage(for: page) == page
    }

    /// The b-tree page whose cell an overflow page belongs to; nil when the map does not say.
    ///
    /// Cost: reads a map page for each page of the chain before this one; a cache makes that few.
    func owner(ofOverflowPage page: UInt32) throws(PagesError) -> UInt32? {
        var page = page
        for _ in 0..<database.pageCount {
            guard page > 2, page <= database.pageCount else { return nil }
            let map = mapPage(for: page)
            guard page > map else { return nil }
            let offset = 5 * Int(page - map - 1)
            let bytes = try database.page(map)
            guard let parent = bytes.bigEndian32(at: offset + 1) else { return nil }
            switch bytes[offset] {
            case Self.firstOverflow: return parent
            case Self.laterOverflow: page = parent
            default: return nil
            }
        }
        return nil
    }
}
