package import Model

/// What a relative time expression is relative to.
package struct TimeContext: Sendable {
    package var now: Instant
    /// When the machine was started; nil where that is not known.
    package var boot: Instant?
    /// The zone of times that name none.
    package var zone: TimeZoneRule

    package init(now: Instant, boot: Instant?, zone: TimeZoneRule) {
        self.now = now
        self.boot = boot
        self.zone = zone
    }
}

/// Why a time was refused.
package struct TimeError: Error, CustomStringConvertible {
    package var text: String
    package var reason: String

    package var description: String {
        """
        cannot read the time '\(text)': \(reason). Accepted are \
        2026-11-23T13:00:00.5Z, 2026-11-23T13:00+01:00, '2026-11-23 13:00', 2026-11-23, 13:00, \
        @1795305600.25, -10m, -1h30m, +5min, '2h ago', now, today, yesterday, tomorrow and boot
        """
    }
}

/// Reads the times of `--since`, `--until` and their like.
///
/// Accepted, beside what `TimeError` lists: a day word with a time (`yesterday 14:30`), a weekday name before a date,
/// `UTC` or `GMT` after a time, the basic form `20261123T130000Z`, fractions of up to nine digits with `.` or `,`
/// (further digits are dropped). A time without a zone is local.
package struct TimeExpression {
    private let text: String
    private let context: TimeContext

    private init(_ text: String, context: TimeContext) {
        self.text = text
        self.context = context
    }

    /// The moment that `text` names.
    ///
    /// Throws: `TimeError`, whose text lists the accepted forms.
    package static func parse(_ text: String, context: TimeContext) throws(TimeError) -> Instant {
        try TimeExpression(text, context: context).parse()
    }

    private func parse() throws(TimeError) -> Instant {
        var scanner = TimeScanner(text)
        scanner.skipSpaces()
        switch scanner.peek {
        case nil: throw refused("it is empty")
        case UInt8(ascii: "@"):
            scanner.skip()
            return try epoch(&scanner)
        case UInt8(ascii: "-"), UInt8(ascii: "+"):
            return try offset(&scanner)
        default: break
        }
        if let word = scanner.takeWord() {
            return try named(word, &scanner)
        }
        if scanner.looksLikeSpan { return try ago(&scanner) }
        return try calendar(&scanner)
    }

    private func refused(_ reason: String) -> TimeError {
        TimeError(text: text, reason: reason)
    }

    private func end(_ scanner: inout TimeScanner) throws(TimeError) {
        scanner.skipSpaces()
        guard scanner.isAtEnd else { throw refused("'\(scanner.rest)' is not understood") }
    }

    /// `@1795305600.25`.
    private func epoch(_ scanner: inout TimeScanner) throws(TimeError) -> Instant {
        let isNegative = scanner.take(UInt8(ascii: "-"))
        guard let seconds = scanner.takeNumber(), seconds <= 9_223_372_035 else {
            throw refused("after @ stand seconds since 1970")
        }
        let fraction = scanner.takeFraction() ?? 0
        try end(&scanner)
        let value = seconds * 1_000_000_000 + Int64(fraction)
        return Instant(nanosecondsSinceEpoch: isNegative ? -value : value)
    }

    /// `-1h30m`, `+5min`.
    private func offset(_ scanner: inout TimeScanner) throws(TimeError) -> Instant {
        let isNegative = scanner.peek == UInt8(ascii: "-")
        scanner.skip()
        let span = try self.span(&scanner)
        try end(&scanner)
        return context.now.advanced(byNanoseconds: isNegative ? -span : span)
    }

    /// `2h 30m ago`, `5min left`.
    private func ago(_ scanner: inout TimeScanner) throws(TimeError) -> Instant {
        let span = try self.span(&scanner)
        scanner.skipSpaces()
        switch scanner.takeWord() {
        case "ago": break
        case "left":
            try end(&scanner)
            return context.now.advanced(byNanoseconds: span)
        default: throw refused("a span needs a sign before it or 'ago' after it")
        }
        try end(&scanner)
        return context.now.advanced(byNanoseconds: -span)
    }

    private func span(_ scanner: inout TimeScanner) throws(TimeError) -> Int64 {
        do throws(TimeSpanError) {
            return try TimeSpan.parse(&scanner)
        } catch {
            throw refused(error.reason)
        }
    }

    /// A word: a day, a moment, or the weekday before a date.
    private func named(_ word: String, _ scanner: inout TimeScanner) throws(TimeError) -> Instant {
        switch word {
        case "now":
            try end(&scanner)
            return context.now
        case "boot":
            try end(&scanner)
            guard let boot = context.boot else { throw refused("when this machine was started is not known") }
            return boot
        case "today": return try day(shiftedBy: 0, &scanner)
        case "yesterday": return try day(shiftedBy: -1, &scanner)
        case "tomorrow": return try day(shiftedBy: 1, &scanner)
        default: break
        }
        let weekdays = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"]
        let full = ["sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"]
        guard let weekday = weekdays.firstIndex(of: word) ?? full.firstIndex(of: word) else {
            throw refused("'\(word)' is no word for a time")
        }
        _ = scanner.take(UInt8(ascii: ","))
        scanner.skipSpaces()
        let date = scanner
        let instant = try calendar(&scanner)
        var again = date
        if let parts = again.takeDate(), parts.weekday != weekday {
            throw refused("that date is a \(full[parts.weekday])")
        }
        return instant
    }

    private func day(shiftedBy days: Int64, _ scanner: inout TimeScanner) throws(TimeError) -> Instant {
        let today = context.zone.civilTime(at: context.now)
        let moved = CivilTime(secondsSinceEpoch: (today.daysSinceEpoch + days) * 86_400)
        return try timeOfDay(on: moved, &scanner)
    }

    /// A date, a time of today, or a date with a time.
    private func calendar(_ scanner: inout TimeScanner) throws(TimeError) -> Instant {
        if let date = scanner.takeDate() {
            return try timeOfDay(on: date, &scanner)
        }
        guard scanner.looksLikeClock else { throw refused("'\(scanner.rest)' is not understood") }
        return try timeOfDay(on: context.zone.civilTime(at: context.now), &scanner)
    }

    private func timeOfDay(on date: CivilTime, _ scanner: inout TimeScanner) throws(TimeError) -> Instant {
        var time = CivilTime(year: date.year, month: date.month, day: date.day)
        let needsTime = scanner.skipDateSeparator()
        var zone = context.zone
        if needsTime || !scanner.isAtEnd {
            if needsTime || scanner.peekIsDigit {
                guard scanner.takeClock(into: &time) else { throw refused("a time of day is HH:MM or HH:MM:SS") }
            }
            scanner.skipSpaces()
            if let named = scanner.takeZone() { zone = named }
        }
        try end(&scanner)
        guard time.isValid else { throw refused("there is no such date or time of day") }
        guard let instant = zone.instant(of: time) else { throw refused("it is out of range (1678 to 2261)") }
        return instant
    }
}
