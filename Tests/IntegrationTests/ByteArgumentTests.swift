import FoundationEssentials
import Model
import Syscalls
import TestSupport
import Testing

/// Paths and names on the command line of `varve` are bytes, for every verb.
extension EndToEnd {
    @Suite struct ByteArguments {
        /// Two directories that are the same to whoever takes names for text, in which a program with such a name did
        /// something.
        private static func recorded() throws -> Scene {
            let scene = try Scene(.ext4, options: ["--capture-wal", "**"])
            try runSuccessfully(
                "/bin/bash",
                [
                    "-ec",
                    """
                    \(words(scene))
                    mkdir "$d" "$o"
                    cp /usr/bin/touch "$d/"$'p\\xff'
                    "$d/"$'p\\xff' "$d/made"
                    touch "$o/made"
                    """,
                ])
            try scene.sync()
            return scene
        }

        /// What the questions are put together from.
        private static func words(_ scene: Scene) -> String {
            "d='\(scene.root)'/$'a\\xff' o='\(scene.root)'/$'a\\xfe' P='\(scene.place)'"
        }

        private static func ask(_ scene: Scene, _ question: String, store: String? = nil) throws -> CommandResult {
            let store = store ?? "'\(scene.store)'"
            return try run(
                "/bin/bash",
                ["-c", "\(words(scene)); exec '\(BuiltPrograms.varve)' \(question) --store \(store)"],
                timeoutSeconds: 120)
        }

        /// Commits to a database in the directory until the last two commits can be restored; their numbers.
        private static func lastCommits(_ scene: Scene, _ writer: SQLiteWriter) throws -> [Int] {
            try writer.run("c = connect(b'\(scene.root)/a\\xff/x.db')\nc.execute('create table t(a)')")
            for _ in 0..<100 {
                for _ in 0..<3 { try writer.run("c.execute('insert into t values(1)')") }
                pause(milliseconds: 100)
                guard try ask(scene, "db list -o jsonl").outputText.contains(/"base_images":[1-9]/) else { continue }
                for _ in 0..<3 { try writer.run("c.execute('insert into t values(2)')") }
                pause(milliseconds: 500)
                try scene.sync()
                break
            }
            let commits = try ask(scene, "db commits -o jsonl \"$d/x.db\"")
            #expect(commits.status == 0, "\(commits.errorText)")
            return commits.lines.compactMap { $0.firstMatch(of: /"commit":(\d+)/).flatMap { Int($0.1) } }.suffix(2)
        }

        private static func encoded(_ path: RawPath) -> String { Data(path.bytes).base64EncodedString() }

        private static func directory(_ scene: Scene) -> RawPath { RawPath(Array("\(scene.root)/a".utf8) + [0xFF]) }

        @Test(Privilege.required) func everyVerbFindsTheNameThatIsAskedFor() throws {
            let scene = try Self.recorded()
            defer { scene.close() }
            let made = Self.directory(scene).appending("made".utf8)
            let event = try #require(
                try scene.events().first { $0.path == made && $0.operations.contains("create") })
            let pid = try #require(event.pid)
            let questions = [
                "events -o jsonl --path \"$d/made\"",
                // What is given twice the argument parser is asked about.
                "events -o jsonl --limit 9 --limit 99 --path \"$d/made\"",
                "events -o jsonl --limit 9 --limit 99 --under \"$d\"",
                "top -o jsonl --under \"$d\"", "top -o jsonl --path \"$d/*\"", "top -o jsonl --exe \"$d/\"$'p\\xff'",
                "top -o jsonl --exe=\"$d/\"$'p\\xff'", "top -o jsonl --comm $'p\\xff'",
                "histogram -o jsonl --by path --under \"$d\"", "file -o jsonl \"$d/made\"",
                "process -o jsonl \(pid) --under \"$d\"", "around -o jsonl \(event.seq) --under \"$d\"",
                "replay -o jsonl --max-pause 1ms --under \"$d\"", "changes -o jsonl --under \"$d\"",
                "tree -o jsonl --under \"$d\"", "export --format jsonl --under \"$d\"",
            ]
            for question in questions {
                let answer = try Self.ask(scene, question)
                #expect(answer.status == 0, "\(question): \(answer.errorText)")
                #expect(answer.outputText.contains(Self.encoded(made)), "\(question): \(answer.outputText)")
                // A name that looks the same has other events; the event and the process that were asked for are told all the same.
                guard !question.hasPrefix("around"), !question.hasPrefix("process") else { continue }
                let other = try Self.ask(
                    scene, question.replacing("$d", with: "$o").replacing("'p\\xff'", with: "'p\\xfe'"))
                #expect(!other.outputText.contains(Self.encoded(made)), "\(question)")
            }
            let quick = try Self.ask(scene, "count --under \"$d\"")
            #expect(quick.status == 0 && Int(quick.lines.first ?? "") ?? 0 > 0)
            #expect(try Self.ask(scene, "count --limit 9 --limit 99 --under \"$d\"").output == quick.output)
            let count = "SELECT count(*) FROM event WHERE path = CAST('$d/made' AS BLOB)"
            let answer = try Self.ask(scene, "sql -o csv \"\(count)\"")
            #expect(Int(answer.lines.last ?? "") ?? 0 > 0, "\(answer.outputText) \(answer.errorText)")
            #expect(try Self.ask(scene, "gaps -o jsonl --under \"$d\"").status == 1)
            let doctor = try Self.ask(scene, "doctor -o json \"$d\"")
            #expect(doctor.outputText.contains(Self.encoded(Self.directory(scene))), "\(doctor.outputText)")
            let refused = try Self.ask(scene, "top --user $'a\\xff'")
            #expect(refused.status == 2 && refused.errorText.contains("'a\\xff'"), "\(refused.errorText)")
        }

        @Test(Privilege.required) func filesAreMadeUnderTheNamesThatWereTyped() throws {
            let scene = try Self.recorded()
            defer { scene.close() }
            let writer = try SQLiteWriter()
            let commits = try Self.lastCommits(scene, writer)
            let (before, last) = try (#require(commits.first), #require(commits.last))
            let wishes = [
                "export --format jsonl -o \"$P/\"$'export\\xff'",
                "export --format jsonl --cursor-file \"$P/\"$'cursor\\xff'", "report -o \"$P/\"$'report\\xff'",
                "db restore \"$d/x.db\" --commit \(last) -o \"$P/\"$'restored\\xff'",
            ]
            for wish in wishes {
                let answer = try Self.ask(scene, "\(wish) --accept-gaps")
                #expect(answer.status == 0, "\(wish): \(answer.errorText)")
            }
            let names = try Files.names(in: RawPath(scene.place))
            for name in ["export", "cursor", "report", "restored"] {
                #expect(names.contains(RawPath(Array(name.utf8) + [0xFF])), "\(name)")
            }
            for question in [
                "db export --commit \(last) \"$d/x.db\"",
                "db diff -o jsonl --from \(before) --to \(last) \"$d/x.db\"",
            ] {
                let answer = try Self.ask(scene, question)
                #expect(answer.status == 0 && !answer.output.isEmpty, "\(question): \(answer.errorText)")
            }
        }

        @Test(Privilege.required) func storesAndArchivesMayHaveAnyName() throws {
            let scene = try Scene(.ext4, startsRecorder: false)
            defer { scene.close() }
            try scene.startRecorder(options: ["--archive", "\(scene.place)/archive"])
            // One that ends before it has copied the store has archived nothing.
            try waitUntil("the archive follows the store") {
                try scene.varve(["status", "-o", "jsonl"]).outputText.contains("\"archive\":\"archiving\"")
            }
            try runSuccessfully("/bin/sh", ["-c", "touch '\(scene.root)/made'"])
            try scene.sync()
            #expect(try scene.stopRecorder() == 0)
            try runSuccessfully(
                "/bin/bash",
                [
                    "-ec",
                    "\(Self.words(scene)); mv '\(scene.store)' \"$P/\"$'store\\xff'; mv \"$P/archive\" \"$P/\"$'archive\\xff'",
                ])
            let questions = [
                "events", "events --limit 9 --limit 99", "count", "top", "histogram", "status", "verify", "sync",
                "note made", "note",
                "compact", "prune --before 2020-01-01", "sql 'SELECT count(*) FROM event'", "export --format csv",
                "replay",
                "tree --accept-gaps --under '\(scene.root)'", "changes", "file '\(scene.root)/made'", "around 1",
            ]
            for question in questions {
                let answer = try Self.ask(scene, question, store: "\"$P/\"$'store\\xff'")
                #expect(answer.status == 0, "\(question): \(answer.status) \(answer.errorText)")
            }
            for question in ["archive verify", "archive restore -o \"$P/\"$'restored\\xff'"] {
                let answer = try run(
                    "/bin/bash",
                    ["-c", "\(Self.words(scene)); exec '\(BuiltPrograms.varve)' \(question) \"$P/\"$'archive\\xff'"])
                #expect(answer.status == 0, "\(question): \(answer.errorText)")
            }
            let restored = try Self.ask(scene, "count", store: "\"$P/\"$'restored\\xff'")
            #expect(restored.status == 0, "\(restored.errorText)")
        }
    }
}
