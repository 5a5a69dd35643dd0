import FoundationEssentials
import Model
import TestSupport
import Testing

/// Databases with a rollback journal beside the recorder: what is captured of them are states between two transactions.
extension EndToEnd {
    @Suite struct JournalStates {
        private struct ReportedCommit: Decodable {
            struct Writer: Decodable {
                var pid: Int32
            }

            var commit: UInt64
            var low: String
            var high: String
            var writers: [Writer]
            var attribution: String
            var status: String
            var transactions: Int?

            private enum CodingKeys: String, CodingKey {
                case commit, writers, attribution, status, transactions
                case low = "t_lo"
                case high = "t_hi"
            }
        }

        private struct ReportedDatabase: Decodable {
            var path: String
            var status: String
            var detail: String?
            var gaps: Int
            var rebases: Int
        }

        private func lines<Value: Decodable>(_ answer: CommandResult, _: Value.Type) throws -> [Value] {
            try answer.outputText.split(separator: "\n").map {
                try JSONDecoder().decode(Value.self, from: Data($0.utf8))
            }
        }

        private func commits(_ scene: Scene, _ path: String) throws -> [ReportedCommit] {
            try lines(try scene.varve(["db", "commits", path, "-o", "jsonl"]), ReportedCommit.self)
        }

        private func database(_ scene: Scene, _ path: String) throws -> ReportedDatabase? {
            try lines(try scene.varve(["db", "list", "-o", "jsonl"]), ReportedDatabase.self).first { $0.path == path }
        }

        /// The states that the store has, when there are so many, or such.
        private func wait(
            _ scene: Scene, _ path: String, until isThere: ([ReportedCommit]) throws -> Bool
        ) throws -> [ReportedCommit] {
            var found: [ReportedCommit] = []
            for _ in 0..<100 {
                try scene.sync()
                found = try commits(scene, path)
                if try isThere(found) { break }
                pause(milliseconds: 100)
            }
            return found
        }

        private func restore(_ scene: Scene, _ path: String, _ options: [String]) throws -> (
            status: Int32, file: String
        ) {
            let file = scene.place + "/restored-\(UInt64.random(in: 0 ..< .max)).db"
            let answer = try scene.varve(["db", "restore", path] + options + ["-o", file])
            return (answer.status, file)
        }

        private func ask(_ file: String, _ question: String) throws -> String {
            String(try runSuccessfully("sqlite3", [file, question]).outputText.dropLast())
        }

        /// Each transaction changes rows and the sum of them all, which a state must have as well as its number.
        private static let program = """
            def open_subject(path, mode, **pragmas):
                global c, n
                c = connect(path, journal_mode=mode, **pragmas)
                c.execute('create table if not exists t(k integer primary key, v int, b blob)')
                c.execute('create table if not exists s(n int, total int, pid int)')
                if not c.execute('select count(*) from s').fetchone()[0]:
                    c.execute('begin')
                    for k in range(1000): c.execute('insert into t values(?, 0, randomblob(100))', (k,))
                    c.execute('insert into s values(0, 0, ?)', (os.getpid(),))
                    c.execute('commit')
            def work(r):
                c.execute('begin immediate')
                n, total = c.execute('select n, total from s').fetchone()
                for _ in range(5):
                    k = r.randrange(1000)
                    total += n + 1 - c.execute('select v from t where k = ?', (k,)).fetchone()[0]
                    c.execute('update t set v = ? where k = ?', (n + 1, k))
                c.execute('update s set n = ?, total = ?, pid = ?', (n + 1, total, os.getpid()))
                c.execute('commit')
                return n + 1
            def spill():
                c.execute('begin immediate')
                c.execute('update t set v = v + 1, b = randomblob(100)')
                c.execute('rollback')
            r = random.Random(1)
            """

        private static let isWhole = "select (select sum(v) from t) = total and (select count(*) from t) = 1000 from s"

        private func writer() throws -> SQLiteWriter {
            let writer = try SQLiteWriter()
            try writer.run("exec(\(Self.literal(Self.program)), globals())")
            return writer
        }

        private static func literal(_ text: String) -> String {
            "'" + text.map { $0 == "\n" ? "\\n" : $0 == "'" ? "\\'" : String($0) }.joined() + "'"
        }

        @Test(Privilege.required, .timeLimit(.minutes(3)), arguments: ["delete", "truncate", "persist"])
        func transactionsThatLeaveTimeAreEachAState(_ mode: String) throws {
            let scene = try Scene(.ext4, options: ["--capture-wal", "**"])
            defer { scene.close() }
            let path = scene.root + "/t.db"
            let writers = try (0..<2).map { _ in try writer() }
            for writer in writers { try writer.run("open_subject('\(path)', '\(mode)')") }
            pause(milliseconds: 500)
            for round in 0..<40 {
                try writers[round % 2].run("work(r)")
                pause(milliseconds: 40)
            }
            let found = try wait(scene, path) { $0.compactMap(\.transactions).reduce(0, +) >= 40 }
            #expect(found.allSatisfy { $0.status == "state" })
            // On a busy machine two may become one, but none goes uncounted.
            #expect(found.compactMap(\.transactions).reduce(0, +) == 40)
            #expect(found.count >= 20)
            let known = try #require(try database(scene, path))
            #expect(known.status == "captured" && known.gaps == 0)

            var number = 0
            for commit in found {
                number += commit.transactions ?? 0
                let (status, file) = try restore(scene, path, ["--commit", "\(commit.commit)"])
                #expect(status == 0)
                #expect(try ask(file, Self.isWhole) == "1")
                #expect(try ask(file, "select n from s") == "\(number)")
                let pid = try ask(file, "select pid from s")
                #expect(commit.writers.contains { "\($0.pid)" == pid })
                if commit.transactions == 1, commit.attribution == "exact" { #expect(commit.writers.count == 1) }
                try runSuccessfully("rm", [file])
            }
            #expect(found.count { $0.attribution == "exact" } >= found.count / 2)
            // A moment is answered by the state that was there, and the last one is the file.
            let last = try #require(found.last)
            let (atLast, file) = try restore(scene, path, ["--at", "now"])
            #expect(atLast == 0)
            try runSuccessfully("cmp", [file, path])
            let (between, _) = try restore(scene, path, ["--at", last.low])
            #expect(between == 3, "the state after the bound may have been there")
            let before = try #require(found.dropLast().last)
            let (exactly, earlier) = try restore(scene, path, ["--at", before.high])
            #expect(exactly == 0)
            #expect(try ask(earlier, "select n from s") == "\(number - (last.transactions ?? 0))")

            let changes = try scene.varve([
                "db", "diff", path, "--from", before.high, "--to", last.high, "-o", "jsonl",
            ])
            #expect(changes.status == 0 && changes.outputText.contains("\"table\":\"t\""))
            #expect(changes.outputText.contains("\"pid\":\(writers[1].pid)"))
            #expect(try scene.stopRecorder() == 0)
            #expect(try scene.varve(["verify"]).status == 0)
        }

        /// At full speed most transactions are between two states; what is captured is one, and nothing goes uncounted.
        @Test(Privilege.required, .timeLimit(.minutes(3)), arguments: ["delete", "persist"])
        func whatABusyWriterLeavesIsWholeAndCounted(_ mode: String) throws {
            let scene = try Scene(.ext4, options: ["--capture-wal", "**"])
            defer { scene.close() }
            let path = scene.root + "/t.db"
            let writer = try writer()
            let seed = UInt64.random(in: 1...999_999)
            print("seed \(seed)")
            try writer.run("open_subject('\(path)', '\(mode)', synchronous='off', cache_size=10)")
            try writer.run("r = random.Random(\(seed))")
            pause(milliseconds: 500)
            let written = try writer.number(
                """
                end = time.time() + 4
                done = 0
                while time.time() < end:
                    x = r.random()
                    if x < 0.05: spill()
                    elif x < 0.06: time.sleep(0.02)
                    elif x < 0.061: done += 1; c.execute('vacuum')
                    else: done += 1; work(r)
                done
                """.split(separator: "\n").joined(separator: "\n"))
            let found = try wait(scene, path) { $0.compactMap(\.transactions).reduce(0, +) >= written }
            #expect(found.compactMap(\.transactions).reduce(0, +) == written)
            for commit in found.suffix(40) {
                let (status, file) = try restore(scene, path, ["--commit", "\(commit.commit)"])
                #expect(status == 0)
                #expect(try ask(file, Self.isWhole) == "1", "seed \(seed), commit \(commit.commit)")
                try runSuccessfully("rm", [file])
            }
        }

        /// A journal that is left over has to be rolled back first: what it is beside is no state.
        @Test(Privilege.required, .timeLimit(.minutes(3)))
        func whatAKilledWriterLeftIsNotStored() throws {
            let scene = try Scene(.ext4, options: ["--capture-wal", "**"])
            defer { scene.close() }
            let path = scene.root + "/t.db"
            var writer = try writer()
            try writer.run("open_subject('\(path)', 'delete', cache_size=10)")
            pause(milliseconds: 300)
            try writer.run("work(r)")
            let before = try wait(scene, path) { $0.count == 1 }
            #expect(before.count == 1)
            try writer.run("c.execute('begin immediate')\nc.execute('update t set v = v + 1, b = randomblob(100)')")
            try writer.kill()
            pause(milliseconds: 1_000)
            try scene.sync()
            #expect(try commits(scene, path).count == 1)
            #expect(try restore(scene, path, ["--at", "now"]).status == 3, "nobody knows what a reader will find")
            writer = try self.writer()
            try writer.run("open_subject('\(path)', 'delete')\nwork(r)")
            let after = try wait(scene, path) { $0.count == 2 }
            #expect(after.last?.transactions == 1)
            let (status, file) = try restore(scene, path, ["--at", "now"])
            #expect(status == 0)
            #expect(try ask(file, Self.isWhole + " where n = 2") == "1")
        }

        @Test(Privilege.required, .timeLimit(.minutes(3)))
        func aRestartAndAChangeOfModeAreGapsBetweenStates() throws {
            let scene = try Scene(.ext4, options: ["--capture-wal", "**"])
            defer { scene.close() }
            let path = scene.root + "/t.db"
            let writer = try writer()
            try writer.run("open_subject('\(path)', 'delete')")
            pause(milliseconds: 300)
            try writer.run("work(r)")
            pause(milliseconds: 300)
            #expect(try scene.stopRecorder() == 0)
            try writer.run("work(r)\nwork(r)")
            try scene.startRecorder(options: ["--capture-wal", "**"])
            try writer.run("work(r)")
            func restored(_ number: Int) throws {
                let found = try wait(scene, path) { _ in
                    let (status, file) = try restore(scene, path, ["--at", "now"])
                    return try status == 0 && ask(file, "select n from s") == "\(number)"
                }
                #expect(!found.isEmpty)
                let (status, file) = try restore(scene, path, ["--at", "now"])
                #expect(status == 0)
                #expect(try ask(file, Self.isWhole + " where n = \(number)") == "1")
            }
            try restored(4)
            let known = try #require(try database(scene, path))
            #expect(known.gaps == 1 && known.rebases == 1, "what changed meanwhile is kept, not all of it")
            // A log from here on, and then none any more.
            try writer.run("c.execute('pragma journal_mode=wal').fetchall()\nwork(r)\nwork(r)")
            try restored(6)
            #expect(try commits(scene, path).suffix(2).map(\.status) == ["published", "published"])
            try writer.run("c.execute('pragma journal_mode=truncate').fetchall()\nwork(r)")
            try restored(7)
            pause(milliseconds: 200)
            try writer.run("work(r)")
            try restored(8)
            #expect(try commits(scene, path).last?.status == "state")
            #expect(try #require(try database(scene, path)).status == "captured")
            #expect(try scene.stopRecorder() == 0)
            #expect(try scene.varve(["verify"]).status == 0)
        }

        /// The mode changes so soon after a transaction that no look comes between: what it wrote is in a gap, not passed over.
        @Test(Privilege.required, .timeLimit(.minutes(3)))
        func aLogThatFollowsAtOnceIsBehindAGap() throws {
            let scene = try Scene(.ext4, options: ["--capture-wal", "**"])
            defer { scene.close() }
            let path = scene.root + "/t.db"
            let writer = try writer()
            try writer.run("open_subject('\(path)', 'delete')")
            pause(milliseconds: 500)
            try writer.run("work(r)\nc.execute('pragma journal_mode=wal').fetchall()")
            pause(milliseconds: 500)
            for _ in 0..<4 {
                try writer.run("work(r)")
                pause(milliseconds: 300)
            }
            let found = try wait(scene, path) {
                try $0.count >= 4 && restore(scene, path, ["--at", "now"]).status == 0
            }
            #expect(try #require(try database(scene, path)).gaps > 0)
            let last = try #require(found.last)
            let (status, file) = try restore(scene, path, ["--commit", "\(last.commit)"])
            #expect(status == 0)
            #expect(try ask(file, Self.isWhole + " where n = 5") == "1")
        }

        /// Renamed there and back, and what is asked of it is answered as soon.
        @Test(Privilege.required, .timeLimit(.minutes(3)))
        func aFileIsFollowedUnderItsNewestName() throws {
            let scene = try Scene(.ext4, options: ["--capture-wal", "**"])
            defer { scene.close() }
            let names = ["a.db", "b.db"].map { scene.root + "/" + $0 }
            var writer = try writer()
            try writer.run("open_subject('\(names[0])', 'delete')")
            pause(milliseconds: 300)
            var number = 0
            for name in [names[0], names[1], names[0]] {
                if number > 0 {
                    try writer.run("c.close()")
                    try runSuccessfully("mv", [name == names[0] ? names[1] : names[0], name])
                    writer = try self.writer()
                    try writer.run("open_subject('\(name)', 'delete')")
                }
                for _ in 0..<2 {
                    try writer.run("work(r)")
                    number += 1
                    pause(milliseconds: 300)
                }
                let found = try wait(scene, name) { _ in
                    let (status, file) = try restore(scene, name, ["--at", "now"])
                    return try status == 0 && ask(file, Self.isWhole + " where n = \(number)") == "1"
                }
                #expect(!found.isEmpty)
                let (status, file) = try restore(scene, name, ["--at", "now"])
                #expect(status == 0, "under \(name)")
                #expect(try ask(file, "select n from s") == "\(number)")
            }
        }

        /// Larger than what the time for looks would allow of all: each has its turn.
        @Test(Privilege.required, .timeLimit(.minutes(3)))
        func noDatabaseKeepsAnotherFromBeingLookedAt() throws {
            let scene = try Scene(.ext4, options: ["--capture-wal", "**"], mebibytes: 600)
            defer { scene.close() }
            let paths = (0..<6).map { scene.root + "/\($0).db" }
            let writers = try paths.map { path in
                let writer = try writer()
                try writer.run("open_subject('\(path)', 'delete', synchronous='off')")
                try writer.run("c.execute('create table filler(b)')\nc.execute('begin')")
                try writer.run("for _ in range(400): c.execute('insert into filler values(randomblob(20000))')")
                try writer.run("c.execute('commit')")
                return writer
            }
            // A slow machine looks seldom: the load goes on until each was seen, or one of them too often.
            var counts: [Int] = []
            for _ in 0..<12 {
                for _ in 0..<60 {
                    for writer in writers { try writer.run("work(r)") }
                    pause(milliseconds: 50)
                }
                counts = try paths.map { try commits(scene, $0).count }
                if counts.allSatisfy({ $0 > 4 }) || counts.contains(where: { $0 > 200 }) { break }
            }
            print("states of each: \(counts)")
            #expect(counts.allSatisfy { $0 > 4 })
            #expect((counts.max() ?? 0) < 10 * (counts.min() ?? 0))
        }

        /// The filesystem gives a removed file's inode to the next: that is another database all the same.
        @Test(Privilege.required, .timeLimit(.minutes(3)), arguments: ["delete", "wal"])
        func anInodeThatIsGivenOutAgainIsAnotherDatabase(_ mode: String) throws {
            let scene = try Scene(.ext4, options: ["--capture-wal", "**"])
            defer { scene.close() }
            let names = ["first.db", "second.db"].map { scene.root + "/" + $0 }
            var inodes: [String] = []
            for (name, number) in zip(names, [3, 2]) {
                let writer = try writer()
                try writer.run("open_subject('\(name)', '\(mode)')")
                pause(milliseconds: 500)
                for _ in 0..<number {
                    try writer.run("work(r)")
                    pause(milliseconds: 300)
                }
                try writer.run("c.close()")
                inodes.append(try runSuccessfully("stat", ["-c", "%i", name]).outputText)
                _ = try wait(scene, name) { _ in
                    let (status, file) = try restore(scene, name, ["--at", "now"])
                    return try status == 0 && ask(file, Self.isWhole + " where n = \(number)") == "1"
                }
                let (status, file) = try restore(scene, name, ["--at", "now"])
                #expect(status == 0)
                #expect(try ask(file, "select n from s") == "\(number)")
                guard name == names[0] else { continue }
                try runSuccessfully("rm", [name])
                // Beside a log the recorder keeps the file open for a while, and the inode is not free.
                pause(milliseconds: mode == "wal" ? 7_000 : 0)
            }
            #expect(inodes[0] == inodes[1], "ext4 gives the lowest free one")
            #expect(try #require(try database(scene, names[0])).status == "ended")
            #expect(try #require(try database(scene, names[1])).gaps == 0)
            // What was there last is not what the other file has.
            let last = try #require(try commits(scene, names[0]).last)
            let (status, file) = try restore(scene, names[0], ["--commit", "\(last.commit)"])
            #expect(status == 0)
            #expect(try ask(file, "select n from s") == "3")
        }

        /// What came and went between transactions that are one state is in no diff, and that is said.
        @Test(Privilege.required, .timeLimit(.minutes(3)))
        func whatAMergedStateSwallowedIsSaid() throws {
            let scene = try Scene(.ext4, options: ["--capture-wal", "**"])
            defer { scene.close() }
            let path = scene.root + "/t.db"
            let writer = try writer()
            try writer.run("open_subject('\(path)', 'delete')")
            pause(milliseconds: 500)
            var merged: ReportedCommit?
            var last: UInt64 = 0
            for _ in 0..<20 where merged == nil {
                try writer.run("for _ in range(20): work(r)")
                let found = try wait(scene, path) { ($0.last?.commit ?? 0) > last }
                last = found.last?.commit ?? 0
                merged = found.first { ($0.transactions ?? 1) > 1 }
            }
            let state = try #require(merged)
            let range = ["--from", "\(state.commit - 1)", "--to", "\(state.commit)"]
            let diff = try scene.varve(["db", "diff", path] + range)
            #expect(diff.status == 3 && diff.errorText.contains("stands for"), "\(diff.errorText)")
            #expect(try scene.varve(["db", "diff", path, "--net"] + range).status == 0)
            let listed = try scene.varve(["db", "commits", path, "--until", state.high])
            #expect(listed.status == 3 && listed.errorText.contains("stands for"), "\(listed.errorText)")
        }

        /// What is never seen between two transactions says so, and is captured when it lets go.
        @Test(Privilege.required, .timeLimit(.minutes(3)))
        func whoeverNeverLetsGoOfTheLockIsListedSo() throws {
            let scene = try Scene(.ext4, options: ["--capture-wal", "**"])
            defer { scene.close() }
            let path = scene.root + "/t.db"
            let writer = try writer()
            try writer.run("open_subject('\(path)', 'delete', locking_mode='exclusive')\nwork(r)\nwork(r)")
            pause(milliseconds: 500)
            try scene.sync()
            #expect(try commits(scene, path).isEmpty)
            let held = try #require(try database(scene, path))
            #expect(held.status == "rollback_journal" && held.detail?.isEmpty == false)
            #expect(try restore(scene, path, ["--at", "now"]).status == 3)
            try writer.run("c.execute('pragma locking_mode=normal').fetchall()\nwork(r)")
            _ = try wait(scene, path) { _ in try database(scene, path)?.status == "captured" }
            try writer.run("work(r)")
            _ = try wait(scene, path) { !$0.isEmpty }
            let (status, file) = try restore(scene, path, ["--at", "now"])
            #expect(status == 0)
            #expect(try ask(file, Self.isWhole + " where n = 4") == "1")
        }
    }
}
