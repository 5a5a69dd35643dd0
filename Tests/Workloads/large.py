"""large.py fill DATABASE MIB | write DATABASE SECONDS DIRECTORY COUNT: a database too large to be copied at one go.

fill: makes it, of about MIB mebibytes, and closes it.
write: changes it in small transactions that a checkpoint follows after every few, and copies it COUNT times between two of
them. Prints for each copy `NUMBER PATH`: how many transactions there had been, and the file that SQLite itself makes of the
database and its log then; at the end the number of all transactions.
"""

import random
import sqlite3
import subprocess
import sys
import time


def fill(path, size):
    c = sqlite3.connect(path, isolation_level=None)
    c.execute("PRAGMA journal_mode=WAL")
    c.execute("CREATE TABLE t(k INTEGER PRIMARY KEY, v)")
    c.execute("CREATE TABLE audit(seq INTEGER PRIMARY KEY)")
    for _ in range(size):
        c.execute("BEGIN")
        c.executemany("INSERT INTO t(v) VALUES (randomblob(?))", [(3000,)] * 256)
        c.execute("COMMIT")
    c.close()


def write(path, seconds, directory, count):
    c = sqlite3.connect(path, isolation_level=None)
    c.execute("PRAGMA synchronous=NORMAL")
    c.execute("PRAGMA wal_autocheckpoint=150")
    rng = random.Random(path)
    rows = c.execute("SELECT max(k) FROM t").fetchone()[0]
    began, seq, copies = time.monotonic(), 0, []
    while time.monotonic() - began < seconds:
        c.execute("BEGIN IMMEDIATE")
        c.execute("INSERT INTO audit(seq) VALUES (?)", (seq,))
        for _ in range(3):
            c.execute("UPDATE t SET v = randomblob(?) WHERE k = ?", (rng.randint(2500, 3500), rng.randint(1, rows)))
        if seq % 50 == 9:
            c.execute("DELETE FROM t WHERE k = ?", (rng.randint(1, rows),))
            c.execute("INSERT INTO t(v) VALUES (randomblob(9000))")
        c.execute("COMMIT")
        seq += 1
        time.sleep(0.001)
        if time.monotonic() - began > (len(copies) + 1) * seconds / (count + 1):
            # By other processes: this one's locks would end with a descriptor that it closes.
            name = f"{directory}/copy-{seq}.db"
            for end in ("", "-wal"):
                subprocess.run(["cp", path + end, name + end], check=True)
            copies.append((seq, name))
    for number, name in copies:
        d = sqlite3.connect(name, isolation_level=None)
        d.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        d.close()
        print(number, name)
    print(seq)
    c.close()


def main():
    mode, path, number = sys.argv[1:4]
    if mode == "fill":
        fill(path, int(number))
    else:
        write(path, float(number), sys.argv[4], int(sys.argv[5]))


main()
