import Block
import Model
import Store
import Syscalls
import TestSupport
import Testing

@testable import Query
@testable import Report

/// `varve report` over played histories: what it counts, what it says is missing, what becomes of hostile names.
@Suite struct ReportAnswerTests {
    /// A page and what its script would read.
    private struct Page {
        var answer: StoreScene.Answer
        var data: JSONValue

        init(_ answer: StoreScene.Answer) throws {
            self.answer = answer
            let parts = answer.text.split(separator: "id=\"data\">")
            try #require(parts.count == 2)
            let json = try #require(parts[1].split(separator: "</script>").first)
            data = try #require(JSONValue(Array(json.utf8)))
        }

        /// The part that is there without any script.
        var top: Substring { answer.text.split(separator: "</header>").first ?? "" }

        func table(_ key: String) throws -> JSONValue {
            let tables = try #require(data["tables"]?.elements)
            return try #require(tables.first { $0["key"]?.text == key })
        }

        func names(_ key: String) throws -> [String] {
            try #require(try table(key)["rows"]?.elements).compactMap { $0["name"]?.text }
        }
    }

    private func page(_ scene: StoreScene, _ selection: Selection = Selection()) throws -> Page {
        try Page(scene.ask { try ReportAnswer($0, selection, target: nil).run() })
    }

    /// Events all over a day by several processes in several blocks.
    private func scene(seed: UInt64, count: Int = 3_000) throws -> StoreScene {
        var generator = SeededGenerator(seed: seed)
        let actors: [ActorProcess] = (0..<12).map { (number: Int) -> ActorProcess in
            let exe = "/bin/tool\(number % 3)"
            let uid: UInt32 = 4_000_000_000 + UInt32(number % 2)
            return .named("tool\(number)", pid: Int32(100 + number), instance: UInt64(1 + number), exe: exe, uid: uid)
        }
        let scene = try StoreScene(from: 0)
        var second = 1.0
        for _ in 0..<3 {
            var events: [RecordedEvent] = []
            for _ in 0..<(count / 3) {
                second += Double.random(in: 0...50, using: &generator)
                let directory = Int.random(in: 0..<20, using: &generator) * Int.random(in: 0...1, using: &generator)
                let mask: EventMask =
                    [[.create], [.modify], [.modify, .closeWrite], [.delete]]
                    .randomElement(using: &generator) ?? []
                events.append(
                    RecordedEvent(
                        second, mask, "/srv/d\(directory)/f\(Int.random(in: 0..<60, using: &generator))",
                        process: Bool.random(using: &generator) ? actors.randomElement(using: &generator) : nil))
            }
            try scene.append(events)
        }
        return scene
    }

    /// What a process that has all names is called.
    private static func label(_ process: ActorProcess) -> String {
        let (comm, exe) = (process.comm?.lossyText ?? "", process.exe?.lossyText ?? "")
        return "\(comm)[\(process.pid)] \(exe)"
    }

    @Test func everyEventIsCountedInItsGroupAndTime() throws {
        let scene = try scene(seed: 11)
        let page = try page(scene)
        #expect(page.answer.status == .found)
        #expect(page.top.contains("<dt>Events</dt><dd>3000</dd>"))
        let axis = try #require(page.data["axis"])
        let from = try #require(axis["from"]?.unsigned)
        let width = try #require(axis["width"]?.text.flatMap(Double.init))
        func bucket(_ event: RecordedEvent) -> UInt64 {
            (UInt64(event.time.nanosecondsSinceEpoch / 1_000) - from) / UInt64(width)
        }
        var all: [UInt64: UInt64] = [:]
        var expected: [String: [String: [UInt64: UInt64]]] = [:]
        for event in scene.events {
            all[bucket(event), default: 0] += 1
            func count(_ key: String, _ name: String?) {
                expected[key, default: [:]][name ?? "(unknown)", default: [:]][bucket(event), default: 0] += 1
            }
            for operation in event.mask.operationNames { count("op", operation) }
            let path = String(decoding: event.path ?? [], as: UTF8.self)
            count("path", path)
            count("dir", path.split(separator: "/").dropLast().map { "/" + $0 }.joined())
            count("exe", event.process?.exe?.lossyText)
            count("user", event.process?.uid.map { "\($0)" })
            count("process", event.process.map(Self.label))
        }
        #expect(page.data["events"]?.cells == all)
        for (key, groups) in expected {
            let table = try page.table(key)
            var shown: [String: [UInt64: UInt64]] = [:]
            for row in try #require(table["rows"]?.elements) { shown[row["name"]?.text ?? ""] = row["cells"]?.cells }
            // Paths are more than the table's rows; the others are one row.
            #expect(shown.count == min(groups.count, ReportAnswer.defaultLimit))
            #expect(shown == groups.filter { shown[$0.key] != nil }, "by \(key)")
            #expect(table["otherGroups"]?.unsigned == UInt64(groups.count - shown.count))
            var others: [UInt64: UInt64] = [:]
            for (name, cells) in groups where shown[name] == nil { others.merge(cells) { $0 + $1 } }
            #expect(table["others"]?.cells == others)
            let totals = groups.mapValues { $0.values.reduce(0, +) }
            let least = totals.filter { shown[$0.key] != nil }.values.min() ?? 0
            #expect(totals.allSatisfy { shown[$0.key] != nil || $0.value <= least })
        }
        #expect(!expected.isEmpty)
    }

    @Test func namesAreNeverMarkupNorDoTheySteer() throws {
        let scene = try StoreScene(from: 0)
        let names: [[UInt8]] = [
            Array("</script><script>alert(1)</script>".utf8), Array("<!--".utf8), Array("]]>&amp;\"'`".utf8),
            Array("\u{202E}gpj.exe".utf8), Array("\u{1B}[2J\n\u{7}".utf8), [0xFF, 0xC3, 0x28], Array("\u{2028}é".utf8),
        ]
        for (number, name) in names.enumerated() {
            var event = RecordedEvent(
                Double(10 + number), .create, "",
                process: .named(String(decoding: name, as: UTF8.self), pid: 7, instance: UInt64(number + 1)))
            event.path = Array("/srv/".utf8) + name
            try scene.append(
                [event],
                gaps: [
                    Gap(
                        kind: .unresolved, from: event.earliest, to: event.time, count: nil,
                        scope: RawPath(Array("/".utf8) + name), cause: String(decoding: name, as: UTF8.self))
                ])
        }
        let page = try page(scene)
        let text = page.answer.text
        #expect(text.ranges(of: "<script").count == 3)
        #expect(text.ranges(of: "</script").count == 3)
        #expect(!text.contains("<!--"))
        #expect(!text.unicodeScalars.contains { $0.properties.isBidiControl || $0.value == 0x1B || $0.value == 0x2028 })
        #expect(try Set(page.names("path")) == Set(names.map { "/srv/" + TerminalText.escaped($0) }))
        #expect(page.top.contains("/&lt;/script&gt;&lt;script&gt;alert(1)"))
    }

    @Test func whatIsMissingIsSaidFirstAndPainted() throws {
        let whole = try StoreScene(from: 0)
        try whole.append([RecordedEvent(10, .create, "/a"), RecordedEvent(200, .create, "/b")])
        #expect(try page(whole).top.contains("Nothing is known to be missing"))
        #expect(try page(whole).data["missing"]?.elements?.isEmpty == true)
        try whole.append(
            gap: Gap(
                kind: .queueOverflow, from: RecordedEvent.moment(50), to: RecordedEvent.moment(60), count: 3,
                scope: nil, cause: "the queue was full"))
        let page = try page(whole)
        #expect(page.answer.status == .incomplete)
        #expect(page.top.contains("<li>queue_overflow from 2026-11-23T00:00:50"))
        let spans = try #require(page.data["missing"]?.elements)
        #expect(spans.count == 1)
        let bounds = spans.first?.elements?.compactMap { $0.unsigned } ?? []
        try #require(bounds.count == 2)
        #expect(bounds[0] <= 1_795_392_050_000_000 && bounds[1] >= 1_795_392_060_000_000)
        #expect(bounds[1] - bounds[0] <= 12_000_000)
        let accepted = try whole.ask(acceptsGaps: true) { try ReportAnswer($0, Selection(), target: nil).run() }
        #expect(accepted.status == .found)
        #expect(accepted.text.contains("queue_overflow"), "what was accepted is said all the same")
        // Before the first recording nothing was recorded, which is painted as well.
        let early = try self.page(whole, .only { $0.since = RecordedEvent.moment(-100) })
        #expect(early.top.contains("nothing was recorded"))
        #expect(early.data["missing"]?.elements?.count == 2)
    }

    @Test func aDamagedBlockIsNamedAndTheRestIsCounted() throws {
        let page = try page(try DamageTests.damagedScene())
        #expect(page.answer.status == .unreadable)
        #expect(page.top.contains("damaged block: events 41 to 80"))
        let counts = try #require(page.data["events"]?.cells)
        #expect(page.data["events"]?.total == 80)
        #expect(try page.table("op")["rows"]?.elements?.first?["cells"]?.cells == counts)
    }

    @Test func processesStandBelowThoseThatStartedThem() throws {
        let scene = try StoreScene(from: 0)
        let grandparent = ActorProcess.named("init", pid: 1, instance: 1)
        var parent = ActorProcess.named("sh", pid: 2, instance: 2)
        parent.parentInstance = 1
        var child = ActorProcess.named("cc", pid: 3, instance: 3)
        child.parentInstance = 2
        // Of damaged records: each the other's parent.
        var first = ActorProcess.named("hen", pid: 4, instance: 4)
        first.parentInstance = 5
        var second = ActorProcess.named("egg", pid: 5, instance: 5)
        second.parentInstance = 4
        try scene.append(
            [
                RecordedEvent(1, .create, "/a", process: child), RecordedEvent(2, .create, "/b", process: first),
                RecordedEvent(3, .create, "/c", process: second),
            ], others: [parent, grandparent, .named("idle", pid: 6, instance: 6)])
        let processes = try #require(try page(scene).data["processes"]?.elements)
        let names = processes.compactMap { $0["comm"]?.text }
        #expect(Set(names) == ["init", "sh", "cc", "hen", "egg"], "those without events or descendants are left out")
        let parents = processes.map { process in process["parent"]?.unsigned.map { names[Int($0)] } }
        #expect(
            Dictionary(uniqueKeysWithValues: zip(names, parents)) == [
                "init": nil, "sh": "init", "cc": "sh", "hen": nil, "egg": "hen",
            ])
        for (index, process) in processes.enumerated() {
            #expect(process["parent"]?.unsigned ?? 0 <= UInt64(index), "parents come first")
        }
    }

    @Test func processesAreCalledByTheirLastImage() throws {
        let scene = try StoreScene(from: 0)
        var before = ActorProcess.named("sh", pid: 2, instance: 1, exe: "/bin/sh")
        before.start = RecordedEvent.moment(0.5)
        let after = ActorProcess.named("cc", pid: 2, instance: 1, exe: "/bin/cc")
        try scene.append([RecordedEvent(1, .create, "/a", process: before)])
        try scene.append([RecordedEvent(2, .create, "/b", process: after)])
        for _ in 0..<2 {
            let page = try page(scene)
            #expect(try page.names("process") == ["cc[2] /bin/cc"])
            let top = try scene.ask(.csv) { try TopAnswer($0, Selection(), by: .process).run() }
            #expect(top.lines.last?.contains("cc[2] /bin/cc") == true)
            let process = try #require(page.data["processes"]?.elements?.first)
            #expect(process["comm"]?.text == "cc")
            #expect(process["start"]?.unsigned == 1_795_392_000_500_000)
            // In one block the same.
            try scene.compact()
        }
    }

    @Test func rowsAreLeftOutUntilThePageFits() throws {
        let scene = try scene(seed: 12)
        let answer = try scene.ask { context in
            let question = try Question(context, Selection())
            let content = try ReportContent(question, limit: 200)
            let whole = ReportPage(content).bytes.count
            let page = ReportPage(content, maximumDataByteCount: 60_000)
            context.output.bytes += page.bytes
            #expect(page.bytes.count < whole)
            try context.output.flush()
            return .found
        }
        let page = try Page(answer)
        #expect(page.top.contains("so that the page does not get too large"))
        for key in ["path", "process", "op"] {
            let table = try page.table(key)
            let rows = try #require(table["rows"]?.elements)
            let shown = rows.reduce(0) { $0 + ($1["cells"]?.total ?? 0) }
            let others = table["others"]?.total ?? 0
            let operations = scene.events.reduce(0) { $0 + $1.mask.operationNames.count }
            let expected = key == "op" ? operations : 3_000
            #expect(shown + others == UInt64(expected), "by \(key)")
        }
        #expect(try page.names("path").count < 200)
    }

    @Test func whatIsAskedForNarrowsAndIsSaid() throws {
        let scene = try scene(seed: 13, count: 300)
        let page = try page(
            scene,
            .only {
                $0.directories = [try .of("/srv/d0/**")]
                $0.limit = 5
            })
        let expected = scene.events.count { $0.path?.starts(with: "/srv/d0/".utf8) == true }
        #expect(page.data["events"]?.total == UInt64(expected))
        #expect(try page.names("path").count == 5)
        #expect(page.top.contains("under=/srv/d0/**"))
        let nothing = try self.page(scene, .only { $0.pids = [1] })
        #expect(nothing.answer.status == .nothingFound)
    }

    @Test func wishesThatCannotBeMetAreRefused() throws {
        let scene = try scene(seed: 14, count: 30)
        for limit in [0, -1, ReportAnswer.maximumLimit + 1] {
            #expect(throws: UsageError.self) {
                try scene.ask { try ReportAnswer($0, .only { $0.limit = limit }, target: nil).run() }
            }
        }
        #expect(throws: UsageError.self) {
            try scene.ask(onTerminal: true) { try ReportAnswer($0, Selection(), target: nil).run() }
        }
        let directory = try TemporaryDirectory()
        let target = RawPath(directory.appending("report.html"))
        let made = try scene.ask(onTerminal: true) { try ReportAnswer($0, Selection(), target: target).run() }
        #expect(made.status == .found && made.text.isEmpty)
        let bytes = try Files.contents(of: target)
        #expect(bytes.starts(with: "<!DOCTYPE html>".utf8))
        #expect(throws: UsageError.self) {
            try scene.ask { try ReportAnswer($0, Selection(), target: target).run() }
        }
        #expect(try Files.contents(of: target) == bytes)
        #expect(try Files.names(in: RawPath(directory.path)).count == 1)
    }
}

extension JSONValue {
    fileprivate var elements: [JSONValue]? {
        guard case .array(let elements) = self else { return nil }
        return elements
    }

    /// The sum of its cells.
    fileprivate var total: UInt64 { cells.values.reduce(0, +) }

    /// Pairs of a bucket and its count.
    fileprivate var cells: [UInt64: UInt64] {
        let numbers = elements?.compactMap(\.unsigned) ?? []
        return Dictionary(
            stride(from: 0, to: numbers.count - 1, by: 2).map { (numbers[$0], numbers[$0 + 1]) }, uniquingKeysWith: +)
    }
}
