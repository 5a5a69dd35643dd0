import Model
import SQLiteWAL
import Syscalls
import TestSupport

/// The files of a database that SQLite wrote in WAL mode, read while its connection is open.
struct WrittenDatabase {
    /// The database file, which no checkpoint has touched yet.
    var database: [UInt8]
    var wal: [UInt8]
    var index: [UInt8]
    /// The database as SQLite itself makes it of the two: a checkpointed copy.
    var checkpointed: [UInt8]
    /// How many transactions the writer committed.
    var commitCount: Int

    /// Transactions of one to some hundred rows, long and short values, some of them larger than the writer's cache.
    init(pageSize: Int, seed: UInt64, in directory: borrowing TemporaryDirectory) throws {
        let writer = try SQLiteWriter()
        let path = directory.appending("seed-\(seed)-\(pageSize).db")
        commitCount = try writer.number(
            """
            r = random.Random(\(seed))
            c = connect('\(path)', page_size=\(pageSize), wal_autocheckpoint=0, cache_size=8)
            c.execute('create table t(a integer primary key, b, c)')
            c.execute('create index i on t(b)')
            n = 2
            for k in range(30):
                c.execute('begin')
                for _ in range(r.choice([1, 1, 2, 5, 60])):
                    c.execute('insert into t(b, c) values(?, ?)', (r.random(), r.randbytes(r.choice([5, 50, 900]))))
                if r.random() < 0.3:
                    c.execute('update t set b = b + 1 where a % 7 = ?', (r.randrange(7),))
                if r.random() < 0.2:
                    c.execute('delete from t where a % 5 = 1')
                if r.random() < 0.2:
                    c.execute('rollback')
                else:
                    # What changes nothing is no commit of the write-ahead log.
                    n += 1 if c.in_transaction else 0
                    c.execute('commit')
            n
            """)
        database = try Files.contents(of: RawPath(path), limit: 1 << 28)
        wal = try Files.contents(of: RawPath(path + "-wal"), limit: 1 << 28)
        index = try Files.contents(of: RawPath(path + "-shm"), limit: 1 << 28)
        checkpointed = try Self.checkpointed(database: database, wal: wal, at: path + ".copy")
    }

    /// What SQLite makes of a database and a WAL.
    static func checkpointed(database: [UInt8], wal: [UInt8], at path: String) throws -> [UInt8] {
        try write(database, to: path)
        try write(wal, to: path + "-wal")
        try runSuccessfully(
            "python3",
            [
                "-c", "import sqlite3, sys; sqlite3.connect(sys.argv[1]).execute('pragma wal_checkpoint(truncate)')",
                path,
            ]
        )
        return try Files.contents(of: RawPath(path), limit: 1 << 28)
    }

    static func write(_ bytes: [UInt8], to path: String) throws {
        try Files.write(bytes, to: RawPath(path))
    }

    static func index(of bytes: [UInt8]) -> WALIndexHeader? {
        unsafe WALIndexHeader(bytes.span.bytes)
    }

    static func header(of bytes: [UInt8]) -> WALHeader.Reading {
        unsafe WALHeader.read(bytes.span.bytes)
    }

    /// The commits of a WAL that is in memory, from its header on.
    static func commits(of wal: [UInt8]) -> (commits: [WALCommit], end: ScanEnd?)? {
        let bytes = unsafe wal.span.bytes
        guard case .header(let header) = WALHeader.read(bytes) else { return nil }
        var reader = CommitReader(from: FrameChain(header), maximumCommitByteCount: 1 << 30)
        let end = reader.take(bytes, at: 0, upTo: .max - 1)
        return (reader.commits, end)
    }

    /// A database file as the commits leave it, where every page of it was written in one of them.
    static func apply(_ commits: [WALCommit], to database: [UInt8] = []) -> [UInt8] {
        var database = database
        for commit in commits {
            let size = commit.pages.isEmpty ? 0 : commit.bytes.count / commit.pages.count
            let length = Int(commit.databasePageCount) * size
            if size > 0 {
                if database.count < length { database += [UInt8](repeating: 0, count: length - database.count) }
                if database.count > length { database.removeLast(database.count - length) }
            }
            for (place, page) in commit.pages.enumerated() {
                let start = (Int(page) - 1) * size
                database.replaceSubrange(start..<start + size, with: commit.bytes[place * size..<(place + 1) * size])
            }
        }
        return database
    }
}
