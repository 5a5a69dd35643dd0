import Model
import Store
import TestSupport
import Testing

@testable import Query

/// How a database is named, and what is said of states that there are not.
@Suite struct DatabaseChoiceTests {
    private static func sql(_ scene: DatabaseScene, _ statement: String) throws {
        try runSuccessfully("sqlite3", [scene.directory.lossyText + "/varve.db", statement])
    }

    private static func listed(_ scene: DatabaseScene) throws -> JSONValue {
        let answer = try scene.ask(.json) { try DatabaseListAnswer($0).run() }
        guard case .array(let rows)? = JSONValue(Array(answer.text.utf8)), let row = rows.first else {
            Issue.record("no row: \(answer.text)")
            return .null
        }
        return row
    }

    @Test func aDatabaseIsFoundByTheNameOfItsFile() throws {
        let scene = try DatabaseScene(commits: 3)
        for name in ["main.db", "old.db", "/srv/app/main.db", "beef"] {
            #expect(try scene.restore(.commit(2), database: RawPath(name)).bytes == scene.copy(2), "\(name)")
        }
        // No part of a name, and no path that merely ends so.
        for name in ["ain.db", "app/main.db", "/main.db", "main", "bee"] {
            let error = #expect(throws: UsageError.self) {
                try scene.restore(.commit(2), database: RawPath(name))
            }
            #expect(error?.description.contains("no watched database is called '\(name)'") == true, "\(name)")
        }
    }

    @Test func aFileNameOfSeveralDatabasesMeansNone() throws {
        let scene = try DatabaseScene(commits: 3)
        try Self.sql(
            scene,
            """
            INSERT INTO stream(uuid, device, inode, page_size, first_seen, condition, detail)
                VALUES (x'0123456789abcdef0123456789abcdef', 1, 9, 4096, 5, 1, '');
            INSERT INTO stream_path(stream, path) VALUES (last_insert_rowid(), CAST('/var/lib/main.db' AS BLOB))
            """)
        let error = #expect(throws: UsageError.self) {
            try scene.restore(.commit(2), database: RawPath("main.db"))
        }
        let text = error?.description ?? ""
        #expect(text.contains("means 2 databases") && text.contains("0123456789abcdef"), "\(text)")
        #expect(try scene.restore(.commit(2)).bytes == scene.copy(2), "the path says which")
    }

    @Test func aCommitThatThereIsNotIsSaidWithThoseThatThereAre() throws {
        let scene = try DatabaseScene(extraBaseAt: 12)
        #expect(try scene.restore(.commit(0)).status == .found)
        let beyond = try scene.restore(.commit(25))
        #expect(beyond.status == .nothingFound)
        #expect(
            beyond.messages.contains {
                $0.contains(
                    "there is no commit 25: the first state that is held is that of commit 0, the last commit is 24")
            }, "\(beyond.messages)")
        // As a retention limit leaves it: history begins with the second base image.
        try Self.sql(
            scene, "DELETE FROM base_image WHERE commit_number = 0; DELETE FROM segment WHERE last_commit <= 12")
        let first = try scene.restore(.commit(0))
        #expect(first.status == .nothingFound && first.bytes == nil)
        #expect(
            first.messages.contains {
                $0.contains(
                    "there is no commit 0: the first state that is held is that of commit 12, the last commit is 24")
            }, "\(first.messages)")
        #expect(throws: UsageError.self) { try DatabasePoint(at: nil, commit: "-1") }
    }

    @Test func aDatabaseIsListedFromTheFirstMomentThatIsKnownOfIt() throws {
        let scene = try DatabaseScene(commits: 3)
        let row = try Self.listed(scene)
        func visible(_ commit: Int) -> String {
            TimestampWriter.text(DatabaseWorkload.moment(commit).advanced(byNanoseconds: 2_000_000))
        }
        #expect(row["from"]?.text == visible(0) && row["to"]?.text == visible(3), "\(row)")
        // Commits that were in the log before anybody looked have no lower bound of their own.
        try Self.sql(scene, "UPDATE segment SET low = 0")
        let known = try Self.listed(scene)
        #expect(known["from"]?.text == known["first_seen"]?.text && known["from"] != nil, "\(known)")
        try Self.sql(scene, "DELETE FROM segment; DELETE FROM base_image")
        let empty = try Self.listed(scene)
        #expect(empty["from"] == nil && empty["to"] == nil && empty["first_seen"] != nil)
    }
}
