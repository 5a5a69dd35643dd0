import Model
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
            try scene.sync()
            let questions = [
                "events", "events -o table", "events -o csv", "events -o json", "events -o jsonl", "top --by path",
                "top --by dir -o csv", "status",
            ]
            for question in questions {
                // script(1) gives the program a terminal; the terminal turns each newline into two bytes.
                let command = "'\(BuiltPrograms.varve)' \(question) --store '\(scene.store)'"
                let answer = try run("/usr/bin/script", ["-qec", command, "/dev/null"])
                #expect(answer.status == 0, "\(question): \(answer.outputText)")
                #expect(answer.output.count > 20)
                let text = answer.outputText.replacing("\r\n", with: "\n")
                let control = text.unicodeScalars.filter {
                    ($0.properties.generalCategory == .control && $0 != "\n") || $0.properties.isBidiControl
                }
                #expect(control.isEmpty, "\(question) printed \(Set(control.map(\.value)))")
                #expect(String(validating: answer.output, as: UTF8.self) != nil, "\(question) is valid UTF-8")
            }
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
