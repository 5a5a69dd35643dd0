"""ask: ten million events; how fast the first row of a narrow question comes, and how fast a whole count.

The store is a real recording: `mixed` runs thousands of short programs under varved until the store holds the number.
"""

import shutil
import subprocess
import time
from datetime import datetime, timedelta, timezone
from pathlib import Path

from .. import stats
from ..processes import BenchmarkError, Recorder, die_with_parent, running
from ..store import stored_count
from ..tools import duckdb
from .size import to_parquet

EVENTS = 10_000_000
WORKERS = 200
OPERATIONS = 2_000
# A share of the scenario's time, in which the events have to be recorded.
SHARE_FOR_RECORDING = 0.6
QUESTIONS = 31
COUNTS = 15


def run(bench, report):
    wanted = bench.options.events or bench.size(EVENTS, EVENTS // 5, EVENTS // 50)
    with bench.store() as store:
        record(bench, report, store, wanted)
        started = time.monotonic()
        bench.tools.query(store, "compact", accepted=(0,))
        count = bench.tools.count(store)
        report.figure("events in the store", f"{count} (compacted in {time.monotonic() - started:.1f} s)")
        parquet = bench.directory / "ask.parquet"
        started = time.monotonic()
        converted = to_parquet(bench.tools, store, parquet)
        report.figure("exported as jsonl and written as Parquet", f"{time.monotonic() - started:.0f} s, "
                      f"{converted['rows']} rows, {parquet.stat().st_size / 2**20:.0f} MiB")
        if converted["rows"] != count:
            raise BenchmarkError(f"{converted['rows']} rows in Parquet, {count} in the store")
        first_row(bench, report, store, parquet)
        whole_count(bench, report, store, parquet, count)
        if bench.options.keep:
            shutil.copytree(store, Path(bench.options.keep) / "ask")
            shutil.copy(parquet, Path(bench.options.keep))


def record(bench, report, store, wanted):
    with bench.memory_filesystem(2048) as mount_point:
        with running(Recorder(bench.tools, store, [mount_point], ["--ops", "all"])) as recorder:
            started = time.monotonic()
            seed = 1
            while True:
                bench.tools.workload("mixed", mount_point / "tree", WORKERS, OPERATIONS, seed)
                recorder.sync()
                stored = stored_count(recorder.counters())
                if stored >= wanted:
                    break
                if stored and bench.share_used() > SHARE_FOR_RECORDING:
                    bench.leave_out(f"{stored} of {wanted} events")
                    break
                if seed >= 20 and stored < wanted // 1000:
                    raise BenchmarkError(f"only {stored} events stored after {seed} rounds")
                seed += 1
            bench.say(f"{stored} events in {time.monotonic() - started:.0f} s")
            report.detail("recording", {"rounds": seed, "seconds": round(time.monotonic() - started, 1)})
            recorder.stop()


def first_row(bench, report, store, parquet):
    """Questions about a path that exists, in a fiftieth of the recorded time around one of its events."""
    samples = duckdb(bench.tools, f"select path, strftime(time at time zone 'UTC', '%Y-%m-%dT%H:%M:%S.%f') as moment "
                     f"from '{parquet}' where path is not null using sample {QUESTIONS} rows (reservoir, 11)")
    bounds = duckdb(bench.tools, f"select epoch(max(time)) - epoch(min(time)) as seconds from '{parquet}'")
    half = timedelta(seconds=max(float(bounds[0]["seconds"]) / 100, 0.5))
    ours, theirs, whole = [], [], []
    for index, sample in enumerate(samples):
        moment = datetime.fromisoformat(sample["moment"]).replace(tzinfo=timezone.utc)
        since, until = ((moment + shift).isoformat().replace("+00:00", "Z") for shift in (-half, half))
        question = [bench.tools.varve, "events", "--store", store, "--since", since, "--until", until,
                    "--path", sample["path"], "-o", "jsonl", "--accept-gaps"]
        select = ["sqlite3", "-readonly", store / "varve.db", "select 1"]
        for command in ((question, select) if index % 2 == 0 else (select, question)):
            first, total = to_first_byte(command)
            if command is question:
                ours.append(first)
                whole.append(total)
            else:
                theirs.append(first)
    ratio = stats.summary([a / b for a, b in zip(ours, theirs)])
    report.figure("first row of `varve events --since --until --path` / `sqlite3 'select 1'`", stats.line(ratio),
                  ratio["median"], "ask-first-row-ratio")
    found = (("varve, first row", ours), ("varve, whole answer", whole), ("sqlite3, first row", theirs))
    report.bars("Narrow questions and `select 1`, ms", [(name, stats.summary([1000 * value for value in values], 2))
                                                        for name, values in found])
    for name, values in found:
        report.figure(name, stats.line(stats.summary([1000 * value for value in values], 2), " ms"))


def to_first_byte(command):
    """Seconds from the start of the program to the first byte of its answer, and to its end."""
    started = time.monotonic()
    process = subprocess.Popen([str(part) for part in command], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    byte = process.stdout.read1(1)
    first = time.monotonic() - started
    process.communicate()
    total = time.monotonic() - started
    if not byte:
        raise BenchmarkError(f"{' '.join(map(str, command))}: no answer, exit {process.returncode}")
    return first, total


def whole_count(bench, report, store, parquet, count):
    ours, theirs = [], []
    varve = [bench.tools.varve, "count", "--store", store, "--accept-gaps"]
    duck = [bench.tools.duckdb(), "-noheader", "-list", "-c", f"select count(*) from '{parquet}'"]
    for index in bench.rounds(COUNTS, fewest=5, what="whole counts"):
        for command, times in ((varve, ours), (duck, theirs)) if index % 2 == 0 else ((duck, theirs), (varve, ours)):
            started = time.monotonic()
            done = subprocess.run([str(part) for part in command], capture_output=True, text=True,
                                  preexec_fn=die_with_parent)
            times.append(time.monotonic() - started)
            if int(done.stdout.split()[0]) != count:
                raise BenchmarkError(f"{command[0]} counted {done.stdout.strip()}, not {count}")
    ratio = stats.summary([a / b for a, b in zip(ours, theirs)])
    report.figure("whole count, varve / DuckDB over Parquet", stats.line(ratio), ratio["median"], "ask-count-ratio")
    report.figure("varve count", stats.line(stats.summary([1000 * value for value in ours], 2), " ms"))
    report.figure("duckdb count", stats.line(stats.summary([1000 * value for value in theirs], 2), " ms"))
