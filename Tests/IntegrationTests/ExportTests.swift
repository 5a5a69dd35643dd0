import Glibc
import Model
import Syscalls
import TestSupport
import Testing

/// What is recorded, read back by the programs that the forms of `varve export` are for.
extension EndToEnd {
    @Suite struct Exports {
        /// The repository's top directory, found from this file's own place in it.
        private static let root = #filePath.split(separator: "/", omittingEmptySubsequences: false).dropLast(3)
            .joined(separator: "/")
        private static let checker = "\(root)/Tests/Workloads/exports.py"
        private static let python = "/usr/bin/python3"

        /// Some activity, names that no form can take as they are, and a gap.
        private static func recorded() throws -> Scene {
            let scene = try Scene(.ext4)
            var generator = SeededGenerator(seed: 6)
            var strange = WorkloadScript()
            strange.add("mkdir", "names")
            for name in Names.strange + ["a|b", "|", ",;", "x\\x7c", "un\u{1F600} \u{FEFF}"].map({ RawPath($0) }) {
                let place = RawPath("names").appending(name.bytes)
                strange.add("mkdir", [place])
                strange.add("create", [place.appending(name.bytes), RawPath("3")])
                strange.add("rename", [place.appending(name.bytes), place.appending("moved|".utf8)])
            }
            _ = try scene.perform([WorkloadScript.random(in: "work", operationCount: 300, using: &generator), strange])
            try scene.sync()
            // The time until the next one runs is a gap.
            try scene.killRecorder()
            try scene.startRecorder()
            _ = try scene.perform([WorkloadScript.random(in: "more", operationCount: 50, using: &generator)])
            try scene.sync()
            return scene
        }

        /// The consumers that come from PyPI, in an environment of their own; nil, having said so, where they cannot be
        /// installed.
        private static func environment(in scene: Scene) throws -> String? {
            let environment = "\(scene.place)/consumers"
            let made = try run(python, ["-m", "venv", environment])
            // SAFETY: no other thread changes the environment.
            let hasRoom = unsafe getenv("VARVE_TEST_CHDB") != nil
            let installed = try run(
                "\(environment)/bin/pip",
                ["-q", "install", "--no-compile", "pyarrow", "duckdb", "ocsf-lib", "ocsf-json-schema", "jsonschema"]
                    + (hasRoom ? ["chdb"] : []),
                timeoutSeconds: 300)
            guard made.status == 0, installed.status == 0 else {
                print("exports: pyarrow, DuckDB and OCSF skipped: \(made.errorText)\(installed.errorText)")
                return nil
            }
            return "\(environment)/bin/python"
        }

        @Test(Privilege.required) func consumersReadWhatWasRecorded() throws {
            let scene = try Self.recorded()
            defer { scene.close() }
            let gaps = "\(scene.place)/gaps"
            let events = "\(scene.place)/events"
            try Files.write(try scene.varve(["gaps", "-o", "jsonl"]).output, to: RawPath(gaps))
            try Files.write(try scene.varve(["events", "-o", "jsonl", "--accept-gaps"]).output, to: RawPath(events))
            let isolated = try Self.environment(in: scene)
            var consumers = [
                ("csv", Self.python), ("bodyfile", Self.python), ("timesketch", Self.python), ("sqlite", Self.python),
            ]
            if let isolated { consumers += [("ocsf", isolated), ("parquet", isolated)] }
            for (form, program) in consumers {
                let file = "\(scene.place)/export.\(form)"
                let exported = try scene.varve(["export", "--format", form, "-o", file, "--accept-gaps"])
                #expect(exported.status == 0, "\(form): \(exported.errorText)")
                let checked = try run(program, [Self.checker, form, file, events, gaps], timeoutSeconds: 120)
                #expect(checked.status == 0, "\(form): \(checked.outputText) \(checked.errorText)")
            }
            // The shell finds the names that are text and those that are none.
            let shell = try runSuccessfully(
                "sqlite3", ["\(scene.place)/export.sqlite", "SELECT DISTINCT typeof(path) FROM event ORDER BY 1"])
            #expect(shell.outputText.contains("blob") && shell.outputText.contains("text"))
        }

        /// What one export after the other gives is what one alone would have given, also while events come in.
        @Test(Privilege.required) func exportsThatGoOnGiveEachEventOnce() throws {
            let scene = try Scene(.ext4)
            defer { scene.close() }
            let cursor = "\(scene.place)/cursor"
            var generator = SeededGenerator(seed: 7)
            var lines: [Substring] = []
            for round in 0..<4 {
                let work = try scene.startWorkload([
                    WorkloadScript.random(in: "work\(round)", operationCount: 200, using: &generator)
                ])
                lines += try scene.varve(["export", "--format", "jsonl", "--cursor-file", cursor]).lines
                _ = try work.wait()
                try scene.sync()
                if round == 1 { try runSuccessfully(BuiltPrograms.varve, ["compact", "--store", scene.store]) }
                lines += try scene.varve(["export", "--format", "jsonl", "--cursor-file", cursor]).lines
            }
            let whole = try scene.varve(["events", "-o", "jsonl"])
            #expect(lines == whole.lines)
            #expect(try Files.names(in: RawPath(scene.place)).allSatisfy { !$0.lossyText.contains(".varve-") })
            // What could not be written is given again.
            let other = "\(scene.place)/other"
            let command = "'\(BuiltPrograms.varve)' export --format jsonl --store '\(scene.store)' --cursor-file"
            #expect(try run("/bin/sh", ["-c", "\(command) '\(other)' > /dev/full"]).status == 3)
            #expect(try scene.varve(["export", "--format", "jsonl", "--cursor-file", other]).lines == whole.lines)
            let nothing = try scene.varve(["export", "--format", "jsonl", "--cursor-file", cursor])
            #expect(nothing.status == 1)
            #expect(try scene.varve(["export", "--format", "csv", "--cursor-file", cursor]).status == 2)
            #expect(try scene.varve(["export", "--format", "parquet"]).status == 2)
            #expect(try scene.varve(["export", "--format", "jsonl", "-o", cursor]).status == 2)
        }
    }
}
