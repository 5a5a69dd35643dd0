import Model
import Store
import TestSupport
import Testing

@testable import Query
@testable import SQLTables

/// The tables that count within the engine: `event_count`, `event_group`, `event_histogram`.
@Suite struct CountingTableTests {
    /// Blocks of random events, among them names that are no UTF-8, paths that are only a name, and events of no process.
    static func scene(_ generator: inout SeededGenerator) throws -> StoreScene {
        let scene = try StoreScene(from: 0)
        let paths: [String?] = [
            "/srv/a/one", "/srv/a/two", "/srv/b/one", "/srv", "/etc/passwd", "/var/log/x.log", "lost", nil,
        ]
        let processes: [ActorProcess?] = [
            .named("vim", pid: 10, instance: 1, exe: "/usr/bin/vim", uid: 0),
            .named("sh", pid: 11, instance: 2, exe: "/bin/sh", uid: 4_000_000_001),
            .named("sh", pid: 12, instance: 3), nil,
        ]
        let masks: [EventMask] = [.create, .modify, [.modify, .closeWrite], .delete, .attrib]
        var clock = 1.0
        for _ in 0..<5 {
            var events: [RecordedEvent] = []
            for _ in 0..<Int.random(in: 1...120, using: &generator) {
                clock += Double.random(in: 0..<3, using: &generator)
                var event = RecordedEvent(
                    clock, masks.randomElement(using: &generator) ?? .create,
                    paths.randomElement(using: &generator) ?? nil,
                    process: processes.randomElement(using: &generator) ?? nil,
                    windowSeconds: Double.random(in: 0.001..<4, using: &generator))
                if Int.random(in: 0..<12, using: &generator) == 0 { event.path = Array("/srv/".utf8) + [0xFF, 0x41] }
                events.append(event)
            }
            try scene.append(events)
        }
        return scene
    }

    static func sql(_ scene: StoreScene, _ query: String, _ format: OutputFormat = .csv) throws -> StoreScene.Answer {
        try scene.ask(format) { try SQLAnswer($0, query: Array(query.utf8)).run() }
    }

    /// The rows of an answer, without the titles.
    static func rows(_ scene: StoreScene, _ query: String) throws -> [String] {
        let answer = try sql(scene, query)
        // Nothing is said but what the range misses.
        #expect(answer.status == .found || answer.status == .nothingFound || answer.status == .incomplete, "\(query)")
        #expect(!answer.messages.contains { $0.contains("event_") }, "\(query): \(answer.messages)")
        return rows(answer)
    }

    static func rows(_ answer: StoreScene.Answer) -> [String] {
        answer.lines.dropFirst().map { $0.filter { $0 != "\r" } }
    }

    /// The same wish for the command line and in SQL.
    private static func wish(_ generator: inout SeededGenerator) -> (typed: SelectionArguments, terms: [String]) {
        var typed = SelectionArguments()
        var terms: [String] = []
        func isAsked() -> Bool { Int.random(in: 0..<4, using: &generator) == 0 }
        func quoted(_ values: [String]) -> String {
            values.count == 1 ? "= '\(values[0])'" : "IN (\(values.map { "'\($0)'" }.joined(separator: ", ")))"
        }
        func some(_ values: [String]) -> [String] {
            Array(values.shuffled(using: &generator).prefix(Int.random(in: 1...2, using: &generator)))
        }
        let first = Double.random(in: 0..<200, using: &generator)
        if isAsked() {
            let text = TimestampWriter.text(RecordedEvent.moment(first))
            typed.since = text
            terms.append("since = '\(text)'")
        }
        if isAsked() {
            let until = RecordedEvent.moment(first + Double.random(in: 1..<300, using: &generator))
            typed.until = TimestampWriter.text(until)
            terms.append("until = \(until.nanosecondsSinceEpoch)")
            if Bool.random(using: &generator) {
                typed.includesOverlapping = true
                terms.append("overlapping = TRUE")
            }
        }
        if isAsked() {
            let globs = some(["/srv/**", "*.log", "one", "/srv/?/two", "lost"])
            typed.paths = globs.map { RawPath($0) }
            terms.append("path \(quoted(globs))")
        }
        if isAsked() {
            let directories = some(["/srv", "/srv/a", "/etc", "/"])
            typed.directories = directories.map { RawPath($0) }
            terms.append("under \(quoted(directories))")
        }
        if isAsked() {
            let operations = some(["create", "modify,delete", "attrib", "all"])
            typed.operations = operations
            terms.append("op \(quoted(operations))")
        }
        if isAsked() {
            typed.pids = ["10", "12"]
            terms.append(Bool.random(using: &generator) ? "pid IN (10, 12)" : "pid = '10,12'")
        }
        if isAsked() {
            typed.comms = [RawPath("s*")]
            terms.append("comm = 's*'")
        }
        if isAsked() {
            typed.exes = [RawPath("/usr/**"), RawPath("sh")]
            terms.append("exe IN ('/usr/**', 'sh')")
        }
        if isAsked() {
            typed.users = ["4000000001"]
            terms.append("user = 4000000001")
        }
        return (typed, terms)
    }

    /// What the tables answer is what the verbs answer, whatever is asked for.
    @Test func theTablesAnswerAsTheVerbsDo() throws {
        let seed = UInt64.random(in: 0...UInt64.max)
        print("CountingTableTests seed \(seed)")
        var generator = SeededGenerator(seed: seed)
        for _ in 0..<4 {
            let scene = try Self.scene(&generator)
            if Bool.random(using: &generator) { try scene.compact() }
            for _ in 0..<25 {
                let (typed, terms) = Self.wish(&generator)
                let selection = try typed.selection()
                func asked(_ more: [String] = []) -> String {
                    let all = terms + more
                    return all.isEmpty ? "" : " WHERE " + all.joined(separator: " AND ")
                }
                let comment: Comment = "seed \(seed): \(terms)"

                let count = try scene.ask(.csv) { try CountAnswer($0, selection).run() }
                let counted = try Self.sql(scene, "SELECT events FROM event_count" + asked())
                #expect(Self.rows(counted) == Self.rows(count), comment)
                #expect(
                    counted.messages.filter { $0.contains("incomplete") }
                        == count.messages.filter { $0.contains("incomplete") }, comment)
                #expect((counted.status == .incomplete) == (count.status == .incomplete), comment)

                let grouping = try #require(Grouping.allCases.randomElement(using: &generator))
                let by = grouping == .path && Bool.random(using: &generator) ? [] : ["by = '\(grouping)'"]
                let top = try scene.ask(.csv) {
                    var all = selection
                    all.limit = 5_000
                    return try TopAnswer($0, all, by: grouping).run()
                }
                let grouped = try Self.rows(
                    scene, "SELECT events, coalesce(name, '(unknown)') FROM event_group" + asked(by))
                #expect(grouped.sorted() == Self.rows(top).sorted(), comment)

                let (every, length) = try #require(
                    [("10s", 10), ("1m", 60), ("90s", 90)].randomElement(using: &generator))
                let limit = Int.random(in: 1...6, using: &generator)
                let isByGroup = Bool.random(using: &generator)
                let histogram = try scene.ask(.csv) {
                    var limited = selection
                    limited.limit = limit
                    return try HistogramAnswer(
                        $0, limited, every: Int64(length) * 1_000_000_000, by: isByGroup ? grouping : nil
                    ).run()
                }
                let buckets = try Self.rows(
                    scene,
                    "SELECT time, \(isByGroup ? "coalesce(name, '(unknown)'), " : "")events FROM event_histogram"
                        + asked(["every = '\(every)'"] + (isByGroup ? ["by = '\(grouping)'", "top = \(limit)"] : [])))
                // From, to, the group, the count, the gap.
                let expected = Self.rows(histogram).map { line in
                    let fields = line.split(separator: ",", omittingEmptySubsequences: false)
                    return ([fields[0]] + fields[2..<(fields.count - 1)]).joined(separator: ",")
                }
                #expect(buckets == expected, comment)
            }
        }
    }

    /// With ORDER BY and LIMIT only the first groups are found and handed over; the rows are the same, whatever stands behind
    /// the number of events.
    @Test func whatIsRankedWithinTheEngineIsWhatSQLiteRanks() throws {
        let seed = UInt64.random(in: 0...UInt64.max)
        print("CountingTableTests seed \(seed)")
        var generator = SeededGenerator(seed: seed)
        for _ in 0..<6 {
            let scene = try Self.scene(&generator)
            for grouping in [Grouping.path, .exe, .op] {
                let all =
                    "WITH all_of_them AS MATERIALIZED (SELECT name, events FROM event_group WHERE by = '\(grouping)')"
                for order in [
                    "events DESC, name", "events DESC, name DESC", "events, name", "name", "events DESC, hex(name)",
                ] {
                    let limit =
                        "LIMIT \(Int.random(in: 0...5, using: &generator)) OFFSET \(Int.random(in: 0...3, using: &generator))"
                    let tail = "ORDER BY \(order) \(limit)"
                    let found = try Self.rows(
                        scene, "SELECT name, events FROM event_group WHERE by = '\(grouping)' \(tail)")
                    let expected = try Self.rows(scene, "\(all) SELECT name, events FROM all_of_them \(tail)")
                    #expect(found == expected, "seed \(seed): \(grouping) \(tail)")
                }
            }
            let found = try Self.rows(
                scene, "SELECT name, events FROM event_group WHERE op = 'modify' ORDER BY events DESC, name LIMIT 4")
            let expected = try Self.rows(
                scene,
                "SELECT path, count(*) FROM event WHERE op MATCH 'modify' GROUP BY path ORDER BY count(*) DESC, path LIMIT 4"
            )
            #expect(found == expected, "seed \(seed)")
        }
    }

    /// Of many paths in many blocks only those that may be among the first are named, with all that tie with the last.
    @Test func tiesOfManyPathsAreAllFound() throws {
        let seed = UInt64.random(in: 0...UInt64.max)
        print("CountingTableTests seed \(seed)")
        var generator = SeededGenerator(seed: seed)
        let scene = try StoreScene(from: 0)
        var clock = 0.0
        for block in 0..<7 {
            var paths: [String?] = (0..<80).map { _ in "/tail/\(Int.random(in: 0..<60, using: &generator))" }
            for number in 0..<6 {
                paths += Array(repeating: "/own/\(block)/\(number)", count: Int.random(in: 4...7, using: &generator))
            }
            paths +=
                Array(repeating: "/everywhere", count: Int.random(in: 0...2, using: &generator)) + [
                    nil, "bare", "bare",
                ]
            try scene.append(
                paths.shuffled(using: &generator).map { path in
                    clock += 1
                    return RecordedEvent(clock, .modify, path)
                })
        }
        for limit in [1, 3, 10, 30, 200] {
            for order in ["events DESC, name", "events DESC, name DESC"] {
                let tail = "ORDER BY \(order) LIMIT \(limit)"
                let found = try Self.rows(scene, "SELECT name, events FROM event_group \(tail)")
                let expected = try Self.rows(
                    scene, "SELECT path AS name, count(*) AS events FROM event GROUP BY path \(tail)")
                #expect(found == expected, "seed \(seed): \(tail)")
            }
        }
        // Where not all groups can be told apart it is said, but only as far as it matters.
        let reader = try StoreReader(directory: scene.directory)
        let all = try TopGroups(.path, in: reader, .all, maximumByteCount: 3_000) { Scan(reader, Selection()) }
        #expect(all.beyondCount > 0 && all.doubt != nil)
    }

    private static func explained(_ scene: StoreScene, _ query: String) throws -> String {
        try scene.ask(.csv) { try SQLAnswer($0, query: Array(query.utf8), explains: true).run() }.messages
            .joined(separator: "\n")
    }

    @Test func thePlanSaysWhatNarrows() throws {
        var generator = SeededGenerator(seed: 3)
        let scene = try Self.scene(&generator)
        func plan(_ rest: String) throws -> String { try Self.explained(scene, "SELECT seq FROM event \(rest)") }
        let nothing = try plan("WHERE path GLOB '*zzzz'")
        #expect(nothing.contains("event: nothing pushed down; 0 of 5 blocks skipped"), "\(nothing)")
        let some = try plan("WHERE path GLOB '*zzzz' AND pid = 10 AND path GLOB '/none/*'")
        // SQLite makes a range of the pattern as well.
        #expect(some.contains("pushed down pid = 10, path >= '/none/'"), "\(some)")
        #expect(some.contains("path GLOB '/none/*';") && !some.contains("zzzz"), "\(some)")
        let limited = try plan("WHERE pid = 10 LIMIT 3")
        #expect(limited.contains("pushed down pid = 10, LIMIT 3;") && limited.contains("; 3 rows"), "\(limited)")
        let last = try plan("ORDER BY seq DESC LIMIT 2 OFFSET 1")
        #expect(
            last.contains("LIMIT 2") && last.contains("OFFSET 1") && last.contains("4 of 5 blocks skipped"), "\(last)")
        // What SQLite is left to check it may not be limited before.
        let checked = try plan("WHERE path GLOB '/srv/*' LIMIT 3")
        #expect(checked.contains("path GLOB '/srv/*';") && !checked.contains("LIMIT"), "\(checked)")
    }

    @Test func onlyTheFirstGroupsAreHandedOver() throws {
        var generator = SeededGenerator(seed: 3)
        let scene = try Self.scene(&generator)
        func explained(_ query: String) throws -> String { try Self.explained(scene, query) }
        let ranked = try explained(
            "SELECT name, events AS n FROM event_group WHERE by = 'path' ORDER BY n DESC LIMIT 2")
        #expect(ranked.contains("LIMIT 2, ORDER BY events DESC") && ranked.contains("; 2 rows"), "\(ranked)")
        let filtered = try explained(
            "SELECT name FROM event_group WHERE by = 'path' AND name GLOB '/srv/*' ORDER BY events DESC LIMIT 2")
        #expect(!filtered.contains("LIMIT"), "\(filtered)")
        let inOrder = try explained("SELECT time FROM event_histogram WHERE every = '10s' ORDER BY time DESC LIMIT 2")
        #expect(inOrder.contains("LIMIT 2, ORDER BY time DESC") && inOrder.contains("; 2 rows"), "\(inOrder)")
        let times = try Self.rows(scene, "SELECT time FROM event_histogram WHERE every = '10s'")
        #expect(
            try Self.rows(scene, "SELECT time FROM event_histogram WHERE every = '10s' ORDER BY time DESC")
                == times.reversed())
    }
}
