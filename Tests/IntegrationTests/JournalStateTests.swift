import FoundationEssentials
import Model
import TestSupport
import Testing

/// Databases with a rollback journal beside the recorder: what is captured of them are states between two transactions.
extension EndToEnd {
    @Suite struct JournalStates {
        @Test(Privilege.required, .timeLimit(.minutes(3)), arguments: ["delete", "truncate", "persist"])
        func transactionsThatLeaveTimeAreEachAState(_ mode: String) throws {
            let scene = try Scene(.ext4, options: ["--capture-wal", "**"])
            defer { scene.close() }
            let path = scene.root + "/t.db"
            let writers = try (0..<2).map { _ in try JournalSubject.writer() }
            for writer in writers { try writer.run("open_subject('\(path)', '\(mode)')") }
            pause(milliseconds: 500)
            for round in 0..<40 {
                try writers[round % 2].run("work(r)")
                pause(milliseconds: 40)
            }
            let found = try scene.waitForStates(of: path) { $0.compactMap(\.transactions).reduce(0, +) >= 40 }
            #expect(found.allSatisfy { $0.status == "state" })
            // On a busy machine two may become one, but none goes uncounted.
            #expect(found.compactMap(\.transactions).reduce(0, +) == 40)
            #expect(found.count >= 20)
            let known = try #require(try scene.listed(path))
            #expect(known.status == "captured" && known.gaps == 0)

            var number = 0
            for commit in found {
                number += commit.transactions ?? 0
                let (status, file) = try scene.restore(path, ["--commit", "\(commit.commit)"])
                #expect(status == 0)
                #expect(try JournalSubject.ask(file, JournalSubject.isWhole) == "1")
                #expect(try JournalSubject.ask(file, "select n from s") == "\(number)")
                let pid = try JournalSubject.ask(file, "select pid from s")
                #expect(commit.writers.contains { "\($0.pid)" == pid })
                if commit.transactions == 1, commit.attribution == "exact" { #expect(commit.writers.count == 1) }
                try runSuccessfully("rm", [file])
            }
            #expect(found.count { $0.attribution == "exact" } >= found.count / 2)
            // A moment is answered by the state that was there, and the last one is the file.
            let last = try #require(found.last)
            let (atLast, file) = try scene.restore(path, ["--at", "now"])
            #expect(atLast == 0)
            try runSuccessfully("cmp", [file, path])
            let (between, _) = try scene.restore(path, ["--at", last.low])
            #expect(between == 3, "the state after the bound may have been there")
            let before = try #require(found.dropLast().last)
            let (exactly, earlier) = try scene.restore(path, ["--at", before.high])
            #expect(exactly == 0)
            #expect(try JournalSubject.ask(earlier, "select n from s") == "\(number - (last.transactions ?? 0))")

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
            let writer = try JournalSubject.writer()
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
            let found = try scene.waitForStates(of: path) { $0.compactMap(\.transactions).reduce(0, +) >= written }
            #expect(found.compactMap(\.transactions).reduce(0, +) == written)
            for commit in found.suffix(40) {
                let (status, file) = try scene.restore(path, ["--commit", "\(commit.commit)"])
                #expect(status == 0)
                #expect(
                    try JournalSubject.ask(file, JournalSubject.isWhole) == "1", "seed \(seed), commit \(commit.commit)"
                )
                try runSuccessfully("rm", [file])
            }
        }

        /// A journal that is left over has to be rolled back first: what it is beside is no state.
        @Test(Privilege.required, .timeLimit(.minutes(3)))
        func whatAKilledWriterLeftIsNotStored() throws {
            let scene = try Scene(.ext4, options: ["--capture-wal", "**"])
            defer { scene.close() }
            let path = scene.root + "/t.db"
            var writer = try JournalSubject.writer()
            try writer.run("open_subject('\(path)', 'delete', cache_size=10)")
            pause(milliseconds: 300)
            try writer.run("work(r)")
            let before = try scene.waitForStates(of: path) { $0.count == 1 }
            #expect(before.count == 1)
            try writer.run("c.execute('begin immediate')\nc.execute('update t set v = v + 1, b = randomblob(100)')")
            try writer.kill()
            pause(milliseconds: 1_000)
            try scene.sync()
            #expect(try scene.states(of: path).count == 1)
            #expect(try scene.restore(path, ["--at", "now"]).status == 3, "nobody knows what a reader will find")
            writer = try JournalSubject.writer()
            try writer.run("open_subject('\(path)', 'delete')\nwork(r)")
            let after = try scene.waitForStates(of: path) { $0.count == 2 }
            #expect(after.last?.transactions == 1)
            let (status, file) = try scene.restore(path, ["--at", "now"])
            #expect(status == 0)
            #expect(try JournalSubject.ask(file, JournalSubject.isWhole + " where n = 2") == "1")
        }

        /// Larger than what the time for looks would allow of all: each has its turn.
        @Test(Privilege.required, .timeLimit(.minutes(3)))
        func noDatabaseKeepsAnotherFromBeingLookedAt() throws {
            let scene = try Scene(.ext4, options: ["--capture-wal", "**"], mebibytes: 600)
            defer { scene.close() }
            let paths = (0..<6).map { scene.root + "/\($0).db" }
            let writers = try paths.map { path in
                let writer = try JournalSubject.writer()
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
                counts = try paths.map { try scene.states(of: $0).count }
                if counts.allSatisfy({ $0 > 4 }) || counts.contains(where: { $0 > 200 }) { break }
            }
            print("states of each: \(counts)")
            #expect(counts.allSatisfy { $0 > 4 })
            #expect((counts.max() ?? 0) < 10 * (counts.min() ?? 0))
        }

        /// What came and went between transactions that are one state is in no diff, and that is said.
        @Test(Privilege.required, .timeLimit(.minutes(3)))
        func whatAMergedStateSwallowedIsSaid() throws {
            let scene = try Scene(.ext4, options: ["--capture-wal", "**"])
            defer { scene.close() }
            let path = scene.root + "/t.db"
            let writer = try JournalSubject.writer()
            try writer.run("open_subject('\(path)', 'delete')")
            pause(milliseconds: 500)
            var merged: ReportedState?
            var last: UInt64 = 0
            for _ in 0..<20 where merged == nil {
                try writer.run("for _ in range(20): work(r)")
                let found = try scene.waitForStates(of: path) { ($0.last?.commit ?? 0) > last }
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
            let writer = try JournalSubject.writer()
            try writer.run("open_subject('\(path)', 'delete', locking_mode='exclusive')\nwork(r)\nwork(r)")
            pause(milliseconds: 500)
            try scene.sync()
            #expect(try scene.states(of: path).isEmpty)
            let held = try #require(try scene.listed(path))
            #expect(held.status == "rollback_journal" && held.detail?.isEmpty == false)
            #expect(try scene.restore(path, ["--at", "now"]).status == 3)
            try writer.run("c.execute('pragma locking_mode=normal').fetchall()\nwork(r)")
            try scene.waitForStates(of: path) { _ in try scene.listed(path)?.status == "captured" }
            try writer.run("work(r)")
            try scene.waitForStates(of: path) { !$0.isEmpty }
            let (status, file) = try scene.restore(path, ["--at", "now"])
            #expect(status == 0)
            #expect(try JournalSubject.ask(file, JournalSubject.isWhole + " where n = 4") == "1")
        }
    }
}
