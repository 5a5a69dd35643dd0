import Model
import SQLitePages
import Syscalls
import TestSupport
import Testing

/// A diff reads what was written and the interior pages, however large the tables are.
@Suite struct RowDiffCostTests {
    @Test(arguments: [10_000, 60_000]) func pagesReadDoNotGrowWithTheTable(rows: Int) throws {
        let directory = try TemporaryDirectory()
        let script = """
            import shutil, sqlite3, sys
            directory, rows = sys.argv[1], int(sys.argv[2])
            db = sqlite3.connect(directory + "/a.db", isolation_level=None)
            db.execute("CREATE TABLE t(id INTEGER PRIMARY KEY, a TEXT, b BLOB)")
            db.execute("CREATE INDEX t_a ON t(a)")
            db.execute("BEGIN")
            db.executemany("INSERT INTO t VALUES (?,?,?)", ((i, f"row {i * 7919 % rows}", b"x" * 200) for i in range(rows)))
            db.execute("COMMIT")
            db.close()
            shutil.copy(directory + "/a.db", directory + "/b.db")
            db = sqlite3.connect(directory + "/b.db", isolation_level=None)
            for i in range(32):
                db.execute("UPDATE t SET b = zeroblob(200) WHERE id = ?", (i * rows // 32 + 5,))
            query = "SELECT count(*) FROM dbstat WHERE name = 't' AND pagetype = ?"
            print(*(db.execute(query, (kind,)).fetchone()[0] for kind in ("internal", "leaf")))
            """
        let answer = try runSuccessfully("python3", ["-c", script, directory.path, "\(rows)"])
        let counts = answer.outputText.split { $0 == " " || $0 == "\n" }.compactMap { Int($0) }
        let before = try FilePages(path: directory.appending("a.db"))
        let after = try FilePages(path: directory.appending("b.db"))
        let changed = after.pagesDiffering(from: before)
        let told = try ToldDiff(from: before, to: after, changed: changed)
        #expect(told.lines.count == 32 && told.lines.allSatisfy { $0.hasPrefix("updated\tt\t#") })
        #expect(counts[1] > rows / 20, "the table has \(counts[1]) leaves")
        // Both sides of what changed, the interior pages once since none of them changed, the first page on both sides,
        // and the leaf at which the walk learns how deep the tree is.
        let bound = 2 * changed.count + counts[0] + 3
        #expect(told.summary.pagesRead <= bound, "\(told.summary.pagesRead) pages read, \(counts) in the table")
        #expect(told.summary.leavesSearched == 0)
    }

    /// Without a pointer map the leaves are searched, until the owner is found; with one they are not.
    @Test(arguments: [0, 1]) func theOwnerOfAnOverflowPageIsFound(autoVacuum: Int) throws {
        let directory = try TemporaryDirectory()
        let script = """
            import shutil, sqlite3, sys
            directory = sys.argv[1]
            db = sqlite3.connect(directory + "/a.db", isolation_level=None)
            db.execute("PRAGMA auto_vacuum = " + sys.argv[2])
            db.execute("CREATE TABLE t(id INTEGER PRIMARY KEY, b BLOB)")
            db.execute("BEGIN")
            for i in range(2000):
                db.execute("INSERT INTO t VALUES (?, zeroblob(?))", (i, 20000 if i in (700, 1500) else 200))
            db.execute("COMMIT")
            db.close()
            shutil.copy(directory + "/a.db", directory + "/b.db")
            db = sqlite3.connect(directory + "/b.db", isolation_level=None)
            with db.blobopen("t", "b", 1500) as blob:
                blob.seek(15000)
                blob.write(b"changed in place")
            """
        try runSuccessfully("python3", ["-c", script, directory.path, "\(autoVacuum)"])
        let before = try FilePages(path: directory.appending("a.db"))
        let after = try FilePages(path: directory.appending("b.db"))
        let changed = after.pagesDiffering(from: before)
        // The first page has the change counter.
        #expect(changed.count == 2)
        let told = try ToldDiff(from: before, to: after, changed: changed)
        #expect(told.lines.count == 1 && told.lines.allSatisfy { $0.hasPrefix("updated\tt\t#1500\t") })
        if autoVacuum == 1 {
            #expect(told.summary.leavesSearched == 0)
        } else {
            #expect(told.summary.leavesSearched > 50)
        }
    }
}
