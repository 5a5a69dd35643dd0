/// Why a span of time was refused.
package struct TimeSpanError: Error, CustomStringConvertible {
    package var reason: String

    package var description: String {
        reason
    }
}

/// Reads spans such as `1h30m`, `1.5h`, `250ms`, `2 days`.
package enum TimeSpan {
    /// The span in nanoseconds, more than zero. For options such as `--every`.
    ///
    /// Parameter needsUnit: where a number alone is refused, since who leaves out the unit of an age hardly means seconds.
    package static func parse(_ text: String, needsUnit: Bool = false) throws(TimeSpanError) -> Int64 {
        var scanner = TimeScanner(text)
        let span = try parse(&scanner, needsUnit: needsUnit)
        scanner.skipSpaces()
        guard scanner.isAtEnd else { throw TimeSpanError(reason: "'\(scanner.rest)' is not understood in '\(text)'") }
        guard span > 0 else { throw TimeSpanError(reason: "the span '\(text)' is empty") }
        return span
    }

    /// The span as it would be typed: `1h30m`. Units of `nanoseconds`: at least 1.
    package static func text(_ nanoseconds: Int64) -> String {
        var rest = nanoseconds
        var text = ""
        for (length, unit) in [
            (86_400_000_000_000, "d"), (3_600_000_000_000, "h"), (60_000_000_000, "m"), (1_000_000_000, "s"),
            (1_000_000, "ms"), (1_000, "us"), (1, "ns"),
        ] as [(Int64, String)] where rest >= length {
            text += "\(rest / length)\(unit)"
            rest %= length
        }
        return text
    }

    /// Reads as many `NUMBER UNIT` pairs as there are, at least one. A last number without a unit counts seconds.
    package static func parse(_ scanner: inout TimeScanner, needsUnit: Bool = false) throws(TimeSpanError) -> Int64 {
        var total: Int64 = 0
        var isFirst = true
        while true {
            scanner.skipSpaces()
            guard let whole = scanner.takeNumber() else {
                if isFirst { throw TimeSpanError(reason: "a span is a number with a unit, as in 10m") }
                return total
            }
            isFirst = false
            let fraction = scanner.takeFraction() ?? 0
            scanner.skipSpaces()
            let unit = try takeUnit(&scanner, isNeeded: needsUnit)
            let (nanoseconds, overflow) = whole.multipliedReportingOverflow(by: unit)
            // The fraction counts billionths of the unit; a unit is at most 3.2e16 ns, so divide before multiplying.
            let part = Double(fraction) / 1e9 * Double(unit)
            let (sum, carry) = total.addingReportingOverflow(nanoseconds)
            let (value, second) = sum.addingReportingOverflow(Int64(part.rounded()))
            guard !overflow, !carry, !second else { throw TimeSpanError(reason: "the span is longer than 292 years") }
            total = value
        }
    }

    private static func takeUnit(_ scanner: inout TimeScanner, isNeeded: Bool) throws(TimeSpanError) -> Int64 {
        let beforeUnit = scanner
        guard let word = scanner.takeUnitWord() else {
            if isNeeded { throw TimeSpanError(reason: "a span is a number with a unit, as in 30d, 12h, 10m or 5s") }
            return 1_000_000_000
        }
        switch word {
        case "ns", "nsec", "nanosecond", "nanoseconds": return 1
        case "us", "µs", "μs", "usec", "microsecond", "microseconds": return 1_000
        case "ms", "msec", "millisecond", "milliseconds": return 1_000_000
        case "s", "sec", "secs", "second", "seconds": return 1_000_000_000
        case "m", "min", "mins", "minute", "minutes": return 60_000_000_000
        case "h", "hr", "hrs", "hour", "hours": return 3_600_000_000_000
        case "d", "day", "days": return 86_400_000_000_000
        case "w", "week", "weeks": return 604_800_000_000_000
        // As systemd.time(7) has them: 30.44 and 365.25 days.
        case "M", "month", "months": return 2_630_016_000_000_000
        case "y", "year", "years": return 31_557_600_000_000_000
        case "ago", "left":
            scanner = beforeUnit
            return 1_000_000_000
        default: throw TimeSpanError(reason: "'\(word)' is no unit of time (ns, us, ms, s, m, h, d, w, month, y)")
        }
    }
}
