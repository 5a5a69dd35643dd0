"""restore: a large database with many captured commits, brought back as it was after some of them, beside `cp` of what
came back."""

import filecmp
import json
import random
import sqlite3
import subprocess
import time

from .. import stats
from ..bench import alternating
from ..processes import BenchmarkError, Recorder, die_with_parent, running

SEED = 7
# How deep in the history, as shares of the commits.
DEPTHS = (0.01, 0.25, 0.5, 0.75, 1.0)
# About so many bytes of the file belong to a row and its place in the index.
ROW_BYTES = 240
COMMITS_A_SECOND = 2_000
# The goal: this many times `cp`, and so many seconds.
CP_TIMES, SECONDS_MORE = 2, 2
ROUNDS = 5
COLUMNS = ("restore", "cp", "cp and sync", "integrity_check alone")


def run(bench, report):
    mebibytes, count = bench.size((1_024, 100_000), (256, 25_000), (16, 1_000))
    with bench.filesystem("watched", 3 * mebibytes + 512) as filesystem, bench.store() as store:
        database = filesystem.mount_point / "subject.db"
        rows = fill(database, mebibytes)
        with running(Recorder(bench.tools, store, [filesystem.mount_point], ["--capture-wal", "**"])) as recorder:
            writer = Writer(database, rows)
            wait_for_base_image(bench, recorder, store, writer)
            begun = time.monotonic()
            writer.commit(count, bench.progress)
            elapsed = time.monotonic() - begun
            # Its close copies the whole log into the file, which then is the state after the last commit.
            writer.close()
            known = wait_for(bench, recorder, store, lambda found: found["commits"] + found["missed"] >= writer.count)
            recorder.stop()
        commits = numbers(bench, store, database)
        size = sum(file.stat().st_size for file in store.rglob("*"))
        report.figure("database", f"{database.stat().st_size / 2**20:.0f} MiB, {rows} rows, one index")
        report.figure("commits captured; missed; a second", f"{len(commits)} of one to three rows; {known['missed']}; "
                      f"{count / elapsed:.0f}")
        report.figure("store; base images", f"{size / 2**20:.0f} MiB; {known['base_images']}")
        measure(bench, report, store, database, commits, writer.count if not known["gaps"] else None)


def measure(bench, report, store, database, commits, last_sequence):
    """Parameter last_sequence: what the writer noted in its last commit; None where not each commit was captured."""
    times = {commits[max(0, int(depth * len(commits)) - 1)]: {key: [] for key in COLUMNS} for depth in DEPTHS}
    try:
        for turn in bench.rounds(bench.pairs(ROUNDS, 1)):
            for number in alternating(list(times), turn):
                restored = bench.directory / "restored.db"
                found = times[number]
                found["restore"].append(restore(bench, store, database, number, restored.name))
                if turn == 0:
                    check(restored, database, number, commits, last_sequence)
                found["cp"].append(seconds("cp", restored, bench.directory / "copied.db"))
                found["cp and sync"].append(found["cp"][-1] + seconds("sync", bench.directory / "copied.db"))
                found["integrity_check alone"].append(integrity_seconds(restored))
                for name in ("restored.db", "copied.db"):
                    (bench.directory / name).unlink()
    finally:
        tell(report, {number: found for number, found in times.items() if found["integrity_check alone"]})


def tell(report, times):
    if not times:
        return
    ratios = {number: stats.median(found["restore"]) / (CP_TIMES * stats.median(found["cp"]) + SECONDS_MORE)
              for number, found in times.items()}
    report.detail("times", [{"commit": number, **found} for number, found in times.items()])
    report.table("restores, s", ["commit", *COLUMNS, f"restore / ({CP_TIMES} cp + {SECONDS_MORE} s)"],
                 [[f"{number}", *(stats.cell(found[key]) for key in COLUMNS), f"{ratios[number]:.2f}"]
                  for number, found in times.items()], "Median (least-most, n rounds); the last column is of the medians.")
    worst = max(ratios.values())
    report.figure(f"restore / ({CP_TIMES} × cp + {SECONDS_MORE} s), the slowest of {len(times)} depths", f"{worst:.2f}",
                  worst, "restore-of-cp")
    report.bars("Restore and its peers at the deepest commit, s", [
        (key, stats.summary(found[key])) for found in list(times.values())[:1] for key in COLUMNS])


def restore(bench, store, database, number, name):
    begun = time.monotonic()
    bench.tools.query(store, "db restore", database, "--commit", number, "-o", bench.directory / name, accepted=(0,))
    return time.monotonic() - begun


def check(restored, database, number, commits, last_sequence):
    """The last state is the file byte for byte; each other one says itself which it is."""
    if number == commits[-1]:
        if not filecmp.cmp(restored, database, shallow=False):
            raise BenchmarkError("what was restored to the last commit is not the database")
    elif last_sequence is not None:
        found = sqlite3.connect(f"file:{restored}?immutable=1", uri=True)
        sequence = found.execute("SELECT sequence FROM progress").fetchone()[0]
        found.close()
        if sequence != last_sequence - (commits[-1] - number):
            raise BenchmarkError(f"commit {number} was restored with the state after the writer's {sequence}")


def integrity_seconds(path):
    """What SQLite's own check takes, which a restore ends with."""
    found = sqlite3.connect(f"file:{path}?immutable=1", uri=True)
    begun = time.monotonic()
    answer = found.execute("PRAGMA integrity_check").fetchone()[0]
    elapsed = time.monotonic() - begun
    found.close()
    if answer != "ok":
        raise BenchmarkError(f"integrity_check of the restored database: {answer}")
    return elapsed


def seconds(*command):
    begun = time.monotonic()
    subprocess.run([str(word) for word in command], check=True, preexec_fn=die_with_parent)
    return time.monotonic() - begun


def fill(path, mebibytes):
    """A table of messages with an index; returns how many."""
    generator = random.Random(SEED)
    words = ["".join(generator.choices("etaoinshrdlu", k=generator.randint(2, 9))) for _ in range(2_000)]
    texts = [" ".join(generator.choices(words, k=28)) for _ in range(4_096)]
    rows = (mebibytes << 20) // ROW_BYTES
    database = sqlite3.connect(path, isolation_level=None)
    database.execute("PRAGMA journal_mode=WAL").fetchall()
    database.execute("CREATE TABLE message(id INTEGER PRIMARY KEY, sender INTEGER, sent INTEGER, body TEXT)")
    database.execute("CREATE TABLE progress(sequence INTEGER)")
    database.execute("INSERT INTO progress VALUES(0)")
    for first in range(0, rows, 200_000):
        database.execute("BEGIN")
        database.executemany("INSERT INTO message VALUES(?,?,?,?)", (
            (row, generator.randrange(1_000), row * 7, f"{row} {texts[generator.randrange(4_096)]}")
            for row in range(first, min(rows, first + 200_000))))
        database.execute("COMMIT")
    database.execute("CREATE INDEX message_sender ON message(sender, sent)")
    database.close()
    return rows


class Writer:
    """Updates one to three rows a commit, and notes in each which one it is; no faster than `COMMITS_A_SECOND`."""

    def __init__(self, path, rows):
        self.generator = random.Random(SEED + 1)
        self.rows = rows
        self.count = 0
        self.database = sqlite3.connect(path, isolation_level=None)
        self.database.execute("PRAGMA synchronous=NORMAL")

    def commit(self, count, progress=None):
        begun = time.monotonic()
        for done in range(count):
            self.count += 1
            self.database.execute("BEGIN IMMEDIATE")
            for _ in range(self.generator.randint(1, 3)):
                self.database.execute("UPDATE message SET body = ? || substr(body, 9) WHERE id = ?", (
                    f"{self.count:08}", self.generator.randrange(self.rows)))
            self.database.execute("UPDATE progress SET sequence = ?", (self.count,))
            self.database.execute("COMMIT")
            if done % 500 == 0 and progress:
                progress(done, count)
            time.sleep(max(0.0, begun + done / COMMITS_A_SECOND - time.monotonic()))

    def close(self):
        self.database.close()


def wait_for_base_image(bench, recorder, store, writer):
    """Commits now and then until there is a state to go on from: of a database at rest no image is taken."""
    deadline = time.monotonic() + 300
    while time.monotonic() < deadline:
        writer.commit(20)
        time.sleep(0.2)
        found = listed(bench, recorder, store)
        if found and found["base_images"] > 0:
            return
    raise BenchmarkError("no base image was taken within 300 s")


def wait_for(bench, recorder, store, is_there):
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        found = listed(bench, recorder, store)
        if found and is_there(found):
            return found
        time.sleep(0.2)
    raise BenchmarkError(f"not each commit is in the store after 120 s: {found}")


def listed(bench, recorder, store):
    recorder.sync()
    lines = bench.tools.query(store, "db list", "-o", "jsonl", accepted=(0, 1, 3)).splitlines()
    return json.loads(lines[0]) if lines else None


def numbers(bench, store, database):
    """Of the commits to which the database can be restored: those since the first base image."""
    lines = bench.tools.query(store, "db commits", database, "-o", "jsonl", accepted=(0, 3)).splitlines()
    opened = sqlite3.connect(f"file:{store / 'varve.db'}?mode=ro", uri=True)
    first = opened.execute("SELECT min(commit_number) FROM base_image").fetchone()[0]
    opened.close()
    return [number for number in (json.loads(line)["commit"] for line in lines) if number >= first]
