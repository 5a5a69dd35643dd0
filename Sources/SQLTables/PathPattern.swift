internal import Model

/// Conditions on a path as patterns of this program that match at least what SQLite would.
///
/// SQLite checks each row again, so what is lost in translation costs time and no row. A pattern that could match a path
/// of which only the last name is known is not translated, but where the pattern itself begins with a slash.
enum PathPattern {
    /// Exactly `path`; nil where a pattern cannot say that.
    static func equal(_ path: [UInt8]) -> Glob? {
        let slash = UInt8(ascii: "/")
        guard !path.isEmpty, path.first == slash || !path.contains(slash) else { return nil }
        return try? Glob(path.flatMap { escaped($0) })
    }

    /// Exactly this word.
    static func word(_ text: [UInt8]) -> Glob? {
        try? Glob(text.flatMap { escaped($0) }, subject: .word)
    }

    /// SQLite's GLOB: `*` any characters, `?` one, `[…]` one of a class. Slashes are ordinary there.
    static func glob(_ pattern: [UInt8]) -> Glob? {
        guard pattern.first == UInt8(ascii: "/") else { return nil }
        if pattern.last == UInt8(ascii: "*"), !pattern.dropLast().contains(where: { "*?[".utf8.contains($0) }),
            let below = below(pattern.dropLast())
        {
            return below
        }
        var result: [UInt8] = []
        var index = 0
        while index < pattern.count {
            let byte = pattern[index]
            index += 1
            switch byte {
            case UInt8(ascii: "*"), UInt8(ascii: "?"): appendAny(to: &result)
            case UInt8(ascii: "["):
                // What the class ends with is for SQLite to say; what follows it may be anything.
                appendAny(to: &result)
                return compiled(result)
            default: result += escaped(byte)
            }
        }
        return compiled(result)
    }

    /// SQLite's LIKE: `%` any characters, `_` one, letters of ASCII in either case.
    static func like(_ pattern: [UInt8]) -> Glob? {
        guard pattern.first == UInt8(ascii: "/") else { return nil }
        var result: [UInt8] = []
        for byte in pattern {
            switch byte {
            // Other letters have cases too where a host brought its own LIKE.
            case UInt8(ascii: "%"), UInt8(ascii: "_"), 0x80...: appendAny(to: &result)
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"):
                result += [UInt8(ascii: "["), byte | 0x20, byte & ~0x20, UInt8(ascii: "]")]
            default: result += escaped(byte)
            }
        }
        return compiled(result)
    }

    /// Everything that begins with what `low` and `high` begin with: all texts from the one to the other do.
    static func range(from low: [UInt8], to high: [UInt8]) -> Glob? {
        var prefix = Array(zip(low, high).prefix { $0 == $1 }.map(\.0))
        // `/srv/` to `/srv0`, as the bytes `/` and `0` are neighbours: what lies below /srv.
        if prefix.count + 1 == low.count, prefix.count < high.count, low[prefix.count] == UInt8(ascii: "/"),
            Array(high[prefix.count...]) == [UInt8(ascii: "0")]
        {
            prefix = low
        }
        guard prefix.first == UInt8(ascii: "/"), prefix.count > 1 else { return nil }
        if let below = below(prefix[...]) { return below }
        var pattern = prefix.flatMap { escaped($0) }
        appendAny(to: &pattern)
        return compiled(pattern)
    }

    /// Conditions that name one directory come first: a block's filter knows it.
    static func rank(_ globs: [Glob]) -> Int {
        if globs.allSatisfy({ $0.literalPath != nil }) { return 0 }
        return globs.allSatisfy { $0.literalDirectory.map { $0.bytes.count > 1 } ?? false } ? 1 : 2
    }

    /// What lies below a directory, and itself, where a prefix ends with the slash behind one: that is found by where paths lie,
    /// without their names. Nil for the root and for what is no path as it is stored.
    private static func below(_ prefix: ArraySlice<UInt8>) -> Glob? {
        guard prefix.count > 1, prefix.last == UInt8(ascii: "/") else { return nil }
        let components = prefix.dropFirst().dropLast().split(
            separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
        let isStored = components.allSatisfy {
            !$0.isEmpty && !$0.elementsEqual(".".utf8) && !$0.elementsEqual("..".utf8)
        }
        return isStored ? Glob(under: RawPath(Array(prefix.dropLast()))) : nil
    }

    private static func compiled(_ pattern: [UInt8]) -> Glob? {
        guard pattern.count > 1 else { return nil }
        return try? Glob(pattern)
    }

    private static func appendAny(to pattern: inout [UInt8]) {
        // Three stars in a row would be read as two and one.
        if pattern.suffix(2) != [UInt8(ascii: "*"), UInt8(ascii: "*")] { pattern += Array("**".utf8) }
    }

    private static func escaped(_ byte: UInt8) -> [UInt8] {
        "*?[]\\".utf8.contains(byte) ? [UInt8(ascii: "\\"), byte] : [byte]
    }
}
