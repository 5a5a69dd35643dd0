"""dissect.py write DATABASE SEED COMMITS | read DATABASE TABLE: the changed rows of each commit, by sqlite-dissect from PyPI.

write: changes rows of the table `t(a INTEGER PRIMARY KEY, b)` in transactions, of which none is copied into the file.
read: prints, of a copy of a database and its log, for each commit in the log that changed the table a line of JSON:
{"commit": 1 for the first in the log, "inserted": [rowid, …], "updated": […], "deleted": […]}.
"""

import json
import random
import sqlite3
import sys


def write(path, seed, count):
    rng = random.Random(seed)
    db = sqlite3.connect(path, isolation_level=None)
    db.execute("PRAGMA journal_mode=WAL").fetchall()
    db.execute("PRAGMA wal_autocheckpoint=0")

    def text():
        # Some do not fit into one page.
        return "".join(rng.choices("etaoin shrdlu", k=rng.choice((5, 40, 300, 300, 6_000))))

    for _ in range(count):
        db.execute("BEGIN IMMEDIATE")
        for _ in range(rng.randint(1, 6)):
            known = [row[0] for row in db.execute("SELECT a FROM t")]
            what = rng.random()
            if what < 0.5 or not known:
                db.execute("INSERT INTO t(b) VALUES(?)", (text(),))
            elif what < 0.8:
                db.execute("UPDATE t SET b = ? WHERE a = ?", (text(), rng.choice(known)))
            else:
                db.execute("DELETE FROM t WHERE a = ?", (rng.choice(known),))
        db.execute("COMMIT")
    # Whoever else has it open keeps the log.
    db.close()


def read(path, table):
    # Not its `interface`, which gives arguments to the wrong parameters.
    from sqlite_dissect.file.database.database import Database
    from sqlite_dissect.file.wal.wal import WriteAheadLog
    from sqlite_dissect.version_history import VersionHistory, VersionHistoryParser

    history = VersionHistory(Database(path), WriteAheadLog(path + "-wal"))
    entries = history.versions[0].master_schema.master_schema_entries
    entry = next(each for each in entries if each.name == table)
    for commit in VersionHistoryParser(history, entry):
        # Version 0 is the file without its log.
        if commit.version_number == 0 or not commit.updated:
            continue
        changes = {"inserted": commit.added_cells, "updated": commit.updated_cells, "deleted": commit.deleted_cells}
        print(json.dumps({"commit": commit.version_number} | {
            name: sorted(cell.row_id for cell in cells.values()) for name, cells in changes.items()}))


def main():
    if sys.argv[1] == "write":
        write(sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
    else:
        read(sys.argv[2], sys.argv[3])


main()
