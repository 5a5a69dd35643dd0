"""audited.py DATABASE SEED PAGE_SIZE CHECKPOINT_PAGES [JOURNAL_MODE]: a writer, in WAL mode where none is named, whose every
commit tells which one it is.

Each transaction adds one row (seq, pid, state) to `audit`, seq from 1 on without a break, whoever wrote the one before;
the table is made by the first. `state` says what the rows of `item` amount to in the same transaction, so a state that is
put together from two is known as such. The log is checkpointed by itself after CHECKPOINT_PAGES and begins again.
SIGTERM ends it between two transactions; it may be killed at any moment and started again.
"""

import os
import random
import signal
import sqlite3
import sys
import time

STATE = "SELECT count(*) || ' ' || coalesce(sum(id * length(text)), 0) FROM item"


def change(database, rng):
    """Something of everything that pages go through; little of it, so that the file stays small."""
    for _ in range(rng.choice([1, 1, 2, 8])):
        what = rng.random()
        length = rng.choice([10, 200, 3000, 20000])
        if what < 0.5:
            database.execute("INSERT INTO item(text) VALUES (?)", ("".join(rng.choices("abcdefgh ", k=length)),))
        elif what < 0.8:
            database.execute("UPDATE item SET text = substr(text, 2) || '!' WHERE id % 7 = ?", (rng.randrange(7),))
        else:
            database.execute("DELETE FROM item WHERE id % 5 = ?", (rng.randrange(5),))
    database.execute("DELETE FROM item WHERE id <= (SELECT max(id) FROM item) - 120")


def main():
    path, seed, page_size, pages = sys.argv[1:5]
    mode = sys.argv[5] if len(sys.argv) > 5 else "WAL"
    stops = []
    signal.signal(signal.SIGTERM, lambda *_: stops.append(True))
    rng = random.Random(seed)
    database = sqlite3.connect(path, isolation_level=None, timeout=10)
    database.execute(f"PRAGMA page_size={int(page_size)}")
    database.execute(f"PRAGMA journal_mode={mode}")
    database.execute("PRAGMA synchronous=NORMAL")
    database.execute(f"PRAGMA wal_autocheckpoint={int(pages)}")
    # A small cache puts pages into the log before their transaction is committed.
    database.execute("PRAGMA cache_size=20")
    while not stops:
        database.execute("BEGIN IMMEDIATE")
        database.execute("CREATE TABLE IF NOT EXISTS audit(seq INTEGER PRIMARY KEY, pid INTEGER, state TEXT)")
        database.execute("CREATE TABLE IF NOT EXISTS item(id INTEGER PRIMARY KEY AUTOINCREMENT, text TEXT)")
        database.execute("CREATE INDEX IF NOT EXISTS by_text ON item(text)")
        change(database, rng)
        if rng.random() < 0.05:
            database.execute("ROLLBACK")
            continue
        database.execute(
            f"INSERT INTO audit SELECT coalesce(max(seq), 0) + 1, ?, ({STATE}) FROM audit", (os.getpid(),))
        database.execute("COMMIT")
        time.sleep(rng.choice([0, 0, 0.002, 0.01, 0.03]))
    database.close()


main()
