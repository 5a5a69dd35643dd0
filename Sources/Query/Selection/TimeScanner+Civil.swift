internal import Model

extension TimeScanner {
    /// `2026-11-23` or `20261123`.
    mutating func takeDate() -> CivilTime? {
        var scanner = self
        guard let year = scanner.takeDigits(4) else { return nil }
        let isExtended = scanner.take(UInt8(ascii: "-"))
        guard let month = scanner.takeDigits(2), !isExtended || scanner.take(UInt8(ascii: "-")),
            let day = scanner.takeDigits(2), !scanner.peekIsDigit
        else { return nil }
        self = scanner
        return CivilTime(year: Int64(year), month: month, day: day)
    }

    /// `13:00`, `13:00:05.25`, `130005`, `1300`.
    mutating func takeClock(into time: inout CivilTime) -> Bool {
        guard let hour = takeDigits(2) ?? takeDigits(1) else { return false }
        time.hour = hour
        let isExtended = take(UInt8(ascii: ":"))
        guard let minute = takeDigits(2) else { return false }
        time.minute = minute
        let hasSeconds = isExtended ? take(UInt8(ascii: ":")) : peekIsDigit
        if hasSeconds {
            guard let second = takeDigits(2) else { return false }
            time.second = second
            time.nanosecond = takeFraction() ?? 0
        }
        return !peekIsDigit
    }

    /// `Z`, `UTC`, `GMT`, `+01:00`, `-0330`, `+02`.
    mutating func takeZone() -> TimeZoneRule? {
        var scanner = self
        if let word = scanner.takeWord() {
            guard word == "z" || word == "utc" || word == "gmt" else { return nil }
            self = scanner
            return .utc
        }
        let isWest = scanner.peek == UInt8(ascii: "-")
        guard isWest || scanner.peek == UInt8(ascii: "+") else { return nil }
        scanner.skip()
        guard let hours = scanner.takeDigits(2), hours <= 23 else { return nil }
        var minutes = 0
        let hasColon = scanner.take(UInt8(ascii: ":"))
        if hasColon || scanner.peekIsDigit {
            guard let value = scanner.takeDigits(2), value <= 59 else { return nil }
            minutes = value
        }
        self = scanner
        let offset = hours * 3_600 + minutes * 60
        return .fixed(isWest ? -offset : offset)
    }
}
