import Block
import Model
import Store
import TestSupport
import Testing

@testable import Query

/// `top --by path` where a merged block says itself which of its paths have the most events.
@Suite struct TopPathsTests {
    /// Some 70,000 events in one merged block and a few thousand in two fresh ones; few paths have many events.
    private static func scene(_ generator: inout SeededGenerator) throws -> StoreScene {
        let scene = try StoreScene()
        var clock = 0.0
        func events(_ count: Int, _ more: [(path: String?, count: Int)]) -> [RecordedEvent] {
            var paths: [String?] = []
            for (path, count) in more { paths += Array(repeating: path, count: count) }
            for _ in 0..<count {
                // Half of all that is left for each next path, then evenly over many.
                let rank = generator.next().trailingZeroBitCount
                paths.append(rank < 9 ? "/busy/\(rank)" : "/tail/\(Int.random(in: 0..<900, using: &generator))")
            }
            let masks: [EventMask] = [.create, .modify, [.modify, .closeWrite]]
            return paths.shuffled(using: &generator).map { path in
                clock += 0.01
                return RecordedEvent(clock, masks.randomElement(using: &generator) ?? .create, path)
            }
        }
        // Of these paths the merged block has too few events to say it, and others have many.
        let rare = (0..<6).map { (path: String?.some("/rare/\($0)"), count: 1 + $0 % 2) }
        for _ in 0..<2 {
            try scene.append(events(33_000, rare + [(nil, 40), ("bare", 30), ("bare too", 1)]))
        }
        try scene.compact()
        try scene.append(events(3_000, rare.map { ($0.path, 900) } + [("bare", 7), ("/here/only", 500)]))
        try scene.append(events(3_000, rare.map { ($0.path, 90) } + [(nil, 3)]))
        return scene
    }

    @Test func whatABlockSaysIsWhatCountingGives() throws {
        let seed = UInt64.random(in: 0...UInt64.max)
        print("seed \(seed)")
        var generator = SeededGenerator(seed: seed)
        let scene = try Self.scene(&generator)
        let selections: [Selection] = [
            Selection(), .only { $0.operations = .modify }, .only { $0.operations = .closeWrite },
            .only { $0.operations = [.create, .closeWrite] },
            // A cut through the merged block.
            .only { $0.since = RecordedEvent.moment(200.005) },
        ]
        for (number, selection) in selections.enumerated() {
            var counts: [String: Int] = [:]
            for event in scene.events where NaiveFilter(selection: selection).selects(event) {
                counts[event.path.map { String(decoding: $0, as: UTF8.self) } ?? "", default: 0] += 1
            }
            let ranked = counts.sorted { ($1.value, $0.key) < ($0.value, $1.key) }
            for limit in [1, 5, 12, 40, 1_000] {
                var top = selection
                top.limit = limit
                let answer = try scene.ask(.csv) { try TopAnswer($0, top, by: .path).run() }
                let lines = answer.lines.dropFirst().map { $0.filter { $0 != "\r" } }
                let expected = ranked.prefix(limit).map { "\($0.value),\($0.key.isEmpty ? "(unknown)" : $0.key)" }
                #expect(lines == expected, "seed \(seed), selection \(number), limit \(limit)")
            }
        }
    }

    /// It is asked where that is enough, and only there.
    @Test func aBlockIsAskedWhereItKnows() throws {
        var generator = SeededGenerator(seed: 1)
        let scene = try Self.scene(&generator)
        let reader = try StoreReader(directory: scene.directory)
        func asks(_ selection: Selection, limit: Int, mayAsk: Bool = true) throws -> (found: Bool, asked: Bool) {
            var paths = TopPaths(reader, limit: limit, askingBlocks: mayAsk, maximumByteCount: 1 << 20)
            let rows = try paths.find(Scan(reader, selection))
            return (rows != nil, paths.hasSummaries)
        }
        #expect(try asks(Selection(), limit: 5) == (true, true))
        #expect(try asks(.only { $0.operations = .modify }, limit: 5) == (true, true))
        // Of so many rows the last ones have fewer events than what the block leaves out.
        #expect(try asks(Selection(), limit: 500) == (false, true))
        #expect(try asks(Selection(), limit: 500, mayAsk: false) == (true, false))
        #expect(try asks(.only { $0.operations = [.create, .modify] }, limit: 5) == (true, false))
        #expect(try asks(.only { $0.until = RecordedEvent.moment(200) }, limit: 5) == (true, false))
        #expect(try asks(.only { $0.pids = [1] }, limit: 5) == (true, false))
    }
}
