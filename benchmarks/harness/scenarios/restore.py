"""restore: how long it takes to have a watched database back as it was, by how many commits lie between its base image and
that moment; beside copies of the database as it is now, which is all that there is without a record."""

import json
import random
import sqlite3
import time

from .. import stats
from ..bench import alternating
from ..processes import BenchmarkError, Recorder, running, wall_nanoseconds
from .capture import own_segments

ROUNDS = 5
SHARES = (0.01, 0.1, 0.5, 1)
SEED = 17
TEXT_LENGTH = 200
CAPTURED_SECONDS = 30


def run(bench, report):
    rows, commits = bench.size(400_000, 100_000, 5_000), bench.size(100_000, 10_000, 500)
    with bench.filesystem("watched", 4096) as filesystem, bench.store() as store:
        database = filesystem.mount_point / "subject.db"
        connection = make(database, rows)
        with running(Recorder(bench.tools, store, [filesystem.mount_point], ["--capture-wal", "**"])) as recorder:
            # From the first commit on it is watched.
            commit(connection, 1, rows)
            own_segments(bench, recorder, store, database)
            for number in range(2, commits + 1):
                commit(connection, number, rows)
            last = await_commit(bench, recorder, store, database, commits)
            recorder.stop()
        connection.close()
        report.detail("workload", f"{commits} commits, each of a row anywhere among {rows} in a database of "
                      f"{database.stat().st_size / 2**20:.0f} MiB, captured; whole commands, page cache warm")
        measure(bench, report, store, database, commits, last)


def make(database, rows):
    """A connection that stays open keeps the log, as a server's would."""
    generator = random.Random(SEED)
    connection = sqlite3.connect(database, isolation_level=None)
    connection.executescript("PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; "
                             "CREATE TABLE progress(number INTEGER); INSERT INTO progress VALUES (0); "
                             "CREATE TABLE entry(id INTEGER PRIMARY KEY, text TEXT); BEGIN")
    connection.executemany("INSERT INTO entry VALUES (?, ?)", (
        (number, "".join(generator.choices("abcdefghij klmnop", k=TEXT_LENGTH))) for number in range(rows)))
    connection.execute("COMMIT")
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    return connection


def commit(connection, number, rows):
    connection.execute("BEGIN IMMEDIATE")
    connection.execute("UPDATE entry SET text = ? WHERE id = ?",
                       (f"changed by commit {number}".ljust(TEXT_LENGTH), random.Random(number).randrange(rows)))
    connection.execute("UPDATE progress SET number = ?", (number,))
    connection.execute("COMMIT")


def await_commit(bench, recorder, store, database, commits):
    """The number that the store gives to the last commit, once it has all."""
    deadline = time.monotonic() + CAPTURED_SECONDS
    while time.monotonic() < deadline:
        recorder.sync()
        listed = json.loads(bench.tools.query(store, "db list", "-o", "jsonl", accepted=(0, 3)).splitlines()[0])
        if listed["commits"] + (listed.get("missed") or 0) >= commits:
            told = bench.tools.query(store, "db commits", str(database), "-o", "jsonl", "--reverse", "--limit", 1,
                                     accepted=(0, 3))
            return json.loads(told.splitlines()[0])["commit"]
        time.sleep(0.2)
    raise BenchmarkError(f"{listed['commits']} of {commits} commits captured after {CAPTURED_SECONDS} s")


def measure(bench, report, store, database, commits, last):
    target = bench.directory / "restored.db"
    moments = [max(1, round(share * commits)) for share in SHARES]
    commands = {number: [bench.tools.varve, "db", "restore", database, "--commit", last - commits + number, "-o", target,
                         "--store", store] for number in moments}
    commands["cp"] = ["cp", "--reflink=never", database, target]
    commands["VACUUM INTO"] = ["sqlite3", database, f"VACUUM INTO '{target}'"]
    times = {what: [] for what in commands}
    for index in range(bench.pairs(ROUNDS, ROUNDS)):
        for what in alternating(list(commands), index):
            times[what].append(wall_nanoseconds(commands[what]) / 1e6)
            check(target, what if isinstance(what, int) else commits)
            target.unlink()
    found = {what: stats.summary(values) for what, values in times.items()}
    for number in moments:
        report.figure(f"as it was after commit {number} of {commits}, ms", stats.line(found[number]))
    for what in ("cp", "VACUUM INTO"):
        report.figure(f"as it is now, {what}, ms", stats.line(found[what]))
        ratio = stats.summary([restored / copied for restored, copied in zip(times[commits], times[what])])
        report.figure(f"restored after the last commit / {what}", stats.line(ratio), ratio["median"])
    report.detail("milliseconds", {str(what): values for what, values in times.items()})
    report.lines("Restoring a database by the commits since its base image", "commits", "ms",
                 [("varve db restore", [(number, found[number]["median"]) for number in moments]),
                  *((what, [(number, found[what]["median"]) for number in (moments[0], moments[-1])])
                    for what in ("cp", "VACUUM INTO"))], log_x=True)


def check(target, number):
    connection = sqlite3.connect(f"file:{target}?mode=ro", uri=True)
    told, = connection.execute("SELECT number FROM progress").fetchone()
    connection.close()
    if told != number:
        raise BenchmarkError(f"restored as after commit {number}, it is as after {told}")
