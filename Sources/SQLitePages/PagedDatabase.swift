/// A database over a page source: its header, its pages with a small cache, and the payloads that reach over pages.
///
/// All work is counted, and bounded by what a sound database of that many pages could need.
package final class PagedDatabase {
    private static let cacheByteCount = 4 << 20

    package let source: any PageSource
    /// Nil for a database without any page, as it is before the first commit.
    package let header: DatabaseHeader?
    /// Pages asked of the source so far.
    package private(set) var pagesRead = 0
    /// Called with each overflow page that is read.
    var overflowPageRead: ((UInt32) -> Void)?

    private var cache: [UInt32: [UInt8]] = [:]
    private let cachedPageLimit: Int
    private var chainPagesLeft: Int

    /// Throws: `.notADatabase`, and what the source throws for page 1.
    package init(_ source: any PageSource) throws(PagesError) {
        self.source = source
        cachedPageLimit = max(16, Self.cacheByteCount / max(512, source.pageSize))
        // Each overflow page belongs to one payload, and a payload is read a few times at most.
        chainPagesLeft = 16 * Int(source.pageCount) + 1024
        guard source.pageCount > 0 else {
            header = nil
            return
        }
        guard let first = try source.page(1) else { throw .missing(page: 1) }
        header = try DatabaseHeader(first)
        guard header?.pageSize == source.pageSize, first.count == source.pageSize else {
            throw .notADatabase(
                "the header gives a page size of \(header?.pageSize ?? 0) bytes, but pages have \(source.pageSize)")
        }
    }

    package var pageCount: UInt32 { source.pageCount }
    package var encoding: TextEncoding { header?.encoding ?? .utf8 }
    /// Range: 480...65,536, and 512 for a database without pages.
    package var usableByteCount: Int { header?.usableByteCount ?? 512 }
    /// The page at offset 1 GiB, which holds locks and never data.
    var lockBytePage: UInt32 { UInt32(0x4000_0000 / max(512, source.pageSize)) + 1 }

    /// The bytes of a page, `pageSize` of them.
    package func page(_ number: UInt32) throws(PagesError) -> [UInt8] {
        if let known = cache[number] { return known }
        guard number >= 1, number <= pageCount else { throw .missing(page: number) }
        pagesRead += 1
        guard let bytes = try source.page(number) else { throw .missing(page: number) }
        guard bytes.count == source.pageSize else { throw .unreadable(page: number, "it has \(bytes.count) bytes") }
        if cache.count >= cachedPageLimit { cache.removeAll(keepingCapacity: true) }
        cache[number] = bytes
        return bytes
    }

    package func treePage(_ number: UInt32) throws(PagesError) -> TreePage {
        try TreePage(page(number), number: number, usableByteCount: usableByteCount)
    }

    /// The first bytes of a payload, at most `limit` of them.
    ///
    /// Cost: reads the overflow pages up to there.
    package func read(_ payload: Payload, limit: Int) throws(PagesError) -> [UInt8] {
        var bytes: [UInt8] = []
        var chain = PayloadCursor(payload, in: self)
        while bytes.count < limit, let piece = try chain.next() { bytes.append(contentsOf: piece) }
        if bytes.count > limit { bytes.removeLast(bytes.count - limit) }
        return bytes
    }

    /// A page of an overflow chain: a 4-byte page number of the next one, 0 in the last, then content.
    func overflowPage(_ number: UInt32, of payload: Payload) throws(PagesError) -> [UInt8] {
        guard chainPagesLeft > 0 else { throw .limit("overflow chains are longer than the database has pages") }
        chainPagesLeft -= 1
        guard number >= 2, number <= pageCount else {
            throw .damaged(page: payload.pageNumber, "an overflow chain leads to page \(number)")
        }
        overflowPageRead?(number)
        return try page(number)
    }

    /// Allows as much work again, for the next question to the same pages.
    func resetLimits() {
        chainPagesLeft = 16 * Int(pageCount) + 1024
    }
}
