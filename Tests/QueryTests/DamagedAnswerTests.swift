import Model
import Report
import Store
import Testing

@testable import Query
@testable import SQLTables

/// A damaged block under every verb that reads blocks.
@Suite struct DamagedAnswerTests {
    struct Verb: Sendable, CustomTestStringConvertible {
        var name: String
        var run: @Sendable (QueryContext) throws -> AnswerStatus
        /// False where rows and filters of blocks are enough for the answer.
        var readsEveryBlock = true

        var testDescription: String { name }
    }

    /// Starts at no time and in the middle of the damaged block.
    static let verbs: [Verb] = [
        Verb(name: "events") { try EventsAnswer($0, Selection()).run() },
        Verb(name: "events --reverse") { try EventsAnswer($0, .only { $0.isReversed = true }).run() },
        Verb(name: "events -f") { context in
            try Follower(
                context,
                .only {
                    $0.since = RecordedEvent.moment(0)
                    $0.limit = 80
                }
            ).run()
        },
        Verb(name: "count", run: { try CountAnswer($0, Selection()).run() }, readsEveryBlock: false),
        Verb(name: "count --pid") { try CountAnswer($0, .only { $0.pids = [10] }).run() },
        Verb(name: "top --by path") { try TopAnswer($0, Selection(), by: .path).run() },
        Verb(name: "top --by exe") { try TopAnswer($0, Selection(), by: .exe).run() },
        Verb(name: "histogram") { try HistogramAnswer($0, Selection(), every: 60_000_000_000, by: nil).run() },
        Verb(name: "histogram --by dir") {
            try HistogramAnswer($0, Selection(), every: 60_000_000_000, by: .dir).run()
        },
        Verb(name: "file") { try FileAnswer($0, Selection(), path: RawPath("/block1/file7919")).run() },
        Verb(name: "process") { try ProcessAnswer($0, ProcessArgument(pid: 10, moment: nil), Selection()).run() },
        Verb(name: "process --until") {
            // What it was is told by all blocks, what it did only by the first.
            try ProcessAnswer(
                $0, ProcessArgument(pid: 10, moment: nil), .only { $0.until = RecordedEvent.moment(50) }
            ).run()
        },
        Verb(name: "tree") {
            try TreeAnswer($0, under: [RawPath("/block1")], at: RecordedEvent.moment(300)).run()
        },
        Verb(name: "changes") { try ChangesAnswer($0, Selection(), under: [], kinds: [], showsTransient: false).run() },
        Verb(name: "around, an event of it") { try around($0, .event(60)) },
        Verb(name: "around, a moment of it") { try around($0, .moment(RecordedEvent.moment(120))) },
        Verb(name: "around, an event behind it") { try around($0, .event(83)) },
        Verb(name: "replay") { context in
            let pace = try ReplayPace(speed: 1_000_000, maximumPause: 1, steps: false)
            var replay = try ReplayAnswer(context, Selection(), pace: pace, waiting: TerminalWaiting(context.output))
            return try replay.run()
        },
        Verb(name: "export") {
            try ExportAnswer($0, Selection(), format: .jsonl, target: nil, cursorFile: nil).run()
        },
        Verb(name: "sql, rows") { try sql($0, "SELECT seq, path, pid FROM event") },
        Verb(name: "sql, a count of groups") { try sql($0, "SELECT name, events FROM event_group WHERE by = 'path'") },
        Verb(name: "sql, a histogram") { try sql($0, "SELECT time, events FROM event_histogram WHERE by = 'path'") },
        Verb(name: "sql, processes") { try sql($0, "SELECT pid, exe FROM process") },
    ]

    private static func around(_ context: QueryContext, _ point: AroundPoint) throws -> AnswerStatus {
        try AroundAnswer(context, Selection(), point: point, extent: .init(context: 5)).run()
    }

    private static func sql(_ context: QueryContext, _ query: String) throws -> AnswerStatus {
        try SQLAnswer(context, query: Array(query.utf8)).run()
    }

    private static func isNamed(_ answer: StoreScene.Answer) -> Bool {
        answer.status == .unreadable
            && answer.messages.contains { $0.contains("damaged block: events 41 to 80 cannot be read") }
    }

    /// Wherever the damage is: either the block is named, the rest is answered and the status is 4, or the answer is that of
    /// a whole store, since what is damaged was not needed.
    @Test(arguments: verbs) func theBlockIsNamedOrWasNotNeeded(_ verb: Verb) throws {
        let intact = try DamageTests.wholeScene().ask { try verb.run($0) }
        #expect(intact.status == .found, "\(intact.messages)")
        for eighth in 0...8 {
            let answer = try DamageTests.damagedScene(at: Double(eighth) / 8).ask { try verb.run($0) }
            let isWhole = answer.status == .found && answer.text == intact.text
            #expect(isWhole || Self.isNamed(answer), "\(eighth) eighths: \(answer.status) \(answer.messages)")
            // The header is the first thing that is read of it.
            if eighth == 0 { #expect(Self.isNamed(answer) == verb.readsEveryBlock, "\(answer.messages)") }
            if verb.name == "events" { #expect(Set(answer.sequences).isSuperset(of: Array(1...40) + Array(81...120))) }
        }
    }

    @Test func aReportSaysItToo() throws {
        let answer = try DamageTests.damagedScene(at: 0).ask { try ReportAnswer($0, Selection(), target: nil).run() }
        #expect(Self.isNamed(answer), "\(answer.status) \(answer.messages)")
    }
}
