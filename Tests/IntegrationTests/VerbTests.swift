import FoundationEssentials
import Model
import Syscalls
import TestSupport
import Testing

/// The answers about moments, ranges and names on a real recording.
extension EndToEnd {
    @Suite struct Verbs {
        /// A row of `varve changes` or `varve tree`.
        private struct Row: Decodable {
            struct Actor: Decodable {
                var program: String?
            }

            var path: String
            var state: String?
            var change: String?
            var by: Actor?
        }

        private static func rows(_ result: CommandResult) throws -> [Row] {
            try result.lines.map { try JSONDecoder().decode(Row.self, from: Data($0.utf8)) }
        }

        /// Paths below the scene's root and what their rows say.
        private static func told(_ result: CommandResult, in scene: Scene) throws -> [String: String] {
            var told: [String: String] = [:]
            for row in try rows(result) where row.path.hasPrefix(scene.root + "/") {
                told[String(row.path.dropFirst(scene.root.count + 1))] = row.state ?? row.change
            }
            return told
        }

        private func recorded(_ commands: [String]) throws -> (scene: Scene, moments: [String]) {
            let scene = try Scene(.ext4, startsRecorder: false)
            try runSuccessfully(
                "/bin/sh", ["-c", "cd \(scene.root) && mkdir old && echo 1 > old/kept && echo 1 > was"])
            try scene.startRecorder(options: ["--commit-interval", "20ms"])
            var moments: [String] = []
            for command in commands {
                try runSuccessfully("/bin/sh", ["-ec", "cd \(scene.root)\n" + command])
                try scene.sync()
                moments.append("@" + (try runSuccessfully("/bin/date", ["+%s.%N"]).outputText).filter { $0 != "\n" })
            }
            return (scene, moments)
        }

        private static let history = [
            "mkdir new && echo 1 > new/file && echo 2 >> old/kept && ln new/file link",
            "mv new moved && echo 3 > moved/text.tmp && mv moved/text.tmp moved/text && rm was",
            "echo 4 > passing && rm passing && echo 5 > moved/text.tmp && mv moved/text.tmp moved/text && chmod 600 link",
        ]

        @Test(Privilege.required) func treeTellsTheNamesOfAMoment() throws {
            let (scene, moments) = try recorded(Self.history)
            defer { scene.close() }
            func tree(_ at: String) throws -> [String: String] {
                let result = try scene.varve(["tree", "--under", scene.root, "--at", at, "-o", "jsonl"])
                #expect(result.status == 0, "\(result.errorText)")
                return try Self.told(result, in: scene)
            }
            #expect(
                try tree(moments[0]) == [
                    "new": "known", "new/file": "known", "old": "known", "old/kept": "known", "link": "known",
                    "was": "inferred",
                ])
            #expect(
                try tree(moments[2]) == [
                    "moved": "known", "moved/file": "known", "moved/text": "known", "old": "known", "old/kept": "known",
                    "link": "known",
                ])
            let drawn = try scene.varve(["tree", "--under", scene.root, "--at", moments[2], "-o", "table"])
            #expect(drawn.outputText.contains("│   └── text\n"))
        }

        @Test(Privilege.required) func changesTellTheNetEffect() throws {
            let (scene, moments) = try recorded(Self.history)
            defer { scene.close() }
            func changes(_ options: [String]) throws -> [String: String] {
                let result = try scene.varve(["changes", "--under", scene.root, "-o", "jsonl"] + options)
                #expect(result.status == 0, "\(result.errorText)")
                return try Self.told(result, in: scene)
            }
            #expect(
                try changes([]) == [
                    "moved": "created", "moved/file": "created", "moved/text": "created", "old/kept": "modified",
                    "link": "created", "was": "deleted",
                ])
            #expect(
                try changes(["--since", moments[0], "--until", moments[1]]) == [
                    "moved": "renamed", "moved/text": "created", "was": "deleted",
                ])
            #expect(
                try changes(["--since", moments[1], "--transient"]) == [
                    "moved/text": "created", "passing": "transient", "link": "attributes",
                ], "whether a rename took the name from another file is not in the record")
            let result = try scene.varve(["changes", "--under", scene.root, "-o", "jsonl", "--what", "deleted"])
            #expect(try Self.rows(result).first?.by?.program?.hasSuffix("/rm") == true)
        }

        @Test(Privilege.required) func aroundShowsTheNeighboursOfAnEvent() throws {
            let (scene, _) = try recorded(Self.history)
            defer { scene.close() }
            let all = try scene.events().map(\.seq)
            let middle = all[all.count / 2]
            let result = try scene.varve(["around", "\(middle)", "-C", "2", "-o", "jsonl"])
            #expect(result.status == 0, "\(result.errorText)")
            #expect(
                try ReportedEvent.list(result.output).map(\.seq)
                    == Array(all[(all.count / 2 - 2)...(all.count / 2 + 2)]))
            let table = try scene.varve(["around", "\(middle)", "--span", "1h", "-o", "table"])
            #expect(table.lines.count == all.count + 1)
            #expect(table.lines.count(where: { $0.hasPrefix("> ") }) == 1)
        }

        @Test(Privilege.required) func replayGivesTheEventsAndTheTerminalBack() throws {
            let (scene, _) = try recorded(Self.history)
            defer { scene.close() }
            #expect(try scene.stopRecorder() == 0)
            let plain = try scene.varve(["replay", "-o", "jsonl", "--max-pause", "10ms"])
            #expect(plain.status == 0, "\(plain.errorText)")
            #expect(plain.output == (try scene.varve(["events", "-o", "jsonl"])).output)
            #expect(try scene.varve(["replay", "--step"]).status == 2, "nobody can press a key")
            // A reader that has enough ends it quietly, however long the next pause is.
            let closed = try run(
                "/bin/sh", ["-c", "\(BuiltPrograms.varve) replay --speed 0.001 --store \(scene.store) | head -n 1"])
            #expect(closed.lines.count == 1 && closed.errorText.isEmpty, "\(closed.errorText)")

            // script(1) is the terminal; it sends the keys. A second program is stopped, goes on, and is interrupted.
            let command = """
                cd \(scene.place)
                stty -a > before
                \(BuiltPrograms.varve) replay --step --store \(scene.store) > /dev/tty
                echo ended $? > end
                raw() { until stty -a < /dev/tty | grep -q -e -icanon; do sleep 0.01; done; }
                (
                    raw
                    kill -TSTP $(cat pid)
                    until grep -q '^State:.T' /proc/$(cat pid)/status; do sleep 0.01; done
                    stty -a < /dev/tty > stopped
                    kill -CONT $(cat pid)
                    raw
                    kill -INT $(cat pid)
                ) &
                sh -c 'echo $$ > pid; exec "$@"' - \(BuiltPrograms.varve) replay --step --store \(scene.store)
                wait
                stty -a > after
                """
            try Files.write(Array(command.utf8), to: RawPath("\(scene.place)/play"))
            let played = try run(
                "/bin/sh", ["-c", "printf 'nnq' | script -qec 'sh \(scene.place)/play' /dev/null"])
            #expect(
                played.outputText.contains("old/kept") || played.outputText.contains("/new"), "\(played.outputText)")
            func text(_ name: String) throws -> String {
                String(
                    decoding: try Files.contents(of: RawPath("\(scene.place)/\(name)"), limit: 65_536), as: UTF8.self)
            }
            #expect(try text("end") == "ended 0\n")
            #expect(try text("before") == text("stopped"))
            #expect(try text("before") == text("after"))
            #expect(try text("before").contains(" icanon") && text("before").contains(" echo "))
        }
    }
}
