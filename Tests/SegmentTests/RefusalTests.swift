import Block
import Model
import Segment
import TestSupport
import Testing

/// What the encoder refuses to write, and what the reader makes of damage.
@Suite struct RefusalTests {
    static let page = [UInt8](repeating: 7, count: 512)

    static func encoder(pages: UInt32 = 0) throws -> SegmentEncoder {
        var hashes = PageHashes(stream: testStream)
        hashes.resize(to: pages)
        return try SegmentEncoder(
            stream: testStream, pageSize: 512, hashes: hashes, databasePageCount: pages, lastCommit: 0,
            lastHash: EventsHash(high: 0, low: 0))
    }

    static func code(_ body: () throws -> Void) -> SegmentError.Code? {
        do {
            try body()
            return nil
        } catch {
            return (error as? SegmentError)?.code
        }
    }

    @Test func aCommitThatLacksPagesOrNumbersIsRefused() throws {
        var encoder = try Self.encoder(pages: 2)
        let two = Self.page + Self.page
        func refusal(_ commit: CapturedCommit) -> SegmentError.Code? {
            Self.code { try encoder.append(commit) { _ in nil } }
        }
        // Commit 2 when 1 is next.
        #expect(refusal(.sample(2, pages: [1, 2], of: 2, two)) == .notContiguous)
        // The database grows by pages 3 and 4; only 4 is there.
        #expect(refusal(.sample(1, pages: [1, 4], of: 4, two)) == .incomplete)
        // A page beyond the end.
        #expect(refusal(.sample(1, pages: [1, 3], of: 2, two)) == .incomplete)
        #expect(refusal(.sample(1, pages: [2, 1], of: 2, two)) == .malformed)
        #expect(refusal(.sample(1, pages: [1], of: 2, two)) == .incomplete)
        #expect(refusal(.sample(1, pages: [], of: 2, [])) == .incomplete)
        // Nothing of all that was taken in.
        let isEmpty = encoder.isEmpty
        #expect(isEmpty)
        #expect(refusal(.sample(1, pages: [1, 2], of: 2, two)) == nil)
        // A gap in the middle of a segment.
        let gap = CaptureGap(
            first: 2, last: 2, missedCount: nil, low: .init(nanosecondsSinceEpoch: 0),
            high: .init(nanosecondsSinceEpoch: 1), cause: .wrapped)
        let refused = Self.code { try encoder.append(gap) }
        #expect(refused == .notContiguous)
    }

    /// Whoever knows of commits of logs alone must not take a state for one.
    @Test func statesAreInSegmentsOfTheirOwnVersions() throws {
        var encoder = try Self.encoder()
        var segments: [EncodedSegment] = []
        for number in 1...3 as ClosedRange<UInt64> {
            var commit = CapturedCommit.sample(number, pages: [1], of: 1, [UInt8](repeating: UInt8(number), count: 512))
            if number > 1 {
                (commit.status, commit.frame, commit.salts, commit.changeCounter) = (.state, UInt32(number) - 2, 0, 40)
            }
            try encoder.append(commit) { _ in nil }
            segments.append(try encoder.finished())
        }
        var joiner = try SegmentJoiner()
        for segment in segments { _ = try joiner.append(segment.bytes) }
        let joined = try joiner.finish()
        #expect((segments + [joined]).map { $0.bytes[8] } == [1, 3, 3, 4])
        #expect(joined.header.holdsStates)
        let table = try SegmentIndex(file: joined.bytes).table
        #expect(table.commits.map(\.status) == [.logged, .state, .state])
        #expect(table.commits.map(\.transactionCount) == [1, nil, 1])
        #expect(try SegmentIndex(file: joined.bytes).part(1, through: 2).table.commits.count == 2)
        // In a segment that says that it has none.
        var header = segments[1].header
        header.holdsStates = false
        let content = try SegmentTable.content(of: segments[1])
        #expect(Self.code { _ = try SegmentTable(content: content, header) } == .malformed)
    }

    @Test func theLockPageNeedNotBeThere() throws {
        // 2^30 / 65,536 + 1
        let lockPage: UInt32 = 16_385
        var hashes = PageHashes(stream: testStream)
        hashes.resize(to: lockPage - 1)
        var encoder = try SegmentEncoder(
            stream: testStream, pageSize: 65_536, hashes: hashes, databasePageCount: lockPage - 1, lastCommit: 0,
            lastHash: EventsHash(high: 0, low: 0))
        let page = [UInt8](repeating: 1, count: 65_536)
        try encoder.append(.sample(1, pages: [lockPage + 1], of: lockPage + 1, page)) { _ in nil }
        let segment = try encoder.finished()
        #expect(try SegmentIndex(file: segment.bytes).table.commits.map(\.databasePageCount) == [lockPage + 1])
    }

    @Test func aGapEndsTheKnownStatesUntilABaseImage() throws {
        var encoder = try Self.encoder()
        try encoder.append(.sample(1, pages: [1], of: 1, Self.page)) { _ in nil }
        _ = try encoder.finish()
        let gap = CaptureGap(
            first: 2, last: 5, missedCount: 4, low: .init(nanosecondsSinceEpoch: 10),
            high: .init(nanosecondsSinceEpoch: 20), cause: .truncated)
        try encoder.append(gap)
        try encoder.append(.sample(6, pages: [3], of: 9, Self.page)) { _ in nil }
        let segment = try encoder.finished()
        let index = try SegmentIndex(file: segment.bytes)
        #expect(!index.header.isAnchored)
        #expect(index.table.gaps == [gap])
        #expect(index.header.firstCommit == 6 && index.header.lastCommit == 6)
        var hashes = PageHashes(stream: testStream)
        hashes.resize(to: 9)
        try encoder.rebase(hashes, databasePageCount: 9)
        try encoder.append(.sample(7, pages: [1], of: 9, Self.page)) { _ in nil }
        let next = try encoder.finished()
        #expect(next.header.isAnchored && next.header.previousHash == segment.hash)
    }

    @Test func noDamageTrapsOrPassesUnnoticed() throws {
        let seed = UInt64.random(in: 1...999_999)
        print("seed \(seed)")
        var generator = SeededGenerator(seed: seed)
        let directory = try TemporaryDirectory()
        let workload = try DatabaseWorkload(
            .mixed, in: directory.appending("db"), seed: seed, commitCount: 12, pageSize: 512, copies: false)
        let source = MemoryPages(bytes: workload.base, pageSize: 512)
        let hashes = source.hashes(stream: testStream)
        var encoder = try SegmentEncoder(
            stream: testStream, pageSize: 512, hashes: hashes, databasePageCount: hashes.pageCount, lastCommit: 0,
            lastHash: EventsHash(high: 0, low: 0))
        var known = source
        for commit in workload.commits {
            let before = known
            try encoder.append(commit) { before.page($0) }
            known.apply(commit)
        }
        let segment = try encoder.finished()
        for _ in 0..<2_000 {
            let bytes = segment.bytes.mutated(&generator)
            guard bytes != segment.bytes else { continue }
            #expect(throws: SegmentError.self) { try SegmentIndex(file: bytes) }
        }
        // Without the file's hash in the way the parser itself has to withstand it.
        let content = try SegmentTable.content(of: segment)
        for _ in 0..<4_000 {
            let table = content.mutated(&generator)
            guard let read = try? SegmentTable(content: table, segment.header) else { continue }
            #expect(read.pages.count == read.blocks.reduce(0) { $0 + $1.pageCount })
        }
        // A damaged block gives an error or a wrong state, never a wrong page that passes.
        let index = try SegmentIndex(file: segment.bytes)
        for _ in 0..<300 {
            var player = try SegmentPlayer(hashes: hashes, commit: 0)
            var target = source
            let victim = Int.random(in: 0..<index.table.blocks.count, using: &generator)
            let original = segment.block(victim, index)
            var damaged = original
            damaged[Int.random(in: 0..<damaged.count, using: &generator)] ^= UInt8(1 << Int.random(in: 0..<8))
            do {
                try player.play(index, upTo: .max, into: &target) { $0 == victim ? damaged : segment.block($0, index) }
                #expect(target.bytes == known.bytes)
            } catch {
                #expect(error is SegmentError)
            }
        }
    }
}

extension [UInt8] {
    /// With some bits flipped, bytes overwritten, cut off or doubled.
    func mutated(_ generator: inout SeededGenerator) -> [UInt8] {
        var bytes = self
        for _ in 0..<Int.random(in: 1...4, using: &generator) where !bytes.isEmpty {
            let position = Int.random(in: 0..<bytes.count, using: &generator)
            switch Int.random(in: 0..<5, using: &generator) {
            case 0: bytes[position] ^= 1 << UInt8.random(in: 0..<8, using: &generator)
            case 1: bytes[position] = 0xFF
            case 2: bytes.removeSubrange(position...)
            case 3: bytes.insert(UInt8.random(in: .min ... .max, using: &generator), at: position)
            default: bytes.remove(at: position)
            }
        }
        return bytes
    }
}
