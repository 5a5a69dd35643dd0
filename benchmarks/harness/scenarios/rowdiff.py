"""rowdiff: 32 changed rows in a 100 MiB database, told from the changed pages and by SQLite from the two files."""

import ctypes
import json
import random
import shutil
import sqlite3
import subprocess
import time

from .. import stats
from ..processes import BenchmarkError, die_with_parent

ROWS = 430_000
CHANGED = 32
ROUNDS = 15


def run(bench, report):
    before, after = bench.directory / "before.db", bench.directory / "after.db"
    make(before, after, ROWS // 20 if bench.quick else ROWS)
    report.figure("database", f"{before.stat().st_size / 2**20:.0f} MiB, one table, one index, {CHANGED} rows updated")
    ours, sessions, excepts = [], [], []
    for number in bench.rounds(bench.pairs(ROUNDS, 3), fewest=3):
        steps = [lambda: ours.append(diff(bench, before, after)), lambda: sessions.append(session_diff(before, after)),
                 lambda: excepts.append(except_both_ways(before, after))]
        for step in steps if number % 2 == 0 else reversed(steps):
            step()
    told = ours[-1]
    for rows in (told["rows"], sessions[-1][1], excepts[-1][1]):
        if rows != CHANGED:
            raise BenchmarkError(f"{rows} rows were told instead of {CHANGED}: {told}")
    report.figure("pages changed; pages read; pages of the database",
                  f"{told['pages_changed']}; {told['pages_read']}; {before.stat().st_size // 4096}")
    times = [run["diff_ns"][0] / 1e9 for run in ours]
    report.figure("diff from the changed pages, ms", stats.line(stats.summary([1000 * t for t in times])))
    report.figure("finding those pages by comparing the files (not in the ratio: a store knows them), ms",
                  stats.line(stats.summary([run["compare_ns"] / 1e6 for run in ours])))
    report.figure("sqlite3session_diff, ms", stats.line(stats.summary([1000 * t for t, _ in sessions])))
    report.figure("EXCEPT both ways, ms", stats.line(stats.summary([1000 * t for t, _ in excepts])))
    ratio = stats.summary([a / b for a, (b, _) in zip(times, sessions)])
    report.figure("diff / sqlite3session_diff", stats.line(ratio), ratio["median"], "rowdiff-of-session")


def make(before, after, rows):
    generator = random.Random(7)
    db = sqlite3.connect(before, isolation_level=None)
    db.execute("CREATE TABLE message(id INTEGER PRIMARY KEY, sender INTEGER, sent REAL, body TEXT)")
    db.execute("CREATE INDEX message_sender ON message(sender, sent)")
    db.execute("BEGIN")
    db.executemany("INSERT INTO message VALUES (?,?,?,?)", (
        (i, generator.randrange(1000), 1e9 + i / 7, "".join(generator.choices("abcdefghij klmnop", k=200)))
        for i in range(rows)))
    db.execute("COMMIT")
    db.close()
    shutil.copy(before, after)
    db = sqlite3.connect(after)
    for i in generator.sample(range(rows), CHANGED):
        db.execute("UPDATE message SET body = 'edited' WHERE id = ?", (i,))
    db.commit()
    db.close()


def diff(bench, before, after):
    done = subprocess.run([str(bench.tools.varve.parent / "rowdiff"), str(before), str(after), "1"],
                          capture_output=True, text=True, preexec_fn=die_with_parent)
    if done.returncode != 0:
        raise BenchmarkError(f"rowdiff: {done.stdout.strip()} {done.stderr.strip()}")
    return json.loads(done.stdout)


def session_diff(before, after):
    """Seconds from opening the files to having walked over the changeset, and its changes."""
    lib = ctypes.CDLL("libsqlite3.so.0")
    db, session, iterator = ctypes.c_void_p(), ctypes.c_void_p(), ctypes.c_void_p()
    size, data = ctypes.c_int(), ctypes.c_void_p()

    def check(code):
        if code not in (0, 100, 101):
            raise BenchmarkError(f"sqlite3 answered {code}")
        return code

    started = time.perf_counter()
    check(lib.sqlite3_open(str(after).encode(), ctypes.byref(db)))
    check(lib.sqlite3_exec(db, f"ATTACH '{before}' AS b".encode(), None, None, None))
    check(lib.sqlite3session_create(db, b"main", ctypes.byref(session)))
    check(lib.sqlite3session_attach(session, b"message"))
    check(lib.sqlite3session_diff(session, b"b", b"message", None))
    check(lib.sqlite3session_changeset(session, ctypes.byref(size), ctypes.byref(data)))
    check(lib.sqlite3changeset_start(ctypes.byref(iterator), size, data))
    changes = 0
    while check(lib.sqlite3changeset_next(iterator)) == 100:
        changes += 1
    seconds = time.perf_counter() - started
    lib.sqlite3changeset_finalize(iterator)
    lib.sqlite3session_delete(session)
    lib.sqlite3_free(data)
    lib.sqlite3_close(db)
    return seconds, changes


def except_both_ways(before, after):
    started = time.perf_counter()
    db = sqlite3.connect(after)
    db.execute("ATTACH ? AS b", (str(before),))
    counts = [len(db.execute(f"SELECT * FROM {one}.message EXCEPT SELECT * FROM {other}.message").fetchall())
              for one, other in (("main", "b"), ("b", "main"))]
    seconds = time.perf_counter() - started
    db.close()
    return seconds, max(counts)
