import SQLitePages
import Testing

/// What is read out of CREATE TABLE texts.
@Suite struct TableDefinitionTests {
    private func names(_ definition: TableDefinition?) -> [String] {
        (definition?.columns ?? []).map { String(decoding: $0.name, as: UTF8.self) }
    }

    private func definition(_ sql: String) -> TableDefinition? {
        TableDefinition(createTable: Array(sql.utf8))
    }

    @Test func theRowidColumnIsWhatSQLiteTakesForIt() {
        let cases: [(String, Int?)] = [
            ("CREATE TABLE t(a INTEGER PRIMARY KEY)", 0),
            ("CREATE TABLE t(a, b integer not null primary key autoincrement)", 1),
            // Only the word INTEGER makes a rowid.
            ("CREATE TABLE t(a INT PRIMARY KEY)", nil),
            ("CREATE TABLE t(a INTEGER(4) PRIMARY KEY)", nil),
            // An old mistake of SQLite that it keeps: DESC at the column prevents it, in the constraint it does not.
            ("CREATE TABLE t(a INTEGER PRIMARY KEY DESC)", nil),
            ("CREATE TABLE t(a, b INTEGER, PRIMARY KEY(b DESC))", 1),
            ("CREATE TABLE t(a INTEGER, b INTEGER, PRIMARY KEY(a, b))", nil),
            ("CREATE TABLE t(a INTEGER, CONSTRAINT c CHECK(a > (1)) PRIMARY KEY(a))", 0),
            ("CREATE TABLE t(a INTEGER PRIMARY KEY, b) WITHOUT ROWID", nil),
        ]
        for (sql, expected) in cases { #expect(definition(sql)?.rowidColumn == expected, "\(sql)") }
    }

    @Test func withoutRowidTheKeyStandsFirst() {
        let table = definition(
            "CREATE TABLE t(a, b, c, d, PRIMARY KEY(d COLLATE NOCASE DESC, b)) STRICT, WITHOUT ROWID")
        #expect(table?.isWithoutRowid == true)
        #expect(table?.primaryKey == [3, 1])
        #expect(table?.storedColumns == [3, 1, 0, 2])
    }

    @Test func namesCanBeQuotedInFourWaysAndLookLikeKeywords() {
        let table = definition(
            "CREATE TABLE \"a b\"(\"x\"\"y\" INT, [c,d] TEXT DEFAULT 'a,(', `check` REAL, 'e' -- a, b\n, f /* ) */ VARCHAR(10, 2))"
        )
        #expect(names(table) == ["x\"y", "c,d", "check", "e", "f"])
        #expect(table?.columns[1].defaultValue == .text(Array("a,(".utf8)))
    }

    @Test func defaultsAreReadWithTheAffinityOfTheirColumn() {
        let cases: [(String, SQLiteValue)] = [
            ("INTEGER DEFAULT 7", .integer(7)), ("INTEGER DEFAULT -9223372036854775808", .integer(.min)),
            ("TEXT DEFAULT 7", .text(Array("7".utf8))), ("REAL DEFAULT 7", .real(7)),
            ("REAL DEFAULT +1e3", .real(1000)),
            ("INT DEFAULT '12'", .integer(12)), ("NUMERIC DEFAULT 3.0", .integer(3)),
            ("DEFAULT x'00ff'", .blob([0, 255])),
            ("BOOL DEFAULT true", .integer(1)), ("TEXT DEFAULT NULL", .null), ("TEXT", .null),
            ("TEXT NOT NULL DEFAULT 'it''s' COLLATE NOCASE", .text(Array("it's".utf8))),
            // What is not a literal is not worked out.
            ("TEXT DEFAULT (1 + 1)", .absent), ("TEXT DEFAULT CURRENT_TIMESTAMP", .absent),
            // These give none.
            ("REFERENCES o(x) ON DELETE SET DEFAULT", .null), ("REFERENCES o ON UPDATE SET NULL", .null),
        ]
        for (text, expected) in cases {
            let table = definition("CREATE TABLE t(a \(text), b)")
            #expect(table?.columns.first?.defaultValue == expected, "\(text)")
            #expect(names(table) == ["a", "b"], "\(text)")
        }
    }

    @Test func virtualColumnsAreNotStored() {
        let table = definition(
            "CREATE TABLE t(a, v TEXT GENERATED ALWAYS AS (a || ')') VIRTUAL NOT NULL, s AS (a + 1) STORED, w AS (a), z)"
        )
        #expect(table?.storedColumns == [0, 2, 4])
        #expect(names(table) == ["a", "v", "s", "w", "z"])
    }

    @Test func whatIsNoTableIsNone() {
        for sql in [
            "", "CREATE VIEW v AS SELECT 1", "CREATE TABLE t", "CREATE TABLE t()", "CREATE TABLE t(a",
            "CREATE TABLE t('a",
            "CREATE TABLE t(a) WITHOUT ROWID", "CREATE VIRTUAL TABLE t USING fts5",
        ] {
            #expect(definition(sql) == nil, "\(sql)")
        }
    }
}
