import SQLiteWAL
import Testing

@Suite struct WALHeaderTests {
    /// Written by SQLite 3.40.1 on a little-endian machine: page size 512, one commit of two frames.
    static let header = bytes(
        // magic     version  page size  sequence  salt-1   salt-2    checksum
        "377f0682 002de218 00000200 00000000 4ed8e410 07bde384 e5afdb61 226d700d")
    /// The `-shm` of the same moment, with its second copy and what follows.
    static let index =
        copy + copy
        // backfilled, read marks, locks, attempted, unused
        + bytes("00000000 00000000 ffffffff ffffffff ffffffff ffffffff 00000000 00000000 00000000 00000000")
    private static let copy = bytes(
        // version  unused   changes  set up…  last frame pages
        "18e22d00 00000000 01000000 01000002 02000000 02000000"
            // frame checksum   salts              checksum
            + "50835b3a ba23612a 4ed8e410 07bde384 fd0915c6 1dfa78bd")

    @Test func theHeaderOfARealFileIsRead() throws {
        guard case .header(let header) = WrittenDatabase.header(of: Self.header) else {
            Issue.record("not read as a header")
            return
        }
        #expect(header.order == .little)
        #expect(header.pageSize.byteCount == 512)
        #expect(header.salts == WALSalts(first: 0x4ed8_e410, second: 0x07bd_e384))
        #expect(header.checksum == WALChecksum(first: 0xe5af_db61, second: 0x226d_700d))
    }

    @Test func theIndexOfARealFileIsRead() throws {
        let index = try #require(WrittenDatabase.index(of: Self.index))
        #expect(index.changeCounter == 1)
        #expect(index.order == .little)
        #expect(index.pageSize.byteCount == 512)
        #expect(index.lastFrame == 2)
        #expect(index.databasePageCount == 2)
        #expect(index.frameChecksum == WALChecksum(first: 0x3a5b_8350, second: 0x2a61_23ba))
        #expect(index.salts == WALSalts(first: 0x4ed8_e410, second: 0x07bd_e384))
        #expect(index.backfilledFrameCount == 0)
    }

    /// Each byte of the header counts but those that SQLite gives no meaning that could be checked.
    @Test func aHeaderWithAnyByteChangedIsNotRead() {
        for place in Self.header.indices {
            var damaged = Self.header
            damaged[place] ^= 0x20
            if case .header = WrittenDatabase.header(of: damaged) { Issue.record("byte \(place)") }
        }
    }

    @Test func anIndexWithAnyByteOfACopyChangedIsNotRead() {
        for place in 0..<96 {
            var damaged = Self.index
            damaged[place] ^= 0x01
            #expect(WrittenDatabase.index(of: damaged) == nil, "byte \(place)")
        }
    }

    /// What is shorter than a header, zeros, another kind of file, the `wal2` branch.
    @Test func otherFilesAreWhatTheyAre() {
        for count in 0..<32 {
            #expect(WrittenDatabase.header(of: Array(Self.header.prefix(count))) == .empty)
            #expect(WrittenDatabase.index(of: Array(Self.index.prefix(count))) == nil)
        }
        #expect(WrittenDatabase.header(of: [UInt8](repeating: 0, count: 32)) == .torn)
        let text = Array("SQLite format 3\0 and so on and on".utf8)
        guard case .unsupported = WrittenDatabase.header(of: text) else {
            Issue.record("a database is no log")
            return
        }
        let other = Self.withChecksum(Self.bytes("377f0682 002de219 00000200 00000000 4ed8e410 07bde384"))
        guard case .unsupported(let reason) = WrittenDatabase.header(of: other) else {
            Issue.record("another version is not read")
            return
        }
        #expect(reason.contains("3007001"))
        let sizes = ["00000000", "00000100", "00000201", "00010001", "00020000", "80000000"]
        for size in sizes {
            let bad = Self.withChecksum(Self.bytes("377f0682 002de218 \(size) 00000000 4ed8e410 07bde384"))
            guard case .unsupported = WrittenDatabase.header(of: bad) else {
                Issue.record("page size \(size)")
                continue
            }
        }
    }

    @Test func framesLieWhereTheFormatPutsThem() throws {
        let largest = try #require(WALPageSize(65_536))
        #expect(largest.offset(ofFrame: 1) == 32)
        #expect(largest.offset(ofFrame: 2) == 32 + 65_560)
        #expect(largest.offset(ofFrame: .max) == 32 + 4_294_967_294 * 65_560)
        #expect(largest.frameCount(ofFile: 32 + 65_559) == 0)
        #expect(largest.frameCount(ofFile: 32 + 65_560 * 3) == 3)
        #expect(largest.frameCount(ofFile: .max) == 0xFFFF_FFFE)
        #expect(WALIndexHeader.mapOffset(ofFrame: 1) == 136)
        #expect(WALIndexHeader.mapOffset(ofFrame: 4_062) == 136 + 4_061 * 4)
        #expect(WALIndexHeader.mapOffset(ofFrame: 4_063) == 32_768)
        #expect(WALIndexHeader.mapOffset(ofFrame: 4_063 + 4_096) == 65_536)
    }

    /// The first 24 bytes of a header and their checksum, by the plain rule.
    private static func withChecksum(_ bytes: [UInt8]) -> [UInt8] {
        let (first, second) = PlainChecksum.of(bytes, isBigEndian: bytes[3] == 0x83)
        return bytes + bigEndian(first) + bigEndian(second)
    }

    static func bigEndian(_ value: UInt32) -> [UInt8] {
        [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: value >> $0) }
    }

    static func bytes(_ text: String) -> [UInt8] {
        let digits = text.filter { $0 != " " }.compactMap(\.hexDigitValue).map(UInt8.init)
        return stride(from: 0, to: digits.count, by: 2).map { digits[$0] << 4 | digits[$0 + 1] }
    }
}

/// The rule of fileformat2.html §4.2 word by word.
enum PlainChecksum {
    static func of(
        _ bytes: some Sequence<UInt8>, isBigEndian: Bool, seed: (UInt32, UInt32) = (0, 0)
    ) -> (UInt32, UInt32) {
        let bytes = Array(bytes)
        func word(_ place: Int) -> UInt32 {
            let four = bytes[place..<place + 4]
            return (isBigEndian ? Array(four) : four.reversed()).reduce(0) { $0 << 8 | UInt32($1) }
        }
        var (first, second) = seed
        for place in stride(from: 0, to: bytes.count, by: 8) {
            first = first &+ word(place) &+ second
            second = second &+ word(place + 4) &+ first
        }
        return (first, second)
    }
}
