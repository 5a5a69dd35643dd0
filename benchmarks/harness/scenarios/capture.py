"""capture: commits of a watched database as fast as a writer makes them: how many are captured, how many are counted as
missed, what the writer pays, what a commit takes, how close its bounds are, how soon it is in the store."""

import json
import random
import shutil
import sqlite3
import statistics
import subprocess
import sys
import time

from .. import stats
from ..processes import BenchmarkError, Recorder, die_with_parent, running
from ..tools import BENCHMARKS

# Kinds of writers: how many of them, and the limit of what may be missed.
WRITERS = {"Python": (1, "capture-missed"), "two of Python": (2, "capture-missed"), "C": (1, "capture-missed-of-c")}
ROUNDS = 5


def run(bench, report):
    seconds = bench.options.seconds or bench.size(60, 3, 3)
    report.note("No peer captures commits: the ratio is to the same writers beside a recorder that does not.")
    report.detail("workload", f"autocommit inserts for {seconds:g} s a run (--long: 60), WAL, synchronous=NORMAL, default "
                  "autocheckpoint")
    rounds = {kind: [] for kind in WRITERS}
    # Of two writers as fast as they go one may keep the log from starting over for long.
    with bench.filesystem("watched", 16_384) as filesystem:
        for load in ("idle", "beside a writer as fast as it goes"):
            tell_latency(report, load, latency(bench, filesystem.mount_point, load != "idle"))
        try:
            for number in bench.rounds(bench.pairs(ROUNDS, 1)):
                for kind, (count, _) in WRITERS.items():
                    rounds[kind].append(one(bench, filesystem.mount_point, kind, count, seconds, number))
        finally:
            for kind, (_, limit) in WRITERS.items():
                if rounds[kind]:
                    tell(report, kind, limit, rounds[kind])


# `--commit-interval` of a recorder that is told nothing else.
COMMIT_INTERVAL_MS = 250
LATENCY_SEED = 7


def latency(bench, root, is_loaded):
    """Seconds from a commit's return until a segment with it, synced, has its name, of one commit after the other."""
    count = bench.size(100, 60, 8)
    place = root / f"latency-{'loaded' if is_loaded else 'idle'}"
    place.mkdir()
    pause = random.Random(LATENCY_SEED)
    measured = []
    with bench.store() as store:
        with running(Recorder(bench.tools, store, [place], ["--capture-wal", "**"])) as recorder:
            database = sqlite3.connect(place / "subject.db", isolation_level=None)
            database.execute("PRAGMA journal_mode=WAL").fetchall()
            database.execute("CREATE TABLE entry(number INTEGER)")
            segments = own_segments(bench, recorder, store, place / "subject.db")
            writer = None
            if is_loaded:
                other = place / "other.db"
                sqlite3.connect(other).execute("PRAGMA journal_mode=WAL").fetchall()
                sqlite3.connect(other).execute(
                    "CREATE TABLE entry(id INTEGER PRIMARY KEY, writer INTEGER, number INTEGER, text TEXT)")
                writer = subprocess.Popen(
                    [sys.executable, str(BENCHMARKS / "workloads/commits.py"), str(other), "600"],
                    stdout=subprocess.DEVNULL, preexec_fn=die_with_parent)
            try:
                for number in range(count):
                    time.sleep(pause.uniform(0, 0.3))
                    before = last_commit(segments)
                    database.execute("INSERT INTO entry VALUES(?)", (number,))
                    begun = time.monotonic()
                    while last_commit(segments) <= before:
                        if time.monotonic() - begun > 30:
                            raise BenchmarkError("a commit was not in the store after 30 s")
                        time.sleep(0.001)
                    measured.append(time.monotonic() - begun)
            finally:
                if writer:
                    writer.kill()
                    writer.wait()
                database.close()
            recorder.stop()
    return measured


def own_segments(bench, recorder, store, database):
    """The directory of a database's segments, once there is one."""
    for _ in range(100):
        time.sleep(0.1)
        recorder.sync()
        for line in bench.tools.query(store, "db list", "-o", "jsonl", accepted=(0, 3)).splitlines():
            listed = json.loads(line)
            if listed["path"] == str(database) and listed["commits"] > 0:
                return store / "segments" / listed["db"]
    raise BenchmarkError("the database was not captured")


def last_commit(segments):
    return max(int(name.stem.split("-")[1], 16) for name in segments.glob("*.vseg"))


def tell_latency(report, load, measured):
    report.detail(f"latency, {load}", measured)
    milliseconds = sorted(1e3 * each for each in measured)
    median = statistics.median(milliseconds)
    late = milliseconds[min(len(milliseconds) - 1, int(0.99 * len(milliseconds)))]
    report.figure(f"commit to store, {load}: median / commit interval", f"{median:.0f} ms / {COMMIT_INTERVAL_MS} ms",
                  median / COMMIT_INTERVAL_MS, "capture-latency-median")
    report.figure(f"commit to store, {load}: p99 / commit interval",
                  f"{late:.0f} ms / {COMMIT_INTERVAL_MS} ms (n {len(milliseconds)})",
                  late / COMMIT_INTERVAL_MS, "capture-latency-p99")


def one(bench, root, kind, count, seconds, number):
    """A run with capture and one without, the order by turns."""
    made = {}
    for captures in (True, False) if number % 2 == 0 else (False, True):
        place = root / f"{kind.replace(' ', '-')}-{number}-{'on' if captures else 'off'}"
        place.mkdir()
        made[captures] = record(bench, place, kind, count, seconds, captures)
        shutil.rmtree(place)
    return made


def record(bench, place, kind, count, seconds, captures):
    database = place / "subject.db"
    # The database is there, and in WAL mode, before anybody writes as fast as it can.
    made = sqlite3.connect(database)
    made.execute("PRAGMA journal_mode=WAL")
    made.execute("CREATE TABLE entry(id INTEGER PRIMARY KEY, writer INTEGER, number INTEGER, text TEXT)")
    made.commit()
    made.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    options = ["--capture-wal", "**"] if captures else []
    with bench.store() as store:
        with running(Recorder(bench.tools, store, [place], options)) as recorder:
            # A connection that stays open keeps the log, as a server's would.
            written, elapsed = write(bench, kind, database, count, seconds)
            time.sleep(1)
            recorder.sync()
            result = {"written": written, "rate": written / elapsed, "rss_kib": int(recorder.status_field("VmHWM"))}
            recorder.stop()
        made.close()
        if captures:
            result |= captured(bench, store, database)
    return result


def write(bench, kind, database, count, seconds):
    command = ([str(bench.tools.program("commits"))] if kind == "C"
               else [sys.executable, str(BENCHMARKS / "workloads/commits.py")])
    writers = [subprocess.Popen([*command, str(database), str(seconds)], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                text=True, preexec_fn=die_with_parent) for _ in range(count)]
    done = [writer.communicate() for writer in writers]
    for writer, (_, errors) in zip(writers, done):
        if writer.returncode != 0:
            raise BenchmarkError(f"{kind}: {errors.strip()[-300:]}")
    reports = [json.loads(output) for output, _ in done]
    return sum(each["operations"] for each in reports), max(each["seconds"] for each in reports)


def captured(bench, store, database):
    """What the store knows of the writer's commits. The exit status 3 says that some are missing, and where."""
    lines = bench.tools.query(store, "db commits", str(database), "-o", "jsonl", accepted=(0, 3)).splitlines()
    commits = [json.loads(line) for line in lines]
    listed = json.loads(bench.tools.query(store, "db list", "-o", "jsonl", accepted=(0, 3)).splitlines()[0])
    widths = [moment(each["t_hi"]) - moment(each["t_lo"]) for each in commits]
    return {
        "captured": len(commits), "missed": listed.get("missed"), "gaps": listed.get("gaps"),
        "exact": sum(each["attribution"] == "exact" for each in commits),
        "bytes": sum(each["bytes"] for each in commits) / max(1, len(commits)),
        "width": statistics.median(widths) if widths else None,
    }


def moment(text):
    """Seconds; of RFC 3339 with nanoseconds, UTC."""
    whole, fraction = text.rstrip("Z").split(".")
    return time.mktime(time.strptime(whole, "%Y-%m-%dT%H:%M:%S")) + float("0." + fraction)


def tell(report, kind, limit, rounds):
    on = [each[True] for each in rounds]
    report.detail(f"rounds, {kind}", rounds)
    report.figure(f"{kind}: commits a second beside capture; without",
                  f"{stats.cell([each['rate'] for each in on], 0)}; {stats.cell([each[False]['rate'] for each in rounds], 0)}")
    report.bars(f"{kind}: commits a second", [
        ("beside capture", stats.summary([each["rate"] for each in on])),
        ("without", stats.summary([each[False]["rate"] for each in rounds]))])
    ratio = stats.summary([each[False]["rate"] / each[True]["rate"] for each in rounds])
    report.figure(f"{kind}: throughput without capture / with", stats.line(ratio), ratio["median"], "capture-slowdown")
    worst = max(1 - each["captured"] / each["written"] for each in on)
    report.figure(f"{kind}: share of the commits that was not captured", f"{worst:.4f} at most (" + "; ".join(
        f"{each['captured']} of {each['written']}" for each in on) + ")", worst, limit)
    unaccounted = [each["captured"] + (each["missed"] or 0) - each["written"] for each in on]
    report.figure(f"{kind}: captured + counted as missed - written", ", ".join(map(str, unaccounted)),
                  max(map(abs, unaccounted)), "capture-unaccounted")
    report.figure(f"{kind}: bytes a captured commit", f"{stats.cell([each['bytes'] for each in on], 0)} B")
    widths = [each["width"] for each in on if each["width"] is not None]
    if widths:
        width = 1e3 * statistics.median(widths)
        report.figure(f"{kind}: bounds of a commit apart, median", f"{stats.cell([1e3 * each for each in widths])} ms", width,
                      "capture-bounds-ms")
    report.figure(f"{kind}: RSS peak", f"{max(each['rss_kib'] for each in on) / 1024:.1f} MiB")
