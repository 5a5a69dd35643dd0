import Model
import Testing

@testable import Query

/// What a run left out by pattern is missing from an answer that asks for it by name.
@Suite struct ExclusionTests {
    /// Run 1 records everything, run 2 from second 100 on leaves out `*.tmp` and `/srv/cache`.
    private static func scene() throws -> StoreScene {
        let scene = try StoreScene(excluding: [])
        try scene.append([RecordedEvent(10, .create, "/srv/a.tmp"), RecordedEvent(11, .create, "/srv/cache/b")])
        try scene.stop(at: 100)
        try scene.beginRun(from: 100, excluding: ["*.tmp", "/srv/cache"])
        var events = [
            RecordedEvent(110, .create, "/srv/c"), RecordedEvent(111, .rename, "/srv/c", target: "/srv/c.tmp"),
            RecordedEvent(112, .create, "/srv/d"),
        ]
        for (index, inode) in [1, 1, 2].enumerated() {
            events[index].object = FileIdentity(
                filesystem: FilesystemID(rawValue: 7), inode: UInt64(inode), generation: 0)
        }
        try scene.append(events)
        try scene.stop(at: 200)
        return scene
    }

    private static func count(
        _ scene: StoreScene, from: Double? = nil, _ change: (inout Selection) throws -> Void
    ) throws -> StoreScene.Answer {
        var selection = Selection()
        selection.since = from.map(RecordedEvent.moment)
        try change(&selection)
        return try scene.ask { try CountAnswer($0, selection).run() }
    }

    private static func isTold(_ answer: StoreScene.Answer) -> Bool {
        answer.status == .incomplete && answer.messages.contains { $0.contains("--exclude") }
    }

    @Test(
        arguments: [
            ("/srv/a.tmp", true), ("*.tmp", true), ("*.t?p", true), ("/srv/*", true), ("/srv/cache", true),
            ("/srv/cache/*", true), ("/srv/cache/deep/*.c", true), ("/srv/x", false), ("/srv/cached", false),
            ("/var/x/*.tmp/y", true), ("/var/x", false),
        ] as [(String, Bool)])
    func aPathThatMayHaveBeenLeftOutIsIncomplete(path: String, isMissing: Bool) throws {
        let answer = try Self.count(Self.scene()) { $0.paths = [try .of(path)] }
        #expect(Self.isTold(answer) == isMissing, "\(answer.messages)")
    }

    @Test func aDirectoryIsAsWholeAsWhatLiesBelowIt() throws {
        let scene = try Self.scene()
        for (directory, isMissing) in [("/srv/cache/x", true), ("/srv", true), ("/", true)] {
            let answer = try Self.count(scene) { $0.directories = [Glob(under: RawPath(directory))] }
            #expect(Self.isTold(answer) == isMissing, "\(directory): \(answer.messages)")
        }
        // Both keys narrow.
        let narrow = try Self.count(scene) {
            $0.directories = [Glob(under: RawPath("/etc"))]
            $0.paths = [try .of("/srv/a.tmp")]
        }
        #expect(!Self.isTold(narrow))
    }

    @Test func onlyTheRunsOfTheRangeCountAndOnlyWhatIsAskedForByName() throws {
        let scene = try Self.scene()
        #expect(try !Self.isTold(Self.count(scene) { _ in }), "what was recorded, wherever")
        let before = try Self.count(scene) {
            $0.until = RecordedEvent.moment(90)
            $0.paths = [try .of("/srv/a.tmp")]
        }
        #expect(before.status == .found, "\(before.messages)")
        let later = try Self.count(scene, from: 120) { $0.paths = [try .of("/srv/a.tmp")] }
        #expect(Self.isTold(later))
        #expect(later.messages.contains { $0.contains("*.tmp") && $0.contains("00:01:40") && $0.contains("00:03:20") })
    }

    @Test func runsThatLeftOutTheSameAreToldOfAtOnce() throws {
        let scene = try Self.scene()
        for run in 2..<5 {
            try scene.beginRun(from: Double(run) * 100, excluding: ["*.tmp"])
            try scene.stop(at: Double(run) * 100 + 100)
        }
        let answer = try Self.count(scene) { $0.paths = [try .of("*.tmp")] }
        #expect(answer.messages.filter { $0.contains("'*.tmp'") }.count == 1, "\(answer.messages)")
        #expect(answer.messages.contains { $0.contains("00:01:40") && $0.contains("00:08:20") })
    }

    /// A rename is recorded for the sake of one of its names; what becomes of the other is not.
    @Test func whatAFileDidUnderANameThatWasLeftOutIsMissing() throws {
        let scene = try Self.scene()
        let life = try scene.ask { try FileAnswer($0, Selection(), path: RawPath("/srv/c")).run() }
        #expect(Self.isTold(life), "\(life.messages)")
        let other = try scene.ask { try FileAnswer($0, Selection(), path: RawPath("/srv/d")).run() }
        #expect(!Self.isTold(other), "\(other.messages)")
        let tree = try scene.ask {
            try TreeAnswer($0, under: [RawPath("/srv")], at: RecordedEvent.moment(150)).run()
        }
        #expect(Self.isTold(tree))
        let doubted = tree.lines.compactMap { JSONValue(Array($0.utf8)) }.filter { $0["uncertain"] != nil }
        // Those of the first run for its end, which is a gap.
        #expect(
            Set(doubted.compactMap { $0["path"]?.text })
                == ["/srv/c.tmp", "/srv/a.tmp", "/srv/cache", "/srv/cache/b"])
    }
}
