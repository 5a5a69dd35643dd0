/// Splits the SQL text of a schema row into tokens; white space and comments are left out.
///
/// It is for texts that SQLite itself accepted. Anything else ends it with nil, which is no error: columns are then shown
/// by number.
struct SQLTokenizer {
    /// Far more than 2000 columns (SQLITE_MAX_COLUMN) need.
    private static let greatestTokenCount = 1 << 16

    private let text: [UInt8]
    private var offset = 0

    private init(_ text: [UInt8]) {
        self.text = text
    }

    static func tokens(of text: [UInt8]) -> [SQLToken]? {
        var tokenizer = SQLTokenizer(text)
        var tokens: [SQLToken] = []
        while tokens.count < greatestTokenCount {
            tokenizer.skipBlanks()
            guard tokenizer.offset < text.count else { return tokens }
            guard let token = tokenizer.next() else { return nil }
            tokens.append(token)
        }
        return nil
    }

    private func byte(_ index: Int) -> UInt8 { index < text.count ? text[index] : 0 }

    private mutating func skipBlanks() {
        while offset < text.count {
            switch (byte(offset), byte(offset + 1)) {
            case (0x20, _), (0x09...0x0D, _): offset += 1
            case (UInt8(ascii: "-"), UInt8(ascii: "-")):
                while offset < text.count, byte(offset) != 0x0A { offset += 1 }
            case (UInt8(ascii: "/"), UInt8(ascii: "*")):
                offset += 2
                while offset < text.count, byte(offset) != UInt8(ascii: "*") || byte(offset + 1) != UInt8(ascii: "/") {
                    offset += 1
                }
                offset = min(text.count, offset + 2)
            default: return
            }
        }
    }

    private mutating func next() -> SQLToken? {
        let first = byte(offset)
        switch first {
        case UInt8(ascii: "'"): return quoted(by: first).map { .string($0) }
        case UInt8(ascii: "\""), UInt8(ascii: "`"): return quoted(by: first).map { .quotedName($0) }
        case UInt8(ascii: "["): return bracketed()
        case UInt8(ascii: "x") where byte(offset + 1) == UInt8(ascii: "'"),
            UInt8(ascii: "X") where byte(offset + 1) == UInt8(ascii: "'"):
            offset += 1
            return quoted(by: byte(offset)).flatMap { Self.decodeHexadecimal($0) }.map { .blob($0) }
        case UInt8(ascii: "0")...UInt8(ascii: "9"): return number()
        case UInt8(ascii: ".") where Self.isDigit(byte(offset + 1)): return number()
        default: break
        }
        guard Self.isWordByte(first) else {
            offset += 1
            return .symbol(first)
        }
        let start = offset
        while offset < text.count, Self.isWordByte(byte(offset)) { offset += 1 }
        return .word(Array(text[start..<offset]))
    }

    /// A quote inside is written twice.
    private mutating func quoted(by quote: UInt8) -> [UInt8]? {
        var content: [UInt8] = []
        offset += 1
        while offset < text.count {
            if byte(offset) != quote {
                content.append(byte(offset))
                offset += 1
            } else if byte(offset + 1) == quote {
                content.append(quote)
                offset += 2
            } else {
                offset += 1
                return content
            }
        }
        return nil
    }

    private mutating func bracketed() -> SQLToken? {
        guard let end = text[offset...].firstIndex(of: UInt8(ascii: "]")) else { return nil }
        defer { offset = end + 1 }
        return .quotedName(Array(text[(offset + 1)..<end]))
    }

    private mutating func number() -> SQLToken {
        let start = offset
        var previous: UInt8 = 0
        while offset < text.count {
            let current = byte(offset)
            let isSign = current == UInt8(ascii: "+") || current == UInt8(ascii: "-")
            // A sign belongs to a number only in its exponent; x and the digits of 0x… are word bytes.
            let isHexadecimal = offset > start + 1 && byte(start + 1) | 0x20 == UInt8(ascii: "x")
            guard
                Self.isWordByte(current) || current == UInt8(ascii: ".")
                    || isSign && previous | 0x20 == UInt8(ascii: "e") && !isHexadecimal
            else { break }
            previous = current
            offset += 1
        }
        return .number(Array(text[start..<offset]))
    }

    private static func isDigit(_ byte: UInt8) -> Bool { byte >= 0x30 && byte <= 0x39 }

    /// Letters, digits, `_`, `$` and everything that is not ASCII.
    private static func isWordByte(_ byte: UInt8) -> Bool {
        isDigit(byte) || (byte | 0x20) >= 0x61 && (byte | 0x20) <= 0x7A || byte == 0x5F || byte == 0x24 || byte >= 0x80
    }

    private static func decodeHexadecimal(_ digits: [UInt8]) -> [UInt8]? {
        guard digits.count % 2 == 0 else { return nil }
        var bytes: [UInt8] = []
        for index in stride(from: 0, to: digits.count, by: 2) {
            guard let byte = UInt8(String(decoding: digits[index...(index + 1)], as: UTF8.self), radix: 16) else {
                return nil
            }
            bytes.append(byte)
        }
        return bytes
    }
}
