/// A shell pattern over bytes, run as a bit-parallel automaton: no backtracking, whatever the pattern.
///
/// - `*` matches any bytes but `/`, `?` one byte but `/`, `[a-z]` and `[!a-z]` one byte of (or not of) the class, never `/`.
/// - `**` matches any bytes; `**/` after a slash also matches no directory at all: `/a/**/b` finds `/a/b`.
/// - `\x` is the byte `x` itself. A `[` that is never closed is an ordinary byte.
/// - A pattern without `/` matches the last name of a path. One that starts with neither `/` nor `**` but holds a `/`
///   may start at any directory: `src/*.c` is `/**/src/*.c`.
///
/// Cost: one step per byte of the subject and per 64 elements of the pattern. A step over a directory's name can be
/// kept and continued for everything below it (`State`).
package struct Glob: Sendable {
    /// What `/` means in the subject.
    package enum Subject: Sendable {
        /// The subject is a path: `*` stops at a slash, a pattern without one matches the last name.
        case path
        /// The subject is a word such as a command name: a slash is an ordinary byte.
        case word
    }

    /// The set of pattern positions that the bytes read so far may have reached, in words of 64.
    package struct State: Hashable, Sendable {
        var words: [UInt64]

        /// True when no continuation can match any more.
        package var isDead: Bool {
            words.allSatisfy { $0 == 0 }
        }
    }

    /// The pattern as it was written.
    package let pattern: [UInt8]
    /// True when only the last name of a path is looked at.
    package let matchesLastName: Bool
    /// The longest directory that every match lies under, without a trailing slash; nil where the pattern names none.
    package let literalDirectory: RawPath?
    /// Matches `literalDirectory` and everything below it, and nothing else.
    package let isSubtree: Bool
    /// The only path that matches, where the pattern holds no wildcard.
    package let literalPath: RawPath?

    let table: GlobTable

    /// Compiles `pattern`.
    ///
    /// Range: any bytes up to `maximumByteCount`. Throws: `GlobError`.
    package init(_ pattern: [UInt8], subject: Subject = .path) throws(GlobError) {
        guard !pattern.isEmpty else { throw GlobError.empty }
        guard pattern.count <= Self.maximumByteCount else { throw GlobError.tooLong }
        self.pattern = pattern
        let slash = UInt8(ascii: "/")
        var elements = GlobParser(pattern, slashIsSpecial: subject == .path).elements()
        let hasSlash = elements.contains { $0 == .byte(slash) || $0 == .directories }
        matchesLastName = subject == .path && !hasSlash
        if subject == .path, hasSlash {
            switch elements.first {
            case .byte(slash), .anyRun: break
            default: elements = [.byte(slash), .directories] + elements
            }
        }
        let literals = GlobLiterals(elements)
        isSubtree = false
        literalPath = subject == .path && hasSlash ? literals.whole : nil
        literalDirectory = subject == .path && hasSlash ? literals.directory : nil
        table = GlobTable(elements)
    }

    /// Matches `directory` itself and everything below it; the bytes are taken as they are, without wildcards.
    ///
    /// Range: an absolute path without empty, `.` or `..` components.
    package init(under directory: RawPath) {
        pattern = directory.bytes
        matchesLastName = false
        isSubtree = true
        literalPath = nil
        literalDirectory = directory
        var bytes = directory.bytes[...]
        while bytes.last == UInt8(ascii: "/") { bytes.removeLast() }
        table = GlobTable(bytes.map { .byte($0) } + [.subtree])
    }

    /// No path of Linux is longer (PATH_MAX), so no useful pattern is.
    package static let maximumByteCount = 4_096

    /// The state before the first byte.
    package var start: State {
        table.start
    }

    /// Reads `bytes` from `state` on.
    package func advance(_ state: inout State, over bytes: some Sequence<UInt8>) {
        table.advance(&state, over: bytes)
    }

    /// True when what was read up to `state` is a match.
    package func accepts(_ state: State) -> Bool {
        table.accepts(state)
    }

    /// True when `subject` matches: a whole path, of which only the last name counts for a pattern without `/`.
    package func matches(_ subject: [UInt8]) -> Bool {
        var state = start
        if matchesLastName, let slash = subject.lastIndex(of: UInt8(ascii: "/")) {
            table.advance(&state, over: subject[(slash + 1)...])
        } else {
            table.advance(&state, over: subject)
        }
        return table.accepts(state)
    }
}

/// Why a pattern was refused.
package enum GlobError: Error, CustomStringConvertible {
    case empty
    case tooLong
    case matchesNothing([UInt8])

    package var description: String {
        switch self {
        case .empty: "an empty pattern matches nothing"
        case .matchesNothing(let pattern):
            "no path matches '\(RawPath(pattern).lossyText)': names are not empty, not '.' and not '..', and a class needs a byte"
        case .tooLong: "the pattern is longer than \(Glob.maximumByteCount) bytes"
        }
    }
}
