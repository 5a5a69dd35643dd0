import Model
import Syscalls
import TestSupport
import Testing

@testable import Query

/// The program on a real terminal, which script(1) makes.
@Suite struct TerminalWindowTests {
    private static func scene() throws -> StoreScene {
        let scene = try StoreScene()
        try scene.append((1...40).map { RecordedEvent(Double($0), .modify, "/srv/é\($0 % 4)") })
        return scene
    }

    private static let varve = "\(BuiltPrograms.varve)"
    private static let environment = "env -u COLUMNS -u NO_COLOR -u LC_CTYPE TERM=xterm LC_ALL=C.UTF-8"

    /// What the terminal was sent by a shell's commands.
    private static func shown(_ commands: String) throws -> String {
        let result = try run("sh", ["-c", "script -qec \"$1\" /dev/null < /dev/null", "-", commands])
        #expect(result.status == 0, "\(result.outputText)\(result.errorText)")
        // A terminal has two characters for the end of a line.
        return result.outputText.replacing("\r\n", with: "\n")
    }

    private static func top(_ scene: StoreScene, _ more: String = "", columns: Int = 80, with set: String = "") throws
        -> String
    {
        try shown(
            "stty cols \(columns); \(environment) \(set) \(varve) top --accept-gaps --store \(scene.directory.lossyText) "
                + "2> /dev/null \(more)")
    }

    @Test func barsFitTheWindow() throws {
        let scene = try Self.scene()
        for (columns, bar) in [(20, 4), (21, 5), (27, 11), (36, 20), (200, 20)] {
            let text = TerminalTests.withoutColors(try Self.top(scene, columns: columns))
            let lines = text.split(separator: "\n")
            #expect(lines.count == 5)
            for line in lines.dropFirst() {
                #expect(line.count { $0 == "█" } == bar, "\(columns) columns:\n\(text)")
                #expect(line.contains("/srv/é") && line.count <= columns, "\(columns) columns:\n\(text)")
            }
        }
        // A wish of the environment, and a window whose size nobody told.
        let wished = try Self.top(scene, columns: 200, with: "COLUMNS=21")
        #expect(wished.split(separator: "\n").last?.count { $0 == "█" } == 5, "\(wished)")
        let unknown = try Self.top(scene, columns: 0)
        #expect(unknown.split(separator: "\n").last?.count { $0 == "█" } == 20, "\(unknown)")
    }

    @Test func colorsAreForTerminalsThatWantThem() throws {
        let scene = try Self.scene()
        func hasColors(_ more: String = "", with set: String = "") throws -> Bool {
            try Self.top(scene, more, with: set).contains("\u{1B}")
        }
        #expect(try hasColors())
        #expect(try hasColors(with: "NO_COLOR="))
        #expect(!(try hasColors(with: "NO_COLOR=1")))
        #expect(!(try hasColors(with: "TERM=dumb")))
        #expect(!(try hasColors("| cat")))
        #expect(!(try hasColors("-o csv")))
        let piped = try Self.top(scene, "-o table | cat", columns: 20)
        #expect(piped == (try scene.ask(.table) { try TopAnswer($0, Selection(), by: .path).run() }.text))
        let ascii = try Self.top(scene, "--by op", with: "LC_ALL=C")
        #expect(ascii.contains("####") && ascii.utf8.allSatisfy { $0 < 0x80 }, "\(ascii)")
        let warned = try Self.shown(
            "\(Self.environment) \(Self.varve) count --since 2001-01-01 --store \(scene.directory.lossyText); test $? = 3"
        )
        #expect(warned.contains("\u{1B}[33mvarve: incomplete:"), "\(warned)")
    }

    /// The window changes its size all the time, while events come and pauses pass.
    @Test(arguments: ["events -f --since 2026-11-23", "replay --max-pause 20ms"])
    func resizingDisturbsNothing(question: String) throws {
        let scene = try Self.scene()
        let temporary = try TemporaryDirectory()
        let isFollowing = question.contains("-f")
        if !isFollowing { try scene.append((41...80).map { RecordedEvent(Double($0), .modify, "/srv/é\($0 % 4)") }) }
        let commands = """
            (while :; do stty cols 31 rows 9; sleep 0.01; stty cols 97 rows 40; sleep 0.01; done) < /dev/tty &
            \(Self.environment) \(Self.varve) \(question) --limit 80 --accept-gaps --store \(scene.directory.lossyText) \
            2> \(temporary.path)/remarks
            echo "ended $?"
            kill $!
            stty -a
            """
        try Files.write(Array(commands.utf8), to: RawPath(temporary.appending("commands")))
        let program = try BackgroundProgram(
            ["script", "-qec", "sh \(temporary.path)/commands", "/dev/null"], in: temporary.path)
        if isFollowing {
            try program.waitForOutput { $0.count { $0 == UInt8(ascii: "\n") } > 40 }
            try scene.append((41...80).map { RecordedEvent(Double($0), .modify, "/srv/é\($0 % 4)") })
        }
        #expect(try program.wait() == 0)
        let text = String(decoding: program.standardOutput, as: UTF8.self).replacing("\r\n", with: "\n")
        let rows = text.split(separator: "\n").filter { $0.hasPrefix("2026-11-23 ") }
        let expected = (1...80).map { "2026-11-23 00:\($0 < 60 ? "00" : "01"):\($0 % 60 < 10 ? "0" : "")\($0 % 60)" }
        #expect(rows.map { String($0.prefix(19)) } == expected, "\(text)")
        #expect(text.contains("\nended 0\n") && text.contains(" icanon") && text.contains(" echo "), "\(text)")
    }
}
