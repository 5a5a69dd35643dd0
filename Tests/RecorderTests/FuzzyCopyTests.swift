import Block
import Model
import SQLiteWAL
import Segment
import Syscalls
import TestSupport
import Testing

@testable import Recorder

@Suite struct FuzzyCopyTests {
    /// Advances a copy until it waits for commits.
    private func readAll(_ copy: FuzzyCopy) throws {
        while copy.hasPieces { try copy.advance() }
    }

    private func failure(_ body: () throws -> Void) throws -> BaseCopy.Failure? {
        do {
            try body()
            return nil
        } catch let error as BaseCopy.Failure {
            return error
        }
    }

    /// The file may have what the commits that were taken in do not: it is no state before they are.
    @Test func aCopyWaitsForTheCommitsThatMayBeInTheFile() throws {
        let scene = try FuzzyScene()
        try scene.commit("update t set b = randomblob(610) where a % 30 = 1")
        let first = try #require(try scene.step()?.last)
        let copy = try #require(try scene.begin(after: first.place))
        try scene.commit("update t set b = randomblob(590) where a % 20 = 3")
        try scene.checkpoint("passive")
        try readAll(copy)
        #expect(!copy.isComplete)
        let second = try #require(try scene.step()?.last)
        try copy.take(second)
        #expect(copy.isComplete)
        try scene.check(copy, at: second.place)
    }

    /// What the present generation had before is read from the log, also where it is in no file yet.
    @Test func aCalmDatabaseIsCopiedWithoutAnotherCommit() throws {
        let scene = try FuzzyScene()
        try scene.commit("update t set b = randomblob(610) where a % 30 = 1")
        try scene.commit("delete from t where a > 40")
        try scene.commit("vacuum")
        try scene.commit("insert into t(b) select randomblob(900) from t")
        let last = try #require(try scene.step()?.last)
        let copy = try #require(try scene.begin(after: last.place))
        try readAll(copy)
        #expect(copy.isComplete)
        try scene.check(copy, at: last.place)
    }

    /// What a checkpoint has copied SQLite reads from the file, whatever somebody has put there since.
    @Test func whatWasPutIntoTheFileIsCopied() throws {
        let scene = try FuzzyScene()
        let old = try #require(scene.kept.values.first)
        try scene.commit("update t set b = randomblob(610) where a % 3 = 1")
        let last = try #require(try scene.step()?.last)
        try scene.checkpoint("passive")
        try scene.writer.run("shutil.copyfile('\(old)', path)")
        let copy = try #require(try scene.begin(after: last.place))
        try readAll(copy)
        #expect(copy.isComplete)
        _ = try copy.finish()
        var found: [UInt8] = []
        while try copy.file.descriptor.read(upTo: 1 << 20, at: Int64(found.count), appendingTo: &found) > 0 {}
        #expect(found.starts(with: try Files.contents(of: RawPath(old), limit: 1 << 26)))
    }

    /// What is the same as before is not copied again, wherever it is read from.
    @Test func onlyWhatChangedSinceAStateIsCopied() throws {
        let scene = try FuzzyScene()
        var generator = SeededGenerator(seed: 5)
        let before = try scene.someHashes(&generator)
        try scene.checkpoint("truncate")
        try scene.commit("update t set b = randomblob(600) where a in (7, 80)")
        let last = try #require(try scene.step()?.last)
        let copy = try #require(try scene.begin(after: last.place, comparedWith: before))
        try readAll(copy)
        #expect(copy.isComplete && copy.isSparse)
        let written = try copy.file.descriptor.status().allocatedByteCount
        #expect(written < Int64(copy.pageCount) * 1_024 / 2)
        try scene.check(copy, at: last.place, comparedWith: before)
    }

    /// What was left out is read after all, so that the image can be whole.
    @Test func whereMoreThanHalfChangedAllOfItIsCopied() throws {
        let scene = try FuzzyScene()
        var generator = SeededGenerator(seed: 6)
        let before = try scene.someHashes(&generator)
        try scene.commit("update t set b = randomblob(600) where a <= 80")
        let last = try #require(try scene.step()?.last)
        let copy = try #require(try scene.begin(after: last.place, comparedWith: before))
        try readAll(copy)
        #expect(copy.isComplete && !copy.isSparse)
        try scene.check(copy, at: last.place)
    }

    @Test func aGenerationThatEndsBeforeItsFramesAreReadIsBegunAgain() throws {
        let scene = try FuzzyScene()
        let first = try scene.place()
        let copy = try #require(try scene.begin(after: first))
        try scene.checkpoint("restart")
        try scene.commit("update t set b = randomblob(610) where a = 7")
        #expect(try failure { try readAll(copy) } == .busy)
        #expect(try scene.begin(after: first) == nil)
        // With the first commit of the new one there is nothing that must be read in time.
        let next = try #require(try scene.step()?.last)
        let second = try scene.begin(with: next)
        try scene.checkpoint("restart")
        try scene.commit("update t set b = randomblob(620) where a = 90")
        var rest = try #require(try scene.step())
        try scene.checkpoint("truncate")
        try scene.commit("update t set b = randomblob(620) where a = 10")
        rest += try #require(try scene.step())
        try readAll(second)
        for commit in rest where !second.isComplete { try second.take(commit) }
        #expect(second.isComplete)
        try scene.check(second, at: try #require(rest.last).place)
    }

    /// Commits, checkpoints, looks and pieces of copies in any order.
    @Test(arguments: [512, 4_096])
    func aCopyIsByteForByteWhatSQLiteHeldThen(pageSize: Int) throws {
        let seed = UInt64.random(in: 0...UInt64.max)
        print("seed \(seed)")
        var generator = SeededGenerator(seed: seed)
        let scene = try FuzzyScene(pageSize: pageSize)
        var copy: FuzzyCopy?
        var begun: LogPlace?
        var last: LogPlace?
        var (completeCount, acrossGenerationsCount, sparseCount) = (0, 0, 0)
        var compared: PageHashes?
        func chooseCompared() throws {
            compared = Bool.random(using: &generator) ? try scene.someHashes(&generator) : nil
        }
        func finishIfComplete() throws {
            guard let done = copy, done.isComplete, let last else { return }
            try scene.check(done, at: last, comparedWith: compared)
            completeCount += 1
            sparseCount += done.isSparse ? 1 : 0
            acrossGenerationsCount += begun?.salts == last.salts ? 0 : 1
            copy = nil
        }
        func attempt(_ body: () throws -> Void) throws {
            if let failure = try failure(body) {
                #expect(failure == .busy)
                copy = nil
            }
            try finishIfComplete()
        }
        for _ in 0..<600 {
            switch Int.random(in: 0..<20, using: &generator) {
            case 0..<3: try scene.commit(Self.statement(&generator))
            case 3:
                let modes = ["passive", "full", "restart", "truncate"]
                try scene.checkpoint(modes.randomElement(using: &generator) ?? "passive")
            case 4..<9:
                guard let commits = try scene.step() else {
                    copy = nil
                    last = nil
                    continue
                }
                for commit in commits {
                    if let copy {
                        last = commit.place
                        try attempt { try copy.take(commit) }
                    } else if let known = last, known.salts != commit.salts {
                        last = commit.place
                        begun = last
                        try chooseCompared()
                        try attempt { copy = try scene.begin(with: commit, comparedWith: compared) }
                    }
                    last = commit.place
                }
            default:
                if let copy {
                    try attempt { try copy.advance() }
                } else if let place = last {
                    begun = place
                    try chooseCompared()
                    try attempt { copy = try scene.begin(after: place, comparedWith: compared) }
                }
            }
        }
        print("\(completeCount) copies, \(acrossGenerationsCount) across generations, \(sparseCount) of what changed")
        #expect(completeCount > 0 && acrossGenerationsCount > 0)
    }

    private static func statement(_ generator: inout SeededGenerator) -> String {
        let key = Int.random(in: 1...120, using: &generator)
        switch Int.random(in: 0..<12, using: &generator) {
        case 0: return "delete from t where a % 7 = \(key % 7)"
        case 1: return "vacuum"
        case 2: return "insert into t(b) select randomblob(700) from t limit 60"
        case 3: return "create table if not exists u\(key) as select * from t limit 9"
        case 4: return "delete from t where a > 200"
        default: return "update t set b = randomblob(\(500 + key)) where a in (\(key), \(key / 2), \(key + 40))"
        }
    }

    /// What is in the file then may be what no log tells of.
    @Test func aFileThatIsWrittenPastItsLogGivesNoCopy() throws {
        let scene = try FuzzyScene()
        let place = try scene.place()
        let copy = try #require(try scene.begin(after: place))
        // The log keeps a name, and what it said: only the one that counts is gone.
        try scene.writer.run(
            """
            os.link(path + '-wal', path + '.other'); os.link(path + '-shm', path + '.third')
            c.execute('pragma journal_mode=delete').fetchall()
            c.execute('update t set b = randomblob(610)')
            """)
        #expect(try failure { try readAll(copy) } == .busy)
    }

    @Test func commitsThatNothingVouchesForAreNotTakenIn() throws {
        let scene = try FuzzyScene()
        try scene.commit("update t set b = randomblob(610) where a % 30 = 1")
        let sound = try #require(try scene.step()?.last)
        func take(_ change: (inout CapturedCommit) -> Void) throws -> BaseCopy.Failure? {
            let copy = try #require(try scene.begin(after: sound.place))
            while copy.hasPieces, !copy.isComplete { try copy.advance() }
            var commit = sound
            change(&commit)
            return try failure { try copy.take(commit) }
        }
        #expect(try take { _ in } == nil)
        #expect(try take { $0.status = .logged } == .noIndex)
        guard case .unsupported = try take({ $0.databasePageCount = .max }) else {
            Issue.record("a size that nothing holds was believed")
            return
        }
        guard case .unsupported = try take({ $0.bytes.removeLast(512) }) else {
            Issue.record("half a page was taken in")
            return
        }
    }
}
