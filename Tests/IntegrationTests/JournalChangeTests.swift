import FoundationEssentials
import Model
import TestSupport
import Testing

/// Databases with a rollback journal that become something else: another mode, name or file, or none for a while.
extension EndToEnd {
    @Suite struct JournalChanges {
        @Test(Privilege.required, .timeLimit(.minutes(3)))
        func aRestartAndAChangeOfModeAreGapsBetweenStates() throws {
            let scene = try Scene(.ext4, options: ["--capture-wal", "**"])
            defer { scene.close() }
            let path = scene.root + "/t.db"
            let writer = try JournalSubject.writer()
            try writer.run("open_subject('\(path)', 'delete')")
            pause(milliseconds: 300)
            try writer.run("work(r)")
            pause(milliseconds: 300)
            #expect(try scene.stopRecorder() == 0)
            try writer.run("work(r)\nwork(r)")
            try scene.startRecorder(options: ["--capture-wal", "**"])
            try writer.run("work(r)")
            func restored(_ number: Int) throws { try scene.expectNow(path, isTransaction: number) }
            try restored(4)
            let known = try #require(try scene.listed(path))
            #expect(known.gaps == 1 && known.rebases == 1, "what changed meanwhile is kept, not all of it")
            // A log from here on, and then none any more.
            try writer.run("c.execute('pragma journal_mode=wal').fetchall()\nwork(r)\nwork(r)")
            try restored(6)
            #expect(try scene.states(of: path).suffix(2).map(\.status) == ["published", "published"])
            try writer.run("c.execute('pragma journal_mode=truncate').fetchall()\nwork(r)")
            try restored(7)
            pause(milliseconds: 200)
            try writer.run("work(r)")
            try restored(8)
            #expect(try scene.states(of: path).last?.status == "state")
            #expect(try #require(try scene.listed(path)).status == "captured")
            #expect(try scene.stopRecorder() == 0)
            #expect(try scene.varve(["verify"]).status == 0)
        }

        /// The mode changes so soon after a transaction that no look comes between: what it wrote is in a gap, not passed over.
        @Test(Privilege.required, .timeLimit(.minutes(3)))
        func aLogThatFollowsAtOnceIsBehindAGap() throws {
            let scene = try Scene(.ext4, options: ["--capture-wal", "**"])
            defer { scene.close() }
            let path = scene.root + "/t.db"
            let writer = try JournalSubject.writer()
            try writer.run("open_subject('\(path)', 'delete')")
            pause(milliseconds: 500)
            try writer.run("work(r)\nc.execute('pragma journal_mode=wal').fetchall()")
            pause(milliseconds: 500)
            for _ in 0..<4 {
                try writer.run("work(r)")
                pause(milliseconds: 300)
            }
            let found = try scene.waitForStates(of: path) {
                try $0.count >= 4 && scene.restore(path, ["--at", "now"]).status == 0
            }
            #expect(try #require(try scene.listed(path)).gaps > 0)
            let last = try #require(found.last)
            let (status, file) = try scene.restore(path, ["--commit", "\(last.commit)"])
            #expect(status == 0)
            #expect(try JournalSubject.ask(file, JournalSubject.isWhole + " where n = 5") == "1")
        }

        /// Renamed there and back, and what is asked of it is answered as soon.
        @Test(Privilege.required, .timeLimit(.minutes(3)))
        func aFileIsFollowedUnderItsNewestName() throws {
            let scene = try Scene(.ext4, options: ["--capture-wal", "**"])
            defer { scene.close() }
            let names = ["a.db", "b.db"].map { scene.root + "/" + $0 }
            var writer = try JournalSubject.writer()
            try writer.run("open_subject('\(names[0])', 'delete')")
            pause(milliseconds: 300)
            var number = 0
            for name in [names[0], names[1], names[0]] {
                if number > 0 {
                    try writer.run("c.close()")
                    try runSuccessfully("mv", [name == names[0] ? names[1] : names[0], name])
                    writer = try JournalSubject.writer()
                    try writer.run("open_subject('\(name)', 'delete')")
                }
                for _ in 0..<2 {
                    try writer.run("work(r)")
                    number += 1
                    pause(milliseconds: 300)
                }
                try scene.expectNow(name, isTransaction: number)
            }
        }

        /// The filesystem gives a removed file's inode to the next: that is another database all the same.
        @Test(Privilege.required, .timeLimit(.minutes(3)), arguments: ["delete", "wal"])
        func anInodeThatIsGivenOutAgainIsAnotherDatabase(_ mode: String) throws {
            let scene = try Scene(.ext4, options: ["--capture-wal", "**"])
            defer { scene.close() }
            let names = ["first.db", "second.db"].map { scene.root + "/" + $0 }
            var inodes: [String] = []
            for (name, number) in zip(names, [3, 2]) {
                let writer = try JournalSubject.writer()
                try writer.run("open_subject('\(name)', '\(mode)')")
                pause(milliseconds: 500)
                for _ in 0..<number {
                    try writer.run("work(r)")
                    pause(milliseconds: 300)
                }
                try writer.run("c.close()")
                inodes.append(try runSuccessfully("stat", ["-c", "%i", name]).outputText)
                try scene.expectNow(name, isTransaction: number)
                guard name == names[0] else { continue }
                try runSuccessfully("rm", [name])
                // Beside a log the recorder keeps the file open for a while, and the inode is not free.
                pause(milliseconds: mode == "wal" ? 7_000 : 0)
            }
            #expect(inodes[0] == inodes[1], "ext4 gives the lowest free one")
            #expect(try #require(try scene.listed(names[0])).status == "ended")
            #expect(try #require(try scene.listed(names[1])).gaps == 0)
            // What was there last is not what the other file has.
            let last = try #require(try scene.states(of: names[0]).last)
            let (status, file) = try scene.restore(names[0], ["--commit", "\(last.commit)"])
            #expect(status == 0)
            #expect(try JournalSubject.ask(file, "select n from s") == "3")
        }
    }
}
