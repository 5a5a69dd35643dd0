import Model
import Testing

@testable import Query

@Suite struct TimeExpressionTests {
    /// Monday 2026-11-23 12:00:00.5 UTC.
    static let now = Instant(nanosecondsSinceEpoch: 1_795_435_200_500_000_000)
    static let second: Int64 = 1_000_000_000

    static func parse(_ text: String, zone: TimeZoneRule = .utc) throws -> Int64 {
        let context = TimeContext(now: now, boot: now.advanced(byNanoseconds: -3_600 * second), zone: zone)
        return try TimeExpression.parse(text, context: context).nanosecondsSinceEpoch
    }

    @Test(arguments: [
        ("2026-11-23T12:00:00.5Z", 1_795_435_200_500_000_000),
        ("2026-11-23T12:00:00,5Z", 1_795_435_200_500_000_000),
        ("2026-11-23 12:00:00.123456789 UTC", 1_795_435_200_123_456_789),
        ("2026-11-23 12:00:00.1234567899 UTC", 1_795_435_200_123_456_789),
        ("2026-11-23t12:00:00z", 1_795_435_200_000_000_000),
        ("2026-11-23T13:00+01:00", 1_795_435_200_000_000_000),
        ("2026-11-23T06:30:00-0530", 1_795_435_200_000_000_000),
        ("2026-11-23T14:00:00+02", 1_795_435_200_000_000_000),
        ("20261123T120000Z", 1_795_435_200_000_000_000),
        ("2026-11-23 12:00", 1_795_435_200_000_000_000),
        ("2026-11-23", 1_795_392_000_000_000_000),
        ("20261123", 1_795_392_000_000_000_000),
        ("Mon 2026-11-23", 1_795_392_000_000_000_000),
        ("Monday, 2026-11-23 12:00", 1_795_435_200_000_000_000),
        ("12:00", 1_795_435_200_000_000_000),
        ("9:05:01.25", 1_795_424_701_250_000_000),
        ("now", 1_795_435_200_500_000_000),
        ("NOW", 1_795_435_200_500_000_000),
        ("today", 1_795_392_000_000_000_000),
        ("yesterday", 1_795_305_600_000_000_000),
        ("tomorrow", 1_795_478_400_000_000_000),
        ("yesterday 14:30", 1_795_357_800_000_000_000),
        ("boot", 1_795_431_600_500_000_000),
        ("@1795435200", 1_795_435_200_000_000_000),
        ("@1795435200.25", 1_795_435_200_250_000_000),
        ("@0", 0),
        ("@-1.5", -1_500_000_000),
        ("-10m", 1_795_434_600_500_000_000),
        ("-1h30m", 1_795_429_800_500_000_000),
        ("+5min", 1_795_435_500_500_000_000),
        ("-90", 1_795_435_110_500_000_000),
        ("-1.5h", 1_795_429_800_500_000_000),
        ("-250ms", 1_795_435_200_250_000_000),
        ("- 2 days", 1_795_262_400_500_000_000),
        ("2h 30m ago", 1_795_426_200_500_000_000),
        ("1week ago", 1_794_830_400_500_000_000),
        ("5min left", 1_795_435_500_500_000_000),
        // A leap day, a leap second, and years before 1970.
        ("2024-02-29", 1_709_164_800_000_000_000),
        ("2016-12-31T23:59:60Z", 1_483_228_800_000_000_000),
        ("1969-12-31T23:59:59Z", -1_000_000_000),
        ("1700-03-01", -8_515_238_400_000_000_000),
    ])
    func readsByTable(text: String, expected: Int64) throws {
        #expect(try Self.parse(text) == expected)
    }

    @Test(arguments: [
        "", " ", "nonsense", "2026-13-01", "2026-02-29", "2026-11-23T24:00", "2026-11-23T12:60", "12", "@", "@x", "-",
        "-10q", "10m", "2026-11-23T12:00+25:00", "2026-11-23 12:00 MEZ", "Tue 2026-11-23", "2026-11-23T12:00Zz",
        "@99999999999", "3000-01-01", "1500-01-01", "-99999999999999999y", "20261123T", "0x10", "12:0",
        "today yesterday",
    ])
    func refusesByTable(text: String) {
        #expect(throws: TimeError.self, "\(text)") { try Self.parse(text) }
    }

    @Test func aRefusalListsWhatIsAccepted() {
        let error = #expect(throws: TimeError.self) { try Self.parse("soon") }
        let text = error.map { "\($0)" } ?? ""
        for form in ["2026-11-23T13:00:00.5Z", "@1795305600.25", "-1h30m", "yesterday", "boot", "'soon'"] {
            #expect(text.contains(form))
        }
    }

    @Test func zonesShiftWhatNamesNone() throws {
        #expect(try Self.parse("2026-11-23 13:00", zone: .fixed(3_600)) == 1_795_435_200_000_000_000)
        #expect(try Self.parse("today", zone: .fixed(-43_200)) == 1_795_435_200_000_000_000)
        #expect(try Self.parse("2026-11-23T12:00:00Z", zone: .fixed(3_600)) == 1_795_435_200_000_000_000)
    }

    @Test func theLocalZoneGoesThereAndBack() {
        for second in stride(from: Int64(1_700_000_000), to: 1_900_000_000, by: 7_654_321) {
            let instant = Instant(nanosecondsSinceEpoch: second * Self.second)
            let shown = TimeZoneRule.local.civilTime(at: instant)
            #expect(TimeZoneRule.local.instant(of: shown) == instant)
        }
    }

    @Test func civilDatesGoThereAndBackOverFourCenturies() {
        var previous = CivilTime(secondsSinceEpoch: -86_400 * 100_001)
        for day in Int64(-100_000)...100_000 {
            let date = CivilTime(secondsSinceEpoch: day * 86_400)
            #expect(date.daysSinceEpoch == day)
            #expect(date.isValid)
            #expect((date.year, date.month, date.day) > (previous.year, previous.month, previous.day))
            previous = date
        }
    }

    @Test(arguments: [
        ("1m", 60), ("90s", 90), ("1h30m", 5_400), ("2d", 172_800), ("10", 10), ("1.5h", 5_400),
    ])
    func spansByTable(text: String, seconds: Int64) throws {
        #expect(try TimeSpan.parse(text) == seconds * Self.second)
    }

    @Test(arguments: ["", "0", "0s", "m", "-1m", "1x", "1m ago"])
    func refusesSpans(text: String) {
        #expect(throws: TimeSpanError.self) { try TimeSpan.parse(text) }
    }

    /// An age of 30 hardly means seconds.
    @Test func anAgeHasAUnit() throws {
        for text in ["30", "30 ", "1h30", "1.5"] {
            #expect(throws: TimeSpanError.self, "\(text)") { try TimeSpan.parse(text, needsUnit: true) }
        }
        #expect(try TimeSpan.parse("1h30m", needsUnit: true) == 5_400 * Self.second)
    }
}
