import Block
import Model
import Segment
import Store
import Syscalls
import TestSupport
import Testing

@testable import Query

@Suite struct DatabaseTests {
    @Test(arguments: [(512, 3), (4_096, 4), (65_536, 5)])
    func everyCommitIsRestoredByteForByte(pageSize: Int, seed: Int) throws {
        let scene = try DatabaseScene(pageSize: UInt32(pageSize), seed: UInt64(seed), extraBaseAt: 12)
        for number in 1...24 {
            let restored = try scene.restore(.commit(UInt64(number)))
            #expect(restored.status == .found && restored.messages.isEmpty, "\(restored.messages)")
            #expect(restored.bytes == scene.copy(number), "commit \(number)")
        }
        #expect(try scene.restore(.commit(0)).bytes == scene.workload.base)
        #expect(try scene.restore(.commit(25)).status == .nothingFound)
        #expect(try Files.names(in: RawPath(scene.temporary.path)).count == 2)
    }

    /// Off the log and on it again, a database may have other pages; its commits before that have not.
    /// Commits without a lower bound stand between others: what was before them is found all the same.
    @Test func aMomentBesideCommitsOfUnknownBeginningHasItsOwnState() throws {
        let scene = try DatabaseScene(commits: 30, ofUnknownBeginning: 12...23)
        let reader = try StoreReader(directory: scene.directory)
        let stream = try #require(try reader.streams().first)
        let history = try DatabaseHistory(stream, reader)
        for commit in scene.workload.commits {
            #expect(try history.state(at: commit.high).point?.commit == commit.number)
        }
    }

    @Test func whatAPageWasBeforeItsSizeChangedIsRestored() throws {
        let scene = try DatabaseScene(commits: 6)
        try scene.become(pageSize: 1_024)
        for number in 1...6 {
            let restored = try scene.restore(.commit(UInt64(number)))
            #expect(restored.status == .found && restored.bytes == scene.copy(number), "\(restored.messages)")
        }
        let path = DatabaseScene.path
        let exported = try scene.ask(.table) {
            try DatabaseExportAnswer($0, database: path, absolute: path, point: .commit(6)).run()
        }
        #expect(exported.status == .found && exported.text.contains("CREATE TABLE t0"), "\(exported.messages)")
    }

    @Test func aMomentMeansTheLastCommitThatWasSurelyVisible() throws {
        let scene = try DatabaseScene()
        let third = DatabaseWorkload.moment(3)
        // Commit 3 became visible in (third, third + 2 ms].
        let exact = try scene.restore(.moment(third.advanced(byNanoseconds: 2_000_000)))
        #expect(exact.status == .found)
        #expect(exact.bytes == scene.copy(3))
        let between = try scene.restore(.moment(third.advanced(byNanoseconds: 500_000_000)))
        #expect(between.status == .found && between.bytes == exact.bytes)
        let unsure = try scene.restore(.moment(third.advanced(byNanoseconds: 1_000_000)))
        #expect(unsure.status == .incomplete)
        #expect(unsure.bytes == scene.copy(2))
        #expect(unsure.messages.count == 1 && unsure.messages[0].contains("commit 3"), "\(unsure.messages)")
        let early = try scene.restore(.moment(DatabaseWorkload.start.advanced(byNanoseconds: -1)))
        #expect(early.status == .incomplete && early.bytes == nil)
    }

    @Test(arguments: [false, true]) func aMomentInAGapNamesItsEdgesAndRestoresNothing(rebases: Bool) throws {
        let scene = try DatabaseScene(missing: [8...11], rebases: rebases)
        let inside = try scene.restore(.moment(DatabaseWorkload.moment(9)))
        #expect(inside.status == .incomplete && inside.bytes == nil)
        #expect(inside.messages[0].contains("between commit 7") && inside.messages[0].contains("commit 11"))
        #expect(try scene.restore(.commit(9)).status == .incomplete)
        #expect(try scene.restore(.commit(9)).bytes == nil)
        for number in [7, 11, 12, 24] {
            let restored = try scene.restore(.commit(UInt64(number)))
            #expect(
                restored.bytes == scene.copy(number), "commit \(number): \(restored.messages)")
        }
        let behind = try scene.restore(.moment(DatabaseWorkload.moment(11).advanced(byNanoseconds: 3_000_000)))
        #expect(behind.status == .found && behind.bytes == scene.copy(11))
        let commits = try scene.ask {
            try DatabaseCommitsAnswer($0, Selection(), database: DatabaseScene.path, absolute: DatabaseScene.path).run()
        }
        #expect(commits.status == .incomplete)
        #expect(commits.text.split(separator: "\n").count == 20)
        #expect(try scene.ask { try VerifyAnswer($0).run() }.status == .found)
    }

    /// Gap behind gap, each with what changed over it.
    @Test(arguments: [(512, 3), (4_096, 4), (65_536, 5)])
    func everyCommitIsRestoredOverSeveralRebases(pageSize: Int, seed: Int) throws {
        let missing: [ClosedRange<UInt64>] = [4...6, 9...9, 10...12, 19...20]
        let scene = try DatabaseScene(
            pageSize: UInt32(pageSize), seed: UInt64(seed), missing: missing, rebases: true, extraBaseAt: 15)
        let history = try scene.history()
        #expect(history.bases.map(\.builtOn) == [nil, 3, 8, 9, nil, 18])
        for number in 1...24 as ClosedRange<UInt64> {
            let restored = try scene.restore(.commit(number))
            if missing.contains(where: { $0.contains(number) && $0.upperBound != number }) {
                #expect(restored.status == .incomplete && restored.bytes == nil)
                #expect(restored.messages.contains { $0.contains("is missing") }, "\(restored.messages)")
            } else {
                #expect(restored.bytes == scene.copy(Int(number)), "commit \(number): \(restored.messages)")
                let image = try DatabaseImage(history, at: number)
                #expect(Int(image.pageCount) * pageSize == scene.copy(Int(number)).count)
                #expect(try image.page(1) == Array(scene.copy(Int(number)).prefix(pageSize)))
            }
        }
        #expect(try scene.ask { try VerifyAnswer($0).run() }.status == .found)
        let listed = try scene.ask { try DatabaseListAnswer($0).run() }
        let row = JSONValue(Array(listed.text.utf8.dropLast()))
        #expect(row?["base_images"]?.unsigned == 6 && row?["rebases"]?.unsigned == 4)
    }

    @Test func aRebaseWithoutWhatItBuildsOnIsVerified() throws {
        let scene = try DatabaseScene(missing: [8...11], rebases: true)
        try runSuccessfully(
            "sqlite3", [scene.directory.lossyText + "/varve.db", "DELETE FROM segment WHERE last_commit = 7"])
        let verified = try scene.ask(.table) { try VerifyAnswer($0).run() }
        #expect(verified.status == .unreadable && verified.text.contains("on which it builds"), "\(verified.text)")
        let restored = try scene.restore(.commit(12))
        #expect(restored.status == .incomplete && restored.bytes == nil)
    }

    /// A base image that is another state than the commits before it give, as a gap that no number stands for.
    @Test func aLossWithoutANumberHoldsUntilTheNextBaseImage() throws {
        let scene = try DatabaseScene(extraBaseAt: 12)
        let base = DatabaseWorkload.moment(12).advanced(byNanoseconds: 2_000_000)
        try scene.lose(from: DatabaseWorkload.moment(3), to: base, scope: DatabaseScene.path)
        let moment = { (commit: Int) in DatabaseWorkload.moment(commit).advanced(byNanoseconds: 3_000_000) }
        #expect(try scene.restore(.moment(moment(2))).status == .found)
        let doubtful = try scene.restore(.moment(moment(7)))
        #expect(doubtful.status == .incomplete && doubtful.bytes == nil)
        #expect(doubtful.messages.count == 1 && doubtful.messages[0].contains("commit 7"), "\(doubtful.messages)")
        #expect(try scene.restore(.commit(7)).bytes == scene.copy(7), "a number is exact")
        #expect(try scene.restore(.moment(moment(12))).bytes == scene.copy(12))
        #expect(try scene.restore(.moment(moment(20))).status == .found)
        #expect(try scene.commits().status == .incomplete)
        var selection = Selection()
        selection.since = moment(13)
        #expect(try scene.commits(selection).status == .found)
    }

    /// Of which database is not known, so any moment in it may be meant, and none behind it.
    @Test func aLossOfSomeDatabaseConcernsItsOwnTime() throws {
        let scene = try DatabaseScene()
        try scene.lose(from: DatabaseWorkload.moment(3), to: DatabaseWorkload.moment(5), scope: nil)
        try scene.lose(from: DatabaseWorkload.moment(3), to: DatabaseWorkload.moment(5), scope: RawPath("/srv/else.db"))
        let inside = try scene.restore(.moment(DatabaseWorkload.moment(4)))
        #expect(inside.status == .incomplete && inside.bytes == scene.copy(3))
        let behind = DatabaseWorkload.moment(9).advanced(byNanoseconds: 3_000_000)
        #expect(try scene.restore(.moment(behind)).status == .found)
        let listed = try scene.ask { try DatabaseListAnswer($0).run() }
        #expect(listed.status == .incomplete)
        #expect(listed.messages.count == 1 && listed.messages[0].contains("/srv/else.db"), "\(listed.messages)")
    }

    /// The gap that stands for numbers is told as a row of its own as well: it is one gap.
    @Test func aGapWithNumbersIsNotToldTwice() throws {
        let scene = try DatabaseScene(missing: [8...11])
        let gap = try #require(try scene.history().gaps.first)
        try scene.lose(from: gap.low, to: gap.high, scope: DatabaseScene.path)
        #expect(try scene.commits().messages.count == 1)
        let behind = try scene.restore(.moment(DatabaseWorkload.moment(11).advanced(byNanoseconds: 3_000_000)))
        #expect(behind.status == .found && behind.bytes == scene.copy(11))
    }

    @Test func commitsAreListedWithTheirWriters() throws {
        let scene = try DatabaseScene()
        var selection = Selection()
        selection.since = DatabaseWorkload.moment(5)
        selection.until = DatabaseWorkload.moment(8)
        let answer = try scene.ask {
            try DatabaseCommitsAnswer($0, selection, database: RawPath("beef"), absolute: RawPath("/beef")).run()
        }
        #expect(answer.status == .found)
        let rows = answer.text.split(separator: "\n").map { JSONValue(Array($0.utf8)) }
        #expect(rows.map { $0?["commit"]?.unsigned } == [5, 6, 7])
        #expect(answer.text.contains(#""db":"/srv/app/main.db""#))
        #expect(answer.text.contains(#""writers":[{"pid":4711,"exe":"/usr/bin/python3""#))
        #expect(answer.text.contains(#""attribution":"exact","status":"published""#))
        let pageCounts = rows.map { $0?["pages"]?.unsigned }
        #expect(pageCounts == scene.workload.commits[4...6].map { UInt64($0.pages.count) })
        selection.limit = 2
        selection.isReversed = true
        let last = try scene.ask {
            try DatabaseCommitsAnswer($0, selection, database: RawPath("beef"), absolute: RawPath("/beef")).run()
        }
        #expect(last.text.split(separator: "\n").map { JSONValue(Array($0.utf8))?["commit"]?.unsigned } == [7, 6])
        for format in [OutputFormat.table, .csv, .json] {
            let shown = try scene.ask(format) {
                try DatabaseCommitsAnswer($0, selection, database: RawPath("beef"), absolute: RawPath("/beef")).run()
            }
            #expect(shown.text.contains("/usr/bin/python3"))
        }
    }

    @Test func databasesAreListedAndFoundByAnyOfTheirNames() throws {
        let scene = try DatabaseScene(commits: 3)
        let list = try scene.ask { try DatabaseListAnswer($0).run() }
        let row = JSONValue(Array(list.text.utf8.dropLast()))
        #expect(row?["commits"]?.unsigned == 3 && row?["base_images"]?.unsigned == 1)
        #expect(list.text.contains(#""path":"/srv/app/main.db""#) && list.text.contains(#""status":"captured""#))
        for name in ["/srv/app/old.db", "/srv/app/main.db", "beef0000"] {
            #expect(try scene.restore(.commit(3), database: RawPath(name)).status == .found)
        }
        #expect(throws: UsageError.self) { try scene.restore(.commit(3), database: RawPath("/srv/app/none.db")) }
        #expect(throws: UsageError.self) { try scene.restore(.commit(3), database: RawPath("be")) }
    }

    @Test func nothingIsOverwritten() throws {
        let scene = try DatabaseScene(commits: 2)
        let target = RawPath(scene.temporary.appending("there"))
        try Files.write([1], to: target)
        #expect(throws: UsageError.self) {
            try scene.ask {
                try DatabaseRestoreAnswer(
                    $0, database: DatabaseScene.path, absolute: DatabaseScene.path, point: .commit(1), target: target
                ).run()
            }
        }
        #expect(try Files.contents(of: target) == [1])
    }

    @Test func anImageHasThePagesWithoutAFile() throws {
        let scene = try DatabaseScene(pageSize: 512, seed: 21)
        let history = try scene.history()
        // Commit 7 lies within a segment, as 9 of the same and 17 of another do.
        let image = try DatabaseImage(history, at: 7)
        let next = image.copy()
        #expect(try next.advance(to: 9) == Set(scene.workload.commits[7..<9].flatMap(\.pages)))
        let later = next.copy()
        #expect(try later.advance(to: 17) == Set(scene.workload.commits[9..<17].flatMap(\.pages)))
        for (image, number) in [(image, 7), (next, 9), (later, 17)] {
            let copy = try scene.workload.copy(after: number)
            #expect(Int(image.pageCount) * 512 == copy.count)
            for page in 1...image.pageCount {
                #expect(try image.page(page) == Array(copy[Int(page - 1) * 512..<Int(page) * 512]))
            }
            #expect(try image.page(image.pageCount + 1) == nil)
        }
        #expect(throws: DatabaseImage.Failure.noBase(99)) { try later.advance(to: 99) }
    }

    @Test func damageStopsARestoreAndIsVerified() throws {
        let scene = try DatabaseScene()
        let history = try scene.history()
        #expect(try scene.ask { try VerifyAnswer($0).run() }.status == .found)
        let path = history.files.path(of: history.segments[1])
        let whole = try Files.contents(of: path)
        for position in stride(from: 160, to: whole.count - 24, by: max(1, whole.count / 23)) {
            var bytes = whole
            bytes[position] ^= 0x10
            try Files.write(bytes, to: path)
            let target = RawPath(scene.temporary.appending("out.db"))
            let outcome = Result { try scene.restore(.commit(24)) }
            if case .success(let restored) = outcome {
                // A bit that decoding does not use.
                #expect(restored.bytes == scene.copy(24))
            }
            #expect((try? target.status()) == nil)
            let verified = try scene.ask(.table) { try VerifyAnswer($0).run() }
            #expect(verified.status == .unreadable && verified.text.contains(".vseg"))
        }
        #expect(try Files.names(in: RawPath(scene.temporary.path)).count == 2)
    }

    @Test(arguments: [DatabaseWorkload.Kind.mixed, .chat])
    func theExportMakesAnEqualDatabase(_ kind: DatabaseWorkload.Kind) throws {
        let scene = try DatabaseScene(kind, commits: 9, seed: 31)
        let export = try scene.ask {
            try DatabaseExportAnswer(
                $0, database: DatabaseScene.path, absolute: DatabaseScene.path, point: .commit(8),
                temporaryDirectory: RawPath(scene.temporary.path)
            ).run()
        }
        #expect(export.status == .found)
        let script = scene.temporary.appending("export.sql")
        try Files.write(Array(export.text.utf8), to: RawPath(script))
        let made = scene.temporary.appending("made.db")
        try runSuccessfully("sqlite3", [made, ".read \(script)"])
        // The shell's own dump of both says the same.
        let copy = scene.workload.directory + "/copy-8.db"
        let dumps = try [made, copy].map { try runSuccessfully("sqlite3", [$0, ".dump"]).outputText }
        #expect(dumps[0] == dumps[1])
        #expect(dumps[0].contains("INSERT"))
    }
}
