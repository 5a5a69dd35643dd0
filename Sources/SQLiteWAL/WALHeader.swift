// The file `NAME-wal`, all numbers big-endian (fileformat2.html §4.1):
//
//      0  magic          0x377f0682, or 0x377f0683 where checksums read big-endian words
//      4  version        3007000
//      8  page size      a power of two, 512 to 65536
//     12  sequence       of checkpoints; counted by each connection for itself, so it proves nothing and is ignored
//     16  salt-1         one more at each restart, or random
//     20  salt-2         random at each restart
//     24  checksum       two words, over the bytes 0 to 23, beginning with zero
//     32  frames         each 24 + page size bytes, see WALFrameHeader.swift
//
// When all frames have been copied into the database and nobody reads them, the next writer starts again at the first
// frame, under new salts. What it has not overwritten yet stays behind it: that is the residue of the old generation.

/// The two salts of a WAL: the name of one generation of frames.
package struct WALSalts: Hashable, Sendable {
    package var first: UInt32
    package var second: UInt32

    package init(first: UInt32, second: UInt32) {
        self.first = first
        self.second = second
    }

    /// salt-1 in the high half.
    package var rawValue: UInt64 { UInt64(first) << 32 | UInt64(second) }
}

/// The size of a page, and where that puts the frames of a WAL.
package struct WALPageSize: Hashable, Sendable {
    /// A power of two, 512 to 65,536.
    package let byteCount: Int

    /// nil where SQLite does not allow it.
    package init?(_ byteCount: UInt32) {
        guard (512...65_536).contains(byteCount), byteCount & (byteCount - 1) == 0 else { return nil }
        self.byteCount = Int(byteCount)
    }

    package var frameByteCount: Int { WALFrameHeader.byteCount + byteCount }

    /// Where frame `number`, from 1, begins in the file. At most 2³² × 65,560, so it never overflows.
    package func offset(ofFrame number: UInt32) -> Int64 {
        Int64(WALHeader.byteCount) + (Int64(number) - 1) * Int64(frameByteCount)
    }

    /// How many whole frames a file of this length holds, at most 2³² - 2.
    package func frameCount(ofFile byteCount: Int64) -> UInt32 {
        guard byteCount > Int64(WALHeader.byteCount) else { return 0 }
        return UInt32(clamping: min((byteCount - Int64(WALHeader.byteCount)) / Int64(frameByteCount), 0xFFFF_FFFE))
    }
}

/// The header of a WAL whose checksum is right.
package struct WALHeader: Hashable, Sendable {
    package static let byteCount = 32
    private static let magic: UInt32 = 0x377f_0682
    private static let version: UInt32 = 3_007_000

    package var order: WALWordOrder
    package var pageSize: WALPageSize
    package var salts: WALSalts
    /// Its own checksum, which that of the first frame goes on from.
    package var checksum: WALChecksum

    /// What the first bytes of a file that is named like a WAL are.
    package enum Reading: Hashable, Sendable {
        /// Shorter than a header: just made, or cut by a TRUNCATE checkpoint.
        case empty
        case header(WALHeader)
        /// The checksum is wrong: the header is being written, or was torn by a crash.
        case torn
        case unsupported(String)
    }

    /// Reads the start of a file; more bytes than the header's may be given. Never traps.
    package static func read(_ bytes: RawSpan) -> Reading {
        guard bytes.byteCount >= byteCount else { return .empty }
        let magic = bytes.bigEndian(at: 0)
        guard magic & ~1 == Self.magic else {
            // Zeros are what a crash leaves of a file whose length was written before its contents.
            return bytes.extracting(0..<byteCount).isZero ? .torn : .unsupported("not a write-ahead log of SQLite")
        }
        let order: WALWordOrder = magic & 1 == 0 ? .little : .big
        var checksum = WALChecksum.zero
        checksum.add(bytes.extracting(0..<24), order: order)
        guard checksum == WALChecksum(first: bytes.bigEndian(at: 24), second: bytes.bigEndian(at: 28)) else {
            return .torn
        }
        let version = bytes.bigEndian(at: 4)
        guard version == Self.version else {
            return .unsupported("version \(version) of the write-ahead log is not \(Self.version)")
        }
        guard let pageSize = WALPageSize(bytes.bigEndian(at: 8)) else {
            return .unsupported("a page size of \(bytes.bigEndian(at: 8)) bytes is not allowed")
        }
        return .header(
            WALHeader(
                order: order, pageSize: pageSize,
                salts: WALSalts(first: bytes.bigEndian(at: 16), second: bytes.bigEndian(at: 20)), checksum: checksum))
    }
}

extension RawSpan {
    /// All bytes are zero.
    var isZero: Bool {
        for offset in 0..<byteCount where byte(at: offset) != 0 { return false }
        return true
    }
}
