import FoundationEssentials
import Model
import TestSupport
import Testing

/// Databases as they were: real SQLite writers beside the recorder, and what the store makes of their commits.
extension EndToEnd {
    @Suite struct Databases {
        /// A commit as `varve db commits -o jsonl` prints it.
        private struct ReportedCommit: Decodable {
            struct Writer: Decodable {
                var pid: Int32
                var exe: String?
            }

            var commit: UInt64
            var writers: [Writer]
            var attribution: String
            var status: String
        }

        private struct ReportedDatabase: Decodable {
            var path: String
            var status: String
            var commits: Int
            var missed: Int
            var gaps: Int
            var baseImages: Int

            private enum CodingKeys: String, CodingKey {
                case path, status, commits, missed, gaps
                case baseImages = "base_images"
            }
        }

        private func write(_ arguments: [String]) throws -> Int {
            let result = try run("/usr/bin/python3", [BuiltPrograms.databaseWorkload] + arguments)
            #expect(result.status == 0, "\(result.errorText)")
            return try #require(Int(result.outputText.split(separator: "\n").first ?? ""))
        }

        private func lines<Value: Decodable>(_ answer: CommandResult, _: Value.Type) throws -> [Value] {
            try answer.outputText.split(separator: "\n").map {
                try JSONDecoder().decode(Value.self, from: Data($0.utf8))
            }
        }

        private func commits(_ scene: Scene, _ path: String) throws -> [ReportedCommit] {
            try lines(try scene.varve(["db", "commits", path, "-o", "jsonl"]), ReportedCommit.self)
        }

        private func database(_ scene: Scene) throws -> ReportedDatabase {
            try #require(try lines(try scene.varve(["db", "list", "-o", "jsonl"]), ReportedDatabase.self).first)
        }

        /// Waits until the store accounts for so many commits; on a busy machine their segments take a while.
        private func waitForCommits(_ count: Int, _ scene: Scene) throws -> ReportedDatabase {
            var known = try database(scene)
            for _ in 0..<100 where known.commits + known.missed < count {
                pause(milliseconds: 200)
                known = try database(scene)
            }
            return known
        }

        private func now() throws -> String {
            String(try runSuccessfully("date", ["-u", "+%Y-%m-%dT%H:%M:%S.%NZ"]).outputText.dropLast())
        }

        /// What SQLite itself says of a file.
        private func ask(_ file: String, _ question: String) throws -> String {
            try runSuccessfully("sqlite3", [file, question]).outputText
        }

        @Test(Privilege.required, .timeLimit(.minutes(3)))
        func eachCommitIsCapturedWithItsWriterAndComesBack() throws {
            let scene = try Scene(.ext4, options: ["--capture-wal", "**"])
            defer { scene.close() }
            let path = scene.root + "/subject.db"
            let written = try write([path, "steps", "60"])
            pause(milliseconds: 700)
            try scene.sync()
            _ = try waitForCommits(written + 2, scene)

            let commits = try commits(scene, path)
            // Two tables were made before.
            #expect(commits.count == written + 2)
            #expect(commits.map(\.commit) == Array(1...UInt64(written + 2)))
            #expect(commits.allSatisfy { $0.attribution == "exact" && $0.status == "published" })
            let writers = Set(commits.flatMap(\.writers).map(\.pid))
            #expect(writers.count == 1)
            #expect(try ask(path, "SELECT DISTINCT pid FROM audit") == "\(writers.first ?? 0)\n")
            let known = try database(scene)
            // Who only reads leaves no gap, though it makes and removes a log.
            #expect(known.missed == 0 && known.gaps == 0 && known.baseImages > 0)

            for seq in [20, 33, 47, written] {
                let file = "\(scene.place)/restored-\(seq).db"
                let answer = try scene.varve(["db", "restore", path, "--commit", "\(seq + 2)", "-o", file])
                #expect(answer.status == 0, "\(answer.errorText)")
                #expect(try ask(file, "PRAGMA integrity_check") == "ok\n")
                #expect(try ask(file, "SELECT max(seq), count(*) FROM audit") == "\(seq)|\(seq)\n")
                #expect(try ask(file, "SELECT count(*) FROM item") == "\(seq)\n")
            }
            let last = "\(scene.place)/restored-\(written).db"
            let question = "SELECT id, text FROM item ORDER BY id"
            #expect(try ask(last, question) == ask(path, question))
            let again = try scene.varve(["db", "restore", path, "--commit", "30", "-o", last])
            #expect(again.status == 2 && !again.errorText.isEmpty, "a file that is there is not overwritten")

            let changes = try scene.varve(["db", "diff", path, "--from", "40", "--to", "43", "--table", "audit"])
            #expect(changes.status == 0, "\(changes.errorText)")
            #expect(changes.outputText.split(separator: "\n").count == 3)
            #expect(try scene.varve(["verify"]).status == 0)
            #expect(try scene.stopRecorder() == 0)
        }

        @Test(Privilege.required, .timeLimit(.minutes(3)))
        func whatAFastWriterCommitsIsCapturedOrCounted() throws {
            let scene = try Scene(.ext4, options: ["--capture-wal", "**"])
            defer { scene.close() }
            let path = scene.root + "/fast.db"
            let written = try write([path, "fast", "3"])
            pause(milliseconds: 1_500)
            try scene.sync()
            let known = try waitForCommits(written + 2, scene)
            #expect(known.commits + known.missed == written + 2, "\(known) of \(written)")
            #expect(known.commits > 1_000, "a debug build captures fewer than a release build, but not none")
            let listed = try scene.varve(["db", "commits", path, "-o", "jsonl"])
            #expect(listed.status == (known.gaps == 0 ? 0 : 3))
            // What is missing is a gap of the events' history too.
            #expect(try scene.gaps().contains { $0.type == "wal_missed" } == (known.gaps > 0))
            #expect(try scene.stopRecorder() == 0)
            #expect(try scene.varve(["verify"]).status == 0)
        }

        @Test(Privilege.required, .timeLimit(.minutes(3)))
        func aRestartIsAGapAndWhatComesAfterIsCapturedAgain() throws {
            let scene = try Scene(.ext4, options: ["--capture-wal", "**"])
            defer { scene.close() }
            let path = scene.root + "/subject.db"
            _ = try write([path, "steps", "10"])
            pause(milliseconds: 700)
            let idle = try now()
            pause(milliseconds: 300)
            #expect(try scene.stopRecorder() == 0)
            let stopped = try now()
            _ = try write([path, "steps", "5"])
            try scene.startRecorder(options: ["--capture-wal", "**"])
            let written = try write([path, "steps", "20"])
            pause(milliseconds: 700)
            try scene.sync()
            let known = try database(scene)
            #expect(known.gaps == 1)
            let answer = try scene.varve(["db", "commits", path, "-o", "jsonl"])
            #expect(answer.status == 3, "the answer says that some are missing")
            let commits = try lines(answer, ReportedCommit.self)
            #expect(commits.count >= 12 + written)
            let file = scene.place + "/last.db"
            let restored = try scene.varve(
                ["db", "restore", path, "--commit", "\(commits.last?.commit ?? 0)", "-o", file])
            #expect(restored.status == 0, "\(restored.errorText)")
            #expect(try ask(file, "SELECT count(*) FROM audit") == "35\n")
            // Between the last commit and the stop the recorder was watching; after it nobody was.
            let before = scene.place + "/before.db"
            let quiet = try scene.varve(["db", "restore", path, "--at", idle, "-o", before])
            #expect(quiet.status == 0, "\(quiet.errorText)")
            #expect(try ask(before, "SELECT count(*) FROM audit") == "10\n")
            #expect(try scene.varve(["db", "restore", path, "--at", stopped, "-o", before + "2"]).status == 3)
        }

        @Test(Privilege.required, .timeLimit(.minutes(3)))
        func whatIsWrittenPastTheLogIsAStateBehindAGap() throws {
            let scene = try Scene(.ext4, options: ["--capture-wal", "**"])
            defer { scene.close() }
            func status(of path: String) throws -> String? {
                try lines(try scene.varve(["db", "list", "-o", "jsonl"]), ReportedDatabase.self)
                    .first { $0.path == path }?.status
            }
            // One that never had a log, and one that leaves its log and comes back.
            let plain = scene.root + "/plain.db"
            for _ in 0..<2 {
                try runSuccessfully("sqlite3", [plain, "CREATE TABLE IF NOT EXISTS t(a); INSERT INTO t VALUES(1)"])
            }
            let path = scene.root + "/both.db"
            let writer = try SQLiteWriter()
            func write(_ mode: String, _ value: Int) throws {
                try writer.run(
                    "c.execute('pragma journal_mode=\(mode)').fetchall()\nc.execute('insert into t values(\(value))')")
                pause(milliseconds: 400)
            }
            try writer.run(
                "c = connect('\(path)')\nc.execute('create table t(a)')\nc.execute('insert into t values(0)')")
            pause(milliseconds: 700)
            try write("delete", 1)
            try scene.sync()
            #expect(try status(of: plain) == "captured")
            #expect(try status(of: path) == "captured")
            let file = scene.place + "/past.db"
            let past = try scene.varve(["db", "restore", path, "--at", "now", "-o", file])
            #expect(past.status == 0, "\(past.outputText) \(past.errorText)")
            #expect(try ask(file, "SELECT group_concat(a) FROM t") == "0,1\n")

            try write("wal", 2)
            pause(milliseconds: 700)
            try scene.sync()
            #expect(try status(of: path) == "captured")
            let last = try #require(try commits(scene, path).last?.commit)
            let restored = try scene.varve(
                ["db", "restore", path, "--commit", "\(last)", "-o", scene.place + "/last.db"])
            #expect(restored.status == 0, "\(restored.errorText)")
            #expect(try ask(scene.place + "/last.db", "SELECT group_concat(a) FROM t") == "0,1,2\n")
            #expect(try scene.gaps().contains { $0.type == "wal_missed" })
        }

        /// Without it a database that is never missed would be kept from its first commit on, whatever the limit.
        @Test(Privilege.required, .timeLimit(.minutes(3)))
        func aLongHistoryGetsBaseImagesAndItsOldestPartGoes() throws {
            let options = ["--capture-wal", "**", "--max-size", "48M", "--wal-share", "60%"]
            let scene = try Scene(.ext4, options: options, mebibytes: 600)
            defer { scene.close() }
            let path = scene.root + "/long.db"
            let writer = try SQLiteWriter()
            try writer.run("c = connect('\(path)')\nc.execute('create table t(a integer primary key, b)')")
            try writer.run("q = 'insert or replace into t values(?, randomblob(100000))'")
            for round in 0..<90 {
                try writer.run("for k in range(10): c.execute(q, (\(round % 2) * 10 + k,))")
                pause(milliseconds: 60)
            }
            pause(milliseconds: 1_500)
            try scene.sync()
            let known = try database(scene)
            #expect(known.baseImages >= 2)
            #expect(known.commits < 901, "the oldest went")
            let answer = try scene.varve(["db", "commits", path, "-o", "jsonl"])
            #expect(answer.status == 3, "and the answer says so")
            let listed = try lines(answer, ReportedCommit.self)
            for number in [listed.last?.commit, listed.dropLast(listed.count / 3).last?.commit] {
                let file = scene.place + "/\(number ?? 0).db"
                let restored = try scene.varve(["db", "restore", path, "--commit", "\(number ?? 0)", "-o", file])
                #expect(restored.status == 0, "\(restored.errorText)")
                #expect(try ask(file, "SELECT count(*) FROM t") == "20\n")
            }
            let size = try runSuccessfully("du", ["-sm", scene.store]).outputText.split(separator: "\t").first
            #expect(try #require(Int(size ?? "")) <= 49)
            #expect(try scene.stopRecorder() == 0)
            #expect(try scene.varve(["verify"]).status == 0)
        }

        /// A file with two names has two logs, and SQLite itself warns of it. No number is given twice, and the capture of
        /// other databases goes on.
        @Test(Privilege.required, .timeLimit(.minutes(3)))
        func aDatabaseWithTwoNamesHoldsUpNoOther() throws {
            let scene = try Scene(.ext4, options: ["--capture-wal", "**"])
            defer { scene.close() }
            let names = ["one.db", "two.db"].map { scene.root + "/" + $0 }
            _ = try write([names[0], "steps", "3"])
            pause(milliseconds: 700)
            try runSuccessfully("ln", names)
            let writers = try (0..<2).map { _ in try SQLiteWriter() }
            for (writer, name) in zip(writers, names) { try writer.run("c = connect('\(name)')") }
            for round in 0..<6 {
                try writers[round % 2].run("c.execute('create table t\(round)(a)')")
                pause(milliseconds: 300)
            }
            let other = scene.root + "/other.db"
            let written = try write([other, "steps", "10"])
            pause(milliseconds: 700)
            try scene.sync()
            #expect(try commits(scene, other).count == written + 2)
            let numbers = try commits(scene, names[0]).map(\.commit)
            #expect(numbers.count > 3)
            #expect(numbers == numbers.sorted() && Set(numbers).count == numbers.count)
            #expect(try scene.gaps().contains { $0.type == "wal_missed" }, "neither log knows of the other")
        }

        /// What a run found and could not store is missing in the time of that run, not only in that of the one before.
        @Test(Privilege.required, .timeLimit(.minutes(3)))
        func eachStartSaysWhatNobodyKnowsOfTheRunBefore() throws {
            let options = ["--capture-wal", "**"]
            let scene = try Scene(.ext4, options: options)
            defer { scene.close() }
            let path = scene.root + "/subject.db"
            _ = try write([path, "steps", "5"])
            pause(milliseconds: 700)
            try scene.killRecorder()
            try scene.startRecorder(options: options)
            let since = try now()
            _ = try write([path, "steps", "5"])
            try scene.killRecorder()
            try scene.startRecorder(options: options)
            pause(milliseconds: 700)
            try scene.sync()
            let answer = try scene.varve(["db", "commits", path, "--since", since, "-o", "jsonl"])
            #expect(answer.status == 3, "\(answer.outputText) \(answer.errorText)")
            #expect(try database(scene).gaps >= 2)
        }

        @Test(Privilege.required) func onlyWhatMatchesIsCapturedAndNothingStaysOpen() throws {
            let scene = try Scene(.ext4, options: ["--ops", "delete", "--capture-wal", "kept*.db"])
            defer { scene.close() }
            _ = try write([scene.root + "/kept-1.db", "steps", "5"])
            _ = try write([scene.root + "/other.db", "steps", "5"])
            pause(milliseconds: 700)
            try scene.sync()
            let listed = try lines(try scene.varve(["db", "list", "-o", "jsonl"]), ReportedDatabase.self)
            #expect(listed.count == 1)
            #expect(listed.first?.commits == 7)
            pause(milliseconds: 6_000)
            let open = try scene.descriptorsOfRecorder().filter { $0.contains(".db") && !$0.hasPrefix(scene.store) }
            #expect(open == [], "descriptors are given up after the last commit")
        }
    }
}
