/// A pattern as a set of paths.
extension Glob {
    /// The pattern over whole paths, whatever part of them it looks at.
    private var pathElements: [GlobElement] {
        let slash = UInt8(ascii: "/")
        if isSubtree {
            let bytes = pattern.reversed().drop { $0 == slash }.reversed()
            return bytes.map { .byte($0) } + [.subtree]
        }
        let elements = GlobParser(pattern, slashIsSpecial: true).elements()
        switch elements.first {
        case .byte(slash) where !matchesLastName, .anyRun where !matchesLastName: return elements
        default: return [.byte(slash), .directories] + elements
        }
    }

    /// A pattern as recorded paths are spelled: without a slash at the end, and with one where several stand side by side.
    package static func spelled(_ text: [UInt8]) -> [UInt8] {
        let slash = UInt8(ascii: "/")
        var pattern = text.reduce(into: [UInt8]()) { if $1 != slash || $0.last != slash { $0.append($1) } }
        while pattern.count > 1, pattern.last == slash { pattern.removeLast() }
        return pattern
    }

    /// Throws: `GlobError.matchesNothing` where no path that can be recorded matches. Range: the subject is a path.
    package func expectMatches() throws(GlobError) {
        guard canMatchPaths else { throw GlobError.matchesNothing(pattern) }
    }

    /// False where no path that can be recorded matches, as with an empty name or `..` in the pattern. Range: the subject is
    /// a path.
    package var canMatchPaths: Bool {
        PathAutomaton(pathElements).meets(.recorded)
    }

    /// True when a path that this pattern matches is matched by `other`, or lies below what `other` matches. Range: the
    /// subject of both is a path.
    package func meetsSubtree(of other: Glob) -> Bool {
        let below = other.isSubtree ? other.pathElements : other.pathElements + [.subtree]
        return PathAutomaton(pathElements).meets(PathAutomaton(below))
    }

    /// True when the path, or a directory above it, matches.
    package func matchesOrHolds(_ path: [UInt8]) -> Bool {
        let slash = UInt8(ascii: "/")
        var end = path.count
        while end > 0 {
            let above = path[..<end]
            let nameStart = above.lastIndex(of: slash).map { $0 + 1 } ?? 0
            if matchesWhole(matchesLastName ? above[nameStart...] : above) { return true }
            end = max(0, nameStart - 1)
        }
        return false
    }
}
