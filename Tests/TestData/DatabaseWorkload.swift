package import Model
package import Segment
internal import Syscalls

/// A database that SQLite changes commit by commit, with a copy that SQLite itself made of it after each.
///
/// Shape: in `directory`: `base.db`, the file before the first commit; `main.db-wal`, the log with all commits; with
/// copies `copy-N.db`, the file after commit N as a checkpoint leaves it.
package struct DatabaseWorkload: Sendable {
    package enum Kind: String, CaseIterable, Sendable {
        /// An event log with three indices, many rows a commit.
        case log
        /// Single rows changed.
        case rows
        /// Chat messages with FTS5.
        case chat
        /// Schema changes, blobs, deletes, VACUUM.
        case mixed
    }

    package let directory: String
    package let pageSize: UInt32
    package let base: [UInt8]
    package let commits: [CapturedCommit]

    /// Runs Python's sqlite3. Throws: where it fails.
    package init(
        _ kind: Kind, in directory: String, seed: UInt64, commitCount: Int, pageSize: UInt32 = 4_096,
        copies: Bool = true
    ) throws {
        self.directory = directory
        self.pageSize = pageSize
        try Files.makeDirectories(RawPath(directory))
        try runSuccessfully(
            "python3",
            [
                "-c", Self.script, directory, kind.rawValue, "\(seed)", "\(commitCount)", "\(pageSize)",
                copies ? "1" : "0",
            ])
        base = try Files.contents(of: RawPath(directory + "/base.db"), limit: 1 << 30)
        let log = try Files.contents(of: RawPath(directory + "/main.db-wal"), limit: 1 << 31)
        commits = Self.commits(inLog: log, pageSize: Int(pageSize))
    }

    /// The file after a commit, as SQLite's checkpoint left it.
    package func copy(after commit: Int) throws -> [UInt8] {
        try Files.contents(of: RawPath("\(directory)/copy-\(commit).db"), limit: 1 << 30)
    }

    /// Commit n became visible in (start + n s, start + n s + 2 ms].
    package static let start = Instant(nanosecondsSinceEpoch: 1_790_000_000_000_000_000)

    package static func moment(_ commit: Int) -> Instant {
        start.advanced(byNanoseconds: Int64(commit) * 1_000_000_000)
    }

    package static let writer: ActorProcess = {
        var process = ActorProcess(instance: 7, pid: 4_711, firstSeen: start)
        process.exe = RawPath("/usr/bin/python3")
        process.comm = RawPath("python3")
        process.uid = 0
        process.exeSource = .proc
        process.detailSource = .proc
        return process
    }()

    /// The frames of a log that nothing restarted, as commits; checksums are not looked at.
    private static func commits(inLog log: [UInt8], pageSize: Int) -> [CapturedCommit] {
        func number(_ offset: Int) -> UInt32 { log[offset..<offset + 4].reduce(0) { $0 << 8 | UInt32($1) } }
        var commits: [CapturedCommit] = []
        var pages: [UInt32: Range<Int>] = [:]
        var offset = 32
        var frame: UInt32 = 0
        let salts = UInt64(number(16)) << 32 | UInt64(number(20))
        while offset + 24 + pageSize <= log.count,
            UInt64(number(offset + 8)) << 32 | UInt64(number(offset + 12)) == salts
        {
            frame += 1
            pages[number(offset)] = offset + 24..<offset + 24 + pageSize
            let size = number(offset + 4)
            if size > 0 {
                let numbers = pages.keys.filter { $0 <= size }.sorted()
                commits.append(
                    CapturedCommit(
                        number: UInt64(commits.count + 1), low: moment(commits.count + 1),
                        high: moment(commits.count + 1).advanced(byNanoseconds: 2_000_000), databasePageCount: size,
                        frame: frame, salts: salts, changeCounter: UInt32(commits.count + 1), status: .published,
                        attribution: .exact, writers: [writer], checkpointer: [], pages: numbers,
                        bytes: numbers.flatMap { log[pages[$0] ?? 0..<0] }))
                pages = [:]
            }
            offset += 24 + pageSize
        }
        return commits
    }

    private static let script = #"""
        import os, random, shutil, sqlite3, sys
        place, kind, seed, count, page, copies = sys.argv[1:]
        rng, count = random.Random(int(seed)), int(count)
        path = place + "/main.db"
        db = sqlite3.connect(path, isolation_level=None)
        db.execute("pragma page_size=" + page)
        if kind == "mixed": db.execute("pragma auto_vacuum=" + rng.choice(["0", "1", "2"]))
        db.execute("pragma journal_mode=wal"); db.execute("pragma wal_autocheckpoint=0")
        words = ["".join(rng.choice("etaoinshrdlu") for _ in range(rng.randint(2, 9))) for _ in range(2000)]
        text = lambda n: " ".join(rng.choice(words) for _ in range(n))
        if kind == "log":
            db.execute("create table event(id integer primary key, time integer, host text, path text, size integer)")
            for column in ("time", "host", "path"): db.execute(f"create index by_{column} on event({column})")
        if kind == "rows":
            db.execute("create table item(id integer primary key, name text, price integer, note text)")
            db.execute("create index by_name on item(name)"); db.execute("create index by_price on item(price)")
            db.execute("begin")
            for i in range(40000): db.execute("insert into item values(?,?,?,?)", (i, text(2), rng.randint(0, 9999), text(6)))
            db.execute("commit")
        if kind == "chat":
            db.execute("create table message(id integer primary key, room integer, author text, time integer, body text)")
            db.execute("create index by_room on message(room, time)")
            db.execute("create virtual table search using fts5(body)")
        if kind == "mixed":
            db.execute("create table t0(a integer primary key, b blob, c text)")
        db.execute("pragma wal_checkpoint(truncate)")
        shutil.copy(path, place + "/base.db")
        tables = ["t0"]
        for commit in range(1, count + 1):
            vacuum = kind == "mixed" and rng.random() < 0.08
            if vacuum: db.execute("vacuum")
            else:
                db.execute("begin immediate")
                if kind == "log":
                    for _ in range(200):
                        db.execute("insert into event(time,host,path,size) values(?,?,?,?)", (commit * 1000 + rng.randint(0, 999),
                            "host%d" % rng.randint(0, 40), "/srv/" + "/".join(text(3).split()), rng.randint(0, 1 << 30)))
                if kind == "rows":
                    for _ in range(rng.randint(1, 3)):
                        db.execute("update item set price=?, note=? where id=?", (rng.randint(0, 9999), text(6), rng.randint(0, 39999)))
                if kind == "chat":
                    body = text(rng.randint(3, 30))
                    db.execute("insert into message(room,author,time,body) values(?,?,?,?)", (rng.randint(0, 20), "user%d" % rng.randint(0, 99), commit, body))
                    db.execute("insert into search(body) values(?)", (body,))
                if kind == "mixed":
                    for _ in range(rng.randint(1, 12)):
                        table, what = rng.choice(tables), rng.random()
                        if what < 0.5: db.execute(f"insert into {table}(b,c) values(?,?)", (rng.randbytes(rng.choice([3, 300, 30000])), text(9)))
                        elif what < 0.7: db.execute(f"update {table} set b=?, c=? where a % 7 = ?", (rng.randbytes(50), text(3), rng.randint(0, 6)))
                        elif what < 0.8: db.execute(f"delete from {table} where a % 3 = ?", (rng.randint(0, 2),))
                        elif what < 0.9:
                            tables.append("t%d" % commit)
                            db.execute(f"create table if not exists t{commit}(a integer primary key, b blob, c text)")
                            db.execute(f"create index if not exists i{commit} on t{commit}(c)")
                        elif len(tables) > 2 and table != "t0":
                            tables[:] = [t for t in tables if t != table]
                            db.execute(f"drop table if exists {table}")
                    db.execute("insert into t0(c) values('end')")
                db.execute("commit")
            if copies == "1":
                copy = place + "/copy-%d.db" % commit
                shutil.copy(path, copy); shutil.copy(path + "-wal", copy + "-wal")
                other = sqlite3.connect(copy, isolation_level=None)
                assert other.execute("pragma integrity_check").fetchone()[0] == "ok"
                assert other.execute("pragma wal_checkpoint(truncate)").fetchone()[0] == 0
                other.close()
        sys.stdout.flush()
        os._exit(0)
        """#
}
