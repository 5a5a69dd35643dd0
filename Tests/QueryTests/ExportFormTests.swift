import Model
import Store
import Syscalls
import TestSupport
import Testing

@testable import Query

/// The single forms, as text.
@Suite struct ExportFormTests {
    private static func scene() throws -> StoreScene {
        let scene = try StoreScene()
        let shell = ActorProcess.named("s|h\u{1B}", pid: 10, instance: 1, exe: "/bin/sh", uid: 7)
        var strange = RecordedEvent(1, [.create, .modify], nil, process: shell)
        strange.path = Array("/srv/a|b\\c\n".utf8) + [0xFF]
        try scene.append([
            strange, RecordedEvent(2, .rename, "/srv/x", target: "/srv/y|", process: shell),
            RecordedEvent(3, [.delete, .onDirectory], "/srv/d"), RecordedEvent(4, .open, "/srv/x", process: shell),
            RecordedEvent(5, .openExec, "/bin/ls", process: shell),
        ])
        try scene.append(
            gap: Gap(
                kind: .queueOverflow, from: RecordedEvent.moment(2.5), to: RecordedEvent.moment(2.75), count: 7,
                scope: RawPath("/s|v"), cause: "full"))
        return scene
    }

    private static func export(_ scene: StoreScene, _ format: ExportFormat) throws -> StoreScene.Answer {
        try scene.ask(acceptsGaps: true) {
            try ExportAnswer($0, Selection(), format: format, target: nil, cursorFile: nil).run()
        }
    }

    /// mactime takes no line but one of eleven fields, so no name may bring in another `|`.
    @Test func aBodyfileHasElevenFieldsALine() throws {
        let answer = try Self.export(try Self.scene(), .bodyfile)
        let name = "0|/srv/a\\x7cb\\\\c\\x0a\\xff (s\\x7ch\\x1b[10])|0|r/r---------|7|4294967295|0|"
        #expect(
            answer.lines.map(String.init) == [
                name + "0|1795392001.000000000|0|1795392001.000000000",
                "0|/srv/x -> /srv/y\\x7c (s\\x7ch\\x1b[10])|0|r/r---------|7|4294967295|0|0|0|1795392002.000000000|0",
                "0|Recording gap: queue_overflow, 7 events, /s\\x7cv: full|0|-/----------|4294967295|4294967295|0|0|0|"
                    + "1795392002.750000000|1795392002.500000000",
                "0|/srv/d (deleted)|0|d/d---------|4294967295|4294967295|0|0|0|1795392003.000000000|0",
                "0|/bin/ls (executed) (s\\x7ch\\x1b[10])|0|r/r---------|7|4294967295|0|1795392005.000000000|0|0|0",
            ])
        for line in answer.lines { #expect(line.split(separator: "|", omittingEmptySubsequences: false).count == 11) }
        #expect(answer.messages.contains { $0.hasPrefix("1 events") })
    }

    @Test func timesketchHasARecordForEachActivity() throws {
        let answer = try Self.export(try Self.scene(), .timesketch)
        let rows = try answer.lines.map { try #require(JSONValue(Array($0.utf8))) }
        #expect(
            rows.map { $0["timestamp_desc"]?.text } == [
                "Creation Time", "Content Modification Time", "Metadata Modification Time", "Recording Gap Start",
                "Recording Gap End", "Content Deletion Time", "Open Time", "Last Time Executed",
            ])
        for row in rows { #expect(row["message"] != nil && row["datetime"] != nil && row["timestamp"] != nil) }
        #expect(rows[0]["path_raw"]?.text == "L3Nydi9hfGJcYwr/")
        #expect(rows[0]["datetime"]?.text == "2026-11-23T00:00:01.000000000Z")
        #expect(rows[0]["timestamp"]?.unsigned == 1_795_392_001_000_000)
        #expect(rows[0]["message"]?.text == "Created /srv/a|b\\\\c\\x0a\\xff by s|h\\x1b[10]")
        #expect(rows[2]["message"]?.text == "Renamed /srv/x to /srv/y| by s|h\\x1b[10]")
        #expect(rows[5]["message"]?.text == "Deleted /srv/d")
    }

    @Test func ocsfHasARecordForEachActivity() throws {
        let answer = try Self.export(try Self.scene(), .ocsf)
        let rows = try answer.lines.map { try #require(JSONValue(Array($0.utf8))) }
        #expect(rows.map { $0["type_uid"]?.unsigned } == [100_101, 100_103, 100_105, 99, 100_104, 100_114, 100_114])
        #expect(rows[0]["metadata"]?["sequence"]?.unsigned == 1)
        #expect(rows[0]["time"]?.unsigned == 1_795_392_001_000)
        #expect(rows[0]["unmapped"]?["path_raw"]?.text == "L3Nydi9hfGJcYwr/")
        #expect(rows[2]["file"]?["path"]?.text == "/srv/x")
        #expect(rows[2]["file_result"]?["name"]?.text == "y|")
        #expect(rows[4]["file"]?["type_id"]?.unsigned == 2)
        #expect(rows[4]["actor"]?["app_name"]?.text == "unknown")
        #expect(rows[3]["class_uid"]?.unsigned == 0)
    }

    /// A name whose directory is not known, and what is in doubt, is no certain path in any form.
    @Test func doubtsAreToldInEveryForm() throws {
        let scene = try StoreScene()
        var lost = RecordedEvent(1, .rename, "lost", target: "/srv/kept")
        lost.flags = [.nameOnly, .uncertainPath]
        var found = RecordedEvent(2, .create, "/srv/found")
        found.flags = [.scanned]
        try scene.append([lost, found])
        let lines = try Self.export(scene, .bodyfile).lines
        #expect(lines.first?.hasPrefix("0|?/lost -> /srv/kept (path uncertain)|") == true, "\(lines)")
        let records = try Self.export(scene, .timesketch).lines.compactMap { JSONValue(Array($0.utf8)) }
        #expect(records[0]["message"]?.text == "Renamed ?/lost to /srv/kept")
        #expect(records[0]["tag"] == .array([.string("uncertain-path"), .string("name-only")]))
        #expect(records[1]["tag"] == .array([.string("scanned")]))
        let activities = try Self.export(scene, .ocsf).lines.compactMap { JSONValue(Array($0.utf8)) }
        #expect(activities[0]["unmapped"]?["name_only"] == .boolean(true))
        #expect(activities[0]["unmapped"]?["uncertain"] == .array([.string("path")]))
        #expect(activities[1]["unmapped"]?["scanned"] == .boolean(true))
        #expect(activities[1]["unmapped"]?["name_only"] == nil)
        let table = try Self.export(scene, .csv).lines.map {
            $0.split(separator: ",", omittingEmptySubsequences: false)
        }
        let column = try #require(table[0].firstIndex(of: "name_only"))
        #expect(table.map { $0[column] } == ["name_only", "true", ""])
    }

    /// A file is one whole table from its first four bytes to its last, also without a row in it.
    @Test func parquetFilesBeginAndEndWithTheirMark() throws {
        let directory = try TemporaryDirectory()
        for (index, scene) in [try Self.scene(), try StoreScene()].enumerated() {
            let target = RawPath(directory.appending("\(index).parquet"))
            _ = try scene.ask(acceptsGaps: true) {
                try ExportAnswer($0, Selection(), format: .parquet, target: target, cursorFile: nil).run()
            }
            let bytes = try Files.contents(of: target)
            #expect(bytes.starts(with: "PAR1".utf8))
            #expect(bytes.suffix(4).elementsEqual("PAR1".utf8))
        }
    }

    @Test func sqliteFilesAreSoundDatabases() throws {
        let directory = try TemporaryDirectory()
        let scene = try Self.scene()
        try scene.append([RecordedEvent(6, .create, "", process: .named("", pid: 10, instance: 1))])
        let target = RawPath(directory.appending("events.db"))
        let answer = try scene.ask(acceptsGaps: true) {
            try ExportAnswer($0, Selection(), format: .sqlite, target: target, cursorFile: nil).run()
        }
        #expect(answer.status == .found)
        #expect(try DatabaseCheck.problems(target) == [])
        #expect(try Files.names(in: RawPath(directory.path)).count == 1)
    }

    @Test func bytesThatAreNoTextStandBesideIt() throws {
        let scene = try StoreScene()
        var process = ActorProcess.named("x", pid: 1, instance: 1)
        process.comm = RawPath([0x61, 0xFF])
        try scene.append([RecordedEvent(1, .create, "/a", process: process)])
        let lines = try Self.export(scene, .jsonl).lines
        let row = try #require(JSONValue(Array((lines.first ?? "").utf8)))
        #expect(row["process"]?["comm"]?.text == "a\u{FFFD}")
        #expect(row["process"]?["comm_raw"]?.text == "Yf8=")
    }
}
