import Model
import SQLitePages
import Syscalls
import TestSupport
import Testing

@testable import Query

/// The rows that changed, as they are printed: two databases that SQLite made, one step between them.
@Suite struct RowDiffAnswerTests {
    private struct FilePages: PageSource {
        let bytes: [UInt8]
        let pageSize = 4096

        init(_ path: String) throws {
            bytes = try Files.contents(of: RawPath(path), limit: 1 << 26)
        }

        var pageCount: UInt32 { UInt32(bytes.count / pageSize) }

        func page(_ number: UInt32) throws(PagesError) -> [UInt8]? {
            Array(bytes[(Int(number) - 1) * pageSize..<Int(number) * pageSize])
        }
    }

    private struct Answer {
        var status: AnswerStatus
        var text: String
        var messages: [String]
    }

    private static let setUp = """
        CREATE TABLE note(id INTEGER PRIMARY KEY, body TEXT, size REAL, raw BLOB);
        CREATE TABLE word(lang TEXT, w TEXT, n INT, PRIMARY KEY(lang, w)) WITHOUT ROWID;
        INSERT INTO note VALUES (1, 'one', 1, x'00ff'), (2, 'two', 2.5, NULL), (3, 'three', -0.1, zeroblob(5000));
        INSERT INTO word VALUES ('en', 'one', 9007199254740993), ('de', 'eins', 1);
        """

    private func ask(
        _ changes: String, _ format: OutputFormat, terminal: Bool = false
    ) throws -> Answer {
        let directory = try TemporaryDirectory()
        let (before, after) = (directory.appending("a.db"), directory.appending("b.db"))
        try runSuccessfully("sqlite3", [before, Self.setUp])
        try runSuccessfully("cp", [before, after])
        if !changes.isEmpty { try runSuccessfully("sqlite3", [after, changes]) }
        var writer = ActorProcess(instance: 1, pid: 77, firstSeen: Instant(nanosecondsSinceEpoch: 0))
        writer.comm = RawPath("e\u{1B}vil")
        let context = QueryContext(
            storeDirectory: RawPath("/nowhere"), format: format, output: AnswerOutput(memoryAsTerminal: terminal),
            messages: Messages(collecting: true), zone: .utc)
        let origin = ChangeOrigin(
            commit: 12, low: Instant(nanosecondsSinceEpoch: 1_000_000_000),
            high: Instant(nanosecondsSinceEpoch: 1_500_000_000),
            attribution: .exact, writers: [writer])
        let answer = try RowDiffAnswer(context, RowDiffOptions(), from: FilePages(before))
        try answer.tell(FilePages(after), changedPages: nil, origin: origin)
        let status = try answer.conclude(isIncomplete: false)
        return Answer(
            status: status, text: String(decoding: context.output.collected, as: UTF8.self),
            messages: context.messages.collected)
    }

    @Test func jsonLinesAreExact() throws {
        let answer = try ask(
            """
            UPDATE note SET body = 'one ' || char(27) || '[2J' WHERE id = 1;
            DELETE FROM note WHERE id = 2;
            INSERT INTO note VALUES (-7, CAST(x'61ff' AS TEXT), 1e999, x'00ff10');
            UPDATE word SET n = 9007199254740995 WHERE w = 'one';
            """, .jsonl)
        #expect(answer.status == .found)
        let lines = answer.text.split(separator: "\n")
        let origin =
            #","commit":12,"t_lo":"1970-01-01T00:00:01.000000000Z","t_hi":"1970-01-01T00:00:01.500000000Z","attribution":"exact","#
            + #""writers":[{"pid":77,"instance":1,"comm":"e\u001bvil"}]}"#
        #expect(
            lines
                == [
                    #"{"change":"inserted","table":"note","rowid":-7,"new":{"id":-7,"body":{"text_base64":"Yf8="},"size":{"real":"inf"},"raw":{"blob_base64":"AP8Q"}}"#
                        + origin,
                    #"{"change":"updated","table":"note","rowid":1,"old":{"id":1,"body":"one","size":1.0,"raw":{"blob_base64":"AP8="}},"#
                        + #""new":{"id":1,"body":"one \u001b[2J","size":1.0,"raw":{"blob_base64":"AP8="}}"# + origin,
                    #"{"change":"deleted","table":"note","rowid":2,"old":{"id":2,"body":"two","size":2.5,"raw":null}"#
                        + origin,
                    #"{"change":"updated","table":"word","key":["en","one"],"old":{"lang":"en","w":"one","n":9007199254740993},"#
                        + #""new":{"lang":"en","w":"one","n":9007199254740995}"# + origin,
                ].map { Substring($0) })
    }

    @Test func aTableShowsWhatChangedAndPassesNoControlBytes() throws {
        let answer = try ask(
            """
            UPDATE note SET body = 'é' || char(27) || '[2J', size = 3 WHERE id = 1;
            UPDATE note SET raw = zeroblob(5001) WHERE id = 3;
            ALTER TABLE word ADD COLUMN seen INT DEFAULT 0;
            CREATE TABLE fresh(a);
            INSERT INTO fresh VALUES (x'0a');
            PRAGMA user_version = 5;
            """, .table, terminal: true)
        #expect(answer.status == .found)
        #expect(!answer.text.utf8.contains { $0 < 0x20 && $0 != 0x0A || $0 == 0x7F })
        let who = "12       1970-01-01 00:00:01.500000  e\\x1bvil[77]          "
        let zeros = String(repeating: "00", count: 64)
        let lines = answer.text.split(separator: "\n").map(String.init)
        #expect(lines.first?.hasPrefix("COMMIT   TIME") == true)
        for line in [
            who + "setting    -                -             user_version: 0 -> 5",
            who + "created    fresh            -             table fresh: CREATE TABLE fresh(a)",
            who + "updated    note             1             body='one' -> 'é\\x1b[2J', size=1.0 -> 3.0",
            who
                + "updated    note             3             raw=x'\(zeros)'… (5000 bytes) -> x'\(zeros)'… (5001 bytes)",
            who + "inserted   fresh            1             a=x'0a'",
        ] {
            #expect(lines.contains(line), "\(line)\n\(answer.text)")
        }
        #expect(
            lines.contains { $0.contains("altered    word             -             table word: CREATE TABLE word") })
        #expect(lines.count == 7, "\(answer.text)")
    }

    @Test func nothingChangedIsNothingFound() throws {
        let answer = try ask("", .jsonl)
        #expect(answer.status == .nothingFound && answer.text.isEmpty && answer.messages.isEmpty)
    }

    @Test func otherFormsAreRefused() {
        #expect(throws: UsageError.self) { try ask("", .csv) }
    }
}
