import Model
import Syscalls
import TestSupport
import Testing

/// File names that break programs, from the kernel to the terminal.
extension EndToEnd {
    @Suite struct Names {
        static let strange: [RawPath] = [
            RawPath("two\nlines"),
            RawPath("\u{1b}[31mred\u{1b}[0m\u{7}"),
            RawPath("\u{9b}2J"),
            RawPath("tab\tquote\"back\\slash"),
            RawPath(" leading and trailing "),
            RawPath("-rf"),
            RawPath("*?[a-z]{b}"),
            RawPath("\u{202e}txt.exe"),
            RawPath("ünïcödé 日本語"),
            RawPath([0xff, 0xfe, 0x61, 0x80]),
            RawPath([0x01, 0x7f, 0x0d]),
            RawPath([UInt8](repeating: UInt8(ascii: "n"), count: 255)),
            RawPath([UInt8](repeating: 0xf0, count: 255)),
        ]

        @Test(Privilege.required, arguments: FilesystemKind.allCases)
        func anyBytesComeBackUnchanged(on kind: FilesystemKind) throws {
            let scene = try Scene(kind)
            defer { scene.close() }
            var script = WorkloadScript()
            for name in Self.strange {
                script.add("mkdir", [name])
                let inside = name.appending(name.bytes)
                script.add("create", [inside, RawPath("1")])
                script.add("rename", [inside, name.appending("moved".utf8)])
            }
            let truth = try scene.perform([script])
            try truth.expectAgreement(with: scene.events())
        }

        /// To whoever takes arguments for text these are the same.
        @Test(Privilege.required) func argumentsThatAreNoTextAreToldApart() throws {
            let scene = try Scene(.ext4, startsRecorder: false)
            defer { scene.close() }
            let names = ["printf 'a\\377'", "printf 'a\\376'", "printf 'a\\375'"].map { "\"\(scene.root)/$(\($0))\"" }
            try runSuccessfully("/bin/sh", ["-c", "mkdir \(names.joined(separator: " "))"])
            try scene.startRecorder(
                watching: ["--exclude"],
                launcher: ["/bin/sh", "-c", "exec \"$@\" \(names[2])/skipped \(names.joined(separator: " "))", "sh"])
            try runSuccessfully(
                "/bin/sh", ["-c", names.map { "touch \($0)/made \($0)/skipped" }.joined(separator: "; ")])
            let made = Set(try scene.events().compactMap(\.path))
            func path(_ byte: UInt8, _ name: String) -> RawPath {
                RawPath(Array("\(scene.root)/a".utf8) + [byte] + Array("/\(name)".utf8))
            }
            for byte in [0xff, 0xfe, 0xfd] as [UInt8] {
                #expect(made.contains(path(byte, "made")), "\(byte)")
                #expect(made.contains(path(byte, "skipped")) == (byte != 0xfd), "\(byte)")
            }
        }

        @Test(Privilege.required) func noOutputPassesControlBytesToATerminal() throws {
            let scene = try Scene(.tmpfs)
            defer { scene.close() }
            var script = WorkloadScript()
            for name in Self.strange { script.add("create", [name, RawPath("1")]) }
            _ = try scene.perform([script])
            // A program whose name and arguments steer a terminal, in a directory and on a file that do.
            let escape = "$(printf '\\033[31mred\\007\\302\\233\\342\\200\\256')"
            try runSuccessfully(
                "/bin/sh",
                [
                    "-ec",
                    """
                    cd '\(scene.root)'; name="\(escape)x"; mkdir "$name"
                    cp /usr/bin/dash "$name/p$name"
                    "$name/p$name" -c 'echo $$ > "$0/made"; : > "$0/$0"; sleep 0.1; : >> "$0/$0"' "$name" "$name"
                    cp "$name/made" '\(scene.place)/pid'
                    """,
                ])
            try scene.sync()
            try Self.makeStrangeGap(scene)
            try runSuccessfully(BuiltPrograms.varve, ["note", "--store", scene.store, "a \u{1b}[31mremark\u{202e}"])
            let pid = String(decoding: try Files.contents(of: RawPath("\(scene.place)/pid")), as: UTF8.self)
                .filter(\.isNumber)
            let strange = "\"\(scene.root)/\(escape)x\""
            var questions = [
                "events", "events -o table", "events -o csv", "events -o json", "events -o jsonl", "top --by path",
                "top --by dir -o csv", "top --by exe", "top --by process", "status", "histogram --by path",
                "histogram --by exe", "histogram --by process -o csv", "histogram --by dir -o jsonl",
                "file \(strange)/\(escape)x", "file \(strange)/\(escape)x -o csv",
                "file \(strange)/\(escape)x -o jsonl",
                "process \(pid)", "process \(pid) -o csv", "process \(pid) -o jsonl", "tree --under '\(scene.root)'",
                "tree --under \(strange) -o csv", "tree --under '\(scene.root)' -o jsonl", "changes", "changes -o csv",
                "changes --under \(strange) -o jsonl", "around 3 --span 1h", "around 3 -C 99 -o csv",
                "around 3 --span 1h -o jsonl", "gaps",
                "gaps -o csv", "gaps -o jsonl", "note", "note -o csv", "replay --max-pause 1ms -o table",
                "replay --max-pause 1ms -o csv", "verify", "doctor \(strange)", "export --format jsonl",
                "export --format csv", "export --format bodyfile", "export --format timesketch", "export --format ocsf",
            ]
            for form in ["table", "csv", "json", "jsonl"] {
                questions += [
                    "sql -o \(form) 'SELECT path, target, exe, comm, cmdline FROM event'",
                    "sql -o \(form) 'SELECT exe, comm, cmdline FROM process'",
                    "sql -o \(form) \"SELECT name FROM event_group WHERE by = 'path'\"",
                    "sql -o \(form) 'SELECT scope, cause FROM gap'",
                    "sql -o \(form) \"SELECT 1 AS '\(escape)', '\(escape)'\"",
                ]
            }
            for question in questions.map({ $0 + " --accept-gaps" }) {
                // script(1) gives the program a terminal; the terminal turns each newline into two bytes.
                let command = "'\(BuiltPrograms.varve)' \(question) --store '\(scene.store)'"
                let answer = try run("/usr/bin/script", ["-qec", command, "/dev/null"])
                let isExpected = answer.status == 0 || question.hasPrefix("doctor") && [1, 3].contains(answer.status)
                #expect(isExpected, "\(question): \(answer.status) \(answer.outputText)")
                #expect(answer.output.count > 20)
                let text = answer.outputText.replacing("\r\n", with: "\n")
                let control = text.unicodeScalars.filter {
                    ($0.properties.generalCategory == .control && $0 != "\n") || $0.properties.isBidiControl
                }
                #expect(control.isEmpty, "\(question) printed \(Set(control.map(\.value)))")
                #expect(String(validating: answer.output, as: UTF8.self) != nil, "\(question) is valid UTF-8")
            }
        }

        /// The time between two recordings, with a scope and a cause that steer a terminal; the second goes on.
        private static func makeStrangeGap(_ scene: Scene) throws {
            try scene.killRecorder()
            try scene.startRecorder()
            try scene.stopRecorder()
            let strange = "char(27) || '[31mred' || char(7) || char(0x9b) || char(0x202e)"
            try runSuccessfully(
                "sqlite3",
                [
                    "\(scene.store)/varve.db",
                    "UPDATE gap SET scope = CAST('\(scene.root)/' || \(strange) AS BLOB), cause = \(strange)",
                ])
            try scene.startRecorder()
        }

        @Test(Privilege.required) func selectionsMatchBytesAndStopAtSlashes() throws {
            let scene = try Scene(.tmpfs)
            defer { scene.close() }
            var script = WorkloadScript()
            script.add("mkdirs", "a/b")
            for name in ["a/x.c", "a/b/y.c", "a/b/z.h"] { script.add("create", name, "1") }
            _ = try scene.perform([script])
            try scene.sync()
            func paths(_ arguments: String...) throws -> Set<String> {
                let events = try ReportedEvent.list(scene.varve(["events", "-o", "jsonl"] + arguments).output)
                return Set(events.compactMap { $0.path?.text.map { String($0.dropFirst(scene.root.utf8.count)) } })
            }
            #expect(try paths("--path", "*.c") == ["/a/x.c", "/a/b/y.c"])
            #expect(try paths("--path", "\(scene.root)/a/*") == ["/a/x.c", "/a/b"])
            #expect(try paths("--path", "\(scene.root)/a/**") == ["/a/x.c", "/a/b", "/a/b/y.c", "/a/b/z.h"])
            #expect(try paths("--under", "\(scene.root)/a/b") == ["/a/b", "/a/b/y.c", "/a/b/z.h"])
            #expect(try paths("--path", "*.c", "--under", "\(scene.root)/a/b") == ["/a/b/y.c"])
        }
    }
}
