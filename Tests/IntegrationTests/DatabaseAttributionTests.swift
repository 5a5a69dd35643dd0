import FoundationEssentials
import TestSupport
import Testing

/// Who wrote a database, compared with what its writers left in their own transactions.
extension EndToEnd {
    @Suite struct DatabaseAttribution {
        private struct Process: Decodable, Hashable {
            var pid: Int32
        }

        private struct ReportedRow: Decodable {
            struct Row: Decodable {
                var pid: Int32
                var seq: Int
            }

            var new: Row?
            var commit: UInt64?
            var attribution: String?
            var writers: [Process]?
        }

        private struct ReportedCommit: Decodable {
            var commit: UInt64
            var writers: [Process]
            var checkpointer: [Process]?
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

        private func lines<Value: Decodable>(_ answer: CommandResult, _: Value.Type) throws -> [Value] {
            try answer.outputText.split(separator: "\n").map {
                try JSONDecoder().decode(Value.self, from: Data($0.utf8))
            }
        }

        private func database(_ scene: Scene) throws -> ReportedDatabase? {
            try lines(try scene.varve(["db", "list", "-o", "jsonl"]), ReportedDatabase.self).first
        }

        /// Makes a table and some commits, until there is a state that all later ones can be compared with.
        private func begin(_ scene: Scene, _ path: String) throws -> (writer: SQLiteWriter, commitCount: Int) {
            let writer = try SQLiteWriter()
            try writer.run(
                "c = connect('\(path)')\nc.execute('create table audit(id integer primary key, pid integer, seq integer)')"
            )
            var count = 1
            while try database(scene)?.baseImages ?? 0 == 0, count < 100 {
                try writer.run("c.execute('insert into audit(pid, seq) values(0, 0)')")
                count += 1
                pause(milliseconds: 100)
            }
            return (writer, count)
        }

        /// Some at the same time, some of them as fast as they can: each commit is of the process that its own row names, or
        /// of one of a few among whom that is.
        @Test(Privilege.required, .timeLimit(.minutes(4)))
        func eachCommitIsOfTheProcessThatItsOwnRowNames() throws {
            let scene = try Scene(.ext4, options: ["--capture-wal", "**"])
            defer { scene.close() }
            let path = scene.root + "/shared.db"
            let (_, first) = try begin(scene, path)
            let programs = try (1...4).map { seed in
                try BackgroundProgram(
                    ["/usr/bin/python3", BuiltPrograms.databaseWorkload, path, "together", "3", "\(seed)"],
                    in: scene.place)
            }
            var written = 0
            for program in programs {
                #expect(try program.wait() == 0, "\(program.errorText)")
                written += Int(String(decoding: program.standardOutput, as: UTF8.self).dropLast()) ?? 0
            }
            pause(milliseconds: 700)
            try scene.sync()
            let known = try #require(try database(scene))
            #expect(known.commits == first + written && known.gaps == 0, "\(known)")

            let answer = try scene.varve([
                "db", "diff", path, "--from", "\(first)", "--to", "\(first + written)", "--table", "audit", "-o",
                "jsonl",
            ])
            #expect(answer.status == 0, "\(answer.errorText)")
            let rows = try lines(answer, ReportedRow.self)
            #expect(rows.count == written)
            var counts: [String: Int] = [:]
            for row in rows {
                let pid = try #require(row.new?.pid)
                let writers = try #require(row.writers).map(\.pid)
                let attribution = try #require(row.attribution)
                counts[attribution, default: 0] += 1
                #expect(attribution == "exact" ? writers == [pid] : writers.contains(pid), "\(row)")
            }
            print("\(written) commits of four writers: \(counts)")
            #expect(counts["unknown"] == nil)
            #expect(counts["exact"] ?? 0 > 0 && counts["set"] ?? 0 > 0, "both were looked at")
            // Each writer's own numbers are there once and in their order.
            for (_, own) in Dictionary(grouping: rows.compactMap(\.new), by: \.pid) {
                #expect(own.map(\.seq) == Array(1...own.count))
            }
        }

        @Test(Privilege.required, .timeLimit(.minutes(2)))
        func whoOnlyCopiesTheLogIntoTheFileIsToldApart() throws {
            let scene = try Scene(.ext4, options: ["--capture-wal", "**"])
            defer { scene.close() }
            let path = scene.root + "/copied.db"
            let (writer, _) = try begin(scene, path)
            let other = try SQLiteWriter()
            try other.run("o = connect('\(path)')")
            for mode in ["passive", "full", "restart", "truncate"] {
                try writer.run("c.execute('insert into audit(pid, seq) values(1, 1)')")
                pause(milliseconds: 100)
                try other.run("o.execute('pragma wal_checkpoint(\(mode))').fetchall()")
                pause(milliseconds: 100)
                try writer.run("c.execute('insert into audit(pid, seq) values(1, 2)')")
                pause(milliseconds: 100)
            }
            // By the writer itself.
            try writer.run("c.execute('pragma wal_checkpoint(passive)').fetchall()")
            try writer.run("c.execute('insert into audit(pid, seq) values(1, 3)')")
            pause(milliseconds: 700)
            try scene.sync()
            let known = try #require(try database(scene))
            #expect(known.gaps == 0)
            let commits = try lines(try scene.varve(["db", "commits", path, "-o", "jsonl"]), ReportedCommit.self)
            #expect(commits.allSatisfy { $0.writers.map(\.pid) == [writer.pid] })
            let last = commits.suffix(9).map { $0.checkpointer?.map(\.pid) ?? [] }
            // A truncated log is another file's length, and the write that makes it so is one of the log.
            #expect(last.dropLast(3).map { $0 == [other.pid] } == [false, true, false, true, false, true])
            #expect(last.last == [])
            let table = try scene.varve(["db", "commits", path, "-o", "table"]).outputText
            #expect(table.contains("CHECKPOINTER"), "\(table)")
        }
    }
}
