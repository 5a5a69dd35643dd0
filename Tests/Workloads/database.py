"""database.py DATABASE steps COUNT | fast SECONDS | together SECONDS SEED: a writer in WAL mode that keeps its connection to the end.

steps: COUNT transactions, 20 ms apart, each with a row (pid, seq) in `audit` and changes in `item`.
together: transactions with a row (pid, seq) in `audit`, now and then one after the other, else up to 40 ms apart.
fast: inserts into `audit`, each its own transaction, as fast as they go. Prints how many transactions it committed.
"""

import os
import random
import sqlite3
import sys
import time


def main():
    path, mode, limit = sys.argv[1:4]
    database = sqlite3.connect(path, isolation_level=None, timeout=10)
    database.execute("PRAGMA journal_mode=WAL")
    database.execute("PRAGMA synchronous=NORMAL")
    database.execute("CREATE TABLE IF NOT EXISTS audit(id INTEGER PRIMARY KEY, pid INTEGER, seq INTEGER)")
    if mode != "together":
        database.execute("CREATE TABLE IF NOT EXISTS item(id INTEGER PRIMARY KEY, text TEXT)")
    count = 0
    if mode == "steps":
        for seq in range(1, int(limit) + 1):
            time.sleep(0.02)
            database.execute("BEGIN IMMEDIATE")
            database.execute("INSERT INTO audit(pid, seq) VALUES (?, ?)", (os.getpid(), seq))
            database.execute("INSERT INTO item(text) VALUES (?)", (f"item {seq} " * 40,))
            if seq % 3 == 0:
                database.execute("UPDATE item SET text = text || '!' WHERE id = ?", (seq // 2,))
            database.execute("COMMIT")
            count += 1
    elif mode == "together":
        rng = random.Random(int(sys.argv[4]))
        end = time.monotonic() + float(limit)
        while time.monotonic() < end:
            time.sleep(rng.choice([0, 0, 0.003, 0.02, 0.04]))
            count += 1
            database.execute("BEGIN IMMEDIATE")
            database.execute("INSERT INTO audit(pid, seq) VALUES (?, ?)", (os.getpid(), count))
            database.execute("COMMIT")
    else:
        end = time.monotonic() + float(limit)
        while time.monotonic() < end:
            database.execute("INSERT INTO audit(pid, seq) VALUES (?, ?)", (os.getpid(), count))
            count += 1
    print(count, flush=True)
    database.close()


main()
