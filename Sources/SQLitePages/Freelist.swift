/// The pages that are in no use.
///
/// A trunk page holds the number of the next trunk, a count, and that many numbers of further unused pages.
/// Source: fileformat2.html §1.5, "The Freelist".
enum Freelist {
    /// Cost: reads the trunk pages, one for each (usable size ÷ 4 − 2) pages.
    static func pages(of database: PagedDatabase) throws(PagesError) -> Set<UInt32> {
        var pages: Set<UInt32> = []
        var trunk = database.header?.firstFreelistTrunk ?? 0
        while trunk != 0 {
            guard pages.insert(trunk).inserted else { throw .damaged(page: trunk, "the freelist reaches it twice") }
            let bytes = try database.page(trunk)
            let count = Int(bytes.bigEndian32(at: 4) ?? 0)
            guard count <= database.usableByteCount / 4 - 2 else {
                throw .damaged(page: trunk, "a freelist trunk with \(count) entries")
            }
            for index in 0..<count {
                if let page = bytes.bigEndian32(at: 8 + 4 * index), page <= database.pageCount { pages.insert(page) }
            }
            trunk = bytes.bigEndian32(at: 0) ?? 0
        }
        return pages
    }
}
