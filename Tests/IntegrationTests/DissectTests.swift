import FoundationEssentials
import TestSupport
import Testing

extension EndToEnd {
    /// Another reader of write-ahead logs, sqlite-dissect from PyPI, beside the rows that `varve db diff` tells of.
    @Suite struct Dissection {
        /// The rowids that a commit changed.
        private struct Changes: Equatable {
            var inserted: Set<Int64> = []
            var updated: Set<Int64> = []
            var deleted: Set<Int64> = []
        }

        private struct DissectedCommit: Decodable {
            var commit: Int
            var inserted: [Int64]
            var updated: [Int64]
            var deleted: [Int64]
        }

        private struct ReportedChange: Decodable {
            var change: String
            var rowid: Int64
            var commit: Int
        }

        private struct ReportedDatabase: Decodable {
            var commits: Int
            var gaps: Int
            var baseImages: Int

            private enum CodingKeys: String, CodingKey {
                case commits, gaps
                case baseImages = "base_images"
            }
        }

        private static let python = "/usr/bin/python3"

        private func lines<Value: Decodable>(_ answer: CommandResult, _: Value.Type) throws -> [Value] {
            try answer.lines.map { try JSONDecoder().decode(Value.self, from: Data($0.utf8)) }
        }

        @Test(Privilege.required, .timeLimit(.minutes(5))) func bothTellTheSameRowsOfEachCommit() throws {
            let scene = try Scene(.ext4, options: ["--capture-wal", "**"])
            defer { scene.close() }
            let environment = "\(scene.place)/dissect"
            let made = try run(Self.python, ["-m", "venv", environment])
            let installed = try run(
                "\(environment)/bin/pip", ["-q", "install", "sqlite-dissect"], timeoutSeconds: 120)
            guard made.status == 0, installed.status == 0 else {
                print("sqlite-dissect skipped: it cannot be installed: \(made.errorText)\(installed.errorText)")
                return
            }
            let path = scene.root + "/subject.db"
            let keeper = try SQLiteWriter()
            try keeper.run("c = connect('\(path)')\nc.execute('create table t(a integer primary key, b)')")
            var known: ReportedDatabase?
            for _ in 0..<100 where known?.baseImages ?? 0 == 0 {
                try keeper.run("c.execute('insert into t(b) values(1)')")
                try scene.sync()
                pause(milliseconds: 50)
                known = try lines(try scene.varve(["db", "list", "-o", "jsonl"]), ReportedDatabase.self).first
            }
            let first = try #require(known?.commits)
            // The log then begins with what is compared.
            try keeper.run("c.execute('pragma wal_checkpoint(truncate)').fetchall()")
            let seed = UInt32.random(in: 0...UInt32.max)
            print("sqlite-dissect: seed \(seed)")
            let count = 60
            try runSuccessfully(Self.python, [BuiltPrograms.dissectWorkload, "write", path, "\(seed)", "\(count)"])
            let copy = scene.place + "/copy.db"
            for end in ["", "-wal"] { try runSuccessfully("cp", [path + end, copy + end]) }
            let dissected = try runSuccessfully(
                "\(environment)/bin/python", ["-W", "ignore", BuiltPrograms.dissectWorkload, "read", copy, "t"])
            var theirs: [Int: Changes] = [:]
            for commit in try lines(dissected, DissectedCommit.self) {
                theirs[first + commit.commit] = Changes(
                    inserted: Set(commit.inserted), updated: Set(commit.updated), deleted: Set(commit.deleted))
            }

            try scene.sync()
            let answer = try scene.varve(
                ["db", "diff", path, "--from", "\(first)", "--to", "\(first + count)", "-o", "jsonl"])
            #expect(answer.status == 0, "\(answer.errorText)")
            var ours: [Int: Changes] = [:]
            for change in try lines(answer, ReportedChange.self) {
                switch change.change {
                case "inserted": ours[change.commit, default: Changes()].inserted.insert(change.rowid)
                case "updated": ours[change.commit, default: Changes()].updated.insert(change.rowid)
                default: ours[change.commit, default: Changes()].deleted.insert(change.rowid)
                }
            }
            #expect(ours.count > count / 2)
            for commit in first + 1...first + count {
                #expect(
                    ours[commit] ?? Changes() == theirs[commit] ?? Changes(), "commit \(commit) of \(first + count)")
            }
        }
    }
}
