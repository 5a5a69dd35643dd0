import Model
import TestSupport
import Testing

@Suite struct GlobTests {
    @Test(arguments: [
        // pattern, subject, matches
        ("/srv/a", "/srv/a", true),
        ("/srv/a", "/srv/ab", false),
        // `*` and `?` stop at a slash.
        ("/srv/*", "/srv/a", true),
        ("/srv/*", "/srv/a/b", false),
        ("/srv/*/b", "/srv/a/b", true),
        ("/srv/?", "/srv/a", true),
        ("/srv/?", "/srv/ab", false),
        ("/srv?a", "/srv/a", false),
        ("/srv/*", "/srv/", true),
        // `**` does not stop.
        ("/srv/**", "/srv/a/b/c", true),
        ("/srv/**", "/srv", false),
        ("/srv/**.c", "/srv/a/b.c", true),
        ("**/b", "/a/b", true),
        ("**", "/a/b", true),
        // `**/` after a slash is also no directory at all.
        ("/a/**/b", "/a/b", true),
        ("/a/**/b", "/a/x/y/b", true),
        ("/a/**/b", "/ab", false),
        ("/a/**/**/b", "/a/b", true),
        ("/a/**/*.c", "/a/b.c", true),
        ("/a/**/*.c", "/a/x/b.c", true),
        // Without a slash the last name counts.
        ("*.c", "/a/b.c", true),
        ("b", "/a/b", true),
        ("a", "/a/b", false),
        ("*", "/a/b", true),
        ("?", "/a/b", true),
        // A bare name, of an event whose directory is not known.
        ("b*", "bare", true),
        ("/b*", "bare", false),
        // A relative pattern with a slash may start anywhere.
        ("a/*.c", "/x/a/b.c", true),
        ("a/*.c", "/a/b.c", true),
        ("a/*.c", "/xa/b.c", false),
        // Classes.
        ("[a-c]x", "/bx", true),
        ("[a-c]x", "/dx", false),
        ("[!a-c]x", "/dx", true),
        ("[^a-c]x", "/ax", false),
        ("[]]", "/]", true),
        ("[a-]", "/-", true),
        ("[z-a]", "/m", false),
        ("/a[!x]b", "/a/b", false),
        ("[abc", "/[abc", true),
        ("[\\]]", "/]", true),
        // Escapes.
        ("\\*", "/*", true),
        ("\\*", "/a", false),
        ("a\\", "/a\\", true),
        ("\\[a]", "/[a]", true),
        // Stars beside stars.
        ("a***b", "/axxb", true),
        ("/*/**", "/a/b/c", true),
    ])
    func matchesByTable(pattern: String, subject: String, expected: Bool) throws {
        #expect(try Glob(Array(pattern.utf8)).matches(Array(subject.utf8)) == expected)
    }

    @Test func bytesThatAreNoTextMatchAsBytes() throws {
        #expect(try Glob([0x2F, 0xFF, 0x2A]).matches([0x2F, 0xFF, 0xFE]))
        // One question mark is one byte.
        #expect(try !Glob(Array("/?".utf8)).matches(Array("/é".utf8)))
        #expect(try Glob(Array("/??".utf8)).matches(Array("/é".utf8)))
    }

    @Test func emptyAndOverlongPatternsAreRefused() {
        #expect(throws: GlobError.self) { try Glob([]) }
        #expect(throws: GlobError.self) { try Glob(Array(repeating: 0x2A, count: Glob.maximumByteCount + 1)) }
    }

    @Test func hostilePatternsEndQuickly() throws {
        // Backtracking would take longer than the universe has.
        let pattern = Array("/\(String(repeating: "a*", count: 400))b".utf8)
        let subject = Array("/\(String(repeating: "a", count: 3_000))".utf8)
        #expect(try !Glob(pattern).matches(subject))
        let deep = Array(String(repeating: "/**/a*", count: 300).utf8)
        #expect(try !Glob(deep).matches(Array(String(repeating: "/aaaa", count: 800).utf8) + [0x2F]))
        #expect(try Glob(deep).matches(Array(String(repeating: "/aaaa", count: 800).utf8)))
    }

    @Test func literalPartsAreFound() throws {
        let whole = try Glob(Array("/a/b".utf8))
        #expect(whole.literalPath == RawPath("/a/b"))
        #expect(whole.literalDirectory == RawPath("/a"))
        let below = try Glob(Array("/a/b/*.c".utf8))
        #expect(below.literalPath == nil)
        #expect(below.literalDirectory == RawPath("/a/b"))
        #expect(try Glob(Array("/a*/b".utf8)).literalDirectory == nil)
        #expect(try Glob(Array("*.c".utf8)).literalDirectory == nil)
        #expect(try Glob(Array("/a\\*".utf8)).literalPath == RawPath("/a*"))
    }

    @Test func underMatchesTheDirectoryAndAllBelowIt() {
        let glob = Glob(under: RawPath("/srv/[x]*"))
        #expect(glob.matches(Array("/srv/[x]*".utf8)))
        #expect(glob.matches(Array("/srv/[x]*/a/b".utf8)))
        #expect(!glob.matches(Array("/srv/[x]*a".utf8)))
        #expect(!glob.matches(Array("/srv".utf8)))
        #expect(Glob(under: RawPath("/")).matches(Array("/a/b".utf8)))
        #expect(Glob(under: RawPath("/")).matches(Array("/".utf8)))
    }

    @Test func agreesWithABacktrackingMatcher() throws {
        let seed = UInt64.random(in: 0...UInt64.max)
        print("GlobTests seed \(seed)")
        var generator = SeededGenerator(seed: seed)
        let patternParts = ["a", "b", "/", "*", "?", "**", "[ab]", "[!a]", "/**/"]
        let subjectParts = ["a", "b", "c", "/"]
        for _ in 0..<4_000 {
            let body = (0..<Int.random(in: 1...8, using: &generator)).map { _ in
                patternParts.randomElement(using: &generator) ?? ""
            }.joined()
            // Sometimes longer than one word of states.
            let filler = Int.random(in: 0..<4, using: &generator) == 0 ? String(repeating: "a", count: 70) : ""
            let pattern = "/" + filler + body
            let subject =
                "/" + filler
                + (0..<Int.random(in: 0...8, using: &generator)).map { _ in
                    subjectParts.randomElement(using: &generator) ?? ""
                }.joined()
            let expected = NaiveGlob.matches(Array(pattern.utf8)[...], Array(subject.utf8)[...])
            let actual = try Glob(Array(pattern.utf8)).matches(Array(subject.utf8))
            #expect(actual == expected, "pattern \(pattern) subject \(subject) seed \(seed)")
        }
    }
}

/// The same rules by recursion. For absolute patterns with classes of one form only.
private enum NaiveGlob {
    static func matches(_ pattern: ArraySlice<UInt8>, _ subject: ArraySlice<UInt8>, afterSlash: Bool = false) -> Bool {
        guard let first = pattern.first else { return subject.isEmpty }
        let rest = pattern.dropFirst()
        switch first {
        case UInt8(ascii: "*"):
            let stars = pattern.prefix { $0 == UInt8(ascii: "*") }.count
            let after = pattern.dropFirst(stars)
            if stars > 1, afterSlash, after.first == UInt8(ascii: "/") {
                // Nothing, or anything up to and with a slash.
                if matches(after.dropFirst(), subject, afterSlash: true) { return true }
                return subject.indices.contains { index in
                    subject[index] == UInt8(ascii: "/")
                        && matches(after.dropFirst(), subject[(index + 1)...], afterSlash: true)
                }
            }
            for end in subject.startIndex...subject.endIndex {
                if stars == 1, subject[subject.startIndex..<end].contains(UInt8(ascii: "/")) { break }
                if matches(after, subject[end...]) { return true }
            }
            return false
        case UInt8(ascii: "?"):
            guard let byte = subject.first, byte != UInt8(ascii: "/") else { return false }
            return matches(rest, subject.dropFirst())
        case UInt8(ascii: "["):
            guard let close = pattern.firstIndex(of: UInt8(ascii: "]")), let byte = subject.first else { return false }
            var members = pattern[(pattern.startIndex + 1)..<close]
            let isNegated = members.first == UInt8(ascii: "!")
            if isNegated { members = members.dropFirst() }
            guard byte != UInt8(ascii: "/"), members.contains(byte) != isNegated else { return false }
            return matches(pattern[(close + 1)...], subject.dropFirst())
        default:
            guard subject.first == first else { return false }
            return matches(rest, subject.dropFirst(), afterSlash: first == UInt8(ascii: "/"))
        }
    }
}
