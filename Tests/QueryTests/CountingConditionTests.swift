import Model
import TestSupport
import Testing

@testable import Query
@testable import SQLTables

/// What the tables that count do with conditions, joins, damage and interrupts.
@Suite struct CountingConditionTests {
    private static func scene() throws -> StoreScene {
        var generator = SeededGenerator(seed: 7)
        return try CountingTableTests.scene(&generator)
    }

    /// SQLite could not check these against a row that was counted already, so nothing is answered.
    @Test(arguments: [
        "pid > 5", "pid <> 5", "pid + 0 = 10", "pid IS 10", "pid IS NULL", "pid IS NOT NULL", "NOT pid = 10",
        "pid = 10 OR op = 'modify'",
        "(pid = 10 AND op = 'modify') OR (pid = 11 AND op = 'create')", "pid = 10 AND (pid = 11 OR under = '/srv')",
        "path GLOB '/srv/*'", "path LIKE '/srv/%'", "under >= '/srv/' AND under < '/srv0'",
        "under = '/srv' COLLATE NOCASE",
        "op MATCH 'modify'", "op LIKE '%modify%'", "since >= '2026-11-23'", "since BETWEEN 1 AND 2",
        "pid NOT IN (10, 11)", "length(path) > 3", "CASE WHEN pid = 10 THEN 1 END",
    ])
    func whatNobodyCouldCheckIsRefused(_ condition: String) throws {
        let scene = try Self.scene()
        for table in ["event_count", "event_group", "event_histogram"] {
            let answer = try refusal(scene, "SELECT events FROM \(table) WHERE \(condition)")
            #expect(answer.contains(table), "\(condition): \(answer)")
            #expect(answer.contains(" = VALUE"), "\(condition): \(answer)")
        }
    }

    /// Nor can an argument that was not given be read.
    @Test(arguments: [
        "SELECT pid FROM event_count", "SELECT events FROM event_count ORDER BY pid",
        "SELECT sum(events) FROM event_group GROUP BY by",
    ])
    func anArgumentIsNoColumn(_ query: String) throws {
        let text = try refusal(Self.scene(), query)
        #expect(text.contains("is an argument of"), "\(query): \(text)")
    }

    @Test(arguments: [
        ("SELECT * FROM event_count WHERE op = 'modfy'", "unknown operation 'modfy'"),
        ("SELECT * FROM event_count WHERE since = 'x'", "cannot read the time 'x'"),
        ("SELECT * FROM event_count WHERE since = '2026-11-24' AND until = '2026-11-23'", "since must be before"),
        ("SELECT * FROM event_count WHERE pid = 'x'", "'x' is no process number"),
        ("SELECT * FROM event_count WHERE pid = 1.5", "'1.5' is no process number"),
        ("SELECT * FROM event_count WHERE user = x'ff'", "user is no text"),
        ("SELECT * FROM event_count WHERE overlapping = 'yes'", "overlapping is TRUE or FALSE"),
        ("SELECT * FROM event_count WHERE user = 'no such user'", "no user"),
        ("SELECT * FROM event_group WHERE by = 'paths'", "by is one of path, dir"),
        ("SELECT * FROM event_histogram WHERE every = 'long'", "event_histogram"),
        ("SELECT * FROM event_histogram WHERE every = '1ns'", "choose a longer every"),
        ("SELECT * FROM event_histogram WHERE top = -1", "top is how many"),
        ("SELECT * FROM event_count('/nowhere', '2026-11-23', 'x')", "cannot"),
    ])
    func whatIsNoArgumentIsRefused(_ query: String, _ cause: String) throws {
        let answer = try CountingTableTests.sql(Self.scene(), query)
        #expect(answer.status == .usage || answer.status == .unreadable, "\(query)")
        #expect(answer.messages.contains { $0.contains(cause) }, "\(query): \(answer.messages)")
    }

    private func refusal(_ scene: StoreScene, _ query: String) throws -> String {
        do {
            let answer = try CountingTableTests.sql(scene, query)
            Issue.record("\(query) is answered: \(answer.text)")
            return ""
        } catch {
            return (error as? UsageError)?.description ?? "\(error)"
        }
    }

    /// What is left to SQLite is about the groups, and there it may check whatever it likes.
    @Test func conditionsOnGroupsAreOrdinaryOnes() throws {
        let scene = try Self.scene()
        let rows = try CountingTableTests.rows(
            scene, "SELECT name FROM event_group WHERE by = 'path' AND (name GLOB '/srv/*' OR events > 1000)")
        let expected = try CountingTableTests.rows(scene, "SELECT DISTINCT path FROM event WHERE path GLOB '/srv/*'")
        #expect(rows.sorted() == expected.sorted())
        let blob = try CountingTableTests.rows(
            scene,
            "SELECT typeof(name), hex(name) FROM event_group WHERE by = 'path' AND typeof(name) <> 'text' ORDER BY 1")
        #expect(blob == ["blob,2F7372762FFF41", "null,"])
        let ofBlob = try CountingTableTests.rows(scene, "SELECT events FROM event_count WHERE path = x'2F7372762FFF41'")
        #expect(
            try ofBlob == CountingTableTests.rows(scene, "SELECT count(*) FROM event WHERE path = x'2F7372762FFF41'"))
        // Nothing equals NULL, and no value is two values.
        #expect(try CountingTableTests.rows(scene, "SELECT * FROM event_count WHERE pid = NULL").isEmpty)
        #expect(try CountingTableTests.rows(scene, "SELECT * FROM event_count WHERE pid IN ()").isEmpty)
        #expect(try CountingTableTests.rows(scene, "SELECT * FROM event_count WHERE pid = 10 AND pid = 11").isEmpty)
    }

    /// The events of several values were counted together: no row has one of these values, whoever asks for it.
    @Test(arguments: [
        "SELECT pid, events FROM event_count WHERE pid IN (10, 11)",
        "SELECT max(events) FROM event_count WHERE pid IN (10, 11) GROUP BY pid",
        "SELECT events FROM event_count WHERE pid IN (10, 11) AND CASE WHEN pid = 10 THEN 1 END",
        "WITH c AS MATERIALIZED (SELECT pid, events FROM event_count WHERE pid IN (10, 11)) SELECT * FROM c WHERE pid = 11",
    ])
    func anArgumentWithSeveralValuesIsNoColumn(_ query: String) throws {
        let scene = try Self.scene()
        do {
            let answer = try CountingTableTests.sql(scene, query)
            #expect(answer.status != .found && answer.lines.count <= 1, "\(query): \(answer.text)")
        } catch {
            #expect("\(error)".contains("pid"), "\(query): \(error)")
        }
    }

    /// Which of the two is read first is SQLite's choice; a condition between them is never held against a counted row.
    @Test(arguments: ["JOIN", "CROSS JOIN"]) func aListBesideAJoinIsOneAnswerForEach(_ join: String) throws {
        let scene = try Self.scene()
        let pids = "(SELECT 10 AS pid UNION ALL SELECT 11 UNION ALL SELECT 12)"
        let rows = try CountingTableTests.rows(
            scene,
            "SELECT p.pid, c.events FROM \(pids) p \(join) event_count c ON c.pid = p.pid WHERE c.pid IN (10, 11) ORDER BY 1"
        )
        let expected = try [10, 11].map { pid in
            try "\(pid),"
                + (CountingTableTests.rows(scene, "SELECT events FROM event_count WHERE pid = \(pid)").first ?? "")
        }
        #expect(rows == expected)
    }

    /// Alternatives of arguments are refused. Where SQLite hides from the table that they are (it was asked about the same columns
    /// before, in a statement that never ran), each is a row of its own and none is lost.
    @Test func alternativesAreRefusedOrRowsOfTheirOwn() throws {
        let scene = try Self.scene()
        let either =
            "SELECT events FROM event_count WHERE ((pid = 10 AND op = 'modify') OR (pid = 11 AND op = 'create')) AND events > 0"
        let one = "SELECT events FROM event_count WHERE pid = 10 AND op = 'modify' AND events > 0"
        let other = "SELECT events FROM event_count WHERE pid = 11 AND op = 'create' AND events > 0"
        let connection = try QueryConnection(SQLSession(defaultStore: scene.directory))
        func rows(_ statement: QueryStatement) throws -> [SQLValue] {
            var rows: [SQLValue] = []
            while try statement.step() { rows.append(statement.value(0)) }
            return rows
        }
        let ran = try connection.prepare(Array(one.utf8))
        let expected = try rows(ran) + rows(connection.prepare(Array(other.utf8)))
        #expect(throws: SQLTableError.self) { try connection.prepare(Array(either.utf8)) }
        let waiting = try connection.prepare(Array(one.utf8))
        #expect(try rows(connection.prepare(Array(either.utf8))) == expected)
        #expect(try rows(waiting).count == 1)
    }

    @Test func joinsCountForEachRowOfTheOther() throws {
        let scene = try Self.scene()
        let expected = try CountingTableTests.rows(
            scene,
            "SELECT pid, count(*) FROM event WHERE pid IS NOT NULL AND op MATCH 'modify' GROUP BY pid ORDER BY pid")
        for order in [
            "p JOIN event_count c ON c.pid = p.pid", "event_count c JOIN p ON p.pid = c.pid", "p, event_count c",
        ] {
            let found = try CountingTableTests.rows(
                scene,
                "WITH p AS MATERIALIZED (SELECT DISTINCT pid FROM event) SELECT p.pid, c.events FROM \(order) "
                    + "WHERE c.op = 'modify' AND c.pid = p.pid AND c.events > 0 ORDER BY 1")
            #expect(found == expected, "\(order)")
        }
        // A process that is not known has no number, so nothing is counted for it.
        let outer = try CountingTableTests.rows(
            scene,
            "WITH p AS MATERIALIZED (SELECT DISTINCT pid FROM event) SELECT count(*), count(c.events) FROM p LEFT JOIN event_count c "
                + "ON c.pid = p.pid")
        #expect(outer == ["4,3"])
        let both = try CountingTableTests.rows(
            scene,
            "SELECT a.name, a.events, b.events FROM event_group a JOIN event_group b ON b.name = a.name "
                + "WHERE a.by = 'path' AND b.by = 'path' AND b.op = 'modify' AND a.op = 'modify' ORDER BY a.name")
        let once = try CountingTableTests.rows(
            scene, "SELECT name, events, events FROM event_group WHERE op = 'modify' AND name IS NOT NULL ORDER BY name"
        )
        #expect(both == once)
        // Each value of what is no list is a question of its own.
        let groupings = try CountingTableTests.rows(
            scene, "SELECT by, sum(events) FROM event_group WHERE by IN ('exe', 'path') GROUP BY by ORDER BY by")
        #expect(groupings == ["exe,\(scene.events.count)", "path,\(scene.events.count)"])
        // An argument in its place is one given by name.
        let named = try CountingTableTests.rows(scene, "SELECT name, events FROM event_group WHERE by = 'exe'")
        let placed = try CountingTableTests.rows(
            scene,
            "SELECT name, events FROM event_group('\(String(decoding: scene.directory.bytes, as: UTF8.self))', 'exe')")
        #expect(named == placed)
    }

    @Test func damageIsNamedAndTheRestIsCounted() throws {
        let scene = try DamageTests.damagedScene()
        for (query, expected) in [
            // Counting all takes no look into a block that lies within the range, so only this meets the damage.
            ("SELECT events FROM event_count WHERE path = 'file*'", "80"),
            ("SELECT sum(events) FROM event_group WHERE by = 'dir'", "80"),
            ("SELECT sum(events) FROM event_histogram", "80"),
        ] {
            let answer = try CountingTableTests.sql(scene, query)
            #expect(answer.status == .unreadable, "\(query)")
            #expect(answer.messages.contains { $0.contains("events 41 to 80") }, "\(query): \(answer.messages)")
            #expect(CountingTableTests.rows(answer) == [expected], "\(query)")
            // Where nobody reads notes it is an error.
            let connection = try QueryConnection(SQLSession(defaultStore: scene.directory))
            let statement = try connection.prepare(Array(query.utf8))
            let error = #expect(throws: SQLTableError.self) { try statement.step() }
            // Of an extended code a connection gives the least byte.
            #expect(error?.code == SQLTableError.corruptTable & 0xFF)
        }
    }

    @Test func anInterruptEndsTheCounting() throws {
        let scene = try Self.scene()
        for kind in [CountTable.kind, GroupTable.kind, HistogramTable.kind] {
            let session = SQLSession(defaultStore: scene.directory)
            var checkCount = 0
            session.setInterruptCheck {
                checkCount += 1
                return checkCount > 2
            }
            let request = FilterRequest(store: scene.directory, conditions: [], isReversed: false, usedColumns: .max)
            let error = #expect(throws: SQLTableError.self) { try kind.makeCursor(session).start(request) }
            #expect(error?.description == SQLTableError.interrupted.description, "\(kind.name)")
            #expect(checkCount == 3)
        }
    }

    /// What is missing is said as the verbs say it, of every table that was asked.
    @Test func whatWasNotRecordedIsSaid() throws {
        let scene = try Self.scene()
        try scene.stop(at: 2_000)
        for (condition, isWhole) in [
            ("since = '2026-11-23'", true), ("since = '2026-11-20'", false), ("until = '2027-01-01'", false),
        ] {
            let answer = try CountingTableTests.sql(scene, "SELECT events FROM event_count WHERE \(condition)")
            #expect((answer.status == .incomplete) == !isWhole, "\(condition): \(answer.messages)")
        }
        let two = try CountingTableTests.sql(
            scene,
            "SELECT events FROM event_count WHERE since = '2026-11-23' UNION ALL SELECT events FROM event_count WHERE since = '2026-11-20'"
        )
        #expect(two.status == .incomplete)
    }

    /// Operations that were left out are missing from whichever part of the statement asks for them.
    @Test func operationsThatWereNotRecordedAreSaid() throws {
        let scene = try StoreScene(from: 0, operations: [.create, .modify])
        try scene.append([RecordedEvent(1, .create, "/srv/a"), RecordedEvent(2, .modify, "/srv/a")])
        try scene.stop(at: 10)
        let (recorded, other) = ("SELECT events FROM event_count WHERE op = 'create'", "op = 'access'")
        #expect(try CountingTableTests.sql(scene, recorded).status == .found)
        for query in [
            "SELECT events FROM event_count WHERE \(other)",
            "\(recorded) UNION ALL SELECT events FROM event_count WHERE \(other)",
            "\(recorded) UNION ALL SELECT 1 FROM event WHERE op MATCH 'access'",
        ] {
            let answer = try CountingTableTests.sql(scene, query)
            #expect(answer.status == .incomplete, "\(query)")
            #expect(answer.messages.contains { $0.contains("access was not recorded") }, "\(query): \(answer.messages)")
        }
    }
}
