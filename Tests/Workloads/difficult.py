"""difficult.py write WORKLOAD DATABASE | digest FILE...: what makes a write-ahead log hard to follow.

write: performs a workload and prints a line `WORTH PATH` for each transaction that it committed to a log: what the
database was worth then. A line `# PATH` instead is a change that no log tells of.
digest: prints for each file what SQLite finds wrong with it ("ok"), and what it is worth.
What a database is worth is a digest of its schema, of all its rows and of its size in pages.
"""

import hashlib
import os
import random
import shutil
import sqlite3
import subprocess
import sys
import time

PAUSE = 0.03


def worth(connection):
    text = hashlib.sha256(repr(connection.execute("PRAGMA page_count").fetchall()).encode())
    for entry in connection.execute("SELECT type, name, tbl_name, sql FROM sqlite_master ORDER BY 1, 2").fetchall():
        text.update(repr(entry).encode())
        if entry[0] == "table":
            rows = [repr(row) for row in connection.execute(f'SELECT * FROM "{entry[1]}"')]
            text.update(repr(sorted(rows)).encode())
    return text.hexdigest()[:24]


def worth_of_file(path):
    """Of a file that nobody has open; looking at it makes no log."""
    c = sqlite3.connect(f"file:{path}?immutable=1", uri=True)
    try:
        return worth(c)
    finally:
        c.close()


class Subject:
    """A writer that keeps its connection, and says what each transaction made of the database."""

    def __init__(self, path, page_size=4096, cache=None, before=(), is_logged=True):
        self.path, self.page_size, self.cache, self.before = path, page_size, cache, before
        self.random = random.Random(os.path.basename(path))
        self.pause = PAUSE
        self.is_logged = is_logged
        is_new = not os.path.exists(path)
        self.open()
        if is_new:
            self.do("CREATE TABLE audit(seq INTEGER PRIMARY KEY, text)")
            self.do("CREATE TABLE t(k INTEGER PRIMARY KEY, v)")
            # Pages of its own, which only `move` changes.
            self.do("CREATE TABLE still(k INTEGER PRIMARY KEY, v)")
            self.commit(lambda: self.fill(20, 1000, "still"))

    def open(self):
        self.c = sqlite3.connect(self.path, isolation_level=None, timeout=20)
        for pragma in (f"page_size={self.page_size}", *self.before, "journal_mode=WAL", "synchronous=NORMAL"):
            self.c.execute(f"PRAGMA {pragma}").fetchall()
        if self.cache:
            self.c.execute(f"PRAGMA cache_size={self.cache}")

    def close(self):
        self.c.close()

    def told(self):
        print(worth(self.c) if self.is_logged else "#", self.path, flush=True)
        time.sleep(self.pause)

    def do(self, *statements):
        """Statements that are a transaction each."""
        for statement in statements:
            self.c.execute(statement).fetchall()
            self.told()

    def commit(self, *steps):
        """One transaction, which also leaves a row in `audit`."""
        self.c.execute("BEGIN IMMEDIATE")
        self.c.execute("INSERT INTO audit(text) VALUES (?)", (self.random.randbytes(60),))
        for step in steps:
            step() if callable(step) else self.c.execute(step).fetchall()
        self.c.execute("COMMIT")
        self.told()

    def fill(self, count, size, table="t"):
        for _ in range(count):
            key = self.random.randrange(1 << 40)
            self.c.execute(f"INSERT OR REPLACE INTO {table} VALUES (?, ?)", (key, self.random.randbytes(size)))

    def move(self):
        """One transaction that changes what no other does."""
        self.commit("UPDATE still SET v = v + 1, k = k + 1 WHERE k % 2")

    def end(self):
        """A last moment in which the database can be copied, and what comes after it."""
        self.rows(4)
        time.sleep(1.2)
        self.rows(4)
        self.close()

    def rows(self, count):
        for _ in range(count):
            self.commit(lambda: self.fill(5, 200))


HALF = "DELETE FROM t WHERE k < (SELECT k FROM t ORDER BY k LIMIT 1 OFFSET (SELECT count(*) / 2 FROM t))"


def pages(path, page_size):
    s = Subject(path, page_size)
    s.do("CREATE INDEX i ON t(v)")
    for n in range(14):
        s.commit(lambda: s.fill(12, 300), "DELETE FROM t WHERE k % 7 = 0" if n % 3 else "UPDATE t SET v = k")
    s.commit("DELETE FROM t")
    s.close()


def spill(path):
    """The cache holds less than a transaction: its pages are in the log before it ends, and may be written again."""
    s = Subject(path, cache=10)
    s.commit(lambda: s.fill(200, 200))
    for _ in range(5):
        s.c.execute("BEGIN")
        s.fill(400, 200)
        s.c.execute("UPDATE t SET v = zeroblob(150)")
        s.c.execute("ROLLBACK")
        s.commit(lambda: s.fill(150, 200))

        def partly():
            s.c.execute("SAVEPOINT one")
            s.fill(200, 150)
            s.c.execute("SAVEPOINT two")
            s.c.execute("UPDATE t SET v = randomblob(140) WHERE k % 2")
            s.c.execute("ROLLBACK TO two")
            s.c.execute("UPDATE t SET v = zeroblob(30) WHERE k % 3 = 1")
            s.c.execute("RELEASE one")

        s.commit(partly)
    s.close()


def vacuum(path, mode):
    s = Subject(path, before=(f"auto_vacuum={mode}",))
    for n in range(6):
        s.commit(lambda: s.fill(60, 900))
        s.commit(HALF)
        if mode == 2:
            s.do("PRAGMA incremental_vacuum(6)")
        if n % 3 == 2:
            s.do("VACUUM")
    s.close()


def schema(path):
    s = Subject(path)
    s.commit(lambda: s.fill(50, 100))
    s.do("ALTER TABLE t ADD COLUMN more TEXT DEFAULT 'none'")
    s.commit("UPDATE t SET more = 'some' WHERE k % 2")
    s.do("ALTER TABLE t RENAME COLUMN v TO value", "ALTER TABLE t RENAME TO u", "CREATE INDEX i ON u(value, more)")
    s.do("CREATE VIEW seen AS SELECT k FROM u", "CREATE TABLE gone(a)")
    s.do("CREATE TRIGGER put AFTER INSERT ON audit BEGIN INSERT INTO gone VALUES (new.seq); END")
    for _ in range(4):
        s.commit("UPDATE u SET more = k WHERE k % 3 = 0")
    s.do("DROP VIEW seen", "DROP INDEX i", "ALTER TABLE u DROP COLUMN more", "DROP TRIGGER put", "DROP TABLE gone")
    s.do("CREATE TABLE w(a TEXT, b, PRIMARY KEY(a, b)) WITHOUT ROWID", "REINDEX")
    s.commit("INSERT INTO w SELECT k, value FROM u")
    s.do("ANALYZE", "DROP TABLE u")
    s.commit("DELETE FROM w WHERE b > x'80'")
    s.close()


def blobs(path):
    s = Subject(path)
    s.do("CREATE TABLE w(k TEXT PRIMARY KEY, v) WITHOUT ROWID", "CREATE TABLE b(id INTEGER PRIMARY KEY, data BLOB)")
    s.commit("INSERT INTO b VALUES (1, zeroblob(200000)), (2, zeroblob(20000))")
    for n in range(8):
        s.commit(lambda: s.fill(20, 3000, "w"))

        def inside():
            with s.c.blobopen("b", "data", 1 + n % 2) as blob:
                blob.seek(7_000 + 900 * n)
                blob.write(s.random.randbytes(5_000))

        s.commit(inside)
        s.commit("UPDATE w SET v = substr(v, 1, 100) WHERE k % 3 = 0")
    s.close()


CHECKPOINTER = """
import sqlite3, sys
c = sqlite3.connect(sys.argv[1], isolation_level=None, timeout=20)
for line in sys.stdin: print(c.execute('PRAGMA wal_checkpoint(' + line.strip() + ')').fetchall(), flush=True)
"""


def checkpoints(path):
    s = Subject(path)
    other = subprocess.Popen(
        [sys.executable, "-c", CHECKPOINTER, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    for mode in ("PASSIVE", "FULL", "RESTART", "TRUNCATE") * 4:
        s.rows(2)
        other.stdin.write(mode + "\n")
        other.stdin.flush()
        other.stdout.readline()
    other.stdin.close()
    other.wait()
    s.close()


def exclusive(path):
    """Without an index in shared memory, then with one."""
    s = Subject(path, before=("locking_mode=EXCLUSIVE",))
    s.rows(10)
    s.close()
    s.before = ()
    time.sleep(0.3)
    s.open()
    s.rows(10)
    s.close()


def modes(path):
    """Off the log and back, at leisure and at once."""
    s = Subject(path)
    for pause in (PAUSE, 0, PAUSE):
        s.rows(5)
        for mode in ("DELETE", "MEMORY"):
            # What is written past the log may be found as a state of the file.
            s.pause = pause
            s.do(f"PRAGMA journal_mode={mode}")
            s.move()
        s.c.execute("PRAGMA journal_mode=WAL").fetchall()
        s.pause = PAUSE
    s.end()


def silent(path):
    """Off the log without a journal that could be seen."""
    s = Subject(path)
    s.rows(6)
    s.is_logged = False
    s.do("PRAGMA journal_mode=OFF")
    s.move()
    s.c.execute("PRAGMA journal_mode=WAL").fetchall()
    s.is_logged = True
    s.end()


def loop(path):
    """The log is made and removed by each of many short processes."""
    subprocess.run(["sqlite3", path, "PRAGMA journal_mode=WAL"], check=True, stdout=subprocess.DEVNULL)
    for n in range(30):
        statement = f"INSERT INTO t VALUES ({n}, hex(randomblob(90)))" if n else "CREATE TABLE t(k, v)"
        subprocess.run(["sqlite3", path, statement], check=True)
        print(worth_of_file(path), path, flush=True)


def overwritten(path):
    """The same as `copied`, by processes that are gone at once."""
    def shell(statement):
        subprocess.run(["sqlite3", path, statement], check=True, stdout=subprocess.DEVNULL)

    shell("PRAGMA journal_mode=WAL")
    for n in range(13):
        if n == 0:
            tables = (f"CREATE TABLE a{k}(v); INSERT INTO a{k} VALUES (randomblob(9000));" for k in range(4))
            shell("BEGIN;" + "".join(tables) + "COMMIT")
        elif n % 4 == 0:
            time.sleep(0.3 if n == 8 else 0)
            subprocess.run(["cp", path + ".kept", path], check=True)
            print("#", path, flush=True)
            continue
        else:
            if n % 4 == 2:
                shutil.copy(path, path + ".kept")
            shell(f"UPDATE a{n % 4} SET v = randomblob(8000 + {n})")
        print(worth_of_file(path), path, flush=True)
        time.sleep(0.1 if n % 4 < 3 else 0)
    s = Subject(path)
    s.do("CREATE TABLE last(a)")
    for n in range(20):
        s.do(f"INSERT INTO last VALUES({n})")
        time.sleep(1.2 if n == 10 else 0)
    s.close()


def renamed(path):
    s = Subject(path)
    s.rows(6)
    for name in (path + ".moved", path):
        s.close()
        os.rename(s.path, name)
        s.path = name
        s.open()
        s.rows(6)
    s.end()


def unlinked(path):
    """Its writer goes on while another makes a new one under the name."""
    old = Subject(path)
    old.rows(6)
    for end in ("", "-wal", "-shm"):
        os.unlink(path + end)
    old.rows(2)
    new = Subject(path)
    for _ in range(6):
        old.rows(1)
        new.rows(1)
    new.end()
    old.close()


def replaced(path):
    """Another file takes the name while nobody has the database open."""
    s = Subject(path)
    s.rows(6)
    s.close()
    shutil.copy(path, path + ".new")
    s.open()
    s.rows(4)
    s.close()
    os.rename(path + ".new", path)
    s.open()
    s.end()


def copied(path):
    """Another state is put into the same file while nobody has the database open, at leisure and at once."""
    s = Subject(path)
    s.rows(6)
    s.close()
    shutil.copy(path, path + ".kept")
    for pause in (0.3, 0, 6):
        s.open()
        s.move()
        s.rows(4)
        s.close()
        time.sleep(pause)
        subprocess.run(["cp", path + ".kept", path], check=True)
        print("#", path)
    s.open()
    s.end()


def copied_open(path):
    """The same beside a log that somebody keeps: after a checkpoint SQLite reads what was put there."""
    def put(pause):
        s.c.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
        # Its cache would hold what is no more.
        s.close()
        time.sleep(pause)
        subprocess.run(["cp", path + ".kept", path], check=True)
        print("#", path)
        s.open()

    s = Subject(path)
    keeper = sqlite3.connect(path, isolation_level=None)
    keeper.execute("SELECT count(*) FROM audit").fetchall()
    s.rows(6)
    s.c.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
    shutil.copy(path, path + ".kept")
    for pause in (0.3, 0, 6):
        s.move()
        s.rows(4)
        put(pause)
        time.sleep(0.2)
    s.end()
    keeper.close()


def resized(path):
    """Off the log, other pages, and on it again."""
    s = Subject(path)
    for size in (1024, 16384):
        s.end()
        s.before = ("journal_mode=DELETE", f"page_size={size}")
        s.is_logged = False
        c = sqlite3.connect(path, isolation_level=None)
        for statement in (*(f"PRAGMA {pragma}" for pragma in s.before), "VACUUM"):
            c.execute(statement).fetchall()
        c.close()
        s.before, s.page_size, s.is_logged = (), size, True
        s.open()
        s.told()
    s.end()


def reopened(path):
    """Closed and opened again without a change, at once and after its files were given up."""
    s = Subject(path)
    for pause in (0, 0.3, 6):
        s.rows(6)
        s.close()
        time.sleep(pause)
        s.open()
    s.rows(4)
    s.close()


def many(path):
    subjects = [Subject(f"{path}-{n}.db") for n in range(64)]
    for subject in subjects:
        subject.pause = 0
    for _ in range(6):
        for subject in subjects:
            subject.rows(1)
    time.sleep(1)
    for subject in subjects:
        subject.close()


def header(log, version):
    """The header of a log that says another version, with the checksum of it."""
    words = [int.from_bytes(log[at:at + 4], "big") for at in range(0, 24, 4)]
    words[1] = version
    head = b"".join(word.to_bytes(4, "big") for word in words)
    sums, order = [0, 0], "big" if words[0] & 1 else "little"
    for at in range(0, 24, 8):
        for k in (0, 1):
            word = int.from_bytes(head[at + 4 * k:at + 4 * k + 4], order)
            sums[k] = (sums[k] + word + sums[1 - k]) & 0xFFFFFFFF
    return head + b"".join(value.to_bytes(4, "big") for value in sums)


def bad(path):
    """Logs that are none, each beside a file that somebody writes; and one that is in order."""
    directory = os.path.dirname(path)
    good = Subject(os.path.join(directory, "good.db"))
    good.rows(3)

    def beside(name, database, log):
        name = os.path.join(directory, name)
        if database is not None:
            with open(name, "wb") as file:
                file.write(database)
        with open(name + "-wal", "wb") as file:
            file.write(log)
            if name.endswith("huge.db"):
                file.truncate(5 << 30)
        time.sleep(0.05)
        # Somebody writes it once more.
        with open(name + "-wal", "r+b") as file:
            file.write(log[:1])

    with open(good.path, "rb") as file:
        database = file.read()
    with open(good.path + "-wal", "rb") as file:
        log = file.read()
    beside("short.db", database, log[:31])
    beside("huge.db", database, b"\0")
    beside("none.db", b"no database at all\n" * 400, random.Random(1).randbytes(20_000))
    beside("foreign.db", b"no database at all\n" * 400, log)
    beside("torn.db", database, log[:20] + bytes(12) + log[32:])
    beside("two.db", database, header(log, 3_021_000) + log[32:])
    beside("empty.db", b"", log)
    beside("alone.db", None, log)
    with open(os.path.join(directory, "target"), "wb") as file:
        file.write(log)
    link = os.path.join(directory, "link.db")
    shutil.copy(good.path, link)
    os.symlink("target", link + "-wal")
    with open(link + "-wal", "r+b") as file:
        file.write(log[:1])
    for name, make in (("folder.db", os.mkdir), ("pipe.db", os.mkfifo)):
        shutil.copy(good.path, os.path.join(directory, name))
        make(os.path.join(directory, name + "-wal"))
    # In the middle of its commits one has another header for a while.
    turned = Subject(os.path.join(directory, "turned.db"), is_logged=False)
    turned.rows(3)
    with open(turned.path + "-wal", "r+b") as file:
        start = file.read(32)
        file.seek(0)
        file.write(header(start, 3_021_000))
        file.flush()
        time.sleep(0.5)
        file.seek(0)
        file.write(start)
    turned.rows(3)
    good.rows(8)
    good.close()
    turned.close()


def digest(paths):
    for path in paths:
        try:
            c = sqlite3.connect(f"file:{path}?immutable=1", uri=True)
            print(c.execute("PRAGMA integrity_check").fetchone()[0].split("\n")[0], worth(c))
        except sqlite3.Error as error:
            print(str(error).replace(" ", "_"), "-")


def main():
    if sys.argv[1] == "digest":
        return digest(sys.argv[2:])
    name, path = sys.argv[2:4]
    workloads = {
        "page_512": lambda: pages(path, 512),
        "page_4096": lambda: pages(path, 4096),
        "page_65536": lambda: pages(path, 65536),
        "vacuum": lambda: vacuum(path, 1),
        "incremental": lambda: vacuum(path, 2),
    }
    workloads[name]() if name in workloads else globals()[name](path)


main()
