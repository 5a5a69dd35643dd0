import FoundationEssentials
import Model
import Syscalls
import TestSupport
import Testing

/// What a gap in the capture of a database costs, and what can be had across it.
extension EndToEnd {
    @Suite struct Rebases {
        private struct ReportedDatabase: Decodable {
            var baseImages: Int
            var rebases: Int
            var gaps: Int

            private enum CodingKeys: String, CodingKey {
                case rebases, gaps
                case baseImages = "base_images"
            }
        }

        private struct ReportedCommit: Decodable {
            var commit: UInt64
        }

        /// A base image as its row has it.
        private struct Image: Equatable {
            var commit: UInt64
            var byteCount: Int
            var builtOn: UInt64?
        }

        private static let options = ["--capture-wal", "**", "--commit-interval", "50ms"]

        /// A database of so many pages of noise that its image takes what it takes, and a writer on it.
        private func writer(_ path: String, rows: Int) throws -> SQLiteWriter {
            let writer = try SQLiteWriter()
            try writer.run(
                """
                import subprocess
                path, copied = '\(path)', 0
                c = connect(path, synchronous=0, wal_autocheckpoint=100)
                c.execute('create table t(a integer primary key, b)')
                c.execute('begin')
                c.executemany('insert into t(b) values(randomblob(3000))', [()] * \(rows))
                c.execute('commit')
                def change(count):
                    for k in range(count):
                        c.execute('update t set b = randomblob(3000) where a = ?', (1 + k % 40,))
                def overrun():
                    for k in range(5):
                        change(8)
                        c.execute('pragma wal_checkpoint(truncate)').fetchall()
                def copy(place):
                    global copied
                    copied += 1
                    name = place + '/copy-' + str(copied) + '.db'
                    for end in ('', '-wal'): subprocess.run(['cp', path + end, name + end], check=True)
                    d = sqlite3.connect(name, isolation_level=None)
                    d.execute('pragma wal_checkpoint(truncate)').fetchall()
                    d.close()
                    return name
                None
                """)
            return writer
        }

        private func lines<Value: Decodable>(_ answer: CommandResult, _: Value.Type) throws -> [Value] {
            try answer.outputText.split(separator: "\n").map {
                try JSONDecoder().decode(Value.self, from: Data($0.utf8))
            }
        }

        private func images(_ scene: Scene) throws -> [Image] {
            let columns = "commit_number, byte_count, coalesce(built_on, '')"
            return try scene.sql("SELECT \(columns) FROM base_image ORDER BY commit_number").split(separator: "\n").map
            {
                let words = $0.split(separator: "|", omittingEmptySubsequences: false)
                return Image(
                    commit: UInt64(words[0]) ?? 0, byteCount: Int(words[1]) ?? 0, builtOn: UInt64(words[2]))
            }
        }

        /// Has commits made until there are so many base images.
        private func waitForImages(_ count: Int, _ scene: Scene, _ writer: SQLiteWriter) throws -> [Image] {
            for _ in 0..<200 {
                // Nothing is asked of a store that is not there yet.
                if (try? RawPath(scene.store + "/varve.db").status()) != nil {
                    let images = try images(scene)
                    if images.count >= count { return images }
                }
                try writer.run("change(1)")
                pause(milliseconds: 100)
            }
            Issue.record(
                "there are no \(count) base images: \(try scene.varve(["db", "list", "-o", "jsonl"]).outputText)")
            return try images(scene)
        }

        private func lastCommit(_ scene: Scene, _ path: String) throws -> UInt64 {
            // What was committed is in a segment soon.
            pause(milliseconds: 1_200)
            try scene.sync()
            let answer = try scene.varve(["db", "commits", path, "-o", "jsonl", "--accept-gaps"])
            return try #require(try lines(answer, ReportedCommit.self).last?.commit)
        }

        private func expectRestored(
            _ commit: UInt64, is copy: String, _ scene: Scene, _ path: String, store: String? = nil
        ) throws {
            let file = scene.place + "/restored.db"
            let answer = try run(
                BuiltPrograms.varve,
                ["db", "restore", path, "--commit", "\(commit)", "-o", file, "--store", store ?? scene.store])
            #expect(answer.status == 0, "commit \(commit): \(answer.errorText)")
            #expect(answer.outputText.contains("state hash verified"))
            #expect(try run("cmp", [file, copy]).status == 0, "commit \(commit)")
            try runSuccessfully("rm", ["-f", file])
        }

        /// One that is copied at one go, and one that is copied beside its commits.
        @Test(Privilege.required, .timeLimit(.minutes(4)), arguments: [1_000, 6_000])
        func aGapCostsOnlyWhatChanged(rows: Int) throws {
            let scene = try Scene(.ext4, startsRecorder: false)
            defer { scene.close() }
            let archive = scene.place + "/archive"
            let path = scene.root + "/subject.db"
            let writer = try writer(path, rows: rows)
            try scene.startRecorder(options: Self.options + ["--archive", archive])
            let whole = try #require(try waitForImages(1, scene, writer).first)
            #expect(whole.builtOn == nil)
            var copies: [(commit: UInt64, file: String)] = []
            func keep() throws {
                try writer.run("change(1)")
                copies.append((try lastCommit(scene, path), try writer.run("copy('\(scene.place)')")))
            }
            try keep()
            for round in 1...2 {
                try scene.pauseRecorder()
                try writer.run("overrun()")
                try scene.resumeRecorder()
                let known = try waitForImages(round + 1, scene, writer)
                let rebase = try #require(known.last)
                print("\(rows) rows: a whole image of \(whole.byteCount) bytes, a rebase of \(rebase.byteCount)")
                #expect(rebase.builtOn != nil, "\(known)")
                #expect(rebase.byteCount < whole.byteCount / 4)
                try keep()
                try keep()
            }
            let known = try #require(
                try lines(try scene.varve(["db", "list", "-o", "jsonl"]), ReportedDatabase.self).first)
            #expect(known.baseImages == 3 && known.rebases == 2 && known.gaps >= 2)
            for (commit, file) in copies { try expectRestored(commit, is: file, scene, path) }

            // In a gap there is no state, and what changed across it has no commit.
            let middle = try scene.sql("SELECT (low + high) / 2 / 1e9 FROM capture_gap ORDER BY id LIMIT 1").dropLast()
            let time = try runSuccessfully("date", ["-u", "-d", "@\(middle)", "+%Y-%m-%dT%H:%M:%S.%NZ"]).outputText
                .dropLast()
            let inside = try scene.varve([
                "db", "restore", path, "--at", String(time), "-o", scene.place + "/inside.db",
            ])
            #expect(inside.status == 3 && inside.outputText.isEmpty, "\(inside.errorText)")
            let across = try scene.varve(
                [
                    "db", "diff", path, "--from", "\(copies[0].commit)", "--to", "\(copies.last?.commit ?? 0)", "-o",
                    "jsonl",
                ])
            #expect(across.status == 3 && across.errorText.contains("missing between"), "\(across.errorText)")
            #expect(across.lines.contains { !$0.contains("\"commit\"") }, "changes over the gap")
            #expect(across.lines.contains { $0.contains("\"commit\":\(copies.last?.commit ?? 0),") })

            #expect(try scene.stopRecorder() == 0)
            #expect(try scene.varve(["verify"]).status == 0)
            // The only whole image is the oldest, so nothing of the chain may go.
            _ = try scene.varve(["prune", "--max-size", "1M"])
            #expect(try images(scene).count == 3)
            for (commit, file) in copies { try expectRestored(commit, is: file, scene, path) }

            let restored = scene.place + "/restored-store"
            let answer = try run(
                BuiltPrograms.varve, ["archive", "restore", archive, "-o", restored], timeoutSeconds: 120)
            #expect(answer.status == 0, "\(answer.errorText)")
            #expect(try run(BuiltPrograms.varve, ["verify", "--store", restored], timeoutSeconds: 120).status == 0)
            #expect(try run(BuiltPrograms.varve, ["archive", "verify", archive], timeoutSeconds: 120).status == 0)
            for (commit, file) in copies { try expectRestored(commit, is: file, scene, path, store: restored) }
        }

        /// A recorder that was stopped left the hashes of the last state; one that was killed did not.
        @Test(Privilege.required, .timeLimit(.minutes(3)))
        func aRestartCostsOnlyWhatChangedAndAKillAWholeImage() throws {
            let scene = try Scene(.ext4, startsRecorder: false)
            defer { scene.close() }
            let path = scene.root + "/subject.db"
            let writer = try writer(path, rows: 1_000)
            try scene.startRecorder(options: Self.options)
            let whole = try #require(try waitForImages(1, scene, writer).first)
            let before = try lastCommit(scene, path)
            #expect(try scene.stopRecorder() == 0)
            try writer.run("overrun()")
            try scene.startRecorder(options: Self.options)
            let rebase = try #require(try waitForImages(2, scene, writer).last)
            #expect(rebase.builtOn == before && rebase.byteCount < whole.byteCount / 4, "\(rebase)")
            try writer.run("change(1)")
            let commit = try lastCommit(scene, path)
            try expectRestored(commit, is: try writer.run("copy('\(scene.place)')"), scene, path)

            try scene.killRecorder()
            try writer.run("overrun()")
            try scene.startRecorder(options: Self.options)
            let next = try #require(try waitForImages(3, scene, writer).last)
            #expect(next.builtOn == nil && next.byteCount > whole.byteCount / 2, "\(next)")
            try writer.run("change(1)")
            let last = try lastCommit(scene, path)
            let copy = try writer.run("copy('\(scene.place)')")
            try expectRestored(last, is: copy, scene, path)
            #expect(try scene.stopRecorder() == 0)
            // Now what lies before the newer whole image can go, with the rebase that builds on it.
            #expect(try scene.varve(["prune", "--max-size", "4M"]).status == 0)
            #expect(try images(scene) == [next])
            try expectRestored(last, is: copy, scene, path)
            #expect(try scene.varve(["verify"]).status == 0)
        }
    }
}
