import Model
import SQLiteWAL
import TestSupport
import Testing

/// Whatever a crash or a hostile hand leaves, what is read is a beginning of what was written.
@Suite struct WALDamageTests {
    @Test func aCutLogEndsWithItsLastWholeCommit() throws {
        let directory = try TemporaryDirectory()
        let seed = UInt64.random(in: 0..<1_000_000)
        let written = try WrittenDatabase(pageSize: 512, seed: seed, in: directory)
        let (all, _) = try #require(WrittenDatabase.commits(of: written.wal))
        var generator = SeededGenerator(seed: seed)
        for _ in 0..<300 {
            let length = Int.random(in: 0...written.wal.count, using: &generator)
            let cut = Array(written.wal.prefix(length))
            guard let (commits, end) = WrittenDatabase.commits(of: cut) else {
                #expect(length < 32, "seed \(seed)")
                continue
            }
            let whole = (length - 32) / 536
            #expect(commits == all.filter { Int($0.frame) <= whole }, "seed \(seed), \(length) bytes")
            if length < 32 + 536 * Int(all.last?.frame ?? 0) {
                #expect(end == ((length - 32) % 536 == 0 ? .endOfFile : .truncatedFrame), "seed \(seed)")
            }
        }
    }

    @Test func aDamagedLogEndsBeforeTheDamage() throws {
        let directory = try TemporaryDirectory()
        let seed = UInt64.random(in: 0..<1_000_000)
        let written = try WrittenDatabase(pageSize: 1_024, seed: seed, in: directory)
        let (all, _) = try #require(WrittenDatabase.commits(of: written.wal))
        var generator = SeededGenerator(seed: seed)
        for _ in 0..<300 {
            var damaged = written.wal
            let place = Int.random(in: 32..<damaged.count, using: &generator)
            damaged[place] ^= UInt8.random(in: 1...255, using: &generator)
            let frame = UInt32((place - 32) / 1_048 + 1)
            let (commits, _) = try #require(WrittenDatabase.commits(of: damaged))
            #expect(commits == all.filter { $0.frame < frame }, "seed \(seed), byte \(place)")
        }
    }

    /// Bytes that nobody wrote, also behind a header that is right.
    @Test func noiseIsReadWithoutATrap() throws {
        let seed = UInt64.random(in: 0..<1_000_000)
        var generator = SeededGenerator(seed: seed)
        for _ in 0..<2_000 {
            let count = Int.random(in: 0..<3_000, using: &generator)
            var bytes = (0..<count).map { _ in UInt8.random(in: 0...255, using: &generator) }
            if Bool.random(using: &generator) {
                bytes = WALHeaderTests.header + bytes
                let (commits, _) = try #require(WrittenDatabase.commits(of: bytes))
                #expect(commits.isEmpty, "seed \(seed)")
            } else {
                _ = WrittenDatabase.header(of: bytes)
            }
            _ = WrittenDatabase.index(of: bytes)
        }
    }

    /// A transaction larger than may be held is counted, and does not disturb the others.
    @Test func aTransactionThatIsTooLargeIsKnownWithoutItsPages() throws {
        let directory = try TemporaryDirectory()
        let written = try WrittenDatabase(pageSize: 512, seed: 3, in: directory)
        let (all, _) = try #require(WrittenDatabase.commits(of: written.wal))
        let bytes = unsafe written.wal.span.bytes
        guard case .header(let header) = WALHeader.read(bytes) else { return }
        let limit = 8 * 512
        var reader = CommitReader(from: FrameChain(header), maximumCommitByteCount: limit)
        _ = reader.take(bytes, at: 0, upTo: .max - 1)
        #expect(reader.commits.map(\.frame) == all.map(\.frame))
        let large = all.filter { $0.frameCount > 8 }
        #expect(!large.isEmpty && large.count < all.count)
        #expect(reader.commits.filter(\.isOversized).map(\.frame) == large.map(\.frame))
        #expect(reader.commits.filter { !$0.isOversized } == all.filter { $0.frameCount <= 8 })
    }

    @Test func checksumsAreThoseOfThePlainRule() {
        let seed = UInt64.random(in: 0..<1_000_000)
        var generator = SeededGenerator(seed: seed)
        for _ in 0..<200 {
            let bytes = (0..<Int.random(in: 0..<100, using: &generator) * 8).map { _ in
                UInt8.random(in: 0...255, using: &generator)
            }
            for order in WALWordOrder.allCases {
                var sum = WALChecksum(first: 7, second: 9)
                unsafe sum.add(bytes.span.bytes, order: order)
                let plain = PlainChecksum.of(bytes, isBigEndian: order == .big, seed: (7, 9))
                #expect(sum == WALChecksum(first: plain.0, second: plain.1), "seed \(seed)")
            }
        }
    }
}
