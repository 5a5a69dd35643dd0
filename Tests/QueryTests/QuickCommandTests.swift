import Model
import Testing

@testable import Query

@Suite struct QuickCommandTests {
    private func read(_ words: String...) -> QuickCommand? {
        QuickCommand(words.map { Array($0.utf8) })
    }

    @Test func plainQuestionsAreRead() throws {
        let command = try #require(
            read(
                "events", "--since", "-10m", "--until=now", "--path", "/a/*", "--path=-odd", "--under", "/b", "--op",
                "create,modify", "--pid", "1,2", "--comm", "sh", "--exe", "dash", "--user", "root", "--container", "0a",
                "--login-user", "me", "--unit", "ssh",
                "--limit", "5", "--reverse", "--overlapping", "--accept-gaps", "-o", "csv", "--store", "/s", "-f"))
        #expect(command.verb == .events)
        #expect(command.selection.since == "-10m")
        #expect(command.selection.until == "now")
        #expect(command.selection.paths == [RawPath("/a/*"), RawPath("-odd")])
        #expect(command.selection.directories == [RawPath("/b")])
        #expect(command.selection.operations == ["create,modify"])
        #expect(command.selection.pids == ["1,2"])
        #expect(command.selection.comms == [RawPath("sh")])
        #expect(command.selection.exes == [RawPath("dash")])
        #expect(command.selection.users == ["root"])
        #expect(command.selection.containers == [RawPath("0a")])
        #expect(command.selection.loginUsers == ["me"])
        #expect(command.selection.units == [RawPath("ssh")])
        #expect(command.selection.limit == 5)
        #expect(command.selection.isReversed)
        #expect(command.selection.includesOverlapping)
        #expect(command.acceptsGaps)
        #expect(command.format == .csv)
        #expect(command.store == RawPath("/s"))
        #expect(command.follows)
    }

    @Test func bytesThatAreNoTextReachTheSelection() throws {
        let command = try #require(QuickCommand([Array("count".utf8), Array("--path".utf8), [0x2F, 0xFF]]))
        #expect(command.selection.paths == [RawPath([0x2F, 0xFF])])
        let named = try #require(QuickCommand([Array("count".utf8), Array("--comm".utf8), [0xFF]]))
        #expect(named.selection.comms == [RawPath([0xFF])])
        #expect(QuickCommand([Array("count".utf8), Array("--user".utf8), [0xFF]]) == nil)
    }

    @Test(arguments: [
        // Other verbs, help, unknown options and missing values are the parser's to explain.
        ["top"], ["--help"], ["events", "--help"], ["events", "-h"], ["events", "--bogus"], ["events", "word"],
        ["events", "--since"], ["count", "-f"], ["count", "--follow"], ["events", "--limit", "x"],
        ["events", "--limit", "-1"], ["events", "--output", "xml"], ["events", "-o"],
        ["events", "--since", "a", "--since", "b"],
        ["events", "--reverse=1"], ["events", "--store", "--path"], ["events", "--op", "--path"], ["events", "-ojson"],
        ["events", "--"], [],
    ])
    func whatIsNotPlainIsLeftToTheParser(_ words: [String]) {
        #expect(QuickCommand(words.map { Array($0.utf8) }) == nil)
    }
}
