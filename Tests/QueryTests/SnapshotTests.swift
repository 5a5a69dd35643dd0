import Block
import Model
import Store
import TestSupport
import Testing

@testable import Query
@testable import SQLTables

/// A store that is written, merged and pruned under a question that runs: what is answered is what was there when it was
/// asked, for what is known to be missing was read then.
@Suite struct SnapshotTests {
    private static let blockCount = 6

    private static func scene() throws -> StoreScene {
        let scene = try StoreScene(from: 0)
        for block in 0..<blockCount {
            try scene.append(
                (0..<40).map { RecordedEvent(Double(block * 40 + $0 + 1), .create, "/srv/f\($0 % 7)") })
        }
        return scene
    }

    /// A block more, and all of them merged.
    private static func goOn(_ scene: StoreScene) throws {
        try scene.append((0..<40).map { RecordedEvent(Double(1_000 + $0), .create, "/srv/f\($0 % 7)") })
        try scene.compact()
    }

    private static func question(_ scene: StoreScene, _ selection: Selection = Selection()) throws -> Question {
        let context = QueryContext(
            storeDirectory: scene.directory, format: .jsonl, output: AnswerOutput(memoryAsTerminal: false),
            messages: Messages(collecting: true), zone: .utc)
        return try Question(context, selection)
    }

    @Test(arguments: [false, true]) func eventsAreThoseThatThereWere(isReversed: Bool) throws {
        let scene = try Self.scene()
        let expected = scene.events.map(\.sequence)
        let question = try Self.question(scene, .only { $0.isReversed = isReversed })
        let scan = question.scan(question.selection)
        var found: [UInt64] = []
        try scan.forEachGroup { view in
            if found.isEmpty { try Self.goOn(scene) }
            found += view.positions.map { view.group.firstSequence + UInt64($0) }
            return .proceed
        }
        #expect(found.sorted() == expected)
        #expect(!scan.lostToPruning && scan.damages.isEmpty)
        #expect(question.conclude(found: true, scan) == .found)
    }

    @Test(arguments: [nil, "/srv/f3"]) func soAreCounts(path: String?) throws {
        let scene = try Self.scene()
        let selection = try Selection.only { if let path { $0.paths = [try .of(path)] } }
        let expected = scene.events.count { path == nil || $0.path == path.map { Array($0.utf8) } }
        let question = try Self.question(scene, selection)
        let scan = question.scan(selection)
        var askedCount = 0
        var failure: (any Error)?
        scan.shouldStop = {
            askedCount += 1
            // In the middle: some blocks were counted, others are gone when they are fetched.
            if askedCount == 3 { do { try Self.goOn(scene) } catch { failure = error } }
            return false
        }
        #expect(try scan.count() == UInt64(expected))
        #expect(askedCount > 3 && failure == nil)
    }

    /// Which groups have the most events is found out by a first pass, when they had them by a second one.
    @Test func theSecondPassOfAHistogramCountsWhatTheFirstDid() throws {
        let scene = try Self.scene()
        let counts = Dictionary(grouping: scene.events) { $0.path ?? [] }.values.map(\.count).sorted(by: >)
        let question = try Self.question(scene)
        var passCount = 0
        var failure: (any Error)?
        let tally = try HistogramTally(
            by: .path, .init(every: 10_000_000_000), in: question.reader, groupLimit: 2, maximumCellCount: 60
        ) {
            passCount += 1
            if passCount == 2 { do { try Self.goOn(scene) } catch { failure = error } }
            return question.scan(question.selection)
        }
        #expect(passCount == 2 && failure == nil)
        #expect(tally.rows(gaps: []).reduce(0) { $0 + $1.count } == UInt64(counts[0] + counts[1]))
    }

    @Test func soDoStatementsOfSQL() throws {
        for trace in [nil, ScanTrace()] {
            for query in ["SELECT seq FROM event", "SELECT seq FROM event ORDER BY seq DESC"] {
                let scene = try Self.scene()
                let expected = scene.events.map(\.sequence)
                let connection = try QueryConnection(SQLSession(defaultStore: scene.directory, trace: trace))
                let statement = try connection.prepare(Array(query.utf8))
                var found: [UInt64] = []
                while try statement.step() {
                    if case .integer(let number) = statement.value(0) { found.append(UInt64(number)) }
                    if found.count == 1 { try Self.goOn(scene) }
                }
                #expect(found.sorted() == expected, "\(query)")
            }
        }
    }

    private struct MergingWaiting: ReplayWaiting {
        let scene: StoreScene
        var hasMerged = false
        var hasKeys: Bool { false }

        func now() -> Int64 { 0 }

        mutating func wait(nanoseconds: Int64?, _ output: AnswerOutput) throws -> ReplayPace.Key? {
            if !hasMerged { try SnapshotTests.goOn(scene) }
            hasMerged = true
            return nil
        }
    }

    @Test func aReplayEndsWithWhatThereWasWhenItBegan() throws {
        let scene = try Self.scene()
        let expected = scene.events.map(\.sequence)
        let pace = try ReplayPace(speed: 1, maximumPause: nil, steps: false)
        let answer = try scene.ask { context in
            var replay = try ReplayAnswer(
                context, Selection(), pace: pace, waiting: MergingWaiting(scene: scene))
            return try replay.run()
        }
        #expect(answer.sequences == expected)
    }

    /// Though what came meanwhile is in the same block by then, it is for the next export.
    @Test func anExportGoesOnWithWhatTheLastOneDidNotGive() throws {
        let scene = try Self.scene()
        let expected = scene.events.map(\.sequence)
        let question = try Self.question(scene)
        var run = ExportRun(question, question.selection, after: nil)
        try Self.goOn(scene)
        let output = AnswerOutput(memoryAsTerminal: false)
        try run.write(EventJSONWriter(isArray: false), to: output)
        let lines = output.collected.split(separator: UInt8(ascii: "\n"))
        #expect(lines.compactMap { JSONValue(Array($0))?["seq"]?.unsigned } == expected)
        let started = ExportCursor(store: question.reader.origin.store, format: .jsonl, selection: question.selection)
        #expect(run.cursor(from: started).nextSequence == UInt64(expected.count + 1))
    }

    @Test func whatIsPrunedMeanwhileIsSaid() throws {
        let scene = try Self.scene()
        let question = try Self.question(scene)
        let scan = question.scan(Selection())
        var found: [UInt64] = []
        try scan.forEachGroup { view in
            // The first three blocks are gone, of which one is at hand.
            if found.isEmpty { try scene.prune(before: 121) }
            found += view.positions.map { view.group.firstSequence + UInt64($0) }
            return .proceed
        }
        #expect(found == Array(1...40) + Array(121...240))
        #expect(scan.lostToPruning)
        #expect(question.conclude(found: true, scan) == .incomplete)
        #expect(question.context.messages.collected.contains { $0.contains("pruned while they were being read") })
    }
}
