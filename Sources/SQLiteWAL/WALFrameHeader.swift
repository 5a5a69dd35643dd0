// A frame, all numbers big-endian (fileformat2.html §4.1):
//
//      0  page number    from 1
//      4  page count     of the database after the commit whose last frame this is; 0 in all other frames
//      8  salts          those of the file's header, else the frame is of an older generation
//     16  checksum       two words: over the bytes 0 to 7 and the page, going on from the frame before
//     24  page
//
// While a transaction overwrites frames of its own that it had written before (its cache is small), the salts and
// checksums from there on are zeros, until the commit writes them again.

/// The header of one frame, as it stands in the file; whether it holds is for `FrameChain` to say.
package struct WALFrameHeader: Hashable, Sendable {
    package static let byteCount = 24

    package var page: UInt32
    package var databasePageCount: UInt32
    package var salts: WALSalts
    package var checksum: WALChecksum

    package var isCommit: Bool { databasePageCount > 0 }

    /// nil where fewer than 24 bytes are given.
    package init?(_ bytes: RawSpan) {
        guard bytes.byteCount >= Self.byteCount else { return nil }
        page = bytes.bigEndian(at: 0)
        databasePageCount = bytes.bigEndian(at: 4)
        salts = WALSalts(first: bytes.bigEndian(at: 8), second: bytes.bigEndian(at: 12))
        checksum = WALChecksum(first: bytes.bigEndian(at: 16), second: bytes.bigEndian(at: 20))
    }

    /// As it is while a transaction rewrites its own frames.
    package var isUnsigned: Bool { salts.rawValue == 0 && checksum == .zero }
}
