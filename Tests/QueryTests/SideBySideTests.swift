import Model
import Store
import Syscalls
import TestSupport
import Testing

@testable import Query

/// Blocks of so many events that each is looked at on a thread of its own.
@Suite struct SideBySideTests {
    private static let blockCount = 5
    private static let eventsOfBlock = 6_000

    /// Five blocks of random events; `/srv/rare` is only in the first and the fourth.
    private static func scene(_ generator: inout SeededGenerator) throws -> StoreScene {
        let scene = try StoreScene()
        let processes = (1...20).map {
            ActorProcess.named(
                "p\($0)", pid: Int32($0), instance: UInt64($0), exe: "/bin/p\($0 % 7)", uid: 4_000_000_001)
        }
        let masks: [EventMask] = [.create, .modify, [.modify, .closeWrite], .delete, .attrib]
        for block in 0..<blockCount {
            var events: [RecordedEvent] = []
            for index in 0..<eventsOfBlock {
                let second = Double(block * 1_000) + Double(index) * 0.1
                let number = Int.random(in: 0..<900, using: &generator)
                events.append(
                    RecordedEvent(
                        second + 1, masks.randomElement(using: &generator) ?? .create,
                        "/srv/d\(number % 30)/f\(number)",
                        process: Bool.random(using: &generator) ? processes.randomElement(using: &generator) : nil))
            }
            if block % 3 == 0 {
                events[Int.random(in: 0..<eventsOfBlock, using: &generator)].path = Array("/srv/rare".utf8)
            }
            try scene.append(events)
        }
        return scene
    }

    @Test func theyGiveWhatCountingOneByOneGives() throws {
        let seed = UInt64.random(in: 0...UInt64.max)
        print("seed \(seed)")
        var generator = SeededGenerator(seed: seed)
        let scene = try Self.scene(&generator)
        let selections: [Selection] = [
            Selection(), .only { $0.operations = .modify },
            .only {
                $0.directories = [Glob(under: RawPath("/srv/d3"))]; $0.operations = [.create, .delete]
            },
            .only {
                $0.since = RecordedEvent.moment(700.05)
                $0.until = RecordedEvent.moment(3_300.05)
                $0.pids = [3, 4, 5]
            },
        ]
        for selection in selections {
            let filter = NaiveFilter(selection: selection)
            let selected = scene.events.filter(filter.selects)
            #expect(try scene.ask(.csv) { try CountAnswer($0, selection).run() }.lines.last == "\(selected.count)")

            var byPath: [String: Int] = [:]
            for event in selected { byPath[String(decoding: event.path ?? [], as: UTF8.self), default: 0] += 1 }
            let ranked = byPath.sorted { ($1.value, $0.key) < ($0.value, $1.key) }.prefix(25)
            var top = selection
            top.limit = 25
            let answer = try scene.ask(.csv) { try TopAnswer($0, top, by: .path).run() }
            #expect(answer.lines.dropFirst().map { $0.filter { $0 != "\r" } } == ranked.map { "\($0.value),\($0.key)" })

            var byMinute: [String: Int] = [:]
            for event in selected {
                let minute = event.time.nanosecondsSinceEpoch.flooredDivision(by: 60_000_000_000)
                byMinute["\(minute) \(event.process?.exe.map { "\($0)" } ?? "-")", default: 0] += 1
            }
            let histogram = try scene.ask(.jsonl) {
                try HistogramAnswer($0, selection, every: 60_000_000_000, by: .exe).run()
            }
            let counts = histogram.lines.compactMap { JSONValue(Array($0.utf8))?["count"]?.unsigned }
            #expect(counts.sorted() == byMinute.values.map(UInt64.init).sorted())
        }
    }

    /// Of an array each row depends on the one before, so it is written by one thread; lines are the same rows. A block's rows
    /// take more than is written ahead of its turn where everything is asked for.
    @Test func rowsThatAreWrittenAheadAreTheSame() throws {
        let seed = UInt64.random(in: 0...UInt64.max)
        print("seed \(seed)")
        var generator = SeededGenerator(seed: seed)
        let scene = try Self.scene(&generator)
        let selections: [Selection] = [
            Selection(), .only { $0.isReversed = true },
            .only { $0.directories = [Glob(under: RawPath("/srv/d3"))] },
            .only {
                $0.directories = [Glob(under: RawPath("/srv/d29"))]; $0.isReversed = true
            },
            .only {
                $0.since = RecordedEvent.moment(700.05)
                $0.until = RecordedEvent.moment(3_300.05)
                $0.operations = .modify
            },
        ]
        for (number, selection) in selections.enumerated() {
            let filter = NaiveFilter(selection: selection)
            let selected = scene.events.filter(filter.selects).map(\.sequence)
            let lines = try scene.ask(.jsonl) { try EventsAnswer($0, selection).run() }
            let question = Comment("seed \(seed), selection \(number)")
            #expect(lines.sequences == (selection.isReversed ? selected.reversed() : selected), question)
            let array = try scene.ask(.json) { try EventsAnswer($0, selection).run() }
            let rows = array.lines.filter { $0.first == "{" }.map { $0.last == "," ? $0.dropLast() : $0 }
            #expect(lines.lines == rows, question)
            let table = try scene.ask(.csv) { try EventsAnswer($0, selection).run() }
            #expect(table.lines.dropFirst().map { UInt64($0.prefix { $0 != "," }) } == lines.sequences, question)
        }
    }

    /// Four blocks of long paths, each with more text than is written ahead of its turn.
    private static func longScene() throws -> StoreScene {
        let scene = try StoreScene()
        let directory = "/srv/long" + String(repeating: "/" + String(repeating: "d", count: 200), count: 8)
        for block in 0..<4 {
            try scene.append(
                (0..<5_000).map {
                    RecordedEvent(
                        Double(block * 1_000) + Double($0) * 0.1 + 1, .create,
                        ($0 % 3 == 0 ? "/srv/short" : directory) + "/f\($0)", process: nil)
                })
        }
        return scene
    }

    @Test(arguments: [false, true]) func longRowsThatAreWrittenAheadAreTheSame(isReversed: Bool) throws {
        let scene = try Self.longScene()
        let selection = Selection.only {
            $0.directories = [Glob(under: RawPath("/srv/long"))]
            $0.isReversed = isReversed
        }
        let selected = scene.events.filter(NaiveFilter(selection: selection).selects).map(\.sequence)
        let lines = try scene.ask(.csv) { try EventsAnswer($0, selection).run() }.lines.dropFirst()
        #expect(lines.map { UInt64($0.prefix { $0 != "," }) } == (isReversed ? selected.reversed() : selected))
        #expect(lines.count == 4 * 3_333 && lines.allSatisfy { $0.utf8.count > 1_600 })
    }

    /// What an answer was given up for, its threads do not wait for ever.
    @Test func threadsThatWriteAheadEndWithTheirScan() throws {
        final class Held: Sendable {}
        let scene = try Self.longScene()
        weak var held: Held?
        do {
            let token = Held()
            held = token
            let scan = Scan(try StoreReader(directory: scene.directory), Selection())
            // The first block is its owner's, so the second call has the next one written.
            for _ in 0..<2 {
                _ = try scan.nextRows {
                    withExtendedLifetime(token) { EventCSVWriter(isForTerminal: false) }
                }
            }
            if case .another(_, _, let queue)? = scan.writing.first?.work {
                while queue.hasRoom { Clock.sleep(nanoseconds: 100_000) }
            }
        }
        let end = Clock.monotonic() + 20_000_000_000
        while held != nil, Clock.monotonic() < end { Clock.sleep(nanoseconds: 1_000_000) }
        #expect(held == nil)
    }

    @Test func aFewEventsInManyBlocksComeInOrder() throws {
        var generator = SeededGenerator(seed: 7)
        let scene = try Self.scene(&generator)
        let selection = try Selection.only { $0.paths = [try .of("/srv/rare")] }
        let expected = scene.events.filter(NaiveFilter(selection: selection).selects).map(\.sequence)
        #expect(expected.count == 2)
        #expect(try scene.sequences(selection) == expected)
        var reversed = selection
        reversed.isReversed = true
        #expect(try scene.sequences(reversed) == expected.reversed())
        // Every block has it, again and again.
        let common = try Selection.only { $0.paths = [try .of("/srv/d7/f7")] }
        let all = scene.events.filter(NaiveFilter(selection: common).selects).map(\.sequence)
        #expect(try scene.sequences(common) == all)
        var last = common
        last.isReversed = true
        last.limit = 3
        #expect(try scene.sequences(last) == all.suffix(3).reversed())
        // The same where merging is at work.
        try scene.compact()
        #expect(try scene.sequences(common) == all)
    }
}
