/// Takes the parts of a time expression from its text, from left to right.
package struct TimeScanner {
    package let bytes: [UInt8]
    package var position = 0

    package init(_ text: String) {
        bytes = Array(text.utf8)
    }

    package var isAtEnd: Bool {
        position >= bytes.count
    }

    package var peek: UInt8? {
        position < bytes.count ? bytes[position] : nil
    }

    package var peekIsDigit: Bool {
        peek.map(Self.isDigit) ?? false
    }

    package var rest: String {
        String(decoding: bytes[min(position, bytes.count)...], as: UTF8.self)
    }

    /// Digits directly followed by a letter or a fraction with one, or by a space and a letter: `10m`, `1.5 h`.
    package var looksLikeSpan: Bool {
        var next = position
        while next < bytes.count, Self.isDigit(bytes[next]) || bytes[next] == UInt8(ascii: ".") { next += 1 }
        guard next > position, next - position < 8 else { return false }
        while next < bytes.count, bytes[next] == UInt8(ascii: " ") { next += 1 }
        return next < bytes.count && Self.isLetter(bytes[next])
    }

    /// `HH:`.
    package var looksLikeClock: Bool {
        var next = position
        while next < bytes.count, Self.isDigit(bytes[next]) { next += 1 }
        return next > position && next - position <= 2 && next < bytes.count && bytes[next] == UInt8(ascii: ":")
    }

    package mutating func skip() {
        position += 1
    }

    package mutating func skipSpaces() {
        while peek == UInt8(ascii: " ") || peek == UInt8(ascii: "\t") { position += 1 }
    }

    /// `T`, `t` or spaces between a date and a time of day.
    ///
    /// Returns: whether it was a `T`, so that a time must follow.
    package mutating func skipDateSeparator() -> Bool {
        if peek == UInt8(ascii: "T") || peek == UInt8(ascii: "t") {
            position += 1
            return true
        }
        skipSpaces()
        return false
    }

    package mutating func take(_ byte: UInt8) -> Bool {
        guard peek == byte else { return false }
        position += 1
        return true
    }

    /// Lower-cased letters, up to the next other byte.
    package mutating func takeWord() -> String? {
        takeLetters().map { $0.lowercased() }
    }

    /// A unit as written (`M` is a month, `m` a minute); two spellings of the micro sign are taken too.
    package mutating func takeUnitWord() -> String? {
        takeLetters(orHigh: true)
    }

    private mutating func takeLetters(orHigh: Bool = false) -> String? {
        let first = position
        while let byte = peek, Self.isLetter(byte) || (orHigh && byte >= 0x80) { position += 1 }
        return position > first ? String(decoding: bytes[first..<position], as: UTF8.self) : nil
    }

    /// Decimal digits; nil where there are none or more than 18.
    package mutating func takeNumber() -> Int64? {
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
    package mutating func takeFraction() -> Int? {
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

    /// Exactly `count` digits.
    package mutating func takeDigits(_ count: Int) -> Int? {
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
