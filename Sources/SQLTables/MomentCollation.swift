internal import Model
internal import Query

/// How moments in SQL are read and compared: as moments, however they are written.
///
/// A moment is an RFC 3339 text in whatever precision and zone, a date, what SQLite's own datetime() gives, `@SECONDS`, or
/// nanoseconds since 1970 as an integer. Without a zone it is UTC, as everywhere in SQLite. Nothing in it is relative to
/// now: a collation must always order alike.
enum MomentCollation {
    static let name = "varve_moment"

    /// The moment that `text` names; nil where it names none.
    static func parse(_ text: [UInt8]) -> Instant? {
        if isCanonical(text[...]) { return canonical(text) }
        guard let first = text.first, text.count <= 64 else { return nil }
        let digits = first == UInt8(ascii: "-") ? text.dropFirst() : text[...]
        if !digits.isEmpty, digits.allSatisfy(isDigit), text.count != 8 {
            return Int64(String(decoding: text, as: UTF8.self)).map { Instant(nanosecondsSinceEpoch: $0) }
        }
        let startsWithYear = text.count >= 8 && text.prefix(4).allSatisfy(isDigit)
        guard first == UInt8(ascii: "@") || startsWithYear else { return nil }
        let context = TimeContext(now: Instant(nanosecondsSinceEpoch: 0), boot: nil, zone: .utc)
        return try? TimeExpression.parse(String(decoding: text, as: UTF8.self), context: context)
    }

    /// Negative, zero or positive as the left one stands before, beside or behind the right one; what is no moment stands
    /// behind all that are, in the order of its bytes.
    static func compare(_ left: [UInt8], _ right: [UInt8]) -> Int32 {
        if left == right { return 0 }
        // Texts of this program's own making have one form, in which the order of bytes is that of time.
        if isCanonical(left[...]), isCanonical(right[...]) { return left.lexicographicallyPrecedes(right) ? -1 : 1 }
        switch (parse(left), parse(right)) {
        case (let left?, let right?): return left < right ? -1 : left == right ? 0 : 1
        case (_?, nil): return -1
        case (nil, _?): return 1
        case (nil, nil): return left.lexicographicallyPrecedes(right) ? -1 : 1
        }
    }

    private static func isDigit(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
    }

    private static let pattern = Array("0000-00-00T00:00:00.000000000Z".utf8)

    /// True for `2026-11-23T13:00:00.123456789Z`.
    private static func isCanonical(_ text: ArraySlice<UInt8>) -> Bool {
        text.count == pattern.count
            && zip(text, pattern).allSatisfy { $1 == UInt8(ascii: "0") ? isDigit($0) : $0 == $1 }
    }

    private static func canonical(_ text: [UInt8]) -> Instant? {
        func number(_ range: Range<Int>) -> Int { text[range].reduce(0) { $0 * 10 + Int($1) - 0x30 } }
        var time = CivilTime(year: Int64(number(0..<4)), month: number(5..<7), day: number(8..<10))
        time.hour = number(11..<13)
        time.minute = number(14..<16)
        time.second = number(17..<19)
        time.nanosecond = number(20..<29)
        return time.isValid ? TimeZoneRule.utc.instant(of: time) : nil
    }
}
