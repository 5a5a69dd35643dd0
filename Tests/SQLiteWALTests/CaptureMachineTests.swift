import Model
import SQLiteWAL
import Syscalls
import TestSupport
import Testing

/// A writer that is SQLite itself, looks from outside at moments in between, and SQLite's own word for what each commit
/// left: a table that every transaction writes its number to.
@Suite struct CaptureMachineTests {
    /// Makes a database with the table and three commits.
    private static func begin(_ writer: SQLiteWriter, _ path: String, _ options: String = "") throws {
        try writer.run(
            """
            c = connect('\(path)'\(options.isEmpty ? "" : ", " + options))
            n = 0
            def commit(rows=1, size=100):
                global n
                n += 1
                c.execute('begin immediate')
                c.execute('update audit set n = ?', (n,))
                for _ in range(rows): c.execute('insert into t(b) values(randomblob(?))', (size,))
                c.execute('commit')
            c.execute('create table audit(n)')
            c.execute('create table t(a integer primary key, b)')
            c.execute('insert into audit values(0)')
            """)
    }

    /// The number in the audit table of the database that the commits make of `base`.
    private static func audit(
        _ commits: some Sequence<WALCommit>, on base: [UInt8], in directory: borrowing TemporaryDirectory
    ) throws -> [String] {
        var image = base
        var answers: [String] = []
        let path = directory.appending("image.db")
        let writer = try SQLiteWriter()
        for commit in commits {
            image = WrittenDatabase.apply([commit], to: image)
            try WrittenDatabase.write(image, to: path)
            answers.append(
                try writer.run(
                    """
                    for end in ('-wal', '-shm'):
                        if os.path.exists('\(path)' + end): os.unlink('\(path)' + end)
                    x = sqlite3.connect('file:\(path)?immutable=1', uri=True)
                    r = (x.execute('select n from audit').fetchall(), x.execute('pragma integrity_check').fetchall())
                    x.close()
                    r
                    """))
        }
        return answers
    }

    private static func sound(_ numbers: some Sequence<Int>) -> [String] {
        numbers.map { "([(\($0),)], [('ok',)])" }
    }

    /// Each commit is the database as SQLite had it then.
    @Test func everyCommitIsTheDatabaseAsItWas() throws {
        let directory = try TemporaryDirectory()
        let path = directory.appending("a.db")
        let writer = try SQLiteWriter()
        try Self.begin(writer, path)
        let captured = try CapturedDatabase(path, isFresh: true)
        try captured.look()
        #expect(captured.commits.count == 3)
        for _ in 0..<12 {
            try writer.run("commit(rows=3, size=2000)")
            try captured.look()
        }
        #expect(captured.commits.count == 15)
        #expect(captured.missed.isEmpty)
        #expect(captured.proofs.allSatisfy { $0 == .published })
        let base = try Files.contents(of: RawPath(path), limit: 1 << 24)
        let answers = try Self.audit(captured.commits, on: base, in: directory)
        #expect(Array(answers.dropFirst(3)) == Self.sound(1...12))
    }

    /// The log begins again over and over; whatever the looks miss is counted, and the rest is found.
    @Test(arguments: [1, 3, 9, 40]) func foundAndMissedAreTheWritersCount(commitsBetweenLooks: Int) throws {
        let directory = try TemporaryDirectory()
        let path = directory.appending("b.db")
        let writer = try SQLiteWriter()
        try Self.begin(writer, path, "wal_autocheckpoint=20")
        let captured = try CapturedDatabase(path, isFresh: true)
        for _ in 0..<40 {
            try writer.run(
                "for _ in range(\(commitsBetweenLooks)): commit(rows=r.randrange(1, 4) if 'r' in globals() else 2)")
            try captured.look()
        }
        let found = captured.commits.count
        let missed = try #require(captured.missedCount)
        let count = try writer.number("n")
        #expect(found + missed == count + 3)
        if commitsBetweenLooks == 1 { #expect(missed == 0) }
        if commitsBetweenLooks == 40 { #expect(missed > 0) }
    }

    /// A generation that ended between two looks is read behind the frames of the next.
    @Test func theEndOfAnOldGenerationIsStillFound() throws {
        let directory = try TemporaryDirectory()
        let path = directory.appending("c.db")
        let writer = try SQLiteWriter()
        try Self.begin(writer, path, "wal_autocheckpoint=0")
        let captured = try CapturedDatabase(path, isFresh: true)
        try writer.run("for _ in range(10): commit()")
        try captured.look()
        #expect(captured.commits.count == 13)
        try writer.run("for _ in range(6): commit()\nc.execute('pragma wal_checkpoint(full)').fetchall()\ncommit()")
        try captured.look()
        #expect(captured.missed.isEmpty)
        #expect(captured.commits.count == 20)
        let base = try Self.emptyBase(path)
        let answers = try Self.audit(captured.commits, on: base, in: directory)
        #expect(Array(answers.dropFirst(3)) == Self.sound(1...17))
    }

    /// The pages of the first commit that no commit wrote are those of an empty database.
    private static func emptyBase(_ path: String) throws -> [UInt8] {
        Array(try Files.contents(of: RawPath(path), limit: 1 << 24).prefix(4_096))
    }

    @Test func aTruncatedLogThatWasLevelHasNoGap() throws {
        let directory = try TemporaryDirectory()
        let path = directory.appending("d.db")
        let writer = try SQLiteWriter()
        try Self.begin(writer, path)
        let captured = try CapturedDatabase(path, isFresh: true)
        try writer.run("for _ in range(4): commit()")
        try captured.look()
        // By another connection, so that the next writer draws new salts.
        try writer.run("d = connect('\(path)')\nd.execute('pragma wal_checkpoint(truncate)').fetchall()")
        try captured.look()
        #expect(captured.state == .empty)
        try writer.run("for _ in range(4): commit()")
        try captured.look()
        #expect(captured.missed.isEmpty)
        #expect(captured.commits.count == 11)
    }

    @Test func whatATruncationTookIsCounted() throws {
        let directory = try TemporaryDirectory()
        let path = directory.appending("e.db")
        let writer = try SQLiteWriter()
        try Self.begin(writer, path)
        let captured = try CapturedDatabase(path, isFresh: true)
        try captured.look()
        try writer.run("for _ in range(4): commit()\nc.execute('pragma wal_checkpoint(truncate)').fetchall()")
        try captured.look()
        #expect(captured.missed == [.missed(count: 4, cause: .truncated)])
        try writer.run("for _ in range(2): commit()")
        try captured.look()
        #expect(captured.commits.count == 5)
        #expect(captured.missedCount == 4)
    }

    @Test func whatWasRolledBackIsNoCommit() throws {
        let directory = try TemporaryDirectory()
        let path = directory.appending("f.db")
        let writer = try SQLiteWriter()
        try Self.begin(writer, path, "cache_size=5")
        let captured = try CapturedDatabase(path, isFresh: true)
        try captured.look()
        for _ in 0..<3 {
            // More than the cache holds, so that it is in the log already.
            try writer.run(
                "c.execute('begin')\nfor _ in range(60): c.execute('insert into t(b) values(randomblob(3000))')")
            try captured.lookOnce()
            #expect(captured.commits.count % 2 == 1)
            try writer.run("c.execute('rollback')\ncommit()")
            try captured.look()
            try writer.run("commit()")
            try captured.look()
        }
        #expect(captured.commits.count == 9)
        #expect(captured.missed.isEmpty && captured.orphans.isEmpty)
        let base = try Self.emptyBase(path)
        let answers = try Self.audit(captured.commits, on: base, in: directory)
        #expect(Array(answers.dropFirst(3)) == Self.sound(1...6))
    }

    /// After a rollback to a savepoint behind spilled pages SQLite 3.40.1 publishes frames without checksums.
    @Test func commitsWhoseChainIsBrokenAreFound() throws {
        let directory = try TemporaryDirectory()
        let path = directory.appending("g.db")
        let writer = try SQLiteWriter()
        try Self.begin(writer, path, "cache_size=5")
        let captured = try CapturedDatabase(path, isFresh: true)
        try captured.look()
        for _ in 0..<4 {
            try writer.run(
                """
                n += 1
                c.execute('begin')
                c.execute('savepoint s')
                for _ in range(60): c.execute('insert into t(b) values(randomblob(3000))')
                for k in range(2):
                    c.execute('update t set b = randomblob(3000) where a > (select max(a) - 20 from t)')
                c.execute('rollback to s')
                c.execute('update audit set n = ?', (n,))
                c.execute('commit')
                commit()
                """)
            try captured.look(for: 4)
        }
        let count = try writer.number("n")
        #expect(captured.commits.count == count + 3)
        #expect(captured.missed.isEmpty)
        let base = try Self.emptyBase(path)
        let answers = try Self.audit(captured.commits, on: base, in: directory)
        #expect(Array(answers.dropFirst(3)) == Self.sound(1...8))
        let version = try writer.run("sqlite3.sqlite_version")
        if version == "3.40.1" { #expect(captured.proofs.contains(.unchained)) }
    }

    /// In exclusive locking mode there is no index; a commit is believed once it stayed.
    @Test func withoutAnIndexCommitsAreLogged() throws {
        let directory = try TemporaryDirectory()
        let path = directory.appending("h.db")
        let writer = try SQLiteWriter()
        try Self.begin(writer, path, "locking_mode='exclusive', journal_mode='wal'")
        let captured = try CapturedDatabase(path, isFresh: true)
        #expect(!captured.hasIndex)
        try captured.lookOnce()
        #expect(captured.commits.isEmpty && captured.state == .unconfirmed && captured.rest == .new)
        for _ in 0..<5 {
            try writer.run("commit()")
            try captured.lookOnce()
            #expect(captured.rest == .new, "the last commit, which the look before did not see")
        }
        #expect(captured.commits.count == 7)
        try captured.lookOnce()
        #expect(captured.rest == .old, "the same commit")
        try captured.look(for: 60)
        #expect(captured.commits.count == 8 && captured.rest == .none)
        #expect(captured.proofs.allSatisfy { $0 == .logged })
        let base = try Self.emptyBase(path)
        let answers = try Self.audit(captured.commits, on: base, in: directory)
        #expect(Array(answers.dropFirst(3)) == Self.sound(1...5))
    }

    /// What one look leaves was there already; of what comes meanwhile that is not said.
    @Test func whatALookLeavesIsToldApartFromWhatComesLater() throws {
        let directory = try TemporaryDirectory()
        let path = directory.appending("k.db")
        let writer = try SQLiteWriter()
        try Self.begin(writer, path)
        var limits = CaptureMachine.Limits()
        limits.stepByteCount = 20_000
        let captured = try CapturedDatabase(path, isFresh: true, limits: limits)
        var rests: [CaptureRest] = []
        var left: [Int] = []
        func look() throws {
            try captured.lookOnce()
            rests.append(captured.rest)
            left.append(try writer.number("n") + 3 - captured.commits.count)
        }
        try writer.run("for _ in range(10): commit(rows=20, size=3000)")
        try look()
        let first = left[0]
        try #require(first > 4, "more than one look may read")
        try writer.run("for _ in range(10): commit(rows=20, size=3000)")
        while captured.rest != .none { try look() }
        // The first look left commits; `new` is said again as soon as those have all been returned, and not before.
        let added = 10
        let again = try #require(rests.dropFirst().firstIndex(of: .new))
        #expect(rests[0] == .new && rests[1] == .old)
        #expect(left[again] <= added && left[again - 1] > added, "\(rests), \(left)")
        #expect(left.last == 0 && captured.missed.isEmpty)
    }

    /// The last connection closes and removes the log: what is held open still has all of it.
    @Test func aLogThatIsRemovedIsReadToItsEnd() throws {
        let directory = try TemporaryDirectory()
        let path = directory.appending("i.db")
        let writer = try SQLiteWriter()
        try Self.begin(writer, path)
        let captured = try CapturedDatabase(path, isFresh: true)
        try captured.look()
        try writer.run("for _ in range(5): commit()\nc.close()")
        #expect((try? RawPath(path + "-wal").status()) == nil)
        try captured.look()
        #expect(captured.commits.count == 8 && captured.missed.isEmpty)
    }

    /// From its last commit on where it was there before: what came earlier is in the database that is copied.
    @Test func anOldLogIsTakenUpWhereItEnds() throws {
        let directory = try TemporaryDirectory()
        let path = directory.appending("j.db")
        let writer = try SQLiteWriter()
        try Self.begin(writer, path)
        let captured = try CapturedDatabase(path, isFresh: false)
        try captured.look()
        #expect(captured.commits.isEmpty)
        try writer.run("for _ in range(2): commit()")
        try captured.look()
        #expect(captured.commits.count == 2 && captured.missed.isEmpty)
    }

    /// A commit frame that the index does not name is no commit; it is told as an orphan when nobody is writing.
    @Test func aTransactionThatWasNeverPublishedIsAnOrphan() throws {
        let directory = try TemporaryDirectory()
        let path = directory.appending("k.db")
        let writer = try SQLiteWriter()
        try Self.begin(writer, path)
        try writer.run("commit()\nshm = open('\(path)-shm', 'rb').read(96)\ncommit()")
        // As it is when the writer died between the log and the index: the index of the commit before.
        try writer.run("f = open('\(path)-shm', 'r+b')\nf.write(shm)\nf.flush()")
        let captured = try CapturedDatabase(path, isFresh: true)
        try captured.look(for: 2)
        #expect(captured.commits.count == 4)
        #expect(captured.state == .pending)
        try captured.look(for: 100)
        #expect(captured.commits.count == 4)
        #expect(captured.orphans.count == 1)
    }

    /// A power cut takes what was not durable off the end of the log: the index of the commit before, and other frames
    /// where those were.
    @Test(arguments: [1, 2, 3]) func commitsThatVanishAreRetracted(count: Int) throws {
        let directory = try TemporaryDirectory()
        let path = directory.appending("r.db")
        let writer = try SQLiteWriter()
        try Self.begin(writer, path)
        let captured = try CapturedDatabase(path, isFresh: true)
        try writer.run("commit()\nshm = open('\(path)-shm', 'rb').read(96)\nfor _ in range(\(count)): commit()")
        try captured.look()
        #expect(captured.commits.count == 4 + count)
        try writer.run("f = open('\(path)-shm', 'r+b')\nf.write(shm)\nf.flush()")
        try captured.look()
        #expect(captured.retracted == [UInt32(count)])
        #expect(captured.commits.count == 4 && captured.missed.isEmpty)
        // The next ones stand where they stood.
        try writer.run("for _ in range(2): commit(rows=3, size=2000)")
        try captured.look()
        #expect(captured.commits.count == 6 && captured.missed.isEmpty)
        try writer.run("c.execute('pragma wal_checkpoint(truncate)').fetchall()")
        let image = WrittenDatabase.apply(captured.commits, to: [])
        #expect(image == (try Files.contents(of: RawPath(path))))
    }

    /// More than one look may return: several looks find all of it, in the same order.
    @Test func manyCommitsAreFoundInSeveralLooks() throws {
        let directory = try TemporaryDirectory()
        let path = directory.appending("l.db")
        let writer = try SQLiteWriter()
        try Self.begin(writer, path, "wal_autocheckpoint=0")
        var limits = CaptureMachine.Limits()
        limits.stepByteCount = 20_000
        let captured = try CapturedDatabase(path, isFresh: true, limits: limits)
        try captured.look()
        try writer.run("for _ in range(300): commit()")
        try captured.look()
        #expect(captured.commits.count == 303 && captured.missed.isEmpty)
        // Also over the end of a generation.
        try writer.run("for _ in range(300): commit()\nc.execute('pragma wal_checkpoint(full)').fetchall()\ncommit()")
        try captured.look()
        #expect(captured.commits.count == 604 && captured.missed.isEmpty)
    }

    /// A transaction of more bytes than may be held is counted, whenever the log is cut: also while it waits for the rest of an
    /// old generation, which takes several looks.
    @Test(arguments: 0..<8) func anOversizedCommitIsCountedWhenTheLogIsCut(lookCount: Int) throws {
        let directory = try TemporaryDirectory()
        let path = directory.appending("o.db")
        let writer = try SQLiteWriter()
        try Self.begin(writer, path, "wal_autocheckpoint=0")
        var limits = CaptureMachine.Limits()
        limits.stepByteCount = 20_000
        limits.commitByteCount = 40_000
        let captured = try CapturedDatabase(path, isFresh: true, limits: limits)
        try captured.look()
        #expect(captured.commits.count == 3)
        try writer.run(
            """
            commit()
            commit(rows=300, size=1000)
            for _ in range(9): commit()
            c.execute('pragma wal_checkpoint(full)').fetchall()
            commit()
            """)
        for _ in 0..<lookCount { try captured.lookOnce() }
        try writer.run("c.execute('pragma wal_checkpoint(truncate)').fetchall()")
        try captured.look()
        #expect(captured.state == .empty)
        #expect(captured.commits.allSatisfy { !$0.isOversized })
        let missed = try #require(captured.missedCount)
        let count = try writer.number("n")
        #expect(captured.commits.count + missed == count + 3)
        // The first look ends behind the commit before it.
        if lookCount == 1 { #expect(captured.commits.count == 4) }
        if lookCount > 1 { #expect(captured.missed.contains(.missed(count: 1, cause: .tooLarge))) }
    }

    /// Kill -9 in the middle of a transaction; the next writer recovers the log and goes on.
    @Test func aKilledWriterLeavesNoGap() throws {
        let directory = try TemporaryDirectory()
        let path = directory.appending("m.db")
        let writer = try SQLiteWriter()
        try Self.begin(writer, path, "cache_size=5")
        let captured = try CapturedDatabase(path, isFresh: true)
        try writer.run("for _ in range(3): commit()")
        try captured.look()
        try writer.run(
            "c.execute('begin')\nfor _ in range(60): c.execute('insert into t(b) values(randomblob(3000))')")
        try writer.kill()
        let next = try SQLiteWriter()
        try next.run("c = connect('\(path)')\nc.execute('update audit set n = 4')")
        try captured.look()
        #expect(captured.commits.count == 7 && captured.missed.isEmpty)
        let base = try Self.emptyBase(path)
        let answers = try Self.audit(captured.commits, on: base, in: directory)
        #expect(Array(answers.dropFirst(3)) == Self.sound(1...4))
    }
}
