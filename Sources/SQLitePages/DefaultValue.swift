/// The literal after DEFAULT.
enum DefaultValue {
    /// The value of the tokens after DEFAULT at `index`, which is moved behind them; `.absent` for an expression.
    static func parse(_ tokens: ArraySlice<SQLToken>, at index: inout Int, affinity: Affinity) -> SQLiteValue {
        guard index < tokens.endIndex else { return .absent }
        var sign: UInt8?
        if tokens[index].isSymbol("-") || tokens[index].isSymbol("+") {
            sign = tokens[index].isSymbol("-") ? UInt8(ascii: "-") : nil
            index += 1
            guard index < tokens.endIndex else { return .absent }
        }
        let token = tokens[index]
        index += 1
        switch token {
        case .number(let digits):
            let text = (sign.map { [$0] } ?? []) + digits
            guard let value = number(text) else { return .absent }
            return affinity.applied(to: value, text: text)
        case .string(let text): return affinity.applied(to: .text(text), text: text)
        case .blob(let bytes): return .blob(bytes)
        case .word where token.isKeyword("NULL"): return .null
        case .word where token.isKeyword("TRUE"): return affinity.applied(to: .integer(1), text: [])
        case .word where token.isKeyword("FALSE"): return affinity.applied(to: .integer(0), text: [])
        case .word
        where token.isKeyword("CURRENT_TIME") || token.isKeyword("CURRENT_DATE")
            || token.isKeyword("CURRENT_TIMESTAMP"):
            return .absent
        // A bare name is a string here.
        case .word(let text), .quotedName(let text): return affinity.applied(to: .text(text), text: text)
        default: return .absent
        }
    }

    /// An integer where it fits in 64 bits, else a real; nil for what is no number.
    static func number(_ text: [UInt8]) -> SQLiteValue? {
        let text = String(decoding: text, as: UTF8.self)
        let digits = text.drop { $0 == "-" || $0 == "+" }
        if digits.hasPrefix("0x") || digits.hasPrefix("0X") {
            guard let bits = UInt64(digits.dropFirst(2), radix: 16) else { return nil }
            let value = Int64(bitPattern: bits)
            return .integer(text.hasPrefix("-") ? 0 &- value : value)
        }
        guard digits.first.map({ $0.isASCII && ($0.isNumber || $0 == ".") }) == true else { return nil }
        if let value = Int64(text) { return .integer(value) }
        return Double(text).map { .real($0) }
    }
}
