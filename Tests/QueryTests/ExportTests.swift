import Block
import Model
import Syscalls
import TestSupport
import Testing

@testable import Query
@testable import Store

@Suite struct ExportTests {
    private static let shell = ActorProcess.named("sh", pid: 10, instance: 1, exe: "/bin/sh", uid: 0)

    private static func gap(_ from: Double, _ to: Double, scope: String? = nil) -> Gap {
        Gap(
            kind: .queueOverflow, from: RecordedEvent.moment(from), to: RecordedEvent.moment(to), count: 7,
            scope: scope.map { RawPath($0) }, cause: "the queue was full, \"twice\"")
    }

    /// Three events and a gap between the first two.
    private static func scene() throws -> StoreScene {
        let scene = try StoreScene()
        try scene.append([
            RecordedEvent(1, .create, "/srv/a", process: shell),
            RecordedEvent(5, [.modify, .closeWrite], "/srv/b,\"c\"", process: shell),
            RecordedEvent(6, .rename, "/srv/a", target: "/srv/n\nl", process: shell),
        ])
        try scene.append(gap: gap(2, 3, scope: "/srv"))
        return scene
    }

    private static func export(
        _ scene: StoreScene, _ format: ExportFormat = .jsonl, _ selection: Selection = Selection(),
        target: String? = nil, cursorFile: String? = nil
    ) throws -> StoreScene.Answer {
        try scene.ask(acceptsGaps: true) { context in
            try ExportAnswer(
                context, selection, format: format, target: target.map { RawPath($0) },
                cursorFile: cursorFile.map { RawPath($0) }
            ).run()
        }
    }

    @Test func jsonLinesAreThoseOfEventsWithTheGapsBetween() throws {
        let scene = try Self.scene()
        let events = try scene.ask { try EventsAnswer($0, Selection()).run() }.lines
        let gaps = try scene.ask { try GapsAnswer($0, Selection()).run() }.lines
        let answer = try Self.export(scene)
        #expect(answer.lines == [events[0]] + gaps + events[1...])
        #expect(answer.status == .found)
        let reversed = try Self.export(scene, .jsonl, .only { $0.isReversed = true })
        #expect(reversed.lines == answer.lines.reversed())
    }

    @Test func anUnacceptedGapMakesTheExportIncomplete() throws {
        let scene = try Self.scene()
        let answer = try scene.ask {
            try ExportAnswer($0, Selection(), format: .jsonl, target: nil, cursorFile: nil).run()
        }
        #expect(answer.status == .incomplete)
        #expect(answer.lines.count == 4)
    }

    @Test func rowsOfGapsHaveAsManyFieldsAsOthers() throws {
        let scene = try Self.scene()
        let rows = Self.rows(try Self.export(scene, .csv).text)
        #expect(rows.count == 5)
        #expect(Set(rows.map(\.count)).count == 1)
        let header = rows[0]
        func value(_ row: Int, _ column: String) throws -> String {
            rows[row][try #require(header.firstIndex(of: column))]
        }
        #expect(try value(2, "gap") == "queue_overflow")
        #expect(try value(2, "gap_count") == "7")
        #expect(try value(2, "gap_cause") == "the queue was full, \"twice\"")
        #expect(try value(2, "path") == "/srv")
        #expect(try value(2, "earliest") == "2026-11-23T00:00:02.000000000Z")
        #expect(try value(2, "time") == "2026-11-23T00:00:03.000000000Z")
        #expect(try value(2, "seq") == "")
        #expect(try value(3, "path") == "/srv/b,\"c\"")
        #expect(try value(4, "target") == "/srv/n\nl")
        #expect(try value(4, "gap") == "")
    }

    /// Reads comma-separated values as RFC 4180 has them.
    private static func rows(_ text: String) -> [[String]] {
        var rows: [[String]] = []
        var row: [String] = []
        var field = ""
        var isQuoted = false
        for character in text.unicodeScalars {
            switch character {
            case "\"" where isQuoted: isQuoted = false
            case "\"":
                if !field.isEmpty { field.unicodeScalars.append(character) }
                isQuoted = true
            case "," where !isQuoted:
                row.append(field)
                field = ""
            case "\n" where !isQuoted:
                rows.append(row + [field])
                (row, field) = ([], "")
            default: field.unicodeScalars.append(character)
            }
        }
        return rows
    }

    @Test func aCursorGoesOnWithWhatCameSince() throws {
        let scene = try Self.scene()
        let directory = try TemporaryDirectory()
        let cursor = directory.appending("cursor")
        #expect(try Self.export(scene, cursorFile: cursor).lines.count == 4)
        let nothing = try Self.export(scene, cursorFile: cursor)
        #expect(nothing.text.isEmpty)
        #expect(nothing.status == .nothingFound)
        try scene.append([RecordedEvent(8, .delete, "/srv/b", process: Self.shell)])
        // Of a time that was exported already.
        try scene.append(gap: Self.gap(5.2, 5.4))
        let more = try Self.export(scene, cursorFile: cursor)
        #expect(more.sequences == [4])
        #expect(more.lines.count == 2)
        #expect(try Self.export(scene, cursorFile: cursor).text.isEmpty)
        try scene.compact()
        #expect(try Self.export(scene, cursorFile: cursor).text.isEmpty)
    }

    @Test func aLimitCutsAnExportIntoParts() throws {
        let scene = try Self.scene()
        let cursor = try TemporaryDirectory()
        let path = cursor.appending("cursor")
        var sequences: [UInt64] = []
        var gapCount = 0
        for _ in 0..<4 {
            let part = try Self.export(scene, .jsonl, .only { $0.limit = 1 }, cursorFile: path)
            sequences += part.sequences
            gapCount += part.lines.count - part.sequences.count
        }
        #expect(sequences == [1, 2, 3])
        #expect(gapCount == 1)
    }

    @Test func theBeginningThatWasAskedForFirstStays() throws {
        let scene = try Self.scene()
        let directory = try TemporaryDirectory()
        let cursor = directory.appending("cursor")
        let since = Selection.only { $0.since = RecordedEvent.moment(100) }
        #expect(try Self.export(scene, .jsonl, since, cursorFile: cursor).text.isEmpty)
        try scene.append([RecordedEvent(101, .delete, "/srv/b", process: Self.shell)])
        // A later --since would skip what came in between.
        let later = Selection.only { $0.since = RecordedEvent.moment(200) }
        #expect(try Self.export(scene, .jsonl, later, cursorFile: cursor).sequences == [4])
    }

    @Test func anOpenGapComesAgainWhenMoreIsKnownOfIt() throws {
        let scene = try Self.scene()
        var open = Self.gap(1, 2, scope: "/mnt")
        open.kind = .notCovered
        open.to = .distantFuture
        try scene.append(gap: open)
        let directory = try TemporaryDirectory()
        let cursor = directory.appending("cursor")
        #expect(try Self.export(scene, cursorFile: cursor).lines.count == 5)
        #expect(try Self.export(scene, cursorFile: cursor).text.isEmpty)
        try scene.append([RecordedEvent(50, .delete, "/srv/b", process: Self.shell)])
        try scene.stop(at: 60)
        let again = try Self.export(scene, cursorFile: cursor)
        #expect(again.lines.count == 2)
        #expect(again.text.contains("\"to\":\"2026-11-23T00:01:00.000000000Z\""))
        #expect(try Self.export(scene, cursorFile: cursor).text.isEmpty)
    }

    /// SQLite gives the number of the last row again when that row was pruned.
    @Test func aGapWithTheNumberOfAPrunedOneIsNew() {
        let said = GapRow(id: 9, run: 1, afterSequence: 5, gap: Self.gap(1, 2))
        let new = GapRow(id: 9, run: 1, afterSequence: 5, gap: Self.gap(7, 8))
        var cursor = ExportCursor(store: .zero, format: .jsonl, selection: Selection())
        cursor.nextSequence = 6
        cursor.lastGap = ExportCursor.LastGap(id: 9, from: said.gap.from)
        for (row, expected) in [(said, nil), (new, new.gap)] {
            let bounded = CoverageHistory.BoundedGap(gap: row.gap, row: row, isSettled: true)
            var gaps = ExportGaps([bounded], Selection(), after: cursor)
            #expect(gaps.next() == expected)
        }
    }

    @Test func aCursorOfAnotherExportIsRefused() throws {
        let scene = try Self.scene()
        let directory = try TemporaryDirectory()
        let cursor = directory.appending("cursor")
        _ = try Self.export(scene, cursorFile: cursor)
        #expect(throws: UsageError.self) { try Self.export(scene, .csv, cursorFile: cursor) }
        let narrowed = Selection.only { $0.pids = [1] }
        #expect(throws: UsageError.self) { try Self.export(scene, .jsonl, narrowed, cursorFile: cursor) }
        let other = try Self.scene()
        let error = #expect(throws: UsageError.self) { try Self.export(other, cursorFile: cursor) }
        #expect(error?.description.contains("store") == true)
        try Files.write(Array("{}".utf8), to: RawPath(cursor))
        #expect(throws: UsageError.self) { try Self.export(scene, cursorFile: cursor) }
        let reversed = Selection.only { $0.isReversed = true }
        #expect(throws: UsageError.self) { try Self.export(scene, .jsonl, reversed, cursorFile: cursor) }
    }

    @Test func aFileIsMadeWholeOrNotAtAll() throws {
        let scene = try Self.scene()
        let directory = try TemporaryDirectory()
        let target = directory.appending("events.jsonl")
        let answer = try Self.export(scene, target: target)
        #expect(answer.text.isEmpty)
        let expected = try Self.export(scene).text
        #expect(try Files.contents(of: RawPath(target)) == Array(expected.utf8))
        #expect(throws: UsageError.self) { try Self.export(scene, target: target) }
        #expect(try Files.names(in: RawPath(directory.path)).count == 1)
        #expect(throws: UsageError.self) { try Self.export(scene, .parquet) }
    }

    @Test func cursorsAreReadBackAsTheyWereWritten() throws {
        var cursor = ExportCursor(
            store: UUIDBytes(high: 1, low: 2), format: .ocsf,
            selection: try .only { selection in
                selection.paths = [try .of("/a\u{1B}/**"), try .of("b\\*")]
                selection.since = .distantPast
            })
        #expect(ExportCursor(cursor.bytes) == cursor)
        cursor.nextSequence = .max
        cursor.lastGap = ExportCursor.LastGap(id: 9, from: RecordedEvent.moment(1))
        cursor.changingGaps = ["9": "1 2 ?", "batch_dropped@-3": "x"]
        cursor.through = .distantFuture
        #expect(ExportCursor(cursor.bytes) == cursor)
        #expect(ExportCursor(Array(cursor.bytes.dropLast(4))) == nil)
        #expect(ExportCursor(Array("{\"varve_cursor\":1,\"next_seq\":-1}".utf8)) == nil)
    }
}
