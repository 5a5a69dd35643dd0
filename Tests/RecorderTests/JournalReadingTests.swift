import Block
import Model
import Segment
import Syscalls
import TestSupport
import Testing

@testable import Recorder

/// Looks at real databases with a rollback journal, as they are written by SQLite.
@Suite struct JournalReadingTests {
    private static let access = DatabaseAccess(store: nil, readsAsUser: false)
    private static let uuid = UUIDBytes(high: 0xAAAA_0000_0000_4003, low: 0x8000_0000_0000_0001)

    private static func sight(_ path: String) throws -> JournalSight {
        guard let file = JournalFile(RawPath(path), access: access), let sight = file.lookBefore() else {
            throw JournalCopy.Failure.unreadable(path)
        }
        return sight
    }

    /// One reading from its beginning on; `meanwhile` is done when a part of it was read.
    private static func copy(_ path: String, in directory: String, meanwhile: () throws -> Void) throws -> JournalState
    {
        var opened = JournalFile(RawPath(path), access: access)
        guard let file = opened.take(), let before = file.lookBefore() else { throw JournalCopy.Failure.disturbed }
        #expect(before.isAtRest)
        let copy = JournalCopy(
            file, before, begun: Clock.realtime(), of: uuid, comparedWith: nil, isWhole: true, in: RawPath(directory))
        let whole = try copy.advance()
        #expect(whole == nil, "it is so large that it is read in pieces")
        try meanwhile()
        while true {
            if let state = try copy.advance() { return state }
        }
    }

    /// Its transaction wrote the file and wrote it back: neither the counter nor the locks tell.
    @Test func whatWasSpilledAndRolledBackWhileItWasReadIsNoState() throws {
        let directory = try TemporaryDirectory()
        let path = directory.appending("large.db")
        let writer = try SQLiteWriter()
        try writer.run("c = connect('\(path)', journal_mode='delete', synchronous='off', cache_size=10)")
        try writer.run("c.execute('create table t(a integer primary key, b)')\nc.execute('begin')")
        try writer.run("for k in range(6000): c.execute('insert into t values(?, randomblob(3000))', (k,))")
        try writer.run("c.execute('commit')")
        pause(milliseconds: 30)
        let before = try Self.sight(path)
        #expect(throws: JournalCopy.Failure.disturbed) {
            _ = try Self.copy(path, in: directory.path) {
                try writer.run("c.execute('begin immediate')\nc.execute('update t set b = randomblob(3000)')")
                try writer.run("c.execute('rollback')")
                pause(milliseconds: 30)
            }
        }
        var after = try Self.sight(path)
        #expect(after != before)
        // The times are all that tells.
        after.version = before.version
        #expect(after == before)
        // Left alone it is the file, byte for byte.
        let state = try Self.copy(path, in: directory.path) {}
        let file = try Files.contents(of: RawPath(path), limit: 1 << 30)
        var bytes: [UInt8] = []
        try state.file.appendPages(state.changedPages[...], pageSize: 4_096, to: &bytes)
        #expect(bytes == file)
    }

    /// Whatever a transaction is about, and in every mode that has a journal.
    @Test(arguments: ["delete", "truncate", "persist"])
    func aTransactionUnderWayOrBrokenOffIsSeen(_ mode: String) throws {
        let directory = try TemporaryDirectory()
        let path = directory.appending("t.db")
        var writer = try SQLiteWriter()
        let opening = "c = connect('\(path)', journal_mode='\(mode)', cache_size=10)"
        try writer.run(opening + "\nc.execute('create table t(a integer primary key, b)')")
        try writer.run("for k in range(60): c.execute('insert into t values(?, randomblob(3000))', (k,))")
        let before = try Self.sight(path)
        #expect(before.isAtRest)
        let hasJournal = (try? RawPath(path + "-journal").status()) != nil
        #expect(hasJournal == (mode != "delete"))
        try writer.run("c.execute('begin immediate')")
        #expect(try Self.sight(path).isLocked)
        try writer.run("c.execute('update t set b = randomblob(3000)')")
        #expect(try !Self.sight(path).isAtRest)
        try writer.kill()
        // Nobody holds a lock any more; what it wrote has to be rolled back by the next that opens it.
        let broken = try Self.sight(path)
        #expect(!broken.isLocked && broken.hasHotJournal && !broken.isAtRest)
        writer = try SQLiteWriter()
        try writer.run(opening)
        _ = try writer.number("c.execute('select count(*) from t').fetchone()[0]")
        #expect(try Self.sight(path).isAtRest)
        try writer.run("c.execute('delete from t')")
        let after = try Self.sight(path)
        #expect(after.isAtRest && after.transactionCount(since: before.changeCounter) == 1)
    }

    @Test func aDatabaseWithALogIsNone() throws {
        let directory = try TemporaryDirectory()
        let path = directory.appending("log.db")
        let writer = try SQLiteWriter()
        try writer.run("c = connect('\(path)')\nc.execute('create table t(a)')")
        #expect(throws: JournalCopy.Failure.unreadable(path)) { try Self.sight(path) }
        try runSuccessfully(
            "sh", ["-c", "head -c 50 '\(path)' > '\(path)-short'; yes | head -c 9000 > '\(path)-other'"])
        for name in [path + "-short", path + "-other"] {
            #expect(throws: JournalCopy.Failure.unreadable(name)) { try Self.sight(name) }
        }
    }

    // MARK: One after the other

    private final class Subject {
        let path: String
        let stream: DatabaseStream
        let findings = JournalFindings()
        let reading: JournalReading
        private var asked: UInt64 = 0

        init(_ path: String, store: String) throws {
            self.path = path
            let status = try RawPath(path).status()
            stream = DatabaseStream(
                uuid: uuid, device: status.device, inode: status.inode, birth: nil, paths: [RawPath(path)],
                pageSize: 4_096, firstSeen: Clock.realtime())
            reading = JournalReading(
                CapturePlace(store: RawPath(store), readsAsUser: false), budget: JournalBudget(), findings: findings)
        }

        /// Looks until something was found.
        func look(_ known: PageHashes?, isBehindGap: Bool = false) throws -> JournalFinding {
            asked += 1
            reading.ask(asked)
            for _ in 0..<10_000 {
                reading.advance(
                    stream, known: known, isBehindGap: isBehindGap, isWholeDue: false, now: Clock.monotonic())
                if let finding = findings.take().first {
                    #expect(finding.request == asked)
                    return finding
                }
                Clock.sleep(nanoseconds: 1_000_000)
            }
            throw JournalCopy.Failure.disturbed
        }
    }

    @Test func eachLookSaysWhatItFound() throws {
        let directory = try TemporaryDirectory()
        let path = directory.appending("t.db")
        let writer = try SQLiteWriter()
        try writer.run("c = connect('\(path)', journal_mode='truncate')\nc.execute('create table t(a)')")
        let subject = try Subject(path, store: directory.path)
        func found(_ known: PageHashes?, isBehindGap: Bool = false) throws -> (JournalFinding, JournalState?) {
            let finding = try subject.look(known, isBehindGap: isBehindGap)
            return (finding, subject.reading.takeFound())
        }
        let (first, begun) = try found(nil)
        guard case .beginning = first.content, let base = begun else { throw JournalCopy.Failure.disturbed }
        #expect(base.pageCount == 2 && !base.isSparse && base.changedPages == [1, 2])

        let (same, none) = try found(base.hashes)
        guard case .unchanged = same.content else { throw JournalCopy.Failure.disturbed }
        #expect(none == nil && same.begun > first.begun)

        try writer.run("for k in range(3): c.execute('insert into t values(?)', (k,))")
        let (three, state) = try found(base.hashes)
        guard case .state(3) = three.content, let state else { throw JournalCopy.Failure.disturbed }
        #expect(state.isSparse && state.changedPages == [1, 2] && state.begun <= state.ended)
        #expect(try state.changedBytes() == Files.contents(of: RawPath(path)))

        // Rolled back, and written all the same: another date, the same pages.
        try writer.run("c.execute('pragma cache_size=1')\nc.execute('begin')")
        try writer.run("c.execute('insert into t values(randomblob(30000))')\nc.execute('rollback')")
        let (back, nothing) = try found(state.hashes)
        guard case .unchanged = back.content else { throw JournalCopy.Failure.disturbed }
        #expect(nothing == nil)

        // Behind a gap nobody knows what led to a state.
        try writer.run("c.execute('delete from t')")
        let (behind, sparse) = try found(state.hashes, isBehindGap: true)
        guard case .beginning = behind.content else { throw JournalCopy.Failure.disturbed }
        #expect(sparse?.isSparse == true)

        // Pages of another size have nothing in common with those before.
        let known = sparse?.hashes
        try writer.run("c.execute('pragma page_size=8192')\nc.execute('vacuum')")
        let (other, whole) = try found(known)
        guard case .tooLarge = other.content else { throw JournalCopy.Failure.disturbed }
        #expect(whole?.isSparse == false)

        // Another file under the name, and none that is written so.
        try runSuccessfully("sh", ["-c", "cp '\(path)' '\(path)2' && mv '\(path)2' '\(path)'"])
        guard case .otherFile = try subject.look(known).content else { throw JournalCopy.Failure.disturbed }
        let second = try Subject(path, store: directory.path)
        try runSuccessfully("sqlite3", [path, "PRAGMA journal_mode=wal"])
        guard case .over = try second.look(known).content else { throw JournalCopy.Failure.disturbed }
        try runSuccessfully("rm", [path])
        guard case .gone = try second.look(known).content else { throw JournalCopy.Failure.disturbed }
    }
}
