import Model
import Syscalls
import TestSupport
import Testing

/// What the programs tell of themselves, man pages and completions that can be read, and how they are installed.
extension EndToEnd {
    @Suite struct Manual {
        /// The repository's top directory, found from this file's own place in it.
        private static let root = #filePath.split(separator: "/", omittingEmptySubsequences: false).dropLast(3)
            .joined(separator: "/")

        /// The names of the pages of a program, made anew in `directory`.
        static func pages(of program: String, section: String, in directory: String) throws -> [String] {
            try runSuccessfully("\(root)/scripts/manual", [program, directory, section], timeoutSeconds: 60)
            return try runSuccessfully("ls", [directory]).lines.map(String.init)
        }

        /// Alone it is answered without the parser, which says the same.
        @Test func theVersionIsTheSameHoweverItIsAsked() throws {
            let quick = try run(BuiltPrograms.varve, ["--version"])
            #expect(quick.status == 0)
            #expect(quick.outputText.wholeMatch(of: /\d+\.\d+\.\d+\n/) != nil, "\(quick.outputText)")
            let parsed = try run(BuiltPrograms.varve, ["--version", "--version"])
            #expect(parsed.status == 0)
            #expect(parsed.outputText == quick.outputText)
        }

        @Test func pagesAreWellFormedAndNameEveryOption() throws {
            let directory = try TemporaryDirectory()
            for (program, section) in [(BuiltPrograms.varve, "1"), (BuiltPrograms.varved, "8")] {
                let pages = "\(directory.path)/man\(section)"
                for page in try Self.pages(of: program, section: section, in: pages) {
                    let file = "\(pages)/\(page)"
                    let set = try run("groff", ["-man", "-ww", "-Tutf8", file])
                    #expect(set.status == 0 && set.errorText.isEmpty, "\(page): \(set.errorText)")
                    let words = page.split(separator: ".")[0].split(separator: "-").dropFirst().map(String.init)
                    let text = String(decoding: try Files.contents(of: RawPath(file)), as: UTF8.self)
                    let help = try runSuccessfully(program, words + ["--help"]).outputText
                    for line in help.split(separator: "\n") where line.hasPrefix("  -") {
                        for word in line.split(whereSeparator: { " ,/".contains($0) }) where word.hasPrefix("--") {
                            guard !["--help", "--version"].contains(word) else { continue }
                            let name = word.split(separator: "-").joined(separator: "\\-")
                            #expect(text.contains(name), "\(page) lacks \(word)")
                        }
                    }
                }
            }
        }

        @Test(arguments: ["bash", "zsh", "fish"]) func completionsAreScriptsOfTheirShell(shell: String) throws {
            let directory = try TemporaryDirectory()
            for program in [BuiltPrograms.varve, BuiltPrograms.varved] {
                let script = try runSuccessfully(program, ["--generate-completion-script", shell]).output
                #expect(!script.isEmpty)
                let file = "\(directory.path)/completion"
                try Files.write(script, to: RawPath(file))
                guard try run("sh", ["-c", "command -v \(shell)"]).status == 0 else { continue }
                let checked = try run(shell, ["-n", file])
                #expect(checked.status == 0, "\(checked.errorText)")
            }
        }
    }
}
