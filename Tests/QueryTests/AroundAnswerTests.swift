import Block
import Model
import TestSupport
import Testing

@testable import Query

@Suite struct AroundAnswerTests {
    private static func ask(
        _ scene: StoreScene, _ point: AroundPoint, _ format: OutputFormat = .jsonl, before: Int? = nil,
        after: Int? = nil, span: Int64? = nil, acceptsGaps: Bool = true, _ selection: Selection = Selection()
    ) throws -> StoreScene.Answer {
        let extent = try AroundAnswer.Extent(before: before, after: after, span: span)
        return try scene.ask(format, acceptsGaps: acceptsGaps) {
            try AroundAnswer($0, selection, point: point, extent: extent).run()
        }
    }

    private static func marked(_ answer: StoreScene.Answer) -> [UInt64] {
        answer.lines.compactMap { JSONValue(Array($0.utf8)) }.filter { $0["marked"] == .boolean(true) }
            .compactMap { $0["seq"]?.unsigned }
    }

    @Test func theNeighboursAreThoseOfTheWholeList() throws {
        let seed = UInt64.random(in: 0...UInt64.max)
        print("seed \(seed)")
        var generator = SeededGenerator(seed: seed)
        let scene = try StoreScene()
        var second = 1.0
        for _ in 0..<12 {
            let events = (0..<Int.random(in: 1...20, using: &generator)).map { _ in
                second += Double.random(in: 0...2, using: &generator)
                return RecordedEvent(
                    (second * 1000).rounded() / 1000,
                    [.create, .modify, .delete].randomElement(using: &generator) ?? [],
                    "/\(["d", "e"].randomElement(using: &generator) ?? "")/f\(Int.random(in: 0..<9, using: &generator))"
                )
            }
            try scene.append(events)
        }
        try scene.stop(at: second + 10)
        let selection = Selection.only { $0.operations = [.create, .modify] }
        let filter = NaiveFilter(selection: selection)
        let matching = scene.events.filter(filter.selects)
        for _ in 0..<40 {
            let event = try #require(scene.events.randomElement(using: &generator))
            let before = Int.random(in: 0...8, using: &generator)
            let after = Int.random(in: 0...8, using: &generator)
            let expected =
                matching.filter { $0.sequence < event.sequence }.suffix(before).map(\.sequence) + [event.sequence]
                + matching.filter { $0.sequence > event.sequence }.prefix(after).map(\.sequence)
            let answer = try Self.ask(scene, .event(event.sequence), before: before, after: after, selection)
            #expect(answer.sequences == expected, "seed \(seed), event \(event.sequence)")
            #expect(Self.marked(answer) == [event.sequence], "seed \(seed)")

            let moment = RecordedEvent.moment(Double.random(in: 0...second, using: &generator))
            let late = matching.filter { $0.time >= moment }.prefix(after).map(\.sequence)
            let early = matching.filter { $0.time < moment }.suffix(before).map(\.sequence)
            let near = try Self.ask(scene, .moment(moment), before: before, after: after, selection)
            #expect(near.sequences == early + late, "seed \(seed)")
            #expect(Self.marked(near) == Array(late.prefix(1)), "seed \(seed)")

            let span = Int64.random(in: 0...4_000_000_000, using: &generator)
            let within = matching.filter {
                $0.time >= moment.advanced(byNanoseconds: -span) && $0.time <= moment.advanced(byNanoseconds: span)
            }
            #expect(
                try Self.ask(scene, .moment(moment), span: span, selection).sequences == within.map(\.sequence),
                "seed \(seed)")
        }
    }

    @Test func gapsStandBetweenTheEventsAndMakeItIncomplete() throws {
        let scene = try StoreScene()
        func gap(_ from: Double, _ to: Double) -> Gap {
            Gap(
                kind: .queueOverflow, from: RecordedEvent.moment(from), to: RecordedEvent.moment(to), count: 5,
                scope: nil,
                cause: "full")
        }
        try scene.append(
            [
                RecordedEvent(10, .create, "/a"), RecordedEvent(20, .create, "/b"), RecordedEvent(30, .create, "/c"),
                RecordedEvent(40, .create, "/d"),
            ], gaps: [gap(24, 25), gap(50, 51), gap(2, 3)])
        try scene.stop(at: 100)
        let table = try Self.ask(scene, .event(3), .table, before: 1, after: 1, acceptsGaps: false)
        #expect(table.status == .incomplete)
        let starts = table.lines.map { $0.prefix(2) }
        #expect(starts == ["  ", "  ", "! ", "> ", "  "])
        #expect(table.lines[0].contains("TIME (UTC)"))
        let lines = try Self.ask(scene, .event(3), before: 1, after: 1).lines.compactMap { JSONValue(Array($0.utf8)) }
        #expect(lines.map { $0["type"]?.text ?? "event" } == ["event", "queue_overflow", "event", "event"])
        let far = try Self.ask(scene, .event(4), before: 0, after: 0, acceptsGaps: false)
        #expect(far.status == .found && far.sequences == [4], "the gaps are elsewhere")
        let array = try Self.ask(scene, .event(3), .json, before: 1, after: 1)
        guard case .array(let rows) = JSONValue(Array(array.text.utf8)) else {
            Issue.record("no array: \(array.text)")
            return
        }
        #expect(rows.count == 4)
        let csv = try Self.ask(scene, .event(3), .csv, before: 1, after: 1)
        #expect(csv.lines.count == 4 && csv.lines[2].hasSuffix(",true"))
    }

    @Test func anEventWhoseWindowCrossesTheEndOfTheSpanIsCountedOnce() throws {
        let scene = try StoreScene()
        var last = RecordedEvent(20, .create, "/c")
        last.earliest = RecordedEvent.moment(10.5)
        try scene.append([RecordedEvent(9, .create, "/a"), RecordedEvent(10, .create, "/b"), last])
        try scene.stop(at: 100)
        let answer = try Self.ask(scene, .event(2), span: 1_000_000_000)
        #expect(answer.sequences == [1, 2])
        #expect(answer.messages == ["1 more event's window crosses an edge of the range; --overlapping adds it"])
    }

    @Test func whatThereIsNotIsSaid() throws {
        let scene = try StoreScene()
        try scene.append([RecordedEvent(10, .create, "/a")])
        try scene.stop(at: 100)
        let missing = try Self.ask(scene, .event(99))
        #expect(missing.status == .nothingFound)
        #expect(missing.messages == ["no event 99: the store holds 1 to 1"])
        #expect(try Self.ask(scene, .moment(RecordedEvent.moment(90))).sequences == [1])
        #expect(throws: UsageError.self) {
            try Self.ask(scene, .event(1), .jsonl, .only { $0.since = RecordedEvent.moment(0) })
        }
        for second in [-50.0, 1e9] {
            let never = try Self.ask(scene, .moment(RecordedEvent.moment(second)), span: 1_000_000_000)
            #expect(never.text.isEmpty)
            #expect(
                never.messages.contains { $0.hasPrefix("nothing was recorded at") && $0.contains("covers 2026-11-23") },
                "\(never.messages)")
        }
        #expect(throws: UsageError.self) { try AroundAnswer.Extent(before: -1) }
        #expect(try AroundPoint.parse("4711") == .event(4_711))
        #expect(throws: UsageError.self) { try AroundPoint.parse("99999999999999999999999") }
        #expect(throws: TimeError.self) { try AroundPoint.parse("soon") }
    }
}
