"""commits.py DATABASE SECONDS: autocommit inserts through Python's sqlite3 as fast as they go, as commits.c does them."""

import json
import os
import sqlite3
import sys
import time


def main():
    database = sqlite3.connect(sys.argv[1], isolation_level=None, timeout=10)
    database.execute("PRAGMA journal_mode=WAL")
    database.execute("PRAGMA synchronous=NORMAL")
    database.execute("CREATE TABLE IF NOT EXISTS entry(id INTEGER PRIMARY KEY, writer INTEGER, number INTEGER, text TEXT)")
    insert = "INSERT INTO entry(writer, number, text) VALUES (?, ?, ?)"
    writer, count = os.getpid(), 0
    start = time.monotonic()
    while time.monotonic() - start < float(sys.argv[2]):
        for _ in range(64):
            database.execute(insert, (writer, count, f"entry number {count} of this writer"))
            count += 1
    print(json.dumps({"operations": count, "seconds": time.monotonic() - start}))


main()
