import Model
import Syscalls
import TestSupport
import Testing

/// The tables of a store in our program and in foreign ones.
extension EndToEnd {
    @Suite struct SQL {
        /// The repository's top directory, found from this file's own place in it.
        private static let root = #filePath.split(separator: "/", omittingEmptySubsequences: false).dropLast(3)
            .joined(separator: "/")
        /// Debian's, which may load extensions; others in PATH may not.
        private static let python = "/usr/bin/python3"

        private static func linkedExtension(in scene: Scene) throws -> String {
            let file = "\(scene.place)/varve.so"
            let archive = BuiltPrograms.path(of: "libvarve-extension.a")
            let directory = archive.split(separator: "/", omittingEmptySubsequences: false).dropLast()
                .joined(separator: "/")
            try runSuccessfully("\(root)/scripts/link-extension", [directory, file], timeoutSeconds: 300)
            return file
        }

        private static func recorded() throws -> (scene: Scene, events: String) {
            let scene = try Scene(.ext4)
            var generator = SeededGenerator(seed: 5)
            _ = try scene.perform([WorkloadScript.random(in: "work", operationCount: 400, using: &generator)])
            try scene.sync()
            let events = "\(scene.place)/events.jsonl"
            try Files.write(try scene.varve(["events", "-o", "jsonl"]).output, to: RawPath(events))
            return (scene, events)
        }

        /// Whether pushed down or checked by SQLite, a condition finds the same; in Debian's SQLite and in one that apsw
        /// brings along.
        @Test(Privilege.required) func foreignProgramsFindWhatVarveFinds() throws {
            let (scene, events) = try Self.recorded()
            defer { scene.close() }
            let file = try Self.linkedExtension(in: scene)
            let script = "\(Self.root)/Tests/Workloads/sqltables.py"
            let count = try scene.varve(["count"]).outputText.split(separator: "\n").first ?? ""
            let shell = try runSuccessfully(
                "sqlite3", [":memory:", ".load \(file)", "SELECT count(*) FROM event('\(scene.store)')"])
            #expect(shell.outputText.split(separator: "\n").first == count)
            let seed = UInt64.random(in: 0..<1 << 32)
            print("sql tables: seed \(seed)")
            let arguments = [script, file, scene.store, events, "\(seed)", "300"]
            let debian = try run(Self.python, arguments)
            #expect(debian.status == 0, "\(debian.outputText) \(debian.errorText)")

            let environment = "\(scene.place)/apsw"
            let made = try run(Self.python, ["-m", "venv", environment])
            let installed = try run("\(environment)/bin/pip", ["-q", "install", "apsw"], timeoutSeconds: 120)
            guard made.status == 0, installed.status == 0 else {
                print("sql tables: apsw skipped: it cannot be installed: \(made.errorText)\(installed.errorText)")
                return
            }
            let apsw = try run("\(environment)/bin/python", arguments + ["apsw"])
            #expect(apsw.status == 0, "\(apsw.outputText) \(apsw.errorText)")
        }

        /// Datasette loads it, and answers with rows of JSON.
        @Test(Privilege.required) func datasetteServesTheTables() throws {
            let (scene, events) = try Self.recorded()
            defer { scene.close() }
            let file = try Self.linkedExtension(in: scene)
            let environment = "\(scene.place)/datasette"
            let made = try run(Self.python, ["-m", "venv", environment])
            let installed = try run("\(environment)/bin/pip", ["-q", "install", "datasette"], timeoutSeconds: 120)
            guard made.status == 0, installed.status == 0 else {
                print("sql tables: Datasette skipped: it cannot be installed: \(made.errorText)\(installed.errorText)")
                return
            }
            let program = """
                import json, subprocess, sys, urllib.parse
                datasette, extension, store, events = sys.argv[1:]
                sql = f"SELECT seq, path, pid FROM event('{store}') WHERE op MATCH 'create' ORDER BY seq DESC LIMIT 50"
                address = "/_memory.json?_shape=array&sql=" + urllib.parse.quote(sql)
                answer = subprocess.run([datasette, "--memory", "--load-extension", extension, "--get", address],
                                        check=True, capture_output=True)
                expected = [json.loads(line) for line in open(events, "rb")]
                expected = [{"seq": e["seq"], "path": e.get("path"), "pid": e.get("pid")}
                            for e in reversed(expected) if "create" in e["op"]][:50]
                found = json.loads(answer.stdout)
                assert found == expected and len(found) == 50, (found[:3], expected[:3])
                """
            let answer = try run(
                "\(environment)/bin/python",
                ["-c", program, "\(environment)/bin/datasette", file, scene.store, events], timeoutSeconds: 60)
            #expect(answer.status == 0, "\(answer.outputText) \(answer.errorText)")
        }

        @Test(Privilege.required) func sqlAnswersLikeEvents() throws {
            let (scene, _) = try Self.recorded()
            defer { scene.close() }
            let count = try scene.varve(["count", "--op", "create"])
            let question = "SELECT count(*) FROM event WHERE op MATCH 'create'"
            let answer = try scene.varve(["sql", "-o", "csv", question])
            #expect(answer.status == 0, "\(answer.errorText)")
            #expect(answer.lines.last == count.lines.first)
            let explained = try scene.varve(["sql", "--explain", "-o", "csv", question])
            #expect(explained.errorText.contains("event: pushed down op MATCH 'create'; 0 of"))
            #expect(try scene.varve(["sql", "SELECT 1; SELECT 2"]).status == 2)
            #expect(try scene.varve(["sql", "CREATE TABLE t(x)"]).status == 2)
            #expect(try scene.varve(["sql", "SELECT * FROM event WHERE time > 'x'"]).status == 2)
            // Nothing was recorded before the recorder was started.
            #expect(try scene.varve(["sql", "SELECT seq FROM event WHERE time >= '2020-01-01'"]).status == 3)
            // Outside of what was recorded, a count of nothing is no answer.
            for query in [
                "SELECT count(*) FROM event WHERE time < '2020-01-01'",
                "SELECT events FROM event_count WHERE until = '2020-01-01'",
            ] {
                let outside = try scene.varve(["sql", query])
                #expect(outside.status == 3, "\(query): \(outside.status)")
                #expect(outside.errorText.contains("nothing was recorded from 2020-01-01"), "\(outside.errorText)")
                #expect(try scene.varve(["sql", "--accept-gaps", query]).status == 0)
            }
        }
    }
}
