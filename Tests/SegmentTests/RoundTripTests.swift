import Block
import Model
import Segment
import TestSupport
import Testing

@Suite struct RoundTripTests {
    struct Case: Sendable, CustomTestStringConvertible {
        var kind: DatabaseWorkload.Kind
        var pageSize: UInt32
        var groupByteCount: Int
        var testDescription: String { "\(kind) \(pageSize) \(groupByteCount)" }
    }

    static let cases = [
        Case(kind: .mixed, pageSize: 512, groupByteCount: 0),
        Case(kind: .mixed, pageSize: 4_096, groupByteCount: 100_000),
        Case(kind: .mixed, pageSize: 65_536, groupByteCount: 0),
        Case(kind: .log, pageSize: 4_096, groupByteCount: 0),
        Case(kind: .chat, pageSize: 1_024, groupByteCount: 100_000),
    ]

    @Test(arguments: cases) func everyCommitIsByteForByteWhatSQLiteMade(_ test: Case) throws {
        let seed = UInt64.random(in: 1...999_999)
        print("seed \(seed) of \(test.testDescription)")
        let directory = try TemporaryDirectory()
        let workload = try DatabaseWorkload(
            test.kind, in: directory.appending("db"), seed: seed, commitCount: 40, pageSize: test.pageSize)
        #expect(workload.commits.count == 40)
        let size = Int(test.pageSize)
        var source = MemoryPages(bytes: workload.base, pageSize: size)
        let hashes = source.hashes(stream: testStream)
        var encoder = try SegmentEncoder(
            stream: testStream, pageSize: test.pageSize, hashes: hashes, databasePageCount: hashes.pageCount,
            lastCommit: 0, lastHash: EventsHash(high: 0, low: 0), groupByteCount: test.groupByteCount)
        var target = source
        var generator = SeededGenerator(seed: seed)
        var lastHash = EventsHash(high: 0, low: 0)
        for commit in workload.commits {
            let known = source
            // Not every earlier version can be had when a commit is captured.
            let isForgetful = Int.random(in: 0..<4, using: &generator) == 0
            try encoder.append(commit) { isForgetful && $0 % 3 == 0 ? nil : known.page($0) }
            source.apply(commit)
            guard Int.random(in: 0..<3, using: &generator) == 0 || commit.number == 40 else { continue }
            let segment = try encoder.finished()
            #expect(segment.header.previousHash == lastHash)
            lastHash = segment.hash
            let index = try SegmentIndex(file: segment.bytes)
            #expect(index.header == segment.header)
            let before = target
            for entry in index.table.commits {
                var player = try SegmentPlayer(
                    hashes: before.hashes(stream: testStream), commit: index.header.firstCommit - 1)
                target = before
                try player.play(index, upTo: entry.number, into: &target) { segment.block($0, index) }
                #expect(player.commit == entry.number)
                let copy = try workload.copy(after: Int(entry.number))
                #expect(target.bytes == copy, "commit \(entry.number), seed \(seed)")
                let captured = workload.commits[Int(entry.number) - 1]
                #expect(entry.low == captured.low && entry.high == captured.high && entry.frame == captured.frame)
                #expect(entry.changeCounter == captured.changeCounter && entry.salts == captured.salts)
                #expect(index.table.processes(ofSet: entry.writers) == captured.writers)
                #expect(Array(index.table.pages[entry.pages]) == captured.pages)
            }
        }
        #expect(target.bytes == source.bytes)
    }

    @Test func incompressiblePagesAreStoredAsTheyAre() throws {
        var generator = SeededGenerator(seed: 5)
        var hashes = PageHashes(stream: testStream)
        hashes.resize(to: 0)
        var encoder = try SegmentEncoder(
            stream: testStream, pageSize: 4_096, hashes: hashes, databasePageCount: 0, lastCommit: 0,
            lastHash: EventsHash(high: 0, low: 0))
        let bytes = (0..<4 * 4_096).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
        try encoder.append(.sample(1, pages: [1, 2, 3, 4], of: 4, bytes)) { _ in nil }
        let segment = try encoder.finished()
        let index = try SegmentIndex(file: segment.bytes)
        #expect(index.table.blocks.map(\.codec) == [.raw])
        var player = try SegmentPlayer(hashes: hashes, commit: 0)
        var target = MemoryPages(bytes: [], pageSize: 4_096)
        try player.play(index, upTo: 1, into: &target) { segment.block($0, index) }
        #expect(target.bytes == bytes)
    }
}
