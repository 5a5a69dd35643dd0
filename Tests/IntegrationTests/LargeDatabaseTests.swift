import FoundationEssentials
import Model
import Syscalls
import TestSupport
import Testing

extension EndToEnd {
    @Suite struct LargeDatabases {
        private struct ReportedDatabase: Decodable {
            var commits: Int
            var missed: Int
        }

        private func database(_ scene: Scene) throws -> ReportedDatabase? {
            let lines = try scene.varve(["db", "list", "-o", "jsonl"]).outputText.split(separator: "\n")
            return try lines.first.map { try JSONDecoder().decode(ReportedDatabase.self, from: Data($0.utf8)) }
        }

        /// Its base image is made beside commits, with the log beginning again all the while; what is restored over that is
        /// compared byte for byte with what SQLite itself made of copies of database and log.
        @Test(Privilege.required, .timeLimit(.minutes(3)))
        func aBusyOneComesBackByteForByte() throws {
            let scene = try Scene(.ext4, startsRecorder: false)
            defer { scene.close() }
            let path = scene.root + "/large.db"
            // More than is copied at one go.
            try runSuccessfully("/usr/bin/python3", [BuiltPrograms.largeWorkload, "fill", path, "20"])
            try scene.startRecorder(options: ["--capture-wal", "**"])
            let written = try runSuccessfully(
                "/usr/bin/python3", [BuiltPrograms.largeWorkload, "write", path, "8", scene.place, "16"])
            let copies = written.lines.dropLast().map { $0.split(separator: " ") }
            let count = try #require(written.lines.last.flatMap { Int($0) })
            for _ in 0..<100 {
                let known = try database(scene)
                if let known, known.commits + known.missed >= count { break }
                pause(milliseconds: 200)
            }
            #expect(try scene.stopRecorder() == 0)

            let first = try #require(
                try scene.sql("SELECT min(commit_number) FROM base_image").split(separator: "\n").first.flatMap {
                    Int($0)
                })
            var restored = 0
            for copy in copies {
                let file = scene.place + "/restored.db"
                let answer = try scene.varve(["db", "restore", path, "--commit", String(copy[0]), "-o", file])
                // Before the first base image there is nothing to restore from; a gap says so of what it hides.
                guard answer.status == 0 else {
                    #expect(answer.status == 3 && !answer.errorText.isEmpty, "\(answer.status) \(answer.errorText)")
                    continue
                }
                restored += 1
                #expect(try run("cmp", [file, String(copy[1])]).status == 0, "commit \(copy[0]) of \(count)")
                try runSuccessfully("rm", [file])
            }
            print("\(restored) of \(copies.count) compared, base image at commit \(first) of \(count)")
            #expect(restored > 0)
            #expect(try scene.varve(["verify"]).status == 0)
        }
    }
}
