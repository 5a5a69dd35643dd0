import Model
import Store
import TestSupport
import Testing

@testable import Query

/// `top` and `histogram`.
@Suite struct GroupingTests {
    @Test func topCountsByUnitAndByContainer() throws {
        let scene = try StoreScene()
        let container = String(repeating: "ab", count: 32)
        var service = ActorProcess.named("nginx", pid: 1, instance: 1)
        service.controlGroup = RawPath("/system.slice/nginx.service")
        var inside = ActorProcess.named("sh", pid: 2, instance: 2, container: container)
        inside.controlGroup = RawPath("/docker/\(container)")
        try scene.append(mounts: [
            ContainerMount(
                container: RawPath("layered"), hostPath: RawPath("/layers/1/diff"), containerPath: RawPath("/"),
                isOwn: true, seen: RecordedEvent.moment(0))
        ])
        try scene.append([
            RecordedEvent(1, .create, "/srv/a", process: service),
            RecordedEvent(2, .modify, "/srv/a", process: service),
            RecordedEvent(3, .create, "/vol/b", process: inside),
            // Of a process that was gone, and of none at all: the layer tells.
            RecordedEvent(4, .create, "/layers/1/diff/c", process: .named("?", pid: 3, instance: 3)),
            RecordedEvent(5, .create, "/layers/1/diff/d"), RecordedEvent(6, .create, "/srv/e"),
        ])
        func top(_ grouping: Grouping) throws -> Set<String> {
            let answer = try scene.ask(.csv) { try TopAnswer($0, Selection(), by: grouping).run() }
            return Set(answer.lines.dropFirst().map { $0.filter { $0 != "\r" } })
        }
        #expect(try top(.unit) == ["2,nginx.service", "4,(unknown)"])
        #expect(try top(.container) == ["1,\(container)", "2,layered", "3,(unknown)"])
        let buckets = try scene.ask(.csv) {
            try HistogramAnswer($0, Selection(), every: 60_000_000_000, by: .container).run()
        }
        #expect(buckets.text.contains("layered"), "\(buckets.text)")
    }

    @Test func topCountsByEveryGrouping() throws {
        let scene = try ScanTests.scene()
        func top(_ grouping: Grouping) throws -> [(String, String)] {
            let answer = try scene.ask(.csv) { try TopAnswer($0, Selection(), by: grouping).run() }
            return answer.lines.dropFirst().map { line in
                let fields = line.split(separator: ",", maxSplits: 1)
                return (String(fields[1]), String(fields[0]))
            }
        }
        func count(_ grouping: Grouping, _ name: String) throws -> String? {
            try top(grouping).first { $0.0 == name }?.1
        }
        #expect(try count(.path, "/srv/a/one.txt") == "3")
        #expect(try count(.dir, "/srv/a") == "3")
        #expect(try count(.dir, "/srv") == "1")
        #expect(try count(.exe, "/usr/bin/vim") == "5")
        #expect(try count(.exe, "(unknown)") == "1")
        #expect(try count(.user, "4000000001") == "5")
        #expect(try count(.container, "0123456789ab") == "3")
        // A merged record counts for each of its operations.
        #expect(try count(.op, "modify") == "3")
        #expect(try count(.op, "close_write") == "1")
        #expect(try count(.process, "vim[10] /usr/bin/vim") == "5")
        let limited = try scene.ask { try TopAnswer($0, .only { $0.limit = 1 }, by: .op).run() }
        #expect(limited.lines.count == 1)
    }

    /// The same path is one group over all blocks, whatever number it has there; of equal counts the first name comes first.
    /// With the first seed many directories that are not known each have the same name, which is among the first over all.
    @Test(arguments: [UInt64(10_923_911_491_196_731_957), UInt64.random(in: 0...UInt64.max)])
    func topRanksPathsOverAllBlocks(seed: UInt64) throws {
        print("GroupingTests seed \(seed)")
        var generator = SeededGenerator(seed: seed)
        let scene = try StoreScene(from: 0)
        let names = ["/", "/a", "/a/b", "/a/b/c", "/b", "/b/a", "lost", "/a/b/c/d", "/z"]
        var clock = 0.0
        for _ in 0..<6 {
            try scene.append(
                (0..<40).map { _ in
                    clock += 1
                    return RecordedEvent(clock, .modify, names.randomElement(using: &generator))
                })
        }
        var counts: [String: Int] = [:]
        for event in scene.events { counts[String(decoding: event.path ?? [], as: UTF8.self), default: 0] += 1 }
        for limit in [1, 3, 5, 100] {
            let answer = try scene.ask(.csv) { try TopAnswer($0, .only { $0.limit = limit }, by: .path).run() }
            let expected = counts.sorted { $0.value != $1.value ? $0.value > $1.value : $0.key < $1.key }
            let lines = answer.lines.dropFirst().map { $0.filter { $0 != "\r" } }
            #expect(lines == expected.prefix(limit).map { "\($0.value),\($0.key)" }, "seed \(seed), limit \(limit)")
        }
    }

    /// Of many paths each block names only those with the most events, and others are first in each; a path that is first in
    /// none may be first over all, and what the first ones have in the other blocks counts as well.
    @Test func topFindsPathsThatAreFirstInNoBlock() throws {
        let seed = UInt64.random(in: 0...UInt64.max)
        print("GroupingTests seed \(seed)")
        var generator = SeededGenerator(seed: seed)
        let scene = try StoreScene(from: 0)
        var clock = 0.0
        for block in 0..<9 {
            var events: [RecordedEvent] = []
            func append(_ path: String?, _ count: Int) {
                for _ in 0..<count {
                    clock += 1
                    events.append(RecordedEvent(clock, .modify, path))
                }
            }
            // First here, and hardly anywhere else.
            for number in 0..<6 { append("/own/\(block)/\(number)", Int.random(in: 6...30, using: &generator)) }
            for number in 0..<60 { append("/tail/\(Int(generator.next() % 90))/\(number % 7)", 1) }
            append("/everywhere/a", Int.random(in: 2...6, using: &generator))
            append("/everywhere/b", Int.random(in: 0...6, using: &generator))
            append("/own/\((block + 1) % 9)/\(Int(generator.next() % 6))", Int.random(in: 1...4, using: &generator))
            if block % 3 == 0 { append(nil, 5) }
            append("bare", Int.random(in: 0...9, using: &generator))
            append("bare \(block % 2)", Int.random(in: 0...2, using: &generator))
            try scene.append(events.shuffled(using: &generator))
        }
        var counts: [String: Int] = [:]
        for event in scene.events {
            counts[event.path.map { String(decoding: $0, as: UTF8.self) } ?? "(unknown)", default: 0] += 1
        }
        // Of equal counts those that are not known come before all names.
        let expected = counts.sorted { left, right in
            func name(_ name: String) -> String { name == "(unknown)" ? "" : name }
            return left.value != right.value ? left.value > right.value : name(left.key) < name(right.key)
        }
        for limit in [1, 2, 5, 12, 40, 1_000, 2_000] {
            let answer = try scene.ask(.csv) { try TopAnswer($0, .only { $0.limit = limit }, by: .path).run() }
            let lines = answer.lines.dropFirst().map { $0.filter { $0 != "\r" } }
            #expect(lines == expected.prefix(limit).map { "\($0.value),\($0.key)" }, "seed \(seed), limit \(limit)")
        }
    }

    @Test func histogramsShowEmptyBucketsAndGaps() throws {
        let scene = try ScanTests.scene()
        try scene.append(
            gap: Gap(
                kind: .queueOverflow, from: RecordedEvent.moment(16), to: RecordedEvent.moment(17), count: nil,
                scope: nil,
                cause: ""))
        let answer = try scene.ask { try HistogramAnswer($0, Selection(), every: 5_000_000_000, by: nil).run() }
        let rows = answer.lines.compactMap { JSONValue(Array($0.utf8)) }
        #expect(rows.map { $0["count"]?.text } == ["5", "1", "3"])
        #expect(rows.map { $0["gap"] != nil } == [false, true, false])
        #expect(rows[0]["from"]?.text == "2026-11-23T00:00:10.000000000Z")
        let byOperation = try scene.ask { try HistogramAnswer($0, Selection(), every: 60_000_000_000, by: .op).run() }
        let total = byOperation.lines.compactMap { JSONValue(Array($0.utf8))?["count"]?.unsigned }.reduce(0, +)
        #expect(total == 10)
        #expect(throws: UsageError.self) {
            try scene.ask { try HistogramAnswer($0, Selection(), every: 1_000, by: nil).run() }
        }
    }

    /// Events of several paths side by side, and a clock that is set back now and then: each is counted in its bucket.
    @Test func histogramsCountEveryGroupInItsBucket() throws {
        let seed = UInt64.random(in: 0...UInt64.max)
        print("GroupingTests seed \(seed)")
        var generator = SeededGenerator(seed: seed)
        let scene = try StoreScene(from: 0)
        let names = ["/a", "/b", "/c/d", "/c/e", "/f"]
        var clock = 0.0
        for block in 0..<6 {
            if block % 2 == 1 { clock -= 25 }
            try scene.append(
                (0..<60).map { _ in
                    clock += Double(generator.next() % 3)
                    return RecordedEvent(clock, .modify, names.randomElement(using: &generator))
                })
        }
        var totals: [String: Int] = [:]
        var cells: [Instant: [String: Int]] = [:]
        for event in scene.events {
            let path = String(decoding: event.path ?? [], as: UTF8.self)
            let time = event.time.nanosecondsSinceEpoch
            totals[path, default: 0] += 1
            cells[Instant(nanosecondsSinceEpoch: time - time % 10_000_000_000), default: [:]][path, default: 0] += 1
        }
        let ranked = totals.sorted { $0.value != $1.value ? $0.value > $1.value : $0.key < $1.key }.map(\.key)
        for limit in [1, 3, 100] {
            let answer = try scene.ask(.csv) {
                try HistogramAnswer($0, .only { $0.limit = limit }, every: 10_000_000_000, by: .path).run()
            }
            let expected = cells.sorted { $0.key < $1.key }.flatMap { from, counts in
                ranked.prefix(limit).compactMap { path in
                    counts[path].map {
                        let to = TimestampWriter.text(from.advanced(byNanoseconds: 10_000_000_000))
                        return "\(TimestampWriter.text(from)),\(to),\(path),\($0),"
                    }
                }
            }
            let lines = answer.lines.dropFirst().map { $0.filter { $0 != "\r" } }
            #expect(Array(lines) == expected, "seed \(seed), limit \(limit)")
        }
    }

    /// So many events of each path, a block each.
    private static func sceneOfManyPaths(_ counts: [(path: String, count: Int)]) throws -> StoreScene {
        let scene = try StoreScene()
        var second = 0.0
        for (path, count) in counts {
            try scene.append(
                (0..<count).map { _ in
                    second += 1
                    return RecordedEvent(second, .modify, path)
                })
        }
        try scene.stop(at: 1_000)
        return scene
    }

    @Test func topSaysWhereGroupsAreTooManyToBeHeld() throws {
        let few = (0..<40).map { ("/d/\($0)", 1) }
        func ask(_ counts: [(path: String, count: Int)], limit: Int?) throws -> StoreScene.Answer {
            try Self.sceneOfManyPaths(counts.map { ($0.path + "/file", $0.count) }).ask {
                // Each takes more than 60 bytes, and those above 181: seven have room.
                try TopAnswer($0, .only { $0.limit = limit }, by: .dir, maximumByteCount: 600).run()
            }
        }
        func rows(_ answer: StoreScene.Answer) -> [String] {
            answer.lines.compactMap { JSONValue(Array($0.utf8)) }.map {
                "\($0["dir"]?.text ?? "?") \($0["count"]?.text ?? "?")"
            }
        }
        let late = try ask(few + [("/d/most", 50)], limit: 1)
        #expect(late.status == .incomplete)
        #expect(
            late.messages.contains {
                $0.hasPrefix("incomplete: 83 events are not told apart by dir, since the groups take more than 600 ")
            }, "\(late.messages)")
        #expect(
            late.messages.contains { $0.contains("the first 1 of more than 7 are shown; the others have 89 events") })
        // What is held is counted whole, also behind the point where no more had room.
        let early = try ask([("/d/most", 20)] + few + [("/d/most", 30)], limit: 1)
        #expect(rows(early) == ["/d/most 50"])
        #expect(early.status == .found, "all others together have fewer events")
        // One more row might be any of those that are not held.
        #expect(try ask([("/d/most", 20)] + few + [("/d/most", 30)], limit: 2).status == .incomplete)
        #expect(try ask([("/d/most", 20)] + few, limit: 100).status == .incomplete)
        #expect(try ask(Array(few.prefix(5)), limit: 100).status == .found)
    }

    @Test func topHoldsNoMoreProcessesThanHaveRoom() throws {
        let scene = try StoreScene()
        try scene.append(
            (1...20).map { number in
                RecordedEvent(
                    Double(number), .modify, "/d/a",
                    process: .named("p\(number)", pid: Int32(number), instance: UInt64(number)))
            })
        try scene.stop(at: 100)
        func ask(_ byteCount: Int?) throws -> StoreScene.Answer {
            try scene.ask {
                try TopAnswer($0, .only { $0.limit = 100 }, by: .process, maximumByteCount: byteCount).run()
            }
        }
        let whole = try ask(nil)
        #expect(whole.lines.count == 20 && whole.status == .found)
        let cut = try ask(1_000)
        #expect(cut.lines.count == 5 && cut.status == .incomplete)
    }

    /// A process that takes less room after an exec makes none for others, of which events went by uncounted.
    @Test func topTakesInNoGroupThatItCountedOnlyInPart() throws {
        let scene = try StoreScene()
        let long = "/" + String(repeating: "x", count: 2_000)
        func event(_ second: Double, _ number: Int, exe: String) -> RecordedEvent {
            RecordedEvent(
                second, .modify, "/d/a",
                process: .named("p", pid: Int32(number), instance: UInt64(number), exe: exe))
        }
        try scene.append([event(1, 1, exe: "/bin/a"), event(2, 2, exe: long), event(3, 3, exe: "/bin/a")])
        try scene.append([event(4, 2, exe: "/bin/a"), event(5, 3, exe: "/bin/a")])
        try scene.append([event(6, 1, exe: "/bin/a"), event(7, 3, exe: "/bin/a")])
        try scene.stop(at: 100)
        let answer = try scene.ask { try TopAnswer($0, Selection(), by: .process, maximumByteCount: 1_500).run() }
        let rows = answer.lines.compactMap { JSONValue(Array($0.utf8)) }
        #expect(Set(rows.map { $0["pid"]?.unsigned }) == [1, 2])
        #expect(rows.map { $0["count"]?.unsigned } == [2, 2])
        #expect(answer.status == .incomplete)
    }

    @Test func histogramCountsTwiceWhereOneLookWouldHoldTooMuch() throws {
        let counts = (0..<30).map { (path: "/d/\($0 % 10)", count: $0 % 10 == 3 ? 9 : 1) }
        let scene = try Self.sceneOfManyPaths(counts)
        func ask(limit: Int, cells: Int? = nil, bytes: Int? = nil) throws -> StoreScene.Answer {
            try scene.ask {
                try HistogramAnswer(
                    $0, .only { $0.limit = limit }, every: 5_000_000_000, by: .path, maximumCellCount: cells,
                    maximumByteCount: bytes
                ).run()
            }
        }
        let whole = try ask(limit: 2)
        let twice = try ask(limit: 2, cells: 15)
        #expect(twice.text == whole.text && twice.status == .found)
        #expect(whole.lines.count > 3)
        #expect(throws: UsageError.self) { try ask(limit: 10, cells: 15) }
        // /d/3 is met before the table is full and has more events than all that are not held.
        let narrow = try ask(limit: 1, bytes: 500)
        #expect(narrow.text == (try ask(limit: 1)).text && narrow.status == .found)
        #expect(try ask(limit: 2, bytes: 500).status == .incomplete)
    }
}
