import Model
import Syscalls
import TestSupport
import Testing

/// What becomes of the many small files of a database that is seldom written.
extension EndToEnd {
    @Suite struct JoinedSegments {
        private static let commitCount = 60

        /// Segments, how many of them were joined, and files of them.
        private func state(_ scene: Scene) throws -> (rows: Int, joined: Int, files: Int) {
            let counts = try scene.sql("select count(*) || ' ' || ifnull(sum(level > 0), 0) from segment")
                .split(whereSeparator: \.isWhitespace).compactMap { Int($0) }
            try #require(counts.count == 2)
            let files = try run("find", [scene.store + "/segments", "-name", "*.vseg"]).lines.count
            return (counts[0], counts[1], files)
        }

        /// The number of rows that table `t` had after each commit, by the restored databases.
        private func counts(
            _ path: String, _ commits: [Int], _ scene: Scene, store: String? = nil
        ) throws -> [Int] {
            let file = scene.place + "/then.db"
            return try commits.map { commit in
                let question = ["db", "restore", path, "--commit", "\(commit)", "-o", file]
                let answer = try run(
                    BuiltPrograms.varve, question + ["--store", store ?? scene.store], timeoutSeconds: 120)
                try #require(answer.status == 0, "commit \(commit): \(answer.errorText)")
                defer { try? Files.unlink(RawPath(file)) }
                let count = try runSuccessfully("sqlite3", [file, "select count(*) from t"]).lines.first
                return try #require(Int(count ?? ""))
            }
        }

        private func expectWhole(_ scene: Scene, store: String? = nil) throws {
            let verified = try run(
                BuiltPrograms.varve, ["verify", "--store", store ?? scene.store], timeoutSeconds: 120)
            #expect(verified.status == 0, "\(verified.outputText)\(verified.errorText)")
        }

        /// Commits one row after the other, each in a segment of its own. Returns: the numbers of these commits.
        private func commitOneByOne(_ scene: Scene, _ path: String, _ writer: SQLiteWriter) throws -> [Int] {
            for _ in 0..<Self.commitCount {
                try writer.run("c.execute('insert into t values(1)')")
                try scene.sync()
            }
            let commits = try scene.varve(["db", "commits", path, "-o", "jsonl"])
            #expect(commits.status == 0, "\(commits.errorText)")
            return commits.lines.suffix(Self.commitCount).compactMap {
                $0.firstMatch(of: /"commit":(\d+)/).flatMap { Int($0.1) }
            }
        }

        @Test(Privilege.required, .timeLimit(.minutes(5)))
        func seldomCommitsAreFewFilesAndEachComesBack() throws {
            let scene = try Scene(.ext4, startsRecorder: false)
            defer { scene.close() }
            let archive = scene.place + "/archive"
            let options = [
                "--capture-wal", "**", "--commit-interval", "50ms", "--sync-interval", "100ms", "--archive", archive,
                "--min-free", "0",
            ]
            try scene.startRecorder(options: options)
            let path = scene.root + "/seldom.db"
            let writer = try SQLiteWriter()
            try writer.run("c = connect('\(path)')\nc.execute('create table t(a)')")
            for _ in 0..<100 where try scene.sql("select count(*) from base_image").hasPrefix("0") {
                try writer.run("c.execute('insert into t values(0)')")
                pause(milliseconds: 100)
            }
            let commits = try commitOneByOne(scene, path, writer)
            try #require(commits.count == Self.commitCount)
            let first = try writer.number("c.execute('select count(*) from t').fetchone()[0]")
            let expected = Array(first - Self.commitCount + 1...first)
            var now = try state(scene)
            for _ in 0..<100 where now.rows > 25 || now.files != now.rows {
                pause(milliseconds: 100)
                now = try state(scene)
            }
            #expect(now.rows <= 25 && now.joined >= 3 && now.files == now.rows, "\(now)")
            #expect(try counts(path, commits, scene) == expected)
            try expectWhole(scene)

            // A start finds what was left, whatever the end was like, and goes on joining it.
            try scene.killRecorder()
            try scene.startRecorder(options: options)
            for _ in 0..<100 where now.rows > 8 {
                pause(milliseconds: 100)
                now = try state(scene)
            }
            #expect(now.rows <= 8, "what the run before left is joined whatever its levels: \(now)")
            #expect(try counts(path, commits, scene) == expected)
            try writer.run("c.execute('insert into t values(2)')")
            try scene.sync()
            try expectWhole(scene)
            let moment = try runSuccessfully("date", ["-u", "+%Y-%m-%dT%H:%M:%S.%NZ"]).lines[0]
            pause(milliseconds: 500)
            #expect(try scene.stopRecorder() == 0)

            let store = scene.place + "/restored"
            let restored = try run(
                BuiltPrograms.varve, ["archive", "restore", archive, "-o", store, "--at", "\(moment)"],
                timeoutSeconds: 120)
            #expect(restored.status == 0, "\(restored.errorText)")
            #expect(try counts(path, commits, scene, store: store) == expected)
            try expectWhole(scene, store: store)
        }
    }
}
