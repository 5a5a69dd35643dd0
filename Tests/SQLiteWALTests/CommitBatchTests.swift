import TestSupport
import Testing

@testable import SQLiteWAL

@Suite struct CommitBatchTests {
    /// Commits of pages that change a little, much, not at all or in size, some of them with pages that come only once.
    private static func commits(
        _ generator: inout SeededGenerator, size: Int, count: Int
    ) -> [(commit: WALCommit, proof: CommitProof)] {
        var state: [UInt32: [UInt8]] = [:]
        return (0..<count).map { number in
            let pages = Set(
                (0..<Int.random(in: 1...4, using: &generator)).map { _ in
                    UInt32.random(in: 1...(Bool.random(using: &generator) ? 4 : 200), using: &generator)
                }
            ).sorted()
            var bytes: [UInt8] = []
            for page in pages {
                var contents = state[page] ?? (0..<size).map { _ in UInt8.random(in: 0...255, using: &generator) }
                // The first and the last byte as well.
                for _ in 0..<[0, 1, 3, 40, size][Int.random(in: 0..<5, using: &generator)] {
                    let place = [0, size - 1, Int.random(in: 0..<size, using: &generator)].randomElement(
                        using: &generator)
                    contents[place ?? 0] = UInt8.random(in: 0...255, using: &generator)
                }
                state[page] = contents
                bytes += contents
            }
            return (
                WALCommit(
                    frame: UInt32(number + 1), lastFrame: UInt32(number + 1), salts: WALSalts(first: 1, second: 2),
                    checksum: .zero, databasePageCount: 200, frameCount: UInt32(pages.count), pages: pages,
                    bytes: bytes), CommitProof.allCases[number % CommitProof.allCases.count]
            )
        }
    }

    private static func unpacked(_ batch: CommitBatch) -> [(commit: WALCommit, proof: CommitProof)] {
        var commits: [(commit: WALCommit, proof: CommitProof)] = []
        batch.forEach { commits.append(($0, $1)) }
        return commits
    }

    @Test(arguments: [512, 4_096, 65_536]) func commitsComeBackAsTheyWere(size: Int) {
        let seed = UInt64.random(in: 0...UInt64.max)
        print("CommitBatchTests seed \(seed)")
        var generator = SeededGenerator(seed: seed)
        for _ in 0..<(size > 4_096 ? 2 : 8) {
            let commits = Self.commits(&generator, size: size, count: Int.random(in: 0...40, using: &generator))
            let back = Self.unpacked(CommitBatch(commits))
            #expect(back.map(\.commit) == commits.map(\.commit), "seed \(seed)")
            #expect(back.map(\.proof) == commits.map(\.proof), "seed \(seed)")
        }
    }

    /// A page of another size under the same number has nothing to do with the one before.
    @Test func pagesOfTwoSizesAreKeptApart() {
        func commit(_ size: Int, _ byte: UInt8) -> (commit: WALCommit, proof: CommitProof) {
            let commit = WALCommit(
                frame: 1, lastFrame: 1, salts: WALSalts(first: 1, second: 2), checksum: .zero, databasePageCount: 1,
                frameCount: 1, pages: [1], bytes: [UInt8](repeating: byte, count: size))
            return (commit, .published)
        }
        let commits = [commit(1_024, 1), commit(512, 1), commit(512, 1), commit(1_024, 1)]
        #expect(Self.unpacked(CommitBatch(commits)).map(\.commit) == commits.map(\.commit))
    }

    @Test func versionsOfOnePageTakeLittle() {
        var page = (0..<4_096).map { UInt8(truncatingIfNeeded: $0 * 7) }
        var commits: [(commit: WALCommit, proof: CommitProof)] = []
        for number in 0..<1_000 {
            // As an insert does: a count, a pointer and a row.
            for place in [3, 8 + number % 1_000 * 2, 4_000 - number * 3] { page[place] &+= 1 }
            commits.append(
                (
                    WALCommit(
                        frame: 1, lastFrame: 1, salts: WALSalts(first: 1, second: 2), checksum: .zero,
                        databasePageCount: 1, frameCount: 1, pages: [1], bytes: page), .published
                ))
        }
        let batch = CommitBatch(commits)
        #expect(batch.byteCount < 1_000 * 4_096 / 10)
        #expect(Self.unpacked(batch).map(\.commit) == commits.map(\.commit))
    }
}
