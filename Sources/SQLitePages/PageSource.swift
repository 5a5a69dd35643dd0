/// Where the pages of one database at one moment come from: a file, or a restored image.
package protocol PageSource {
    /// Bytes in a page. Range: a power of two from 512 to 65,536.
    var pageSize: Int { get }
    /// Pages of the database at that moment; page numbers run from 1 to this.
    var pageCount: UInt32 { get }

    /// The bytes of a page, `pageSize` of them; nil when the source does not hold that page.
    ///
    /// Throws: `PagesError.unreadable` when it should hold the page and could not read it.
    func page(_ number: UInt32) throws(PagesError) -> [UInt8]?
}
