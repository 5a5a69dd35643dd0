import Model
import TestSupport
import Testing

@testable import SQLTables

@Suite struct PushdownTests {
    private static func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }

    @Test(arguments: [
        "2026-11-28T12:00:00Z", "2026-11-28 12:00", "2026-11-28T12:00:00.000000000Z", "2026-11-28T13:00+01:00",
        "20261128T120000Z", "@1795867200", "1795867200000000000",
    ])
    func oneMomentHasManyForms(_ text: String) {
        #expect(MomentCollation.parse(Self.bytes(text))?.nanosecondsSinceEpoch == 1_795_867_200_000_000_000)
        #expect(MomentCollation.compare(Self.bytes(text), Self.bytes("2026-11-28T12:00:00.000000000Z")) == 0)
    }

    /// As bytes the first would stand behind the second.
    @Test func fractionsComeAfterTheWholeSecond() {
        #expect(MomentCollation.compare(Self.bytes("2026-11-28T12:00:00Z"), Self.bytes("2026-11-28T12:00:00.5Z")) < 0)
    }

    @Test(arguments: ["", "now", "-10m", "12:00", "2026-13-40", "garbage", "99999999999999999999"])
    func whatIsNoMomentStandsBehindAllThatAre(_ text: String) {
        #expect(MomentCollation.parse(Self.bytes(text)) == nil)
        #expect(MomentCollation.compare(Self.bytes(text), Self.bytes("2026-11-28")) > 0)
    }

    @Test func garbageIsRefusedWhereItIsPushedDown() {
        var bounds = MomentBounds()
        #expect(throws: SQLTableError.self) { try bounds.narrow(.less, .text("garbage")) }
    }

    @Test func integersAreComparedAsSQLiteDoesIt() {
        func bounds(_ op: ConditionOperator, _ value: SQLValue) -> IntegerBounds {
            var bounds = IntegerBounds()
            bounds.narrow(op, value)
            return bounds
        }
        #expect(bounds(.greater, .real(2.5)).low == 3)
        #expect(bounds(.lessOrEqual, .real(2.5)).high == 2)
        #expect(bounds(.equal, .real(2.5)).isEmpty)
        #expect(bounds(.greater, .integer(.max)).isEmpty)
        #expect(bounds(.less, .real(.infinity)) == IntegerBounds())
        #expect(bounds(.less, .real(-.infinity)).isEmpty)
        // Numbers stand before texts.
        #expect(bounds(.less, .text("x")) == IntegerBounds())
        #expect(bounds(.greater, .text("x")).isEmpty)
        #expect(bounds(.equal, .text("7")).low == 7)
        #expect(bounds(.equal, .null).isEmpty)
    }

    /// A sieve may let through too much, never too little.
    @Test func patternsMatchAtLeastWhatSQLiteMatches() throws {
        let path = Self.bytes("/srv/a b/[x]*.txt")
        #expect(try #require(PathPattern.equal(path)).matches(path))
        for pattern in ["/srv/*", "/s*t", "/srv/a?b/*", "/srv/a b/[[]x]*", "/*.txt"] {
            #expect(try #require(PathPattern.glob(Self.bytes(pattern))).matches(path), "\(pattern)")
        }
        for pattern in ["/SRV/%", "/srv/a_b/%.TXT", "/%x%"] {
            #expect(try #require(PathPattern.like(Self.bytes(pattern))).matches(path), "\(pattern)")
        }
        #expect(try #require(PathPattern.range(from: Self.bytes("/srv/"), to: Self.bytes("/srv0"))).matches(path))
        // What lies below a directory is found without names, also where the directory's own has a character of patterns.
        let below = [
            PathPattern.range(from: Self.bytes("/srv/"), to: Self.bytes("/srv0")),
            PathPattern.glob(Self.bytes("/srv/*")),
            PathPattern.range(from: Self.bytes("/srv/a b/"), to: Self.bytes("/srv/a b/~")),
        ]
        for glob in below { #expect(try #require(glob).isSubtree && #require(glob).matches(path)) }
        for pattern in ["/srv/*/", "/s?v/*", "/*", "/srv/../*", "/srv//*"] {
            #expect(try #require(PathPattern.glob(Self.bytes(pattern))).isSubtree == false, "\(pattern)")
        }
        // A path of which only the last name is known has no slash, so these could miss it.
        #expect(PathPattern.glob(Self.bytes("*.txt")) == nil)
        #expect(PathPattern.like(Self.bytes("%.txt")) == nil)
        #expect(PathPattern.range(from: Self.bytes("/a"), to: Self.bytes("/b")) == nil)
    }

    @Test func plansSurviveTheirText() throws {
        var plan = QueryPlan()
        plan.terms = [
            .init(column: 9, op: .glob), .init(column: 17, op: .equal, isList: true), .init(column: 0, op: .limit),
        ]
        plan.isReversed = true
        plan.usedColumns = 1 << 63 | 5
        #expect(try #require(QueryPlan(plan.text)) == plan)
        (plan.isReversed, plan.isRanked) = (false, true)
        #expect(try #require(QueryPlan(plan.text)) == plan)
        for text in ["", "1", "0 x", "0 1 2", "0 1 2,3,0", "0 1 a,2,0"] { #expect(QueryPlan(text) == nil, "\(text)") }
    }

    /// SQLite hands over what the column says it can use; which of it a scan uses is only known by the values.
    @Test func whatNarrowsNothingIsNotSaidToBePushedDown() {
        func narrowing(_ conditions: (EventTable.Column, ConditionOperator, SQLValue)...) -> [Int] {
            let conditions = conditions.map { Condition(column: $0.0.rawValue, op: $0.1, values: [$0.2]) }
            let kept = EventConditions.narrowing(conditions)
            return conditions.indices.filter { kept.contains(conditions[$0]) }
        }
        #expect(narrowing((.path, .glob, .text("*zzzz"))) == [])
        #expect(narrowing((.path, .glob, .text("/srv/*"))) == [0])
        #expect(narrowing((.path, .like, .text("%x")), (.pid, .equal, .integer(1))) == [1])
        // Either is of no use without the other.
        #expect(narrowing((.path, .greater, .text("/srv/"))) == [])
        #expect(narrowing((.path, .greater, .text("/srv/")), (.path, .less, .text("/srv0"))) == [0, 1])
        #expect(narrowing((.path, .greater, .text("/a")), (.path, .less, .text("/b"))) == [])
        // Two patterns are taken, those that say most, and of the path where there are some.
        #expect(
            narrowing(
                (.path, .glob, .text("/*.c")), (.path, .glob, .text("/srv/*")), (.path, .equal, .text("/srv/a.c")),
                (.target, .equal, .text("/b"))) == [1, 2])
        // A number is less than any text, and a column of texts may equal a number.
        #expect(narrowing((.seq, .less, .text("x"))) == [])
        #expect(narrowing((.seq, .less, .integer(5)), (.time, .greater, .text("2026-11-28"))) == [0, 1])
        #expect(narrowing((.exe, .equal, .integer(5))) == [])
        #expect(narrowing((.exe, .equal, .text("relative/path"))) == [])
        #expect(narrowing((.comm, .equal, .text("sh")), (.op, .match, .text("create"))) == [0, 1])
        #expect(narrowing((.uid, .equal, .integer(0)), (.uid, .equal, .integer(1))) == [1])
    }

    @Test func conditionsThatNothingMeetsReadNothing() throws {
        func isEmpty(_ column: EventTable.Column, _ op: ConditionOperator, _ value: SQLValue) throws -> Bool {
            try EventConditions(
                [Condition(column: column.rawValue, op: op, values: [value])], columns: EventTable.kind.columns
            ).isEmpty
        }
        #expect(try isEmpty(.pid, .equal, .text("x")))
        #expect(try isEmpty(.pid, .equal, .integer(1 << 40)))
        #expect(try isEmpty(.op, .equal, .text("nothing")))
        #expect(try isEmpty(.seq, .less, .integer(-1)))
        #expect(try isEmpty(.time, .less, .null))
        #expect(try !isEmpty(.pid, .equal, .integer(1)))
        #expect(throws: SQLTableError.self) { try isEmpty(.op, .match, .text("nothing")) }
    }
}
