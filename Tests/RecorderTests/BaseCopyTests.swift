import Glibc
import Model
import SQLiteWAL
import Syscalls
import TestSupport
import Testing

@testable import Recorder

@Suite struct BaseCopyTests {
    /// What SQLite finds in a database that is only its file.
    private static func check(_ path: String) throws -> String {
        let script = """
            import sqlite3, sys
            c = sqlite3.connect('file:' + sys.argv[1] + '?immutable=1', uri=True)
            print(c.execute('pragma integrity_check').fetchall(), c.execute('select count(*) from t').fetchall(),
                c.execute('select sum(b) from two').fetchall())
            """
        return try runSuccessfully("python3", ["-c", script, path]).outputText
    }

    /// Beside a writer that commits, checkpoints and begins its log again all the time. Two rows always sum to zero.
    @Test func copiesBesideAWriterAreSound() throws {
        let directory = try TemporaryDirectory()
        let path = directory.appending("busy.db")
        let script = """
            import os, random, sqlite3, sys, time
            c = sqlite3.connect(sys.argv[1], isolation_level=None)
            c.execute('pragma journal_mode=wal').fetchall()
            c.execute('pragma synchronous=off')
            c.execute('pragma wal_autocheckpoint=400')
            c.execute('create table t(a integer primary key, b)')
            c.execute('create table two(a integer primary key, b)')
            c.execute('insert into two values(1, 0), (2, 0)')
            for _ in range(300): c.execute('insert into t(b) values(randomblob(3000))')
            print('ready', flush=True)
            k = 0
            while True:
                k += 1
                c.execute('begin')
                c.execute('update two set b = ? where a = 1', (k,))
                c.execute('update t set b = randomblob(3000) where a = ?', (k % 300 + 1,))
                c.execute('update two set b = ? where a = 2', (-k,))
                c.execute('commit')
                time.sleep(0.0002)
            """
        let writer = try BackgroundProgram(["python3", "-c", script, path], in: directory.path)
        try writer.waitForOutput { !$0.isEmpty }
        var taken = 0
        for round in 0..<12 {
            var files = try DatabaseFiles(RawPath(path))
            let name = directory.appending("copy-\(round).db")
            let target = try OwnedDescriptor.open(RawPath(name), flags: O_RDWR | O_CREAT)
            do throws(BaseCopy.Failure) {
                let copy = try BaseCopy.take(&files, to: target)
                #expect(copy.pageSize.byteCount == 4_096)
                taken += 1
            } catch {
                #expect(error == .busy)
                continue
            }
            #expect(try Self.check(name) == "[('ok',)] [(300,)] [(0,)]\n")
        }
        #expect(taken > 0)
        writer.end()
    }

    /// What a checkpoint has copied SQLite reads from the file, whatever somebody has put there since.
    @Test func whatWasPutIntoTheFileIsCopiedAsSQLiteReadsIt() throws {
        let directory = try TemporaryDirectory()
        let path = directory.appending("put.db")
        let writer = try SQLiteWriter()
        try writer.run(
            """
            import shutil
            c = connect('\(path)', wal_autocheckpoint=0)
            c.execute('create table two(a integer primary key, b)')
            c.execute('insert into two values(1, 5), (2, -5)')
            c.execute('create table t(a integer primary key, b)')
            def rows(count):
                for _ in range(count): c.execute('insert into t(b) values(randomblob(900))')
                c.execute('pragma wal_checkpoint(passive)').fetchall()
            rows(50)
            shutil.copyfile('\(path)', '\(path).kept')
            rows(30)
            shutil.copyfile('\(path).kept', '\(path)')
            """)
        let name = directory.appending("copy.db")
        let target = try OwnedDescriptor.open(RawPath(name), flags: O_RDWR | O_CREAT)
        var files = try DatabaseFiles(RawPath(path))
        _ = try BaseCopy.take(&files, to: target)
        #expect(try writer.run("sqlite3.connect('\(path)').execute('select count(*) from t').fetchall()") == "[(50,)]")
        #expect(try Self.check(name) == "[('ok',)] [(50,)] [(0,)]\n")
    }

    @Test func aSizeThatNothingHoldsIsNotCopied() throws {
        let directory = try TemporaryDirectory()
        let path = directory.appending("forged.db")
        let writer = try SQLiteWriter()
        try writer.run("c = connect('\(path)', wal_autocheckpoint=0)\nc.execute('create table t(a)')")
        let target = try OwnedDescriptor.open(RawPath(directory.appending("copy.db")), flags: O_RDWR | O_CREAT)
        func take(_ limits: BaseCopy.Limits = BaseCopy.Limits()) throws -> BaseCopy.Failure? {
            var files = try DatabaseFiles(RawPath(path))
            do throws(BaseCopy.Failure) {
                _ = try BaseCopy.take(&files, to: target, limits)
                return nil
            } catch {
                return error
            }
        }
        #expect(try take() == nil)
        #expect(try take(BaseCopy.Limits(byteCount: 4_096)) == .tooLarge(8_192))
        #expect(try take(BaseCopy.Limits(isEnding: { true })) == .ended)
        let sound = try target.status().byteCount

        let indexPath = RawPath(path + "-shm")
        var index = try Files.contents(of: indexPath, limit: 1 << 20)
        forgeIndex(&index, at: 20, 0x7FFF_FFFF)
        let file = try OwnedDescriptor.open(indexPath, flags: O_RDWR)
        try file.write(index, at: 0)
        guard case .unsupported(let reason) = try take() else {
            Issue.record("it was believed")
            return
        }
        #expect(reason.contains("2147483647 pages"))
        #expect(try target.status().byteCount == sound)
    }

    @Test func aCopyIsTheDatabaseAsACheckpointMakesIt() throws {
        let directory = try TemporaryDirectory()
        let path = directory.appending("calm.db")
        let writer = try SQLiteWriter()
        try writer.run(
            """
            c = connect('\(path)', wal_autocheckpoint=0)
            c.execute('create table t(a integer primary key, b)')
            for _ in range(100): c.execute('insert into t(b) values(randomblob(3000))')
            c.execute('delete from t where a > 20')
            c.execute('vacuum')
            """)
        var files = try DatabaseFiles(RawPath(path))
        let name = directory.appending("copy.db")
        let target = try OwnedDescriptor.open(RawPath(name), flags: O_RDWR | O_CREAT)
        let copy = try BaseCopy.take(&files, to: target)
        try writer.run("c.execute('pragma wal_checkpoint(truncate)').fetchall()")
        let live = try Files.contents(of: RawPath(path), limit: 1 << 26)
        let copied = try Files.contents(of: RawPath(name), limit: 1 << 26)
        #expect(copied.count == Int(copy.pageCount) * 4_096)
        let isSame = live == copied
        #expect(isSame)
    }
}
