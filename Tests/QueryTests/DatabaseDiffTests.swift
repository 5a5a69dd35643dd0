import Model
import Syscalls
import TestSupport
import Testing

@testable import Query

/// `varve db diff` over commits that SQLite made, against what SQLite says of its own copies after each.
@Suite struct DatabaseDiffTests {
    /// A change as both sides tell it: commit (nil: none), kind, table, rowid.
    private struct Change: Hashable, CustomStringConvertible {
        var commit: UInt64?
        var kind: String
        var table: String
        var rowid: Int64

        var description: String { "\(commit.map { "\($0)" } ?? "-") \(kind) \(table) \(rowid)" }
    }

    /// What differs between two copies, by EXCEPT both ways.
    private func truth(_ scene: DatabaseScene, _ from: Int, _ to: Int, commit: UInt64?) throws -> Set<Change> {
        let script = #"""
            import sqlite3, sys
            old, new = (sqlite3.connect(path) for path in sys.argv[1:3])
            def tables(db):
                return {n for (n,) in db.execute("select name from sqlite_schema where type='table' and rootpage > 0"
                    " and name not like 'sqlite_%' and name not like 'search_%'")}
            new.execute("attach ? as b", (sys.argv[1],))
            for name in sorted(tables(old) | tables(new)):
                def keys(query): return {k for (k, *_) in new.execute(query)}
                sides = [f"select rowid, * from {side}.{name}" for side in ("main", "b")]
                if name not in tables(old): added, removed = keys(sides[0]), set()
                elif name not in tables(new): added, removed = set(), keys(sides[1])
                else: added, removed = keys(" except ".join(sides)), keys(" except ".join(sides[::-1]))
                for key in added | removed:
                    kind = "updated" if key in added and key in removed else "inserted" if key in added else "deleted"
                    print(kind, name, key)
            """#
        func path(_ commit: Int) -> String {
            scene.workload.directory + (commit == 0 ? "/base.db" : "/copy-\(commit).db")
        }
        let answer = try runSuccessfully("python3", ["-c", script, path(from), path(to)])
        return Set(
            answer.lines.map { line in
                let words = line.split(separator: " ")
                return Change(
                    commit: commit, kind: String(words[0]), table: String(words[1]), rowid: Int64(words[2]) ?? 0)
            })
    }

    private func diff(
        _ scene: DatabaseScene, _ from: DatabasePoint, _ to: DatabasePoint, table: String? = nil, hidden: Bool = false,
        net: Bool = false
    ) throws -> (status: AnswerStatus, changes: Set<Change>, text: String, messages: [String]) {
        let answer = try scene.ask {
            try DatabaseDiffAnswer(
                $0, database: DatabaseScene.path, absolute: DatabaseScene.path, from: from, to: to, table: table,
                includesHidden: hidden, isNet: net
            ).run()
        }
        var changes: Set<Change> = []
        for line in answer.text.split(separator: "\n") {
            let json = try #require(JSONValue(Array(line.utf8)), "\(line)")
            guard let kind = json["change"]?.text, let rowid = json["rowid"]?.text.flatMap({ Int64($0) }) else {
                continue
            }
            let change = Change(
                commit: json["commit"]?.unsigned, kind: kind, table: json["table"]?.text ?? "", rowid: rowid)
            #expect(changes.insert(change).inserted, "told twice: \(change)")
            if change.commit != nil { #expect(line.contains(#""writers":[{"pid":4711,"#)) }
        }
        return (answer.status, changes, answer.text, answer.messages)
    }

    @Test(arguments: [(512, 3), (4_096, 4), (65_536, 5)])
    func eachCommitHasTheRowsThatItChanged(pageSize: Int, seed: Int) throws {
        let scene = try DatabaseScene(pageSize: UInt32(pageSize), seed: UInt64(seed), extraBaseAt: 12)
        for (from, to) in [(0, 24), (13, 19)] {
            let told = try diff(scene, .commit(UInt64(from)), .commit(UInt64(to)))
            var truth: Set<Change> = []
            for commit in from + 1...to {
                truth.formUnion(try self.truth(scene, commit - 1, commit, commit: UInt64(commit)))
            }
            #expect(told.status == .found && told.messages.isEmpty, "\(told.messages)")
            let different = told.changes.symmetricDifference(truth)
            #expect(different.isEmpty, "seed \(seed): \(different.prefix(5))")
        }
    }

    @Test(arguments: [(512, 6, false), (4_096, 7, false), (512, 8, true), (4_096, 9, true)])
    func theNetChangesAreThoseOfTheTwoStates(pageSize: Int, seed: Int, rebases: Bool) throws {
        let scene = try DatabaseScene(
            pageSize: UInt32(pageSize), seed: UInt64(seed), missing: [15...16], rebases: rebases)
        for (from, to) in [(3, 14), (0, 24), (7, 16), (20, 20)] {
            let told = try diff(scene, .commit(UInt64(from)), .commit(UInt64(to)), net: true)
            let different = told.changes.symmetricDifference(try truth(scene, from, to, commit: nil))
            #expect(different.isEmpty, "seed \(seed), \(from) to \(to): \(different.prefix(5))")
        }
    }

    @Test(arguments: [false, true]) func whereCommitsAreMissingTheirChangesHaveNoCommit(rebases: Bool) throws {
        let scene = try DatabaseScene(missing: [8...11], rebases: rebases)
        let told = try diff(scene, .commit(5), .commit(13))
        #expect(told.status == .incomplete)
        #expect(told.messages.count == 1 && told.messages[0].contains("commits 8 to 11"), "\(told.messages)")
        var truth = try truth(scene, 7, 11, commit: nil)
        for commit in [6, 7, 12, 13] {
            truth.formUnion(try self.truth(scene, commit - 1, commit, commit: UInt64(commit)))
        }
        #expect(told.changes.symmetricDifference(truth).isEmpty)
        let inside = try diff(scene, .commit(9), .commit(13))
        #expect(inside.status == .incomplete && inside.changes.isEmpty)
        // From the state behind the gap on each change has its commit again.
        let behind = try diff(scene, .commit(11), .commit(13))
        #expect(behind.status == .found)
        #expect(behind.changes == told.changes.filter { $0.commit ?? 0 >= 12 })
    }

    @Test func momentsMeanCommits() throws {
        let scene = try DatabaseScene()
        let between = Int64(500_000_000)
        let told = try diff(
            scene, .moment(DatabaseWorkload.moment(4).advanced(byNanoseconds: between)),
            .moment(DatabaseWorkload.moment(6).advanced(byNanoseconds: between)))
        let byNumber = try diff(scene, .commit(4), .commit(6))
        #expect(told.status == .found && told.text == byNumber.text)
        #expect(throws: UsageError.self) { try diff(scene, .commit(6), .commit(4)) }
        #expect(try diff(scene, .commit(6), .commit(6)).status == .nothingFound)
        #expect(try diff(scene, .commit(6), .commit(99)).status == .nothingFound)
    }

    @Test func textsAreNumbersOfCommitsOrTimes() throws {
        #expect(try DatabasePoint("17") == .commit(17))
        #expect(try DatabasePoint("@17") == .moment(Instant(nanosecondsSinceEpoch: 17_000_000_000)))
        #expect(throws: TimeError.self) { try DatabasePoint("") }
    }

    @Test func shadowTablesAreHiddenUnlessAskedFor() throws {
        let scene = try DatabaseScene(.chat, commits: 6)
        let shown = try diff(scene, .commit(2), .commit(4))
        #expect(Set(shown.changes.map(\.table)) == ["message"] && shown.changes.count == 2)
        let all = try diff(scene, .commit(2), .commit(4), hidden: true)
        #expect(Set(all.changes.map(\.table)).isSuperset(of: ["message", "search_content", "search_data"]))
        #expect(all.text.contains(#""label":"shadow","of":"search""#))
        let one = try diff(scene, .commit(2), .commit(4), table: "SEARCH_content")
        #expect(Set(one.changes.map(\.table)) == ["search_content"])
    }
}
