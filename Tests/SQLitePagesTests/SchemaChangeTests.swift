import SQLitePages
import TestSupport
import Testing

/// What happens to tables as a whole, and what is shown of which.
@Suite struct SchemaChangeTests {
    /// The diff that `changes` make to a database that `setUp` made.
    private func diff(
        _ setUp: String, _ changes: String, options: RowDiffOptions = RowDiffOptions()
    ) throws -> ToldDiff {
        let directory = try TemporaryDirectory()
        let (before, after) = (directory.appending("a.db"), directory.appending("b.db"))
        try runSuccessfully("sqlite3", [before, setUp])
        try runSuccessfully("cp", [before, after])
        try runSuccessfully("sqlite3", [after, changes])
        let (old, new) = (try FilePages(path: before), try FilePages(path: after))
        let told = try ToldDiff(from: old, to: new, changed: new.pagesDiffering(from: old), options: options)
        #expect(told.unreadable == [])
        return told
    }

    private func words(_ changes: [SchemaChange]) -> [String] {
        func name(_ entry: SchemaEntry) -> String { "\(entry.kind) " + String(decoding: entry.name, as: UTF8.self) }
        return changes.map { change in
            switch change {
            case .created(let entry): "created \(name(entry))"
            case .dropped(let entry): "dropped \(name(entry))"
            case .altered(_, let entry): "altered \(name(entry))"
            case .renamed(let old, let new): "renamed \(name(old)) to \(name(new))"
            case .moved(let entry, _): "moved \(name(entry))"
            case .setting(let name, let old, let new): "\(name) \(old) to \(new)"
            }
        }
    }

    @Test func aRenamedTableKeepsItsRows() throws {
        let told = try diff(
            "CREATE TABLE t(a, b); INSERT INTO t VALUES (1, 2), (3, 4)",
            "ALTER TABLE t RENAME TO u; UPDATE u SET b = 5 WHERE a = 3")
        #expect(words(told.schema) == ["renamed table t to table u"])
        #expect(told.lines == ["updated\tu\t#2\ti3,i4\ti3,i5"])
    }

    @Test func aTableInThePlaceOfAnotherIsNotThatTable() throws {
        let told = try diff(
            "CREATE TABLE t(a, b); INSERT INTO t VALUES (1, 2)",
            "BEGIN; DROP TABLE t; CREATE TABLE u(a, b); INSERT INTO u VALUES (1, 2); COMMIT")
        #expect(words(told.schema) == ["created table u", "dropped table t"])
        #expect(told.lines == ["inserted\tu\t#1\t-\ti1,i2", "deleted\tt\t#1\ti1,i2\t-"])
    }

    @Test func aRenamedTableThatNamesItselfKeepsItsRows() throws {
        let told = try diff(
            "CREATE TABLE t(a INTEGER PRIMARY KEY, b REFERENCES t(a), CHECK (t.a > 0)); INSERT INTO t VALUES (1, NULL)",
            "ALTER TABLE t RENAME TO u; INSERT INTO u VALUES (2, 1)")
        #expect(words(told.schema) == ["renamed table t to table u"])
        #expect(told.lines == ["inserted\tu\t#2\t-\ti2,i1"])
    }

    @Test func aRenamedColumnIsTheSameColumn() throws {
        let told = try diff(
            "CREATE TABLE t(a INTEGER PRIMARY KEY, b, c); INSERT INTO t VALUES (1, 2, 3), (2, 2, 3)",
            "ALTER TABLE t RENAME COLUMN b TO d; UPDATE t SET d = 'x' WHERE a = 2")
        #expect(words(told.schema) == ["altered table t"])
        #expect(told.lines == ["updated\tt\t#2\ti2,i2,i3\ti2,t78,i3"])
    }

    @Test func aDroppedColumnIsNoChangeOfRows() throws {
        let told = try diff(
            "CREATE TABLE t(a INTEGER PRIMARY KEY, b, c); INSERT INTO t VALUES (1, 2, 3), (2, 2, 3)",
            "ALTER TABLE t DROP COLUMN b; DELETE FROM t WHERE a = 1")
        #expect(words(told.schema) == ["altered table t"])
        #expect(told.lines == ["deleted\tt\t#1\ti1,i2,i3\t-"])
    }

    @Test func tablesMadeAnewWithoutRowidHaveOtherRows() throws {
        let told = try diff(
            "CREATE TABLE t(k TEXT PRIMARY KEY, v); INSERT INTO t VALUES ('a', 1)",
            "DROP TABLE t; CREATE TABLE t(k TEXT PRIMARY KEY, v) WITHOUT ROWID; INSERT INTO t VALUES ('a', 1)")
        #expect(told.lines == ["deleted\tt\t#1\tt61,i1\t-", "inserted\tt\tt61\t-\tt61,i1"])
    }

    @Test func vacuumIntoAnotherPageSizeChangesNoRows() throws {
        let told = try diff(
            """
            CREATE TABLE t(a INTEGER PRIMARY KEY, b BLOB); CREATE TABLE w(k PRIMARY KEY, v) WITHOUT ROWID;
            WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 500)
            INSERT INTO t SELECT i, zeroblob(i * 40) FROM n;
            INSERT INTO w SELECT a, hex(b) FROM t;
            """, "PRAGMA page_size = 1024; PRAGMA auto_vacuum = 1; VACUUM; UPDATE t SET b = x'01' WHERE a = 77")
        #expect(
            words(told.schema).filter { !$0.hasPrefix("moved") } == ["page_size 4096 to 1024", "auto_vacuum 0 to 1"])
        #expect(told.lines == ["updated\tt\t#77\ti77,b\(String(repeating: "00", count: 77 * 40))\ti77,b01"])
    }

    @Test func bytesReservedAtTheEndOfPagesAreLeftAlone() throws {
        let directory = try TemporaryDirectory()
        let (before, after) = (directory.appending("a.db"), directory.appending("b.db"))
        let fill = """
            CREATE TABLE t(a INTEGER PRIMARY KEY, b BLOB);
            WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 900)
            INSERT INTO t SELECT i, zeroblob(i * 9) FROM n;
            """
        try runSuccessfully("sqlite3", [before, ".filectrl reserve_bytes 40", fill])
        try runSuccessfully("cp", [before, after])
        try runSuccessfully("sqlite3", [after, "UPDATE t SET b = b || 'x' WHERE a IN (1, 899)"])
        let (old, new) = (try FilePages(path: before), try FilePages(path: after))
        #expect(old.bytes[20] == 40)
        let told = try ToldDiff(from: old, to: new, changed: new.pagesDiffering(from: old))
        #expect(told.lines.map { $0.prefix(13) } == ["updated\tt\t#1\t", "updated\tt\t#89"])
        #expect(told.unreadable == [])
        #expect(try ToldDiff(from: .none, to: new, changed: nil).lines.count == 900)
    }

    @Test func rowsNumberedAnewAreComparedByValue() throws {
        let told = try diff(
            """
            CREATE TABLE t(a, b);
            WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 900)
            INSERT INTO t SELECT i, 'same' FROM n;
            DELETE FROM t WHERE a < 300; INSERT INTO t VALUES (1000, 'same'), (1000, 'same');
            """, "DELETE FROM t WHERE a = 400; DELETE FROM t WHERE rowid = (SELECT max(rowid) FROM t); VACUUM")
        #expect(told.rewritten == ["t"])
        #expect(told.lines.sorted() == ["deleted\tt\t-\ti1000,t73616d65\t-", "deleted\tt\t-\ti400,t73616d65\t-"])
    }

    @Test func tablesOfSQLiteAndOfVirtualTablesAreShownOnlyWhenAskedFor() throws {
        let setUp = """
            CREATE TABLE t(a INTEGER PRIMARY KEY AUTOINCREMENT, b); CREATE INDEX t_b ON t(b);
            CREATE VIRTUAL TABLE f USING fts5(x); CREATE VIRTUAL TABLE r USING rtree(id, lo, hi);
            CREATE TABLE f_other(x); CREATE TABLE plain_data(x);
            """
        let changes = """
            INSERT INTO t(b) VALUES (1); INSERT INTO f VALUES ('words'); INSERT INTO r VALUES (1, 2, 3); ANALYZE;
            INSERT INTO f_other VALUES (1); INSERT INTO plain_data VALUES (2);
            """
        func tables(_ told: ToldDiff) -> Set<String> {
            Set(told.lines.map { String($0.split(separator: "\t")[1]) })
        }
        let shown: Set = ["t", "f_other", "plain_data"]
        #expect(tables(try diff(setUp, changes)) == shown)
        var options = RowDiffOptions()
        options.includesHidden = true
        let all = tables(try diff(setUp, changes, options: options))
        #expect(all.isSuperset(of: shown.union(["sqlite_sequence", "sqlite_stat1", "f_data", "f_content", "r_node"])))
        options = RowDiffOptions()
        options.table = Array("F_Content".utf8)
        #expect(try diff(setUp, changes, options: options).lines == ["inserted\tf_content\t#1\t-\ti1,t776f726473"])
    }

    @Test func rowsBeyondTheLimitAreToldWithoutTheirLongValues() throws {
        var options = RowDiffOptions()
        options.greatestRowByteCount = 10_000
        let told = try diff(
            "CREATE TABLE t(a INTEGER PRIMARY KEY, b, c); INSERT INTO t VALUES (1, 'x', zeroblob(200000)), (2, 'y', 'z')",
            "UPDATE t SET c = zeroblob(199999) || x'01' WHERE a = 1", options: options)
        #expect(told.lines == ["updated\tt\t#1\ti1,t78,unread 200000\ti1,t78,unread 200000"])
    }

    /// A lone surrogate is no character; the text that has one is still another text than any without.
    @Test func textThatIsNoUnicodeIsKept() throws {
        let told = try diff(
            "PRAGMA encoding = 'UTF-16le'; CREATE TABLE t(a); INSERT INTO t VALUES ('a€𝄞')",
            "UPDATE t SET a = CAST(x'3dd86100' AS TEXT)")
        #expect(told.lines == ["updated\tt\t#1\tt61e282acf09d849e\tteda0bd61"])
    }

    @Test func createTextsThatCannotBeReadLeaveColumnsWithoutNames() throws {
        let told = try diff(
            "CREATE TABLE t(a INTEGER PRIMARY KEY, b); INSERT INTO t VALUES (1, 'x')",
            """
            INSERT INTO t VALUES (2, 'y');
            PRAGMA writable_schema = 1;
            UPDATE sqlite_schema SET sql = 'CREATE TABLE t(a INTEGER PRIMARY KEY, b ''' WHERE name = 't';
            """)
        #expect(told.lines == ["inserted\tt\t#2\t-\tn,t79"])
    }
}
