import Block
import Model
import Store
import TestSupport
import Testing

@testable import Query

@Suite struct ScanTests {
    static let editor = ActorProcess.named("vim", pid: 10, instance: 1, exe: "/usr/bin/vim", uid: 4_000_000_001)
    static let shell = {
        var shell = ActorProcess.named(
            "sh", pid: 11, instance: 2, exe: "/bin/dash", uid: 0, container: "0123456789ab")
        shell.loginUID = 1000
        shell.controlGroup = RawPath("/user.slice/user-1000.slice/user@1000.service/app.slice/build.service")
        return shell
    }()

    /// Two blocks: seconds 10 to 15 and 20 to 24.
    static func scene() throws -> StoreScene {
        let scene = try StoreScene(from: 5)
        try scene.append([
            RecordedEvent(10, .create, "/srv/a/one.txt", process: editor),
            RecordedEvent(11, [.modify, .closeWrite], "/srv/a/one.txt", process: editor),
            RecordedEvent(12, .rename, "/srv/a/one.txt", target: "/srv/b/two.txt", process: shell),
            RecordedEvent(13, .delete, "/srv/b/two.txt", process: shell),
            RecordedEvent(14, .attrib, nil, process: nil),
            RecordedEvent(15, [.create, .onDirectory], "/srv/b", process: shell),
        ])
        try scene.append([
            RecordedEvent(20, .create, "/home/x/notes", process: editor),
            RecordedEvent(21, .modify, "lost", process: editor),
            RecordedEvent(24, .modify, "/home/x/notes", process: editor, windowSeconds: 3),
        ])
        return scene
    }

    @Test func everythingComesInOrder() throws {
        let scene = try Self.scene()
        #expect(try scene.sequences(Selection()) == Array(1...9))
        #expect(try scene.sequences(.only { $0.isReversed = true }) == Array((1...9).reversed()))
    }

    @Test func limitsStopEarlyInBothDirections() throws {
        let scene = try Self.scene()
        #expect(try scene.sequences(.only { $0.limit = 2 }) == [1, 2])
        #expect(
            try scene.sequences(
                .only {
                    $0.limit = 4; $0.isReversed = true
                }) == [9, 8, 7, 6])
        #expect(try scene.sequences(.only { $0.limit = 0 }) == [])
    }

    /// Also where a block holds events on both sides of the bound.
    @Test func numbersBoundAScanInBothDirections() throws {
        let scene = try Self.scene()
        for _ in 0..<2 {
            let reader = try StoreReader(directory: scene.directory)
            for bound in [1, 2, 4, 7, 8, 10, 100] as [UInt64] {
                for isReversed in [false, true] {
                    let selection = Selection.only { $0.isReversed = isReversed }
                    var found: [UInt64] = []
                    try Scan(reader, selection, beforeSequence: bound).forEachGroup { view in
                        found += view.positions.map { view.group.firstSequence + UInt64($0) }
                        return .proceed
                    }
                    let expected = Array(1...9).filter { $0 < bound }
                    #expect(found.sorted() == expected, "before \(bound)")
                    let count = try Scan(reader, selection, beforeSequence: bound).count()
                    #expect(count == UInt64(expected.count), "before \(bound)")
                }
            }
            try scene.compact()
        }
    }

    @Test func adjacentRangesPartition() throws {
        let scene = try Self.scene()
        let edges = [0, 10, 11.5, 13, 20, 22, 24, 30].map(RecordedEvent.moment)
        var found: [UInt64] = []
        for (since, until) in zip(edges, edges.dropFirst()) {
            found += try scene.sequences(
                .only {
                    $0.since = since; $0.until = until
                })
        }
        #expect(found == Array(1...9))
    }

    @Test func windowsThatCrossTheEndAreCountedAndAddedWhenAsked() throws {
        let scene = try Self.scene()
        var selection = Selection.only { $0.until = RecordedEvent.moment(22) }
        let without = try scene.ask { try EventsAnswer($0, selection).run() }
        #expect(without.sequences == Array(1...8))
        #expect(
            without.messages.contains { $0.hasPrefix("1 more event's window crosses") && $0.contains("--overlapping") })
        selection.includesOverlapping = true
        #expect(try scene.sequences(selection) == Array(1...9))
        selection.paths = [try .of("/srv/**")]
        #expect(try scene.sequences(selection) == [1, 2, 3, 4, 6])
    }

    @Test func pathsAreGlobsOverEitherSideOfARename() throws {
        let scene = try Self.scene()
        func find(_ patterns: String...) throws -> [UInt64] {
            try scene.sequences(.only { selection in selection.paths = try patterns.map { try .of($0) } })
        }
        #expect(try find("/srv/a/one.txt") == [1, 2, 3])
        #expect(try find("/srv/b/*") == [3, 4])
        #expect(try find("two.*") == [3, 4])
        #expect(try find("/srv/a/*", "/home/**") == [1, 2, 3, 7, 9])
        #expect(try find("lost") == [8])
        #expect(try find("/lost") == [])
        #expect(try find("/nowhere/*") == [])
        // Only the one directory, not those below it.
        #expect(try find("/srv/one.txt") == [])
        #expect(try find("/one.txt") == [])
        #expect(try find("/srv/b") == [6])
        // Longer than one word of states.
        #expect(
            try find("/srv/\(String(repeating: "[a]", count: 1))/\(String(repeating: "*", count: 90))one.txt") == [
                1, 2, 3,
            ])
        #expect(
            try find("/srv/a/one.tx\(String(repeating: "[t]", count: 1))\(String(repeating: "?", count: 70))") == [])
    }

    @Test func underTakesTheDirectoryItself() throws {
        let scene = try Self.scene()
        func find(_ directory: String) throws -> [UInt64] {
            try scene.sequences(.only { $0.directories = [Glob(under: RawPath(directory))] })
        }
        #expect(try find("/srv/b") == [3, 4, 6])
        #expect(try find("/srv") == [1, 2, 3, 4, 6])
        #expect(try find("/") == [1, 2, 3, 4, 6, 7, 9])
        #expect(try find("/sr") == [])
        let both = Selection.only {
            $0.directories = [Glob(under: RawPath("/srv/b"))]
            $0.operations = .delete
        }
        #expect(try scene.sequences(both) == [4])
    }

    /// Of a process that ended before anybody looked at it only the program is known.
    @Test func aProcessWithoutACommIsFoundByTheNameOfItsProgram() throws {
        var program = Self.editor
        program.comm = nil
        program.exe = RawPath("/usr/bin/long-program-name")
        var script = Self.shell
        script.comm = nil
        script.script = RawPath("/srv/deploy.sh")
        let scene = try StoreScene(from: 5)
        try scene.append([
            RecordedEvent(10, .create, "/a", process: program), RecordedEvent(11, .create, "/b", process: script),
            RecordedEvent(12, .create, "/c", process: Self.shell), RecordedEvent(13, .create, "/d", process: nil),
        ])
        func named(_ pattern: String) throws -> [UInt64] {
            try scene.sequences(.only { $0.comms = [try Glob(Array(pattern.utf8), subject: .word)] })
        }
        #expect(try named("long-program-na") == [1])
        #expect(try named("long-program-name") == [])
        #expect(try named("deploy.sh") == [2])
        #expect(try named("dash") == [])
        #expect(try named("sh") == [3])
    }

    @Test func processesNarrowByEachKey() throws {
        let scene = try Self.scene()
        #expect(try scene.sequences(.only { $0.pids = [10] }) == [1, 2, 7, 8, 9])
        #expect(try scene.sequences(.only { $0.pids = [10, 11] }) == [1, 2, 3, 4, 6, 7, 8, 9])
        #expect(
            try scene.sequences(.only { $0.comms = [try Glob(Array("v*".utf8), subject: .word)] }) == [1, 2, 7, 8, 9])
        #expect(try scene.sequences(.only { $0.exes = [try .of("dash")] }) == [3, 4, 6])
        #expect(try scene.sequences(.only { $0.exes = [try .of("/usr/**")] }) == [1, 2, 7, 8, 9])
        #expect(try scene.sequences(.only { $0.userIDs = [0] }) == [3, 4, 6])
        let container = try Selection.only { $0.containers = [try Glob(Array("0123*".utf8), subject: .word)] }
        #expect(try scene.sequences(container) == [3, 4, 6])
        #expect(try scene.sequences(.only { $0.loginUserIDs = [1000] }) == [3, 4, 6])
        #expect(try scene.sequences(.only { $0.loginUserIDs = [0] }) == [])
        for unit in ["user@1000.service", "build.*"] {
            let selection = try Selection.only { $0.units = [try Glob(Array(unit.utf8), subject: .word)] }
            #expect(try scene.sequences(selection) == [3, 4, 6])
        }
        // What is not known is left in when only others are left out.
        #expect(try scene.sequences(.only { $0.excludedPID = 10 }) == [3, 4, 5, 6])
        let sinceLater = Selection.only {
            $0.excludedPID = 10
            $0.excludedSince = .distantFuture
        }
        #expect(try scene.sequences(sinceLater).count == scene.events.count)
    }

    @Test func slashesThatNoPathHasAreLeftOut() throws {
        for text in ["/srv//a", "/srv/a/", "//srv///a//"] {
            let glob = try PathArgument.glob(Array(text.utf8), workingDirectory: RawPath("/home"))
            #expect(glob.literalPath == RawPath("/srv/a"))
        }
        let wild = try PathArgument.glob(Array("/srv//*".utf8), workingDirectory: RawPath("/home"))
        #expect(wild.matches(Array("/srv/a".utf8)))
        #expect(try PathArgument.glob([UInt8(ascii: "/")], workingDirectory: RawPath("/home")).matches([0x2F]))
    }

    @Test(arguments: ["", "/srv/../a", "/srv/./*.c", "/srv/[/]", "..x/.."])
    func aPatternThatCanMatchNothingIsRefused(text: String) throws {
        #expect(throws: GlobError.self) {
            try PathArgument.glob(Array(text.utf8), workingDirectory: RawPath("/home"))
        }
        #expect(throws: GlobError.self) { try SelectionArguments(paths: [RawPath(text)]).selection() }
    }

    @Test func operationsAreAlternatives() throws {
        let scene = try Self.scene()
        #expect(try scene.sequences(.only { $0.operations = [.create, .delete] }) == [1, 4, 6, 7])
        #expect(try scene.sequences(.only { $0.operations = .closeWrite }) == [2])
        #expect(try scene.sequences(.only { $0.operations = .access }) == [])
    }

    @Test func compactionChangesNoAnswer() throws {
        let scene = try Self.scene()
        let before = try scene.ask { try EventsAnswer($0, Selection()).run() }
        try scene.compact()
        let after = try scene.ask { try EventsAnswer($0, Selection()).run() }
        #expect(before.text == after.text)
        #expect(!before.text.isEmpty)
    }

    /// A path of the large scene; names that hardly compress, so that a group of them is more than the start of a block.
    private static func largePath(_ number: Int) -> String {
        "/srv/d\(number % 40)/f\(UInt32(number) &* 2_654_435_761)"
    }

    /// A segment of two row groups and several path groups, and a block behind it.
    private static func largeScene() throws -> StoreScene {
        let scene = try StoreScene(from: 5)
        for part in 0..<2 {
            try scene.append(
                (0..<40_000).map { number in
                    let index = part * 40_000 + number
                    let path = index % 4_001 == 7 ? "/srv/wanted" : largePath(index % 39_000)
                    return RecordedEvent(10 + Double(index) * 0.001, .modify, path, process: editor)
                })
        }
        try scene.compact()
        try scene.append([RecordedEvent(200, .modify, "/srv/wanted", process: editor)])
        return scene
    }

    @Test func aPathIsLookedUpInOneGroupOfASegment() throws {
        let scene = try Self.largeScene()
        let reader = try StoreReader(directory: scene.directory)
        let bytes = try #require(try reader.blockBytes(firstSequence: 1))
        #expect(try BlockReader(bytes).pathGroupCount > 2)
        let known = [3, 20_008, 38_999].map(Self.largePath)
        for path in known + ["/srv/wanted", "/srv/d1/f2", "/srv/d3", "/x"] {
            let expected = scene.events.filter { $0.path.map { $0 == Array(path.utf8) } ?? false }.map(\.sequence)
            #expect(try scene.sequences(.only { $0.paths = [try .of(path)] }) == expected, "\(path)")
            let count = try scene.ask(.table) { context in
                try CountAnswer(context, .only { $0.paths = [try .of(path)] }).run()
            }
            #expect(count.text == "\(expected.count)\n", "\(path)")
        }
    }

    /// What is read of a block as it is needed may be merged in between; each event is still met once.
    @Test func aLookUpGoesOnInWhatTookTheBlocksPlace() throws {
        let scene = try Self.largeScene()
        let reader = try StoreReader(directory: scene.directory)
        let scan = Scan(reader, try .only { $0.paths = [try .of("/srv/wanted")] })
        var found: [UInt64] = []
        var isFirst = true
        try scan.forEachGroup { view in
            if isFirst {
                isFirst = false
                try scene.compact()
                // The last path is in another group than the one looked up, so its name is still to be read.
                let last = PathIndex(view.block.reader.header.pathCount - 1)
                let error = #expect(throws: BlockError.self) { try view.block.names.prepare(for: [last]) }
                throw try #require(error)
            }
            found += view.positions.map { view.group.firstSequence + UInt64($0) }
            return .proceed
        }
        #expect(found == scene.events.filter { $0.path == Array("/srv/wanted".utf8) }.map(\.sequence))
        #expect(scan.damages.isEmpty && !scan.lostToPruning)
    }

    @Test func countsAgreeWithEvents() throws {
        let scene = try Self.scene()
        let selections: [Selection] = [
            Selection(), .only { $0.since = RecordedEvent.moment(11) }, .only { $0.until = RecordedEvent.moment(22) },
            .only {
                $0.since = RecordedEvent.moment(12); $0.until = RecordedEvent.moment(21)
            },
            try .only { $0.paths = [try .of("*.txt")] }, .only { $0.pids = [10] },
        ]
        for selection in selections {
            let count = try scene.ask(.table) { try CountAnswer($0, selection).run() }
            #expect(try count.text == "\(scene.sequences(selection).count)\n")
        }
    }

    @Test func theEngineAgreesWithANaiveFilter() throws {
        let seed = UInt64.random(in: 0...UInt64.max)
        print("ScanTests seed \(seed)")
        var generator = SeededGenerator(seed: seed)
        let scene = try StoreScene(from: 0)
        var clock = 1.0
        for block in 0..<12 {
            let events = (0..<Int.random(in: 1...120, using: &generator)).map { _ in
                Self.randomEvent(&clock, &generator)
            }
            try scene.append(events)
            if block == 7 { try scene.compact() }
        }
        for _ in 0..<150 {
            let selection = try Self.randomSelection(until: clock, &generator)
            let filter = NaiveFilter(selection: selection)
            var expected = scene.events.filter {
                filter.selects($0) || selection.includesOverlapping && filter.crosses($0)
            }.map(\.sequence)
            if selection.isReversed { expected.reverse() }
            let actual = try scene.sequences(selection)
            #expect(actual == expected, "seed \(seed): \(selection)")
            let reader = try StoreReader(directory: scene.directory)
            var unlimited = selection
            unlimited.limit = nil
            #expect(try Scan(reader, unlimited).count() == UInt64(expected.count), "seed \(seed)")
            let scan = Scan(reader, unlimited)
            try scan.forEachGroup { _ in Scan.Flow.proceed }
            #expect(scan.crossingCount == UInt64(scene.events.count(where: filter.crosses)), "seed \(seed)")
        }
    }

    private static let names = ["a", "b", "c.txt", "d.txt", "long-name", "é", "*", "x y"]
    private static let masks: [EventMask] = [
        .create, .modify, [.modify, .closeWrite], .delete, .rename, .attrib, [.create, .onDirectory], .openExec,
    ]

    private static func randomPath(_ generator: inout SeededGenerator) -> String {
        (0..<Int.random(in: 1...4, using: &generator)).map { _ in
            "/" + (names.randomElement(using: &generator) ?? "a")
        }.joined()
    }

    private static func randomEvent(_ clock: inout Double, _ generator: inout SeededGenerator) -> RecordedEvent {
        // Now and then the clock is set back.
        clock +=
            Int.random(in: 0..<40, using: &generator) == 0 ? -3 : Double(Int.random(in: 0...3, using: &generator)) / 8
        let mask = masks.randomElement(using: &generator) ?? .create
        let isLost = Int.random(in: 0..<12, using: &generator) == 0
        let path = isLost ? names.randomElement(using: &generator) : randomPath(&generator)
        let processes: [ActorProcess?] = [editor, shell, nil]
        var event = RecordedEvent(
            clock, mask, Int.random(in: 0..<20, using: &generator) == 0 ? nil : path,
            target: mask == .rename ? randomPath(&generator) : nil,
            process: processes.randomElement(using: &generator) ?? nil,
            windowSeconds: Double(Int.random(in: 0...8, using: &generator)) / 4)
        if Bool.random(using: &generator) {
            event.object = FileIdentity(
                filesystem: FilesystemID(rawValue: 7), inode: UInt64.random(in: 1...50, using: &generator),
                generation: 3)
        }
        return event
    }

    private static func randomSelection(until clock: Double, _ generator: inout SeededGenerator) throws -> Selection {
        var selection = Selection()
        func chance(_ one: Int) -> Bool { Int.random(in: 0..<one, using: &generator) == 0 }
        func moment() -> Instant {
            RecordedEvent.moment(Double(Int.random(in: 0...Int(clock * 8 + 8), using: &generator)) / 8)
        }
        if chance(2) { selection.since = moment() }
        if chance(2) { selection.until = moment() }
        let patterns = [
            "/a/b", "/a", "/a/a/b", "/a/*", "/a/**", "*.txt", "/**/b", "/b/c.txt", "[a-c]*", "/*/*", "é", "**/x y",
            "\\*", "/long-name/**",
        ]
        if chance(2) {
            for _ in 0...Int.random(in: 0...1, using: &generator) {
                selection.paths.append(try .of(patterns.randomElement(using: &generator) ?? "a"))
            }
        }
        if chance(3) {
            let directories = ["/a", "/b", "/a/b", "/", "/long-name", "/none"]
            selection.directories = [Glob(under: RawPath(directories.randomElement(using: &generator) ?? "/"))]
        }
        if chance(3) { selection.operations = masks.randomElement(using: &generator) ?? .create }
        if chance(4) { selection.pids = [10] }
        if chance(6) { selection.userIDs = [0] }
        if chance(8) { selection.loginUserIDs = [1000] }
        if chance(8) { selection.units = [try Glob(Array("build*".utf8), subject: .word)] }
        if chance(6) { selection.comms = [try Glob(Array("s?".utf8), subject: .word)] }
        if chance(8) { selection.excludedPID = 11 }
        selection.isReversed = chance(3)
        selection.includesOverlapping = chance(3)
        return selection
    }
}
