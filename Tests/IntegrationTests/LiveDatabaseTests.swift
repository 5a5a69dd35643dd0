import FoundationEssentials
import Model
import TestSupport
import Testing

/// Databases as they are at present: what a live recorder says of a moment up to which it was asked to catch up.
extension EndToEnd {
    @Suite struct LiveDatabases {
        private struct ReportedDatabase: Decodable {
            var baseImages: Int

            private enum CodingKeys: String, CodingKey {
                case baseImages = "base_images"
            }
        }

        /// A database with one table, `t`, and how many rows it has.
        private final class CountedRows {
            let writer: SQLiteWriter
            var count = 0

            init(in path: String) throws {
                writer = try SQLiteWriter()
                try writer.run("c = connect('\(path)')\nc.execute('create table t(a)')")
            }

            /// One more, in a commit of its own.
            func insert() throws {
                try writer.run("c.execute('insert into t values(1)')")
                count += 1
            }
        }

        /// What the database held at a moment by an answer; nil, with status 3, where the recorder cannot say.
        private func countNow(_ scene: Scene, _ path: String, _ table: String, at moment: String = "now") throws
            -> Int?
        {
            let file = scene.place + "/now.db"
            let answer = try scene.varve(["db", "restore", path, "--at", moment, "-o", file])
            defer { _ = try? run("rm", ["-f", file]) }
            guard answer.status == 0 else {
                print("status \(answer.status): \(answer.errorText)")
                #expect(answer.status == 3 && !answer.errorText.isEmpty)
                return nil
            }
            return Int(try runSuccessfully("sqlite3", [file, "SELECT count(*) FROM \(table)"]).lines.first ?? "")
        }

        private func waitForBaseImage(_ scene: Scene, _ commit: () throws -> Void) throws {
            for _ in 0..<100 {
                try commit()
                pause(milliseconds: 100)
                let lines = try scene.varve(["db", "list", "-o", "jsonl"]).lines
                let known = try lines.map { try JSONDecoder().decode(ReportedDatabase.self, from: Data($0.utf8)) }
                if let known = known.first, known.baseImages > 0 { return }
            }
            Issue.record("there was no base image")
        }

        /// With its connection open or closed, its files open in the recorder or at rest, by this writer or another.
        @Test(Privilege.required, .timeLimit(.minutes(3)))
        func aQuietOneIsKnownUpToNow() throws {
            let scene = try Scene(.ext4, options: ["--capture-wal", "**"])
            defer { scene.close() }
            let path = scene.root + "/quiet.db"
            let rows = try CountedRows(in: path)
            try waitForBaseImage(scene, rows.insert)
            for _ in 0..<12 {
                try rows.insert()
                #expect(try countNow(scene, path, "t") == rows.count)
            }
            // Of what is not committed nothing is said.
            try rows.writer.run("c.execute('begin immediate')\nc.execute('insert into t values(2)')")
            #expect(try countNow(scene, path, "t") == rows.count)
            try rows.writer.run("c.execute('rollback')")
            pause(milliseconds: 6_000)
            #expect(try countNow(scene, path, "t") == rows.count, "its files are closed by now")
            try rows.insert()
            #expect(try countNow(scene, path, "t") == rows.count)
            try rows.writer.run("c.close()")
            #expect(try countNow(scene, path, "t") == rows.count, "there is no log any more")
            let commits = try scene.varve(["db", "commits", path, "-o", "jsonl"])
            #expect(commits.status == 0 && commits.lines.count == rows.count + 1, "\(commits.errorText)")
            // A log that is gone again at once may be missed; then it is a gap.
            for _ in 0..<4 {
                try runSuccessfully("sqlite3", [path, "INSERT INTO t VALUES(3)"])
                rows.count += 1
                let known = try countNow(scene, path, "t")
                #expect(known == nil || known == rows.count, "\(known ?? -1) of \(rows.count)")
            }
            // What goes past the log is in none of its commits: it is a state behind a gap, or nothing is said.
            try runSuccessfully("sqlite3", [path, "PRAGMA journal_mode=delete", "INSERT INTO t VALUES(4)"])
            rows.count += 1
            let past = try countNow(scene, path, "t")
            #expect(past == nil || past == rows.count)
            let after = try scene.varve(["db", "commits", path])
            #expect(after.status == 3 && after.errorText.contains("unsupported"), "\(after.errorText)")
        }

        /// Beside the log that it keeps, somebody copies an older state over the database: SQLite reads that one.
        @Test(Privilege.required, .timeLimit(.minutes(3)))
        func aStateThatWasPutThereIsNotPassedOver() throws {
            let scene = try Scene(.ext4, options: ["--capture-wal", "**"])
            defer { scene.close() }
            let path = scene.root + "/put.db"
            let rows = try CountedRows(in: path)
            try waitForBaseImage(scene, rows.insert)
            for isAtRest in [false, true] {
                let old = rows.count
                try rows.writer.run("c.execute('pragma wal_checkpoint(passive)').fetchall()")
                try runSuccessfully("cp", [path, path + ".kept"])
                for _ in 0..<6 { try rows.insert() }
                try rows.writer.run("c.execute('pragma wal_checkpoint(passive)').fetchall()")
                #expect(try countNow(scene, path, "t") == rows.count, "a checkpoint changes nothing")
                if isAtRest { pause(milliseconds: 6_000) }
                try runSuccessfully("cp", [path + ".kept", path])
                #expect(try runSuccessfully("sqlite3", [path, "SELECT count(*) FROM t"]).lines == ["\(old)"])
                #expect(try countNow(scene, path, "t") == nil)
                // The next commit begins the log again; its writer has to read what it builds on.
                rows.count = old
                try rows.writer.run("d = connect('\(path)')\nd.execute('insert into t values(5)')\nc.close()\nc = d")
                rows.count += 1
                pause(milliseconds: 500)
                try rows.insert()
                #expect(try countNow(scene, path, "t") == rows.count)
            }
            #expect(try scene.varve(["db", "list", "-o", "jsonl"]).outputText.contains("\"gaps\":2"))
        }

        /// The same while the recorder stands still: by then the log has begun again, and only who wrote the file tells.
        @Test(Privilege.required, .timeLimit(.minutes(3)))
        func aStateThatWasPutThereUnseenIsNotPassedOver() throws {
            let scene = try Scene(.ext4, options: ["--capture-wal", "**"])
            defer { scene.close() }
            let path = scene.root + "/unseen.db"
            let rows = try CountedRows(in: path)
            try waitForBaseImage(scene, rows.insert)
            let old = rows.count
            try rows.writer.run("c.execute('pragma wal_checkpoint(passive)').fetchall()")
            try runSuccessfully("cp", [path, path + ".kept"])
            // On pages that nothing writes later.
            try rows.writer.run("c.execute('create table u(a)')")
            for _ in 0..<6 { try rows.insert() }
            pause(milliseconds: 300)
            try scene.pauseRecorder()
            try rows.writer.run("c.execute('pragma wal_checkpoint(passive)').fetchall()")
            try runSuccessfully("cp", [path + ".kept", path])
            try rows.writer.run("d = connect('\(path)')\nd.execute('insert into t values(5)')\nc.close()\nc = d")
            rows.count = old + 1
            try scene.resumeRecorder()
            for _ in 0..<10 {
                pause(milliseconds: 200)
                try rows.insert()
            }
            pause(milliseconds: 500)
            #expect(try countNow(scene, path, "t") == rows.count)
            #expect(try countNow(scene, path, "sqlite_master") == 1)
            let commits = try scene.varve(["db", "commits", path, "-o", "jsonl"])
            #expect(commits.status == 3 && commits.errorText.contains("another state"), "\(commits.errorText)")
        }

        /// Without an index a commit is believed 50 ms after it was seen. It was there all the time.
        @Test(Privilege.required, .timeLimit(.minutes(3)))
        func aCommitWithoutAnIndexIsNotDatedTooLate() throws {
            let scene = try Scene(.ext4, options: ["--capture-wal", "**"])
            defer { scene.close() }
            let path = scene.root + "/alone.db"
            let rows = try CountedRows(in: path)
            try waitForBaseImage(scene, rows.insert)
            try rows.writer.run("c.close()\nc = connect('\(path)', locking_mode='exclusive')")
            var known = 0
            for pauses in [1, 2, 5, 10, 20, 30, 40, 60, 80, 120] {
                try rows.insert()
                pause(milliseconds: pauses)
                let moment = try runSuccessfully("date", ["-u", "+%FT%H:%M:%S.%NZ"]).lines[0]
                pause(milliseconds: 200 - pauses)
                guard let found = try countNow(scene, path, "t", at: String(moment)) else { continue }
                #expect(found == rows.count, "\(pauses) ms after the commit")
                known += 1
            }
            #expect(known > 0, "what rested for long is known")
        }

        /// Whatever had been committed when the question was asked is in an answer that says it is whole.
        @Test(Privilege.required, .timeLimit(.minutes(3)))
        func aBusyOneIsNeverCalledKnownTooEarly() throws {
            let scene = try Scene(.ext4, options: ["--capture-wal", "**"])
            defer { scene.close() }
            let path = scene.root + "/busy.db"
            let writer = try BackgroundProgram(
                ["/usr/bin/python3", BuiltPrograms.databaseWorkload, path, "steps", "500"], in: scene.place)
            try waitForBaseImage(scene) {}
            var answers = 0
            while try writer.isRunning {
                // A connection that closes as the last one, or a recovery, has the database for itself.
                let asked = try runSuccessfully(
                    "sqlite3", ["-cmd", ".timeout 10000", path, "SELECT count(*) FROM audit"])
                let count = Int(asked.lines.first ?? "")
                guard let known = try countNow(scene, path, "audit") else { continue }
                #expect(try known >= #require(count))
                answers += 1
            }
            #expect(answers > 0)
            #expect(try countNow(scene, path, "audit") == 500)
        }
    }
}
