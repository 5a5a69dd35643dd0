import Model
import Syscalls
import TestSupport
import Testing

/// The page of `varve report` over what was really recorded, read by a browser.
extension EndToEnd {
    @Suite struct Reports {
        private static let checker = "\(BuiltPrograms.top)/Tests/Workloads/report.py"
        private static let python = "/usr/bin/python3"

        /// Some activity, names that break programs, a database with commits, and a gap.
        private static func recorded() throws -> Scene {
            let options = ["--capture-wal", "**"]
            let scene = try Scene(.ext4, options: options)
            var generator = SeededGenerator(seed: 8)
            var strange = WorkloadScript()
            strange.add("mkdir", "names")
            let markup = ["<b>&amp;'\"", "<img src=x onerror=alert(1)>", "<!--"].map { RawPath($0) }
            for name in Names.strange + markup {
                let place = RawPath("names").appending(name.bytes)
                strange.add("mkdir", [place])
                strange.add("create", [place.appending(name.bytes), RawPath("3")])
            }
            // A path may end an element although no name can: "names/<" has the file "script><script>…" in it.
            strange.add("mkdir", "names/<")
            strange.add("create", "names/</script><script>alert(1)<", "1")
            _ = try scene.perform([WorkloadScript.random(in: "work", operationCount: 300, using: &generator), strange])
            try scene.sync()
            // The time until the next one runs is a gap.
            try scene.killRecorder()
            try scene.startRecorder(options: options)
            _ = try scene.perform([WorkloadScript.random(in: "more", operationCount: 50, using: &generator)])
            try runSuccessfully(python, [BuiltPrograms.databaseWorkload, scene.root + "/subject.db", "steps", "10"])
            pause(milliseconds: 700)
            try scene.stopRecorder()
            return scene
        }

        /// What `varve` says to the same questions, as the checker reads it.
        private static func truth(_ scene: Scene) throws -> String {
            func rows(_ arguments: [String]) throws -> String {
                let answer = try scene.varve(arguments + ["-o", "jsonl"])
                #expect([0, 1, 3].contains(answer.status), "\(arguments): \(answer.errorText)")
                return "[\(answer.lines.joined(separator: ","))]"
            }
            let groupings = ["op", "exe", "process", "user", "dir", "path"]
            let tops = try groupings.map { "\"\($0)\":" + (try rows(["top", "--by", $0, "--limit", "500"])) }
            let count = try scene.varve(["count", "--accept-gaps"]).lines.first ?? ""
            return """
                {"count":\(count),"gaps":\(try rows(["gaps"])),"top":{\(tops.joined(separator: ","))},
                "commits":\(try rows(["db", "commits", scene.root + "/subject.db"]))}
                """
        }

        @Test(Privilege.required, .timeLimit(.minutes(5))) func aBrowserShowsWhatVarveSays() throws {
            let scene = try Self.recorded()
            defer { scene.close() }
            let page = "\(scene.place)/report.html"
            let made = try scene.varve(["report", "--limit", "500", "-o", page])
            #expect(made.status == 3, "the gap makes it incomplete: \(made.errorText)")
            #expect(made.output.isEmpty)
            let byteCount = Int(try RawPath(page).status().byteCount)
            #expect(byteCount < 5 << 20)
            // What stands in the file is what goes to a pipe.
            let piped = try scene.varve(["report", "--limit", "500", "--accept-gaps"])
            #expect(piped.status == 0 && piped.output.count == byteCount)
            let again = try scene.varve(["report", "-o", page])
            #expect(again.status == 2 && again.errorText.contains("exists"))

            let truth = "\(scene.place)/truth.json"
            try Files.write(Array(try Self.truth(scene).utf8), to: RawPath(truth))
            if try run("sh", ["-c", "command -v chromium"]).status == 0 {
                let browsed = try run(Self.python, [Self.checker, "browse", page, truth], timeoutSeconds: 180)
                #expect(browsed.status == 0, "\(browsed.outputText) \(browsed.errorText)")
            } else {
                print("report: the browser is not there, skipped")
            }

            try Self.parse(page, in: scene)

            // What cannot be read of a database is named, and the rest is there.
            try runSuccessfully(
                "sh", ["-c", "for file in \"$1\"/segments/*/*; do truncate -s 100 \"$file\"; done", "sh", scene.store])
            let damaged = try scene.varve(["report"])
            #expect(damaged.status == 4)
            for text in [damaged.errorText, damaged.outputText] { #expect(text.contains("its commits cannot be read")) }
            #expect(damaged.outputText.hasSuffix("</html>\n"))
        }

        /// The parser comes from PyPI, in an environment of its own; where it cannot be installed, that is said.
        private static func parse(_ page: String, in scene: Scene) throws {
            let environment = "\(scene.place)/parser"
            let prepared = try run(python, ["-m", "venv", environment])
            let installed = try run("\(environment)/bin/pip", ["-q", "install", "html5lib"], timeoutSeconds: 120)
            guard prepared.status == 0, installed.status == 0 else {
                print("report: html5lib skipped: \(prepared.errorText)\(installed.errorText)")
                return
            }
            let parsed = try run("\(environment)/bin/python", [checker, "parse", page])
            #expect(parsed.status == 0, "\(parsed.outputText) \(parsed.errorText)")
        }
    }
}
