/// Takes the parts of a time expression from its text, from left to right.
struct TimeScanner {
    private let bytes: [UInt8]
    private var position = 0

    init(_ text: String) {
        bytes = Array(text.utf8)
    }

    var isAtEnd: Bool {
        position >= bytes.count
    }

    var peek: UInt8? {
        position < bytes.count ? bytes[position] : nil
    }

    var peekIsDigit: Bool {
        peek.map(Self.isDigit) ?? false
    }

    var rest: String {
        String(decoding: bytes[min(position, bytes.count)...], as: UTF8.self)
    }

    /// Digits directly followed by a letter or a fraction with one, or by a space and a letter: `10m`, `1.5 h`.
    var looksLikeSpan: Bool {
        var next = position
        while next < bytes.count, Self.isDigit(bytes[next]) || bytes[next] == UInt8(ascii: ".") { next += 1 }
        guard next > position, next - position < 8 else { return false }
        while next < bytes.count, bytes[next] == UInt8(ascii: " ") { next += 1 }
        return next < bytes.count && Self.isLetter(bytes[next])
    }

    /// `HH:`.
    var looksLikeClock: Bool {
        var next = position
        while next < bytes.count, Self.isDigit(bytes[next]) { next += 1 }
        return next > position && next - position <= 2 && next < bytes.count && bytes[next] == UInt8(ascii: ":")
    }

    mutating func skip() {
        position += 1
    }

    mutating func skipSpaces() {
        while peek == UInt8(ascii: " ") || peek == UInt8(ascii: "\t") { position += 1 }
    }

    /// `T`, `t` or spaces between a date and a time of day.
    ///
    /// Returns: whether it was a `T`, so that a time must follow.
    mutating func skipDateSeparator() -> Bool {
        if peek == UInt8(ascii: "T") || peek == UInt8(ascii: "t") {
            position += 1
            return true
        }
        skipSpaces()
        return false
    }

    mutating func take(_ byte: UInt8) -> Bool {
        guard peek == byte else { return false }
        position += 1
        return true
    }

    /// Lower-cased letters, up to the next other byte.
    mutating func takeWord() -> String? {
        takeLetters().map { $0.lowercased() }
    }

    /// A unit as written (`M` is a month, `m` a minute); two spellings of the micro sign are taken too.
    mutating func takeUnitWord() -> String? {
        takeLetters(orHigh: true)
    }

    private mutating func takeLetters(orHigh: Bool = false) -> String? {
        let first = position
        while let byte = peek, Self.isLetter(byte) || (orHigh && byte >= 0x80) { position += 1 }
        return position > first ? String(decoding: bytes[first..<position], as: UTF8.self) : nil
    }

    /// Decimal digits; nil where there are none or more than 18.
    mutating func takeNumber() -> Int64? {
        let first = position
        var value: Int64 = 0
        while let byte = peek, Self.isDigit(byte) {
            guard position - first < 18 else { return nil }
            value = value * 10 + Int64(byte - UInt8(ascii: "0"))
            position += 1
        }
        return position > first ? value : nil
    }

    /// `.25` or `,25` as billionths; digits after the ninth are dropped.
    mutating func takeFraction() -> Int? {
        guard let mark = peek, mark == UInt8(ascii: ".") || mark == UInt8(ascii: ","), position + 1 < bytes.count,
            Self.isDigit(bytes[position + 1])
        else { return nil }
        position += 1
        var value = 0
        var unit = 100_000_000
        while let byte = peek, Self.isDigit(byte) {
            value += Int(byte - UInt8(ascii: "0")) * unit
            unit /= 10
            position += 1
        }
        return value
    }

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

    /// Exactly `count` digits.
    private mutating func takeDigits(_ count: Int) -> Int? {
        guard position + count <= bytes.count else { return nil }
        var value = 0
        for byte in bytes[position..<(position + count)] {
            guard Self.isDigit(byte) else { return nil }
            value = value * 10 + Int(byte - UInt8(ascii: "0"))
        }
        position += count
        return value
    }

    private static func isDigit(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
    }

    private static func isLetter(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
    }
}
