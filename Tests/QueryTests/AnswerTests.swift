import Model
import Store
import TestSupport
import Testing

@testable import Query

@Suite struct AnswerTests {
    private func jsonEvents(_ scene: StoreScene, _ selection: Selection = Selection()) throws -> [JSONValue] {
        try scene.ask { try EventsAnswer($0, selection).run() }.lines.compactMap { JSONValue(Array($0.utf8)) }
    }

    @Test func jsonlHasTheKeysOfTheContract() throws {
        let scene = try StoreScene()
        var process = ActorProcess.named("sh", pid: 11, instance: 2, exe: "/bin/dash", uid: 0, container: "0123")
        process.script = RawPath("/tmp/run.sh")
        process.commandLine = RawPath("sh /tmp/run.sh")
        process.start = RecordedEvent.moment(1)
        process.parentPID = 1
        process.gid = 5
        process.loginUID = 1_000
        process.exeSource = .exec
        process.detailSource = .proc
        var event = RecordedEvent(10, [.rename, .modify], "/a/b", target: "/c", process: process)
        event.object = FileIdentity(filesystem: FilesystemID(rawValue: 0x2_0000_0001), inode: 12, generation: 9)
        event.flags = [.uncertainPath, .uncertainOrder]
        try scene.append([event])
        let object = try #require(try jsonEvents(scene).first)
        #expect(object["seq"] == .number("1"))
        #expect(object["time"]?.text == "2026-11-23T00:00:10.000000000Z")
        #expect(object["earliest"]?.text == "2026-11-23T00:00:09.999000000Z")
        #expect(object["host"] != nil)
        #expect(object["op"] == .array([.string("modify"), .string("rename")]))
        #expect(object["merged"] == .boolean(true))
        #expect(object["path"]?.text == "/a/b")
        #expect(object["target"]?.text == "/c")
        #expect(object["fs"]?.text == "100000002")
        #expect(object["inode"] == .number("12"))
        #expect(object["pid"] == .number("11"))
        let actor = try #require(object["process"])
        #expect(actor["start"]?.text == "2026-11-23T00:00:01.000000000Z")
        for (key, value) in [
            ("exe", "/bin/dash"), ("script", "/tmp/run.sh"), ("comm", "sh"), ("cmdline", "sh /tmp/run.sh"),
            ("ppid", "1"),
            ("uid", "0"), ("gid", "5"), ("loginuid", "1000"), ("container", "0123"),
        ] {
            #expect(actor[key]?.text == value, "\(key)")
        }
        #expect(actor["from"] == .object([("exe", .string("exec")), ("detail", .string("proc"))]))
        #expect(object["uncertain"] == .array([.string("path"), .string("order")]))
    }

    @Test func keysThatAreNotKnownAreAbsent() throws {
        let scene = try StoreScene()
        try scene.append([RecordedEvent(10, .attrib, nil)])
        let object = try #require(try jsonEvents(scene).first)
        for key in ["merged", "path", "target", "fs", "inode", "pid", "process", "uncertain", "path_raw"] {
            #expect(object[key] == nil, "\(key)")
        }
    }

    @Test func hostileNamesStayWholeInDataAndHarmlessOnTerminals() throws {
        let scene = try StoreScene()
        var invalid = RecordedEvent(10, .create, nil)
        invalid.path = [0x2F, 0x61, 0xFF, 0x0A, 0x1B, 0x5B]
        try scene.append([invalid, RecordedEvent(11, .create, "/new\nline, \"quoted\" \u{1B}[31m")])
        let objects = try jsonEvents(scene)
        #expect(objects[0]["path_raw"]?.text == "L2H/Chtb")
        #expect(objects[1]["path"]?.text == "/new\nline, \"quoted\" \u{1B}[31m")
        #expect(objects[1]["path_raw"] == nil)
        for format in OutputFormat.allCases {
            let shown = try scene.ask(format, onTerminal: true) { try EventsAnswer($0, Selection()).run() }
            let controls = shown.text.utf8.filter { ($0 < 0x20 && $0 != 0x0A) || $0 == 0x7F }
            #expect(controls.isEmpty, "\(format)")
        }
        // One line an event, and the header.
        let table = try scene.ask(.table, onTerminal: true) { try EventsAnswer($0, Selection()).run() }
        #expect(table.lines.count == 3)
        let csv = try scene.ask(.csv) { try EventsAnswer($0, Selection()).run() }
        #expect(csv.text.contains("\"/new\nline, \"\"quoted\"\" \u{1B}[31m\""))
    }

    @Test func jsonIsOneArray() throws {
        let scene = try ScanTests.scene()
        let answer = try scene.ask(.json) { try EventsAnswer($0, Selection()).run() }
        guard case .array(let elements)? = JSONValue(Array(answer.text.utf8)) else {
            Issue.record("no array: \(answer.text)")
            return
        }
        #expect(elements.count == 9)
        let none = try scene.ask(.json) { try EventsAnswer($0, .only { $0.pids = [77] }).run() }
        #expect(JSONValue(Array(none.text.utf8)) == .array([]))
    }

    @Test func exitStatusTellsFoundNothingAndIncomplete() throws {
        let scene = try ScanTests.scene()
        func status(_ selection: Selection, accept: Bool = false) throws -> AnswerStatus {
            try scene.ask(acceptsGaps: accept) { try EventsAnswer($0, selection).run() }.status
        }
        #expect(try status(Selection()) == .found)
        #expect(try status(.only { $0.pids = [77] }) == .nothingFound)
        // Before the run started.
        let early = Selection.only { $0.since = RecordedEvent.moment(1) }
        #expect(try status(early) == .incomplete)
        #expect(try status(early, accept: true) == .found)
        // Within.
        #expect(
            try status(
                .only {
                    $0.since = RecordedEvent.moment(6); $0.until = RecordedEvent.moment(20)
                }) == .found)
    }

    @Test func gapsOfTheAskedScopeMakeAnAnswerIncomplete() throws {
        let scene = try ScanTests.scene()
        try scene.append(
            gap: Gap(
                kind: .queueOverflow, from: RecordedEvent.moment(12), to: RecordedEvent.moment(13), count: 5,
                scope: nil,
                cause: "the queue was full"))
        try scene.append(
            gap: Gap(
                kind: .notCovered, from: RecordedEvent.moment(5), to: .distantFuture, count: nil,
                scope: RawPath("/mnt"),
                cause: "no\u{1B} handles"))
        let whole = try scene.ask { try EventsAnswer($0, Selection()).run() }
        #expect(whole.status == .incomplete)
        #expect(whole.sequences == Array(1...9))
        #expect(whole.messages.count == 2)
        #expect(!whole.messages.joined().contains("\u{1B}"))
        let later = Selection.only {
            $0.since = RecordedEvent.moment(13)
            $0.directories = [Glob(under: RawPath("/srv"))]
        }
        #expect(try scene.ask { try EventsAnswer($0, later).run() }.status == .found)
        let mounted = Selection.only {
            $0.since = RecordedEvent.moment(13)
            $0.directories = [Glob(under: RawPath("/mnt/x"))]
        }
        #expect(try scene.ask { try CountAnswer($0, mounted).run() }.status == .incomplete)

        let gaps = try scene.ask { try GapsAnswer($0, Selection()).run() }
        #expect(gaps.status == .found)
        let objects = gaps.lines.compactMap { JSONValue(Array($0.utf8)) }
        #expect(objects.map { $0["type"]?.text } == ["not_covered", "queue_overflow"])
        #expect(objects[1]["count"] == .number("5"))
        #expect(objects[0]["count"] == .null)
        #expect(objects[0]["scope"]?.text == "/mnt")
        #expect(try scene.ask { try GapsAnswer($0, later).run() }.status == .nothingFound)
    }

    @Test(arguments: [OutputFormat.jsonl, .table])
    func gapsOfATimeThatWasNeverRecordedNameTheTimeThatWas(format: OutputFormat) throws {
        let scene = try ScanTests.scene()
        try scene.stop(at: 30)
        for selection in [
            Selection.only { $0.since = RecordedEvent.moment(1e9) },
            .only { $0.until = RecordedEvent.moment(-10) },
        ] {
            let answer = try scene.ask(format) { try GapsAnswer($0, selection).run() }
            #expect(answer.status == .nothingFound)
            #expect(answer.messages.count == 1 && answer.messages[0].hasPrefix("nothing was recorded"))
            #expect(answer.messages[0].contains("the store covers 2026-11-23"), "\(answer.messages)")
        }
        let within = try scene.ask(format) { try GapsAnswer($0, .only { $0.since = RecordedEvent.moment(20) }).run() }
        #expect(within.status == .nothingFound)
        #expect(within.messages.count == (format == .table ? 1 : 0), "\(within.messages)")
    }

    @Test func momentsInTheRecordersStatusAreTimesAndLengthsAreNot() {
        let moment = JSONValue.number("1795392000000000000")
        for (key, title) in [("started_ns", "  started"), ("archive_until_ns", "  archive_until")] {
            let figure = StatusAnswer.figure((key, moment), zone: .utc)
            #expect(figure.0 == title && figure.1.hasPrefix("2026-11-23T00:00:00"), "\(figure)")
        }
        #expect(StatusAnswer.figure(("cpu_ns", .number("1500000000")), zone: .utc).1 == "1.5 s")
    }

    @Test func aCleanStopLeavesNoGapBehindIt() throws {
        let scene = try ScanTests.scene()
        try scene.stop(at: 30)
        #expect(try scene.ask { try CountAnswer($0, Selection()).run() }.status == .found)
        let after = Selection.only { $0.until = RecordedEvent.moment(31) }
        #expect(try scene.ask { try CountAnswer($0, after).run() }.status == .incomplete)
        // Another run later: the time between the two is missing from an answer about everything.
        try scene.beginRun(from: 40)
        try scene.append([RecordedEvent(41, .create, "/x")])
        #expect(try scene.ask { try CountAnswer($0, Selection()).run() }.status == .incomplete)
        let second = Selection.only { $0.since = RecordedEvent.moment(40) }
        #expect(try scene.ask { try CountAnswer($0, second).run() }.status == .found)
    }

    @Test func verifyFindsNothingWrongWithAWholeStore() throws {
        let scene = try ScanTests.scene()
        try scene.stop(at: 30)
        let answer = try scene.ask(.table) { try VerifyAnswer($0).run() }
        #expect(answer.status == .found)
        #expect(answer.text == "ok: 2 blocks, 9 events, 0 findings\n")
    }

    @Test func upkeepWorksWithoutARecorder() throws {
        let scene = try ScanTests.scene()
        try scene.stop(at: 30)
        let before = try scene.sequences(Selection())
        #expect(try scene.ask(.jsonl) { try UpkeepAnswer($0, .sync).run() }.text == "{\"ok\":true,\"seq\":9}\n")
        #expect(try scene.ask(.jsonl) { try UpkeepAnswer($0, .compact).run() }.status == .found)
        #expect(try scene.sequences(Selection()) == before)
        #expect(try scene.ask { try NotesAnswer($0).run() }.status == .nothingFound)
        #expect(try scene.ask(.jsonl) { try UpkeepAnswer($0, .note("looked\ninto it")).run() }.status == .found)
        let notes = try scene.ask { try NotesAnswer($0).run() }
        #expect(JSONValue(Array(notes.text.dropLast().utf8))?["note"]?.text?.hasPrefix("looked") == true)
        let pruned = try scene.ask(.jsonl) { try UpkeepAnswer($0, .prune(before: RecordedEvent.moment(100))).run() }
        #expect(pruned.status == .found)
        #expect(try scene.sequences(Selection()) == [])
        // What was pruned is known to be missing.
        #expect(try scene.ask { try CountAnswer($0, Selection()).run() }.status == .incomplete)
    }

    @Test func aHeldStoreIsNotTouched() throws {
        let scene = try ScanTests.scene()
        #expect(throws: StoreError.self) { try scene.ask { try UpkeepAnswer($0, .compact).run() } }
    }

    @Test func statusTellsWhatIsThere() throws {
        let scene = try ScanTests.scene()
        try scene.stop(at: 30)
        let answer = try scene.ask(.json) { try StatusAnswer($0, showsSizes: true).run() }
        let object = try #require(JSONValue(Array(answer.text.utf8)))
        #expect(object["events"] == .number("9"))
        #expect(object["recording"] == .boolean(false))
        #expect(object["last_seq"] == .number("9"))
        #expect(object["parts"] != nil)
        let text = try scene.ask(.table) { try StatusAnswer($0, showsSizes: false).run() }
        #expect(text.text.contains("9 (seq 1 to 9)"))
    }
}
