/// The first 100 bytes of a database, as far as reading it needs them. All numbers are big-endian.
///
/// | offset | bytes | field |
/// |---|---|---|
/// | 0 | 16 | `SQLite format 3` and a zero byte |
/// | 16 | 2 | page size; 1 stands for 65,536 |
/// | 20 | 1 | bytes reserved at the end of each page |
/// | 21 | 3 | payload fractions: 64, 32, 32 |
/// | 24 | 4 | file change counter |
/// | 28 | 4 | page count |
/// | 32 | 4 | first freelist trunk page |
/// | 36 | 4 | number of freelist pages |
/// | 40 | 4 | schema cookie |
/// | 52 | 4 | largest root page; not zero means auto_vacuum or incremental_vacuum |
/// | 56 | 4 | text encoding; 0 while no table was ever made |
/// | 60 | 4 | user version |
/// | 64 | 4 | incremental vacuum, not zero for true |
/// | 68 | 4 | application id |
///
/// Source: fileformat2.html §1.3, "The Database Header".
package struct DatabaseHeader: Equatable, Sendable {
    package static let byteCount = 100
    /// The smallest usable page size that the format allows.
    private static let leastUsableByteCount = 480

    package let pageSize: Int
    /// Bytes at the end of each page that are not SQLite's (checksums, nonces of encryption). Range: 0...255.
    package let reservedByteCount: Int
    package let changeCounter: UInt32
    package let firstFreelistTrunk: UInt32
    package let freelistPageCount: UInt32
    package let schemaCookie: UInt32
    package let largestRootPage: UInt32
    package let encoding: TextEncoding
    package let userVersion: Int32
    package let isIncrementalVacuum: Bool
    package let applicationID: Int32

    /// Bytes of a page that the format uses.
    package var usableByteCount: Int { pageSize - reservedByteCount }
    /// Pointer-map pages tell the parent of each page.
    package var hasPointerMap: Bool { largestRootPage != 0 }

    /// Throws: `.notADatabase` for what no SQLite could open.
    package init(_ bytes: [UInt8]) throws(PagesError) {
        guard bytes.count >= Self.byteCount, bytes.starts(with: Array("SQLite format 3\0".utf8)) else {
            throw .notADatabase(
                "the first page is not that of an SQLite database, or it is encrypted and needs the key")
        }
        func word(_ offset: Int) -> UInt32 { bytes.bigEndian32(at: offset) ?? 0 }
        let declared = bytes.bigEndian16(at: 16) ?? 0
        pageSize = declared == 1 ? 65_536 : declared
        guard pageSize >= 512, pageSize & (pageSize - 1) == 0 else {
            throw .notADatabase("the header gives the page size \(declared), which is none")
        }
        reservedByteCount = Int(bytes[20])
        guard pageSize - reservedByteCount >= Self.leastUsableByteCount, bytes[21] == 64, bytes[22] == 32,
            bytes[23] == 32
        else { throw .notADatabase("the header's payload fractions or reserved bytes are none that SQLite allows") }
        changeCounter = word(24)
        firstFreelistTrunk = word(32)
        freelistPageCount = word(36)
        schemaCookie = word(40)
        largestRootPage = word(52)
        guard let encoding = word(56) == 0 ? .utf8 : TextEncoding(rawValue: word(56)) else {
            throw .notADatabase("the header gives the text encoding \(word(56)), which is none")
        }
        self.encoding = encoding
        userVersion = Int32(bitPattern: word(60))
        isIncrementalVacuum = word(64) != 0
        applicationID = Int32(bitPattern: word(68))
    }
}
