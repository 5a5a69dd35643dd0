/// A row's bytes: the beginning on the page of its cell, the rest on a chain of overflow pages.
package struct Payload {
    /// SQLite's own limit of a string, a BLOB or a row (SQLITE_MAX_LENGTH can be no larger).
    static let greatestByteCount: UInt64 = 0x7FFF_FFFF

    let page: [UInt8]
    package let pageNumber: UInt32
    let offset: Int
    let localByteCount: Int
    package let byteCount: Int
    /// 0 when all of it is local.
    package let firstOverflowPage: UInt32

    var local: ArraySlice<UInt8> { page[offset..<offset + localByteCount] }
    package var hasOverflow: Bool { localByteCount < byteCount }

    /// How much of a payload stays on the page of its cell. Range of `usableByteCount`: 480...65,536.
    ///
    /// Source: fileformat2.html §1.6, the calculation of X, M and K.
    static func localByteCount(of byteCount: Int, usableByteCount usable: Int, inTableLeaf: Bool) -> Int {
        let greatest = inTableLeaf ? usable - 35 : (usable - 12) * 64 / 255 - 23
        guard byteCount > greatest else { return byteCount }
        let least = (usable - 12) * 32 / 255 - 23
        let filling = least + (byteCount - least) % (usable - 4)
        return filling <= greatest ? filling : least
    }
}
