import Model
import Testing

@Suite struct RawPathTests {
    @Test(arguments: [
        // Each row: a path, a directory, whether the one is the other or lies below it.
        ("/a/b", "/a", true), ("/a", "/a", true), ("/a", "/a/", true), ("/ab", "/a", false), ("/", "/", true),
        ("/x", "/", true), ("/a", "/a/b", false),
    ])
    func whatLiesUnderADirectory(path: String, directory: String, isUnder: Bool) {
        #expect(RawPath(path).isAtOrUnder(RawPath(directory)) == isUnder)
    }

    @Test func componentsAreJoinedByOneSlash() {
        #expect(RawPath("/").appending("a".utf8) == RawPath("/a"))
        #expect(RawPath("/a").appending("b".utf8) == RawPath("/a/b"))
    }

    @Test func bytesThatAreNoTextStayBytes() {
        let path = RawPath([0x2F, 0xFF, 0x0A])
        #expect(path.text == nil)
        #expect(path.lossyText == "/\u{FFFD}\n")
    }
}
