import Model
import TestSupport
import Testing

/// What two patterns have in common, and which can match no path at all.
@Suite struct PathAutomatonTests {
    @Test(
        arguments: [
            ("*", true), ("/", true), ("/a", true), ("/a/**/b", true), ("a/b", true), ("/**", true), ("**", true),
            ("/a/.*", true), ("/a/..?", true), ("/a/*/", false), ("/a//b", false), ("/a/./b", false), ("./a", false),
            ("../a", false), ("/a/..", false), ("..", false), (".", false), ("/a/[/]", false), ("/a[b-a]c", false),
            ("/a/?", true), ("/[.]/a", false), ("/a/\\*", true), ("a/", false),
        ] as [(String, Bool)])
    func aPatternThatNoPathMatchesIsKnown(pattern: String, canMatch: Bool) throws {
        #expect(try Glob(Array(pattern.utf8)).canMatchPaths == canMatch)
    }

    @Test(
        arguments: [
            ("/a", "/a", true), ("/a/b/c", "/a", true), ("/a", "/a/b", false), ("/a/*", "/a/b", true),
            ("*.c", "*.o", true), ("/a/x.c", "*.o", false), ("/a/x.o/y.c", "*.o", true), ("*", "/a", true),
            ("/**", "/a/b/*", true), ("/b/**", "/a/**", false), ("/a/**/z", "/a/b/[xy]", true),
            ("/a/?", "/a/bc", false),
            ("/a", "**", true), ("/", "/a", false), ("src/*.c", "/home/**/src", true), ("/a/[0-9]", "/a/[a-f]", false),
        ] as [(String, String, Bool)])
    func patternsMeetWhereAPathIsOfBoth(asked: String, excluded: String, expected: Bool) throws {
        #expect(try Glob(Array(asked.utf8)).meetsSubtree(of: Glob(Array(excluded.utf8))) == expected)
    }

    @Test func aDirectoryMeetsWhatLiesBelowItAndAbove() throws {
        let under = Glob(under: RawPath("/srv/[x]"))
        for (excluded, expected) in [
            ("/srv", true), ("/srv/\\[x]/y", true), ("/srv/x", false), ("/srv/\\[x]y", false), ("*.tmp", true),
        ] {
            #expect(try under.meetsSubtree(of: Glob(Array(excluded.utf8))) == expected, "\(excluded)")
        }
        #expect(Glob(under: RawPath("/")).meetsSubtree(of: under))
        #expect(try Glob(Array("/srv/[[]x]/y".utf8)).meetsSubtree(of: under))
    }

    @Test func aPathThatIsOfBothIsNeverMissed() throws {
        let seed = UInt64.random(in: 0...UInt64.max)
        print("PathAutomatonTests seed \(seed)")
        var generator = SeededGenerator(seed: seed)
        let parts = ["a", "b", "/", "*", "?", "**", "[ab]", "[!a]", "/**/", "."]
        func pattern() throws -> Glob {
            let body = (0..<Int.random(in: 1...5, using: &generator)).map { _ in
                parts.randomElement(using: &generator) ?? ""
            }.joined()
            return try Glob(Array((Bool.random(using: &generator) ? "/" + body : body).utf8))
        }
        let names = ["a", "b", "ab", "..a", "c"]
        var paths = names.map { "/" + $0 }
        for _ in 0..<2 { paths += paths.flatMap { path in names.map { path + "/" + $0 } } }
        let subjects = Set(paths).map { Array($0.utf8) }
        for _ in 0..<150 {
            let (asked, excluded) = (try pattern(), try pattern())
            let isBoth = subjects.contains { asked.matches($0) && excluded.matchesOrHolds($0) }
            let isAny = subjects.contains { asked.matches($0) }
            #expect(
                asked.meetsSubtree(of: excluded) || !isBoth,
                "\(RawPath(asked.pattern)) \(RawPath(excluded.pattern)) seed \(seed)")
            #expect(asked.canMatchPaths || !isAny, "\(RawPath(asked.pattern)) seed \(seed)")
        }
    }

    @Test func longPatternsEndSoon() throws {
        let long = Array(String(repeating: "/**/a*", count: 100).utf8)
        #expect(try Glob(long).meetsSubtree(of: Glob(long)))
        #expect(try Glob(long).canMatchPaths)
    }
}
