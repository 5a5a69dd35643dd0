// The start of `NAME-shm`, in the machine's own byte order (walformat.html §2.1); it is written through shared memory,
// so there is no event when it changes:
//
//      0  version        3007000
//      4  unused
//      8  change counter one more at each commit; starts at 0 when a connection rebuilds the index
//     12  is set up      1
//     13  word order     of the WAL's checksums: 1 big-endian
//     14  page size      as a 16-bit number; 65536 is 1
//     16  last frame     that is committed (mxFrame)
//     20  page count     of the database
//     24  checksum       of that last frame, two words
//     32  salts          as in the WAL: big-endian
//     40  checksum       two words, over the bytes 0 to 39 in the machine's order
//     48  the same again
//     96  backfilled     how many frames are in the database file (nBackfill)
//    100  read marks     five words
//    120  locks          one byte each: write, checkpoint, recover, and five for readers
//    136  page map       the page of each frame, four bytes each, with a hash table behind each piece

/// The header of the index of a WAL: up to where it is committed, and how many commits there were.
///
/// A commit frame in the WAL proves nothing while this does not name it.
package struct WALIndexHeader: Hashable, Sendable {
    /// How many bytes of the file are asked for.
    package static let byteCount = 136
    private static let copyByteCount = 48
    private static let version: UInt32 = 3_007_000

    package var changeCounter: UInt32
    package var order: WALWordOrder
    package var pageSize: WALPageSize
    package var lastFrame: UInt32
    package var databasePageCount: UInt32
    package var frameChecksum: WALChecksum
    package var salts: WALSalts
    package var backfilledFrameCount: UInt32

    /// nil where the two copies differ, where their checksum is wrong, or where nothing is set up: somebody is writing
    /// it, or nobody uses it.
    package init?(_ bytes: RawSpan) {
        guard bytes.byteCount >= Self.byteCount else { return nil }
        let copy = bytes.extracting(0..<Self.copyByteCount)
        guard copy.isEqual(to: bytes.extracting(Self.copyByteCount..<2 * Self.copyByteCount)) else { return nil }
        var checksum = WALChecksum.zero
        checksum.add(copy.extracting(0..<40), order: Self.nativeOrder)
        guard checksum == WALChecksum(first: copy.native(at: 40), second: copy.native(at: 44)),
            copy.native(at: 0) == Self.version, copy.byte(at: 12) == 1
        else { return nil }
        let size = copy.nativeHalf(at: 14)
        guard let pageSize = WALPageSize(size == 1 ? 65_536 : UInt32(size)) else { return nil }
        self.pageSize = pageSize
        changeCounter = copy.native(at: 8)
        order = copy.byte(at: 13) == 0 ? .little : .big
        lastFrame = copy.native(at: 16)
        // No log is that long; whoever wrote this is no SQLite.
        guard lastFrame < 1 << 31 else { return nil }
        databasePageCount = copy.native(at: 20)
        frameChecksum = WALChecksum(first: copy.native(at: 24), second: copy.native(at: 28))
        salts = WALSalts(first: copy.bigEndian(at: 32), second: copy.bigEndian(at: 36))
        backfilledFrameCount = bytes.native(at: 96)
    }

    private static var nativeOrder: WALWordOrder { 1.littleEndian == 1 ? .little : .big }

    /// Where the page of a frame, from 1, stands in the file: 4,062 frames in the first 32 KiB, then 4,096 in each.
    package static func mapOffset(ofFrame frame: UInt32) -> Int64 {
        let index = Int64(frame) - 1
        if index < firstPieceCount { return Int64(byteCount) + index * 4 }
        let rest = index - firstPieceCount
        return (rest / pieceCount + 1) * pieceByteCount + rest % pieceCount * 4
    }

    /// Where it stands how many frames a checkpoint has begun to copy into the database, in 4 bytes; 0 in a new
    /// generation.
    package static let attemptedOffset: Int64 = 128

    private static let firstPieceCount: Int64 = 4_062
    private static let pieceCount: Int64 = 4_096
    private static let pieceByteCount: Int64 = 32_768
}
