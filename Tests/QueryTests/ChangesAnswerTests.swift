import Block
import Model
import TestSupport
import Testing

@testable import Query

@Suite struct ChangesAnswerTests {
    private struct Row: Hashable, CustomStringConvertible {
        var kind: String
        var path: String
        var from: String?
        var description: String { "\(kind) \(path)" + (from.map { " was \($0)" } ?? "") }
    }

    private static func ask(
        _ scene: StoreScene, from: Double? = nil, to: Double? = nil, _ format: OutputFormat = .jsonl,
        under directories: [String] = [], kinds: [String] = [], showsTransient: Bool = false,
        _ change: (inout Selection) throws -> Void = { _ in }
    ) throws -> StoreScene.Answer {
        var selection = Selection()
        selection.since = from.map(RecordedEvent.moment)
        selection.until = to.map(RecordedEvent.moment)
        selection.directories = directories.map { Glob(under: RawPath($0)) }
        try change(&selection)
        return try scene.ask(format) {
            try ChangesAnswer(
                $0, selection, under: directories.map { RawPath($0) }, kinds: kinds, showsTransient: showsTransient
            ).run()
        }
    }

    @Test func onlyNamesThatAreAskedForCountAsMadeAndGone() throws {
        let scene = try StoreScene()
        for (second, path) in ["/d/a.o", "/d/b.o", "/d/c.c", "/e/d.c"].enumerated() {
            let second = Double(second) * 2 + 10
            try scene.append([RecordedEvent(second, .create, path), RecordedEvent(second + 1, .delete, path)])
        }
        try scene.stop(at: 100)
        func hint(_ change: (inout Selection) throws -> Void, under directories: [String] = []) throws -> [String] {
            try Self.ask(scene, under: directories, change).messages.filter { $0.contains("--transient") }
        }
        let text = "made and gone again within the range (--transient shows them)"
        #expect(try hint { _ in } == ["4 names were \(text)"])
        #expect(try hint { $0.paths = [try .of("*.c")] } == ["2 names were \(text)"])
        #expect(try hint({ $0.paths = [try .of("*.c")] }, under: ["/d"]) == ["1 name was \(text)"])
        #expect(try hint { $0.paths = [try .of("*.h")] } == [])
    }

    private static func rows(_ answer: StoreScene.Answer) -> [Row] {
        answer.lines.compactMap { JSONValue(Array($0.utf8)) }.map {
            Row(kind: $0["change"]?.text ?? "", path: $0["path"]?.text ?? "", from: $0["from"]?.text)
        }
    }

    /// The net effect of steps `range`, from the states before and after it alone but for what touched a name.
    private static func expected(_ played: PlayedFiles, _ range: Range<Int>) -> [Row] {
        let before = played.names(after: range.lowerBound)
        let after = played.names(after: range.upperBound)
        let startPaths = Dictionary(uniqueKeysWithValues: before.map { ($0.value.number, $0.key) })
        let endPaths = Dictionary(uniqueKeysWithValues: after.map { ($0.value.number, $0.key) })
        var deeds: [Int: EventMask] = [:]
        var witnessed: Set<Int> = []
        var ended: Set<Int> = []
        var lastPaths: [Int: String] = [:]
        for (offset, step) in played.steps[range].enumerated() {
            let previous = played.names(after: range.lowerBound + offset)
            for (path, name) in previous where step.names[path]?.number != name.number { lastPaths[name.number] = path }
            for deed in step.deeds { deeds[deed.name, default: []].formUnion(deed.mask) }
            // What a rename took the name from is told of only where something had told of it before.
            if let displaced = step.displaced, witnessed.contains(displaced) || deeds[displaced] != nil {
                ended.insert(displaced)
                deeds[displaced, default: []].insert(.delete)
            }
            for deed in step.deeds where deed.mask.contains(.delete) { ended.insert(deed.name) }
            witnessed.formUnion(step.witnessed.map(\.name))
        }
        // The place of each name in its directory, which no rename of the directory changes.
        func place(_ path: String, _ names: [String: PlayedFiles.Name]) -> String {
            let link = PlayedFiles.link(path, in: names)
            return "\(link?.directory ?? 0)\(link?.last ?? "")"
        }
        var endedPlaces: [String: Int] = [:]
        for number in ended {
            if let path = startPaths[number] { endedPlaces[place(path, before)] = number }
        }
        var replaced: Set<Int> = []
        var rows: [Row] = []
        for (number, mask) in deeds {
            let start = startPaths[number]
            guard let end = endPaths[number] else { continue }
            let from = start == end ? nil : start
            let isMoved = start.map { place($0, before) != place(end, after) } ?? true
            let old = isMoved ? endedPlaces[place(end, after)] : nil
            if let old { replaced.insert(old) }
            let isWritten = !mask.isDisjoint(with: [.modify, .closeWrite])
            let kind: String? =
                if start == nil { old == nil ? "created" : "replaced" } else if isMoved { "renamed" } else if isWritten
                { "modified" } else if mask.contains(.attrib) { "attributes" } else { nil }
            if let kind { rows.append(Row(kind: kind, path: end, from: from)) }
        }
        for number in deeds.keys where endPaths[number] == nil && !replaced.contains(number) {
            if let start = startPaths[number] {
                rows.append(Row(kind: "deleted", path: start))
            } else {
                rows.append(Row(kind: "transient", path: lastPaths[number] ?? "?"))
            }
        }
        return rows
    }

    @Test(arguments: PlayedFiles.seeds()) func changesAreTheDifferenceOfTheStates(seed: UInt64) throws {
        print("seed \(seed)")
        let played = PlayedFiles(seed: seed, stepCount: 150)
        let scene = try played.recorded(isCompacted: seed % 2 == 0)
        for range in [0..<150, 0..<30, 50..<100, 120..<150] {
            let answer = try Self.ask(
                scene, from: Double(range.lowerBound) + 0.5, to: Double(range.upperBound) + 0.5, showsTransient: true)
            let expected = Self.expected(played, range)
            // Where a transient name last was, when its directory was renamed after it, is not compared.
            func comparable(_ rows: [Row]) -> [String] {
                rows.map { $0.kind == "transient" ? "transient" : $0.description }.sorted()
            }
            let told = comparable(Self.rows(answer))
            let truth = comparable(expected)
            #expect(told == truth, "seed \(seed), \(range): \(Set(told).symmetricDifference(truth))")
            #expect(!answer.text.contains(#""uncertain":["path""#), "seed \(seed), \(range)")
        }
    }

    /// What happens to a file outside of the directories asked for is not looked at, so none comes from there or goes there
    /// but with a directory.
    @Test(arguments: PlayedFiles.seeds())
    func changesBelowADirectoryAreThoseOfTheDirectoriesItWasAndHeld(seed: UInt64) throws {
        print("seed \(seed)")
        let played = PlayedFiles(seed: seed, stepCount: 150, movesFilesAcross: false)
        let scene = try StoreScene()
        try scene.append(played.steps.flatMap(\.events))
        try scene.stop(at: 1_000)
        for range in [0..<150, 0..<30, 50..<100, 120..<150] {
            let expected = Self.expected(played, range).filter { $0.kind != "transient" }
            for directory in ["/d", "/d/old", "/d/old/deep", "/e/old"] {
                func isBelow(_ row: Row) -> Bool {
                    [row.path, row.from].contains { $0.map { "\($0)/".hasPrefix(directory + "/") } ?? false }
                }
                let answer = try Self.ask(
                    scene, from: Double(range.lowerBound) + 0.5, to: Double(range.upperBound) + 0.5, under: [directory])
                // So many renames that not all are followed.
                if answer.status == .incomplete, answer.messages.contains(where: { $0.contains("not all of the dir") })
                {
                    continue
                }
                #expect(answer.status != .incomplete)
                let told = Self.rows(answer).map(\.description).sorted()
                let truth = expected.filter(isBelow).map(\.description).sorted()
                #expect(
                    told == truth,
                    "seed \(seed), \(range) under \(directory): \(Set(told).symmetricDifference(truth))")
            }
        }
    }

    @Test func savingByRenameReplaces() throws {
        let scene = try StoreScene()
        let vim = ActorProcess.named("vim", pid: 9, instance: 9, exe: "/usr/bin/vim", uid: 0)
        try scene.append([
            RecordedEvent(10, .modify, "/d/text"), RecordedEvent(20, .create, "/d/.text.swp", process: vim),
            RecordedEvent(21, .modify, "/d/.text.swp", process: vim),
            RecordedEvent(22, .rename, "/d/.text.swp", target: "/d/text", process: vim),
            RecordedEvent(23, .create, "/d/new", process: vim),
            RecordedEvent(24, .rename, "/d/new", target: "/d/other", process: vim),
        ])
        try scene.stop(at: 100)
        let rows = try Self.ask(scene).lines.compactMap { JSONValue(Array($0.utf8)) }
        #expect(rows.map { $0["change"]?.text } == ["created", "replaced"])
        #expect(rows[0]["uncertain"] == .array([.string("replaced")]), "nothing tells whether there was one before")
        #expect(rows[1]["path"]?.text == "/d/text")
        #expect(rows[1]["by"]?["pid"]?.unsigned == 9)
        #expect(rows[1]["events"]?.unsigned == 5)
        #expect(rows[1]["first_seq"]?.unsigned == 1)
        #expect(rows[1]["last_seq"]?.unsigned == 4)
    }

    @Test func whatMayHaveBeenReplacedIsSaidOfTheNameItIsAbout() throws {
        let scene = try StoreScene()
        try scene.append([
            // Whether there was a target before is not in the record; it is gone now in any case.
            RecordedEvent(10, .create, "/d/one.tmp"), RecordedEvent(11, .rename, "/d/one.tmp", target: "/d/one"),
            RecordedEvent(12, .delete, "/d/one"),
            // The second rename takes the name from a file that was made itself, maybe in place of another.
            RecordedEvent(20, .create, "/d/a.tmp"), RecordedEvent(21, .rename, "/d/a.tmp", target: "/d/a"),
            RecordedEvent(22, .create, "/d/b.tmp"), RecordedEvent(23, .rename, "/d/b.tmp", target: "/d/a"),
            // Of the name where it is now nothing is open, whatever it was called between.
            RecordedEvent(30, .create, "/d/c.tmp"), RecordedEvent(31, .rename, "/d/c.tmp", target: "/d/c"),
            RecordedEvent(32, .modify, "/d/known"), RecordedEvent(33, .rename, "/d/c", target: "/d/known"),
        ])
        try scene.stop(at: 100)
        let rows = try Self.ask(scene, showsTransient: true).lines.compactMap { JSONValue(Array($0.utf8)) }
        let told = rows.filter { $0["change"]?.text != "transient" || $0["path"]?.text == "/d/one" }.map { row in
            let isOpen = row["uncertain"] == .array([.string("replaced")])
            return "\(row["change"]?.text ?? "") \(row["path"]?.text ?? "")\(isOpen ? "?" : "")"
        }
        #expect(told == ["created /d/a?", "replaced /d/known", "transient /d/one?"])
    }

    @Test func whatComesFromElsewhereIsTheSameOnlyIfItIsTheSameFile() throws {
        let scene = try StoreScene()
        var events = [
            // Out and back.
            RecordedEvent(10, .rename, "/d/a", target: "/e/a"), RecordedEvent(11, .rename, "/e/a", target: "/d/b"),
            // Out, and another file in from there.
            RecordedEvent(20, .rename, "/d/c", target: "/e/c"), RecordedEvent(21, .rename, "/e/c", target: "/d/x"),
            // Two in by one name elsewhere, two out by another.
            RecordedEvent(30, .rename, "/e/new", target: "/d/one"),
            RecordedEvent(31, .rename, "/e/new", target: "/d/two"),
            RecordedEvent(32, .rename, "/d/f", target: "/e/log"), RecordedEvent(33, .rename, "/d/g", target: "/e/log"),
        ]
        for (index, inode) in zip(events.indices, [1, 1, 2, 3, 4, 5, 6, 7] as [UInt64]) {
            events[index].object = FileIdentity(filesystem: FilesystemID(rawValue: 7), inode: inode, generation: 1)
        }
        try scene.append(events)
        try scene.stop(at: 100)
        let answer = try Self.ask(scene, under: ["/d"])
        #expect(
            Set(Self.rows(answer)) == [
                Row(kind: "renamed", path: "/d/b", from: "/d/a"), Row(kind: "renamed", path: "/e/c", from: "/d/c"),
                Row(kind: "renamed", path: "/d/x", from: "/e/c"), Row(kind: "renamed", path: "/d/one", from: "/e/new"),
                Row(kind: "created", path: "/d/two"), Row(kind: "renamed", path: "/e/log", from: "/d/f"),
                Row(kind: "renamed", path: "/e/log", from: "/d/g"),
            ])
        #expect(!answer.text.contains(#""uncertain":["path""#), "\(answer.text)")
    }

    @Test func onlyWhatIsAskedForIsShown() throws {
        let scene = try StoreScene()
        try scene.append([
            RecordedEvent(10, .create, "/d/new"), RecordedEvent(11, .create, "/d/passing"),
            RecordedEvent(12, .delete, "/d/passing"), RecordedEvent(13, .delete, "/d/old"),
            RecordedEvent(14, .create, "/e/elsewhere"),
            RecordedEvent(15, [.rename, .onDirectory], "/e/box", target: "/d/box"),
        ])
        try scene.stop(at: 100)
        let answer = try Self.ask(scene, under: ["/d"])
        #expect(
            Self.rows(answer) == [
                Row(kind: "renamed", path: "/d/box", from: "/e/box"), Row(kind: "created", path: "/d/new"),
                Row(kind: "deleted", path: "/d/old"),
            ])
        #expect(answer.messages.contains { $0.contains("1 name was made and gone again") })
        #expect(Self.rows(try Self.ask(scene, kinds: ["deleted"])).map(\.path) == ["/d/old"])
        #expect(
            Self.rows(try Self.ask(scene, showsTransient: true) { $0.paths = [try .of("pass*")] }).map(\.kind) == [
                "transient"
            ])
        let limited = try Self.ask(scene) { $0.limit = 1 }
        #expect(limited.lines.count == 1 && limited.messages.contains { $0.contains("not shown") })
        #expect(throws: UsageError.self) { try Self.ask(scene, kinds: ["moved"]) }
        #expect(throws: UsageError.self) { try Self.ask(scene) { $0.operations = .delete } }
    }

    @Test func gapsInTheRangeMakeItIncompleteAndNamesAreHarmless() throws {
        let scene = try StoreScene()
        let gap = Gap(
            kind: .queueOverflow, from: RecordedEvent.moment(20), to: RecordedEvent.moment(21), count: nil, scope: nil,
            cause: "")
        try scene.append(
            [RecordedEvent(10, .create, "/d/\u{1B}[31m"), RecordedEvent(30, .modify, "/d/x")], gaps: [gap])
        try scene.stop(at: 100)
        #expect(try Self.ask(scene).status == .incomplete)
        #expect(try Self.ask(scene, from: 25).status == .found)
        for format in OutputFormat.allCases {
            let answer = try scene.ask(format, onTerminal: true) { try ChangesAnswer($0, Selection(), under: []).run() }
            #expect(!answer.text.utf8.contains(0x1B), "\(format)")
        }
    }

    @Test func whereNamesAreTooManyTheAnswerEndsAndSaysSo() throws {
        let scene = try StoreScene()
        try scene.append((1...20).map { RecordedEvent(Double($0), .create, "/d/\($0)") })
        try scene.stop(at: 100)
        func ask(_ count: Int) throws -> StoreScene.Answer {
            try scene.ask { try ChangesAnswer($0, Selection(), under: [], maximumNameCount: count).run() }
        }
        // The root and /d are names as well.
        let cut = try ask(10)
        #expect(Self.rows(cut).count == 9)
        #expect(cut.status == .incomplete)
        #expect(
            cut.messages.contains {
                $0.hasPrefix("incomplete: event 10, at 2026-11-23T00:00:10") && $0.contains("more than 10 names")
            }, "\(cut.messages)")
        let whole = try ask(22)
        #expect(Self.rows(whole).count == 20 && whole.status == .found)
    }

    @Test func whatIsMadeAndGoneAgainTakesNoRoom() throws {
        var forest = NameForest(maximumCount: 5)
        forest.begin()
        let window = TimeWindow(
            earliest: RecordedEvent.moment(0), time: RecordedEvent.moment(1), clockOffsetNanoseconds: 0)
        for number in 0..<1_000 {
            for mask in [EventMask.create, .delete] {
                try forest.take(
                    NameEvent(sequence: UInt64(number), window: window, mask: mask, path: Array("/d/\(number)".utf8)))
            }
        }
        #expect(forest.indices.count == 1)
        #expect(forest.forgottenCount == 1_000)
    }
}
