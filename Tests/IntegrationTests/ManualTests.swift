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

        /// scripts/install-packages brings the shells; where there are no packages of Debian's they may be missing.
        @Test(arguments: ["bash", "zsh", "fish"]) func completionsAreScriptsOfTheirShell(shell: String) throws {
            func isThere(_ program: String) throws -> Bool {
                try run("sh", ["-c", "command -v \(program)"]).status == 0
            }
            let directory = try TemporaryDirectory()
            for program in [BuiltPrograms.varve, BuiltPrograms.varved] {
                let script = try runSuccessfully(program, ["--generate-completion-script", shell]).output
                #expect(!script.isEmpty)
                let file = "\(directory.path)/completion"
                try Files.write(script, to: RawPath(file))
                guard try isThere(shell) else {
                    #expect(try !isThere("dpkg-query"), "\(shell) is missing: scripts/install-packages")
                    continue
                }
                let checked = try run(shell, ["-n", file])
                #expect(checked.status == 0, "\(checked.errorText)")
            }
        }

        /// On a filesystem that keeps capabilities, with a group that is only made in a copy of /etc.
        @Test(Privilege.required) func installingPutsEverythingBelowTheDirectory() throws {
            let scene = try Scene(.ext4, startsRecorder: false)
            defer { scene.close() }
            let program = BuiltPrograms.varve.split(separator: "/", omittingEmptySubsequences: false)
            let directory = program.dropLast().joined(separator: "/")
            let groups = try Files.contents(of: RawPath("/etc/group"), limit: 1 << 20)
            let command = """
                cp -a /etc '\(scene.place)/etc'
                mount --bind '\(scene.place)/etc' /etc
                make --no-print-directory install BIN='\(directory)' DESTDIR='\(scene.root)/stage' PREFIX=/usr
                cd '\(scene.root)/stage/usr'
                stat -c '%n %a %U:%G' bin/varve sbin/varved
                getcap sbin/varved
                bin/varve --version
                find . -type f -size 0
                """
            let made = try run(
                "/usr/bin/unshare", ["-m", "/bin/sh", "-ec", command], directory: Self.root, timeoutSeconds: 120)
            #expect(made.status == 0, "\(made.outputText) \(made.errorText)")
            let said = Set(made.lines.map(String.init))
            #expect(said.contains("bin/varve 755 root:root"), "\(said)")
            #expect(said.contains("sbin/varved 750 root:varve"), "\(said)")
            #expect(said.contains("sbin/varved cap_dac_read_search,cap_sys_ptrace,cap_sys_admin=p"), "\(said)")
            #expect(!said.contains { $0.hasPrefix("./") }, "empty files: \(said)")
            let stage = RawPath("\(scene.root)/stage")
            #expect(try Files.names(in: stage) == [RawPath("usr")], "nothing lies beside the prefix")
            for file in [
                "share/man/man1/varve.1", "share/man/man1/varve-db-restore.1", "share/man/man8/varved.8",
                "share/bash-completion/completions/varve", "share/zsh/site-functions/_varved",
                "share/fish/vendor_completions.d/varve.fish", "share/doc/varve/d3.LICENSE",
            ] {
                #expect((try? stage.appending("usr/\(file)".utf8).status()) != nil, "\(file) is missing")
            }
            #expect(
                try Files.contents(of: RawPath("/etc/group"), limit: 1 << 20) == groups, "only the copy was changed")
        }
    }
}
