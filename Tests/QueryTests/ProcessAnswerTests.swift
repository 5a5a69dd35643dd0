import Model
import Testing

@testable import Query

@Suite struct ProcessAnswerTests {
    private static func process(
        _ pid: Int32, _ instance: UInt64, parent: UInt64?, exe: String, source: FactSource = .exec, second: Double
    ) -> ActorProcess {
        var process = ActorProcess.named("p\(pid)", pid: pid, instance: instance, exe: exe, uid: 4_000_000_001)
        process.parentInstance = parent
        process.exeSource = source
        process.start = RecordedEvent.moment(second)
        return process
    }

    private static let root = process(1, 1, parent: nil, exe: "/sbin/init", source: .proc, second: 1)
    private static let shell = process(20, 2, parent: 1, exe: "/bin/sh", source: .proc, second: 5)
    private static let fork = process(30, 3, parent: 2, exe: "/bin/sh", source: .inherited, second: 10)
    private static let copy = process(30, 3, parent: 2, exe: "/bin/cp", second: 10)
    private static let child = process(31, 4, parent: 3, exe: "/bin/true", second: 11)
    /// The same number, given out again.
    private static let later = process(30, 5, parent: 2, exe: "/bin/mv", second: 40)

    private static func scene() throws -> StoreScene {
        let scene = try StoreScene(from: 0)
        try scene.append(
            [
                RecordedEvent(10, .create, "/srv/a", process: fork),
                RecordedEvent(11, .modify, "/srv/b", process: copy),
                RecordedEvent(12, .closeWrite, "/srv/b", process: copy),
                RecordedEvent(13, .create, "/srv/c", process: child),
                RecordedEvent(14, .create, "/srv/d", process: shell),
            ], others: [root])
        try scene.append(
            [RecordedEvent(41, .rename, "/srv/b", target: "/srv/e", process: later)],
            facts: [ProcessFact(instance: 3, kind: .exited, moment: RecordedEvent.moment(20), status: 3 << 8)],
            others: [shell, root])
        return scene
    }

    private static func ask(_ scene: StoreScene, _ text: String, _ format: OutputFormat = .jsonl) throws
        -> StoreScene.Answer
    {
        let argument = try ProcessArgument.parse(
            text, context: TimeContext(now: RecordedEvent.moment(60), boot: RecordedEvent.moment(0), zone: .utc))
        return try scene.ask(format, acceptsGaps: true) { try ProcessAnswer($0, argument, Selection()).run() }
    }

    @Test(arguments: [false, true]) func everyProcessThatHadTheNumberIsTold(isCompacted: Bool) throws {
        let scene = try Self.scene()
        if isCompacted { try scene.compact() }
        let answer = try Self.ask(scene, "30")
        #expect(answer.status == .found)
        let objects = answer.lines.compactMap { JSONValue(Array($0.utf8)) }
        #expect(objects.map { $0["instance"]?.unsigned } == [3, 5])
        let first = try #require(objects.first)
        #expect(first["exit_code"]?.unsigned == 3)
        #expect(first["ancestors"]?.elements?.map { $0["pid"]?.unsigned } == [1, 20])
        #expect(first["children"]?.elements?.map { $0["pid"]?.unsigned } == [31])
        #expect(first["programs"]?.elements?.map { $0["exe"]?.text } == ["/bin/sh", "/bin/cp"])
        #expect(first["programs"]?.elements?.map { $0["events"]?.unsigned } == [1, 2])
        #expect(first["files"]?.elements?.map { $0["path"]?.text } == ["/srv/a", "/srv/b"])
        #expect(objects[1]["files"]?.elements?.map { $0["path"]?.text } == ["/srv/b", "/srv/e"])
    }

    @Test func aMomentChoosesWhoHadTheNumberThen() throws {
        let scene = try Self.scene()
        #expect(try Self.ask(scene, "30@2026-11-23T00:00:15Z").text.contains("\"instance\":3"))
        #expect(try Self.ask(scene, "30@2026-11-23T00:00:50Z").text.contains("\"instance\":5"))
        // After the first had ended and before the second began.
        #expect(try Self.ask(scene, "30@2026-11-23T00:00:30Z").status == .nothingFound)
        #expect(try Self.ask(scene, "99").status == .nothingFound)
    }

    @Test func aScriptWithoutItsInterpreterIsNoProgram() throws {
        let scene = try StoreScene(from: 0)
        let before = Self.process(30, 3, parent: 2, exe: "/srv/job", second: 10)
        var script = Self.process(30, 3, parent: 2, exe: "/bin/dash", second: 10)
        script.script = RawPath("/srv/job")
        // A program of that name that did nothing, of another process.
        let other = Self.process(40, 6, parent: 2, exe: "/srv/job", second: 12)
        try scene.append(
            [
                RecordedEvent(10, .openExec, "/srv/job", process: Self.fork),
                RecordedEvent(11, .create, "/srv/a", process: script),
            ], others: [Self.root, Self.shell, before, other])
        let object = try #require(JSONValue(Array(Self.ask(scene, "30").text.utf8.dropLast())))
        #expect(object["programs"]?.elements?.map { $0["exe"]?.text } == ["/bin/sh", "/bin/dash"])
        #expect(object["exe"]?.text == "/bin/dash" && object["script"]?.text == "/srv/job")
        let alone = try #require(JSONValue(Array(Self.ask(scene, "40").text.utf8.dropLast())))
        #expect(alone["programs"]?.elements?.map { $0["exe"]?.text } == ["/srv/job"])
    }

    @Test func peopleSeeTheFamilyAsATree() throws {
        let text = try Self.ask(Self.scene(), "30@2026-11-23T00:00:15Z", .table).text
        #expect(text.contains("exit code 3"))
        #expect(text.contains("\n  1 /sbin/init\n  └ 20 /bin/sh\n    └ 30 /bin/cp  <\n      └ 31 /bin/true\n"))
        #expect(text.contains("/srv/b"))
    }

    @Test func selectionsNarrowWhatItDid() throws {
        let scene = try Self.scene()
        var selection = Selection.only { $0.operations = .create }
        selection.limit = 1
        let answer = try scene.ask(.csv, acceptsGaps: true) {
            try ProcessAnswer($0, ProcessArgument(pid: 30, moment: nil), selection).run()
        }
        #expect(answer.lines.count == 2)
        #expect(answer.lines[1].hasPrefix("30,3,/srv/a,create,1,"))
    }

    @Test(arguments: ["", "x", "-1", "12x", "@now"]) func whatIsNoProcessIsAUsageError(text: String) {
        #expect(throws: UsageError.self) { try ProcessArgument.parse(text) }
    }

    @Test(arguments: [
        (UInt32(0), UInt32(0), UInt32?.none), (256 * 7, 7, nil), (9, 0, 9), (128 + 11, 0, 11),
    ])
    func endsAreReadAsWaitGivesThem(status: UInt32, code: UInt32, signal: UInt32?) {
        let end = ProcessEnd(status: status)
        #expect(end.code == code && end.signal == signal)
    }

    @Test(
        arguments: [(34_816, "/dev/pts/0"), (1_025, "/dev/tty1"), (1_088, "/dev/ttyS0"), (1_280, "5:0")]
            as [(UInt32, String)])
    func terminalsHaveTheirNames(device: UInt32, name: String) {
        #expect(TerminalName.path(ofDevice: device) == RawPath(name))
    }

    @Test(arguments: [
        ("/system.slice/ssh.service", ["ssh.service"]),
        ("/user.slice/user-1.slice/user@1.service/app.slice/a.scope", ["user@1.service", "a.scope"]),
        ("/system.slice", []), ("/", []), ("/docker/0123", []), ("/.service", []),
    ])
    func unitsAreThePartsThatAreNoSlices(path: String, units: [String]) {
        #expect(ControlGroupName.units(of: RawPath(path)) == units.map { RawPath($0) })
    }
}

extension JSONValue {
    fileprivate var elements: [JSONValue]? {
        if case .array(let elements) = self { elements } else { nil }
    }
}
