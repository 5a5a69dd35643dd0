import Block
import Model
import TestSupport
import Testing

@testable import Query

@Suite struct TreeAnswerTests {
    private static func ask(
        _ scene: StoreScene, at second: Double, _ format: OutputFormat = .jsonl, under directory: String = "/d",
        showsGone: Bool = false, acceptsGaps: Bool = false
    ) throws -> StoreScene.Answer {
        try scene.ask(format, acceptsGaps: acceptsGaps) {
            try TreeAnswer($0, under: [RawPath(directory)], at: RecordedEvent.moment(second), showsGone: showsGone)
                .run()
        }
    }

    private static func rows(_ answer: StoreScene.Answer) -> [String: JSONValue] {
        var rows: [String: JSONValue] = [:]
        for line in answer.lines {
            guard let row = JSONValue(Array(line.utf8)), let path = row["path"]?.text else { continue }
            rows[path] = row
        }
        return rows
    }

    /// The known seeds: a file leaves the directories asked for, and a directory takes the name that it left to, or the
    /// directory above that name goes.
    @Test(
        arguments: PlayedFiles.seeds(with: [
            17_212_673_748_739_575_453, 16_738_197_941_405_716_052, 6_512_754_595_756_226_538,
        ]))
    func namesAreThoseThatThereWereAndThatAnEventToldOf(seed: UInt64) throws {
        print("seed \(seed)")
        let played = PlayedFiles(seed: seed, stepCount: 150)
        let scene = try played.recorded(isCompacted: seed % 2 == 0)
        let everWitnessed = played.steps.reduce(into: Set<PlayedFiles.Link>()) { $0.formUnion($1.witnessed) }
        for count in stride(from: 1, through: 150, by: 37) {
            let truth = played.names(after: count)
            let witnessedBefore = played.steps[..<count].reduce(into: Set<PlayedFiles.Link>()) {
                $0.formUnion($1.witnessed)
            }
            // Also directories that were renamed themselves, or with one above them.
            for directory in ["/d", "/d/old", "/d/old/deep", "/e/old"] {
                var expected: [String: String] = [:]
                for path in truth.keys where path.hasPrefix(directory + "/") {
                    guard let link = PlayedFiles.link(path, in: truth), everWitnessed.contains(link) else { continue }
                    expected[path] = witnessedBefore.contains(link) ? "known" : "inferred"
                }
                let answer = try Self.ask(scene, at: Double(count) + 0.5, under: directory)
                // So many renames that not all are followed.
                if answer.status == .incomplete, answer.messages.contains(where: { $0.contains("not all of the dir") })
                {
                    continue
                }
                #expect(answer.status != .incomplete)
                let rows = Self.rows(answer)
                let place = "seed \(seed) after \(count) under \(directory)"
                #expect(rows.mapValues { $0["state"]?.text } == expected, "\(place)")
                for (path, row) in rows { #expect(row["uncertain"] == nil, "\(place): \(path)") }
            }
        }
    }

    @Test func aTreeIsDrawnAndSaysWhatItKnows() throws {
        let scene = try StoreScene()
        var linked = RecordedEvent(11, .create, "/d/sub/one")
        linked.object = FileIdentity(filesystem: FilesystemID(rawValue: 7), inode: 5, generation: 1)
        var second = RecordedEvent(12, .create, "/d/two\u{1B}")
        second.object = linked.object
        try scene.append([
            RecordedEvent(10, [.create, .onDirectory], "/d/sub"), linked, second, RecordedEvent(13, .create, "/d/was"),
            RecordedEvent(14, .delete, "/d/was"), RecordedEvent(30, .modify, "/d/later"),
            RecordedEvent(31, .create, "/d/newer"),
        ])
        try scene.stop(at: 100)
        let answer = try Self.ask(scene, at: 20, .table, showsGone: true)
        #expect(answer.status == .found)
        #expect(
            answer.text == """
                /d  at 2026-11-23 00:00:20.000000 (UTC)
                ├── later  (inferred)
                ├── sub/
                │   └── one  (2 links)
                ├── two\\x1b  (2 links)
                └── was  (gone)

                """)
        #expect(answer.messages.contains { $0.hasPrefix("3 names known, 1 inferred from later events, 1 gone") })
        #expect(Self.rows(try Self.ask(scene, at: 20))["/d/was"] == nil)
    }

    @Test func aGapBetweenTheMomentAndTheEventLeavesDoubt() throws {
        let scene = try StoreScene()
        try scene.append([RecordedEvent(10, .create, "/d/before"), RecordedEvent(12, .create, "/e/x")])
        try scene.append(
            [RecordedEvent(25, .create, "/d/between"), RecordedEvent(40, .modify, "/d/after")],
            gaps: [
                Gap(
                    kind: .queueOverflow, from: RecordedEvent.moment(20), to: RecordedEvent.moment(21), count: nil,
                    scope: nil, cause: "")
            ])
        try scene.stop(at: 100)
        let late = try Self.ask(scene, at: 30)
        #expect(late.status == .incomplete)
        let names = Self.rows(late)
        #expect(names["/d/before"]?["uncertain"] == .array([.string("gap")]))
        #expect(names["/d/between"]?["uncertain"] == nil)
        #expect(names["/d/after"]?["uncertain"] == nil, "nothing is missing between the moment and its event")
        let early = try Self.ask(scene, at: 15)
        #expect(early.status == .found, "the gap lies behind the moment")
        #expect(Self.rows(early)["/d/before"]?["uncertain"] == nil)
        #expect(Self.rows(early)["/d/after"]?["uncertain"] == .array([.string("gap")]))
        #expect(try Self.ask(scene, at: -5).status == .incomplete, "no recorder ran then")
    }

    @Test func whatWasMovedInWithItsDirectoryIsThere() throws {
        let scene = try StoreScene()
        try scene.append([
            RecordedEvent(10, .create, "/tmp/build/file"),
            RecordedEvent(20, [.rename, .onDirectory], "/tmp/build", target: "/d/build"),
            RecordedEvent(30, [.rename, .onDirectory], "/d/build", target: "/out/build"),
            RecordedEvent(40, .modify, "/out/build/other"),
        ])
        try scene.stop(at: 100)
        let then = Self.rows(try Self.ask(scene, at: 25))
        #expect(
            then.mapValues { $0["state"]?.text } == [
                "/d/build": "known", "/d/build/file": "known", "/d/build/other": "inferred",
            ])
        #expect(try Self.ask(scene, at: 35).status == .nothingFound)
        #expect(Self.rows(try Self.ask(scene, at: 35, showsGone: true)).isEmpty, "it is elsewhere, not gone")
    }

    @Test func whatLiesBelowARenamedDirectoryWasElsewhereBefore() throws {
        let scene = try StoreScene()
        try scene.append([
            RecordedEvent(10, .modify, "/d/old/sub/file"),
            RecordedEvent(20, [.rename, .onDirectory], "/d/old", target: "/d/new"),
            RecordedEvent(30, .modify, "/d/new/sub/other"),
        ])
        try scene.stop(at: 100)
        func names(_ directory: String, _ second: Double) throws -> Set<String> {
            Set(Self.rows(try Self.ask(scene, at: second, under: directory)).keys)
        }
        #expect(try names("/d/new/sub", 15).isEmpty)
        #expect(try names("/d/old/sub", 15) == ["/d/old/sub/file", "/d/old/sub/other"])
        #expect(try names("/d/new/sub", 25) == ["/d/new/sub/file", "/d/new/sub/other"])
        #expect(try names("/d/old/sub", 25).isEmpty)
    }

    @Test func whatWasMovedOutIsNotTakenForWhatHasItsNameThen() throws {
        let scene = try StoreScene()
        var events = [
            RecordedEvent(10, .create, "/d/one"), RecordedEvent(11, .rename, "/d/one", target: "/e/x"),
            // Below /d nothing tells that another file has the name now.
            RecordedEvent(20, .rename, "/e/x", target: "/d/two"),
            // Nor, after the next has left, that a directory has it.
            RecordedEvent(30, .create, "/d/three"), RecordedEvent(31, .rename, "/d/three", target: "/e/x"),
            RecordedEvent(40, .rename, "/e/x/y", target: "/d/four"),
        ]
        for (index, inode) in zip(events.indices, [5, 5, 6, 7, 7, 8] as [UInt64]) {
            events[index].object = FileIdentity(filesystem: FilesystemID(rawValue: 7), inode: inode, generation: 1)
        }
        try scene.append(events)
        try scene.stop(at: 100)
        func inodes(_ second: Double) throws -> [String: UInt64?] {
            Self.rows(try Self.ask(scene, at: second)).mapValues { $0["inode"]?.unsigned }
        }
        #expect(try inodes(10.5) == ["/d/one": 5])
        #expect(try inodes(25) == ["/d/two": 6])
        #expect(try inodes(30.5) == ["/d/two": 6, "/d/three": 7])
        #expect(try inodes(50) == ["/d/two": 6, "/d/four": 8])
    }

    @Test func whatWasMovedOutMayBeGoneWithoutDoubtAboutWhereItWas() throws {
        let scene = try StoreScene()
        try scene.append([
            RecordedEvent(10, .rename, "/top/d/file", target: "/top/x"),
            RecordedEvent(20, [.rename, .onDirectory], "/top/d", target: "/d"),
            // Empty by now, as nothing below /top/d tells.
            RecordedEvent(30, [.delete, .onDirectory], "/top"),
        ])
        try scene.stop(at: 100)
        let rows = Self.rows(try Self.ask(scene, at: 5, under: "/top/d"))
        #expect(Set(rows.keys) == ["/top/d/file"])
        #expect(rows["/top/d/file"]?["uncertain"] == nil)
    }

    /// A gap hides that a file went and a directory came.
    @Test func whatIsBelowANameThatWasAFileWasNotThereThen() throws {
        let scene = try StoreScene()
        try scene.append([
            RecordedEvent(10, .create, "/d/file"), RecordedEvent(20, .create, "/d/other"),
            RecordedEvent(40, .modify, "/d/file/below"),
        ])
        try scene.stop(at: 100)
        for (second, known) in [(15, ["/d/file"]), (25, ["/d/file", "/d/other"])] as [(Double, Set<String>)] {
            let rows = Self.rows(try Self.ask(scene, at: second))
            #expect(Set(rows.keys) == known)
            #expect(rows["/d/file"]?["dir"] == nil)
        }
        let rows = Self.rows(try Self.ask(scene, at: 50))
        #expect(Set(rows.keys) == ["/d/file", "/d/file/below", "/d/other"])
        #expect(rows["/d/file"]?["dir"] == .boolean(true))
        #expect(rows["/d/file"]?["uncertain"] == .array([.string("path")]))
    }

    @Test func anEventOfAFileWithoutANameBringsNothingBack() throws {
        let scene = try StoreScene()
        var events = [
            RecordedEvent(10, .create, "/d/temporary"), RecordedEvent(11, .delete, "/d/temporary"),
            RecordedEvent(12, [.modify, .closeWrite], "/d/temporary"),
        ]
        for index in events.indices {
            events[index].object = FileIdentity(filesystem: FilesystemID(rawValue: 7), inode: 5, generation: 1)
        }
        try scene.append(events)
        try scene.stop(at: 100)
        #expect(try Self.ask(scene, at: 50).status == .nothingFound)
    }

    @Test func tooManyNamesAreRefusedBeforeTheMomentAndUnreadAfterIt() throws {
        let scene = try StoreScene()
        try scene.append((1...20).map { RecordedEvent(Double($0), .create, "/d/\($0)") })
        try scene.append([RecordedEvent(21, .modify, "/d/old")])
        try scene.stop(at: 100)
        func ask(at second: Double) throws -> StoreScene.Answer {
            try scene.ask {
                try TreeAnswer($0, under: [RawPath("/d")], at: RecordedEvent.moment(second), maximumNameCount: 10).run()
            }
        }
        let early = try ask(at: 5.5)
        #expect(Self.rows(early).count == 5)
        #expect(early.status == .incomplete)
        #expect(early.messages.contains { $0.hasPrefix("incomplete: event 10,") }, "\(early.messages)")
        #expect(throws: UsageError.self) { try ask(at: 15.5) }
    }

    /// O_TMPFILE: until it is linked the kernel calls it by its number.
    @Test func aFileThatHasNoNameYetIsNone() throws {
        let scene = try StoreScene()
        var events = [
            RecordedEvent(10, .modify, "/d/#5"), RecordedEvent(11, .create, "/d/linked"),
            RecordedEvent(12, .modify, "/d/#6"),
        ]
        for index in events.indices {
            events[index].object = FileIdentity(filesystem: FilesystemID(rawValue: 7), inode: 5, generation: 1)
            if index != 1 { events[index].flags.insert(.uncertainPath) }
        }
        try scene.append(events)
        try scene.stop(at: 100)
        #expect(Set(Self.rows(try Self.ask(scene, at: 50)).keys) == ["/d/linked", "/d/#6"])
    }

    /// Renames that no kernel reports: below itself, onto itself, of the root.
    @Test func impossibleRenamesDoNoHarm() throws {
        let scene = try StoreScene()
        try scene.append([
            RecordedEvent(10, [.rename, .onDirectory], "/d/a", target: "/d/a/b/c"),
            RecordedEvent(11, [.rename, .onDirectory], "/d/a", target: "/d/a"),
            RecordedEvent(12, [.rename, .onDirectory], "/", target: "/d/root"),
            RecordedEvent(13, [.rename, .onDirectory], "/d", target: "/"),
            RecordedEvent(14, [.rename, .delete], "/d/a", target: "/d/z"),
            RecordedEvent(15, [.rename], "/d/q", target: nil), RecordedEvent(16, [.create], "/"),
        ])
        try scene.stop(at: 100)
        for second in [10.5, 12.5, 50] { #expect(try Self.ask(scene, at: second).status != .unreadable) }
    }
}
