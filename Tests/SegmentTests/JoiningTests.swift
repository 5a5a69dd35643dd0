import Block
import Model
import Segment
import TestSupport
import Testing

@Suite struct JoiningTests {
    /// The segments of a database, each of one to three commits, and the pages before them.
    private static func made(
        _ kind: DatabaseWorkload.Kind, commits: Int, seed: UInt64, pageSize: UInt32 = 512
    ) throws -> (segments: [EncodedSegment], base: MemoryPages) {
        let directory = try TemporaryDirectory()
        let workload = try DatabaseWorkload(
            kind, in: directory.appending("db"), seed: seed, commitCount: commits, pageSize: pageSize, copies: false)
        let base = MemoryPages(bytes: workload.base, pageSize: Int(pageSize))
        let hashes = base.hashes(stream: testStream)
        var encoder = try SegmentEncoder(
            stream: testStream, pageSize: pageSize, hashes: hashes, databasePageCount: hashes.pageCount, lastCommit: 0,
            lastHash: EventsHash(high: 0, low: 0), groupByteCount: 2_000)
        var generator = SeededGenerator(seed: seed)
        var known = base
        var segments: [EncodedSegment] = []
        for commit in workload.commits {
            let before = known
            try encoder.append(commit) { before.page($0) }
            known.apply(commit)
            guard Int.random(in: 0..<3, using: &generator) > 0 || commit.number == commits else { continue }
            segments.append(try encoder.finished())
        }
        return (segments, base)
    }

    private static func joined(_ segments: some Sequence<EncodedSegment>) throws -> EncodedSegment {
        var joiner = try SegmentJoiner()
        for segment in segments {
            let hash = try joiner.append(segment.bytes)
            #expect(hash == segment.hash)
        }
        return try joiner.finish()
    }

    /// The pages after each commit.
    private static func states(
        of segment: EncodedSegment, from before: MemoryPages, part: ClosedRange<UInt64>? = nil
    ) throws -> [MemoryPages] {
        let whole = try SegmentIndex(file: segment.bytes)
        let index = try part.map { try whole.part($0.lowerBound, through: $0.upperBound) } ?? whole
        return try index.table.commits.map { entry in
            var pages = before
            var player = try SegmentPlayer(
                hashes: before.hashes(stream: testStream), commit: index.header.firstCommit - 1)
            try player.play(index, upTo: entry.number, into: &pages) { segment.block($0, index) }
            return pages
        }
    }

    @Test(arguments: DatabaseWorkload.Kind.allCases)
    func everyCommitIsTheSameAndSoIsEachPart(_ kind: DatabaseWorkload.Kind) throws {
        let seed = UInt64.random(in: 1...999_999)
        print("seed \(seed)")
        let (segments, base) = try Self.made(kind, commits: 24, seed: seed)
        let whole = try Self.joined(segments)
        #expect(whole.header.level == 1 && whole.header.commitCount == 24)
        #expect(whole.header.chainHash == segments.last?.hash && whole.hash != segments.last?.hash)
        #expect(whole.bytes.count < segments.reduce(0) { $0 + $1.bytes.count })
        let states = try Self.states(of: whole, from: base)
        var before = base
        for segment in segments {
            let header = segment.header
            let own = try Self.states(of: segment, from: before)
            let joined = states[Int(header.firstCommit - 1)..<Int(header.lastCommit)]
            #expect(own.map(\.bytes) == joined.map(\.bytes), "seed \(seed)")
            let part = try Self.states(of: whole, from: before, part: header.firstCommit...header.lastCommit)
            #expect(own.map(\.bytes) == part.map(\.bytes), "seed \(seed)")
            before = try #require(own.last)
        }
    }

    /// Whatever is joined with what, in whatever order of levels, the chain goes on and the commits are the same.
    @Test func joinedSegmentsAreJoinedAgain() throws {
        let seed = UInt64.random(in: 1...999_999)
        print("seed \(seed)")
        var generator = SeededGenerator(seed: seed)
        var (segments, base) = try Self.made(.mixed, commits: 40, seed: seed)
        let expected = try Self.states(of: Self.joined(segments), from: base)
        let lastHash = segments.last?.hash
        while segments.count > 1 {
            let start = Int.random(in: 0..<segments.count - 1, using: &generator)
            let end = Int.random(in: start + 1..<min(segments.count, start + 5), using: &generator)
            segments.replaceSubrange(start...end, with: [try Self.joined(segments[start...end])])
            for (one, next) in zip(segments, segments.dropFirst()) {
                #expect(next.header.previousHash == one.header.chainHash ?? one.hash)
            }
        }
        #expect(segments[0].header.chainHash == lastHash && segments[0].header.level > 1)
        #expect(try Self.states(of: segments[0], from: base).map(\.bytes) == expected.map(\.bytes), "seed \(seed)")
    }

    @Test func whatDoesNotFollowIsRefusedAndWhatIsThereCanBeFinished() throws {
        let (segments, _) = try Self.made(.rows, commits: 12, seed: 3)
        var joiner = try SegmentJoiner()
        _ = try joiner.append(segments[0].bytes)
        #expect(throws: SegmentError.self) { try joiner.append(segments[2].bytes) }
        #expect(throws: SegmentError.self) { try joiner.append(segments[0].bytes) }
        var damaged = segments[1].bytes
        damaged[damaged.count / 2] ^= 1
        #expect(throws: SegmentError.self) { try joiner.append(damaged) }
        // Of the same commits, made otherwise: its numbers continue, its chain does not.
        let (others, _) = try Self.made(.rows, commits: 12, seed: 4)
        if let other = others.first(where: { $0.header.firstCommit == segments[1].header.firstCommit }) {
            #expect(throws: SegmentError.self) { try joiner.append(other.bytes) }
        }
        _ = try joiner.append(segments[1].bytes)
        let segment = try joiner.finish()
        #expect(segment.header.lastCommit == segments[1].header.lastCommit)
        #expect(throws: SegmentError.self) { try Self.joined(segments[0...0]) }
    }

    @Test func partsAreOfWholeSourcesOnly() throws {
        let (segments, _) = try Self.made(.rows, commits: 12, seed: 5)
        let index = try SegmentIndex(file: Self.joined(segments).bytes)
        #expect(throws: SegmentError.self) { try index.part(0, through: 3) }
        #expect(throws: SegmentError.self) { try index.part(3, through: 13) }
        #expect(throws: SegmentError.self) { try index.part(4, through: 3) }
        #expect(try index.part(1, through: 12).table == index.table)
    }

    /// A header of version 2 that is cut short, or says that it is of version 1, is no segment.
    @Test func headersOfTheTwoVersionsAreToldApart() throws {
        let (segments, _) = try Self.made(.rows, commits: 6, seed: 6)
        let joined = try Self.joined(segments)
        #expect(joined.bytes[8] == 2 && joined.bytes[10] == 176)
        #expect(segments[0].bytes[8] == 1 && segments[0].bytes[10] == 160)
        #expect(try SegmentHeader(joined.bytes) == joined.header)
        #expect(throws: SegmentError.self) { try SegmentHeader(Array(joined.bytes.prefix(170))) }
        for change in [(8, 1), (8, 3), (10, 160), (152, 0xFF)] as [(Int, UInt8)] {
            var bytes = joined.bytes
            bytes[change.0] = bytes[change.0] == change.1 ? change.1 &+ 1 : change.1
            #expect(throws: SegmentError.self) { try SegmentHeader(bytes) }
        }
    }
}
