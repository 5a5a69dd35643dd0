/// A token of an SQL text.
enum SQLToken: Equatable {
    /// A bare word: keyword or name.
    case word([UInt8])
    /// A name in double quotes, backticks or brackets, without them.
    case quotedName([UInt8])
    /// The content of a literal in single quotes.
    case string([UInt8])
    case number([UInt8])
    /// The content of x'…'.
    case blob([UInt8])
    case symbol(UInt8)

    /// True for the bare word `keyword`, in any case. `keyword` in upper case.
    func isKeyword(_ keyword: String) -> Bool {
        guard case .word(let bytes) = self, bytes.count == keyword.utf8.count else { return false }
        return zip(bytes, keyword.utf8).allSatisfy { byte, letter in
            (byte >= 0x61 && byte <= 0x7A ? byte - 0x20 : byte) == letter
        }
    }

    func isSymbol(_ character: Character) -> Bool {
        guard case .symbol(let byte) = self else { return false }
        return byte == character.asciiValue
    }

    /// What this token is as the name of something; nil for what cannot be one.
    var name: [UInt8]? {
        switch self {
        case .word(let name), .quotedName(let name), .string(let name): name
        default: nil
        }
    }
}

/// Names of tables and columns are compared without regard to the case of ASCII letters.
package enum SQLName {
    package static func folded(_ name: [UInt8]) -> [UInt8] {
        name.map { $0 >= 0x41 && $0 <= 0x5A ? $0 + 0x20 : $0 }
    }

    package static func isEqual(_ one: [UInt8], _ other: [UInt8]) -> Bool {
        one.count == other.count && folded(one) == folded(other)
    }
}
