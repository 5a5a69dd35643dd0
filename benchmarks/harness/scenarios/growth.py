"""growth: what recording, storing and asking cost as the store grows from 10^5 to 10^6 events (--long: 10^7), beside the
same events in a row table of SQLite, in DuckDB and as jsonl under zstd."""

import shutil
import sqlite3
import subprocess
import time

from .. import stats
from ..kernel import memory_filesystem
from ..processes import BenchmarkError, Recorder, die_with_parent, running
from ..store import events, gaps, stored_count
from ..tools import store_byte_count

WORKERS, OPERATIONS = 20, 1_000
REPEATS = 5
COLUMNS = ("seq", "time", "op", "path", "target", "inode", "pid", "exe", "cmdline", "uid")


def run(bench, report):
    sizes = bench.size([100_000, 1_000_000, 10_000_000], [100_000, 1_000_000], [10_000, 50_000])
    report.detail("workload", f"rounds of {WORKERS} programs with {OPERATIONS} mixed operations each, on a tmpfs, every "
                  "operation recorded")
    points = []
    with bench.store() as store, memory_filesystem(bench.directory, "watched", 2048) as mount_point:
        seed = 1
        for index, size in enumerate(sizes):
            bench.progress(index, len(sizes))
            if points and bench.is_late():
                report.not_measured(f"{size} events", "the time of this scenario was used up (--long)")
                continue
            seed, recorded = record(bench, store, mount_point, size, seed)
            points.append(recorded | ask(bench, store) | beside(bench, report, store))
            bench.say(", ".join(f"{key} {value:.4g}" for key, value in points[-1].items()))
    report.detail("points", points)
    report.table("By the number of events", ["", *(f"{one['events']:.0f} events" for one in points)],
                 [[title, *(f"{one[key]:.4g}" if key in one else "not measured" for one in points)]
                  for key, title in TITLES.items()])
    plots(report, points)


TITLES = {
    "cpu": "CPU of varved an event, µs",
    "rss": "RSS peak of varved, MiB",
    "gaps": "gaps, but for the stops between the sizes",
    "bytes": "bytes an event, store",
    "written": "written by varved / stored",
    "compact": "`varve compact`, s",
    "count": "`varve count`, ms",
    "first": "`varve events --limit 1`, ms",
    "scan": "`varve top --by exe`, ms",
    "sqlite_bytes": "bytes an event, SQLite row table",
    "sqlite_count": "count in the row table, ms",
    "duckdb_bytes": "bytes an event, DuckDB",
    "duckdb_count": "count in DuckDB, ms",
    "jsonl_bytes": "bytes an event, jsonl + zstd -3",
}


def record(bench, store, mount_point, size, seed):
    """Goes on with the same store until it holds `size` events; what this piece cost."""
    before = bench.tools.count(store) if store.exists() else 0
    bytes_before = store_byte_count(store)["length"] if before else 0
    with running(Recorder(bench.tools, store, [mount_point], ["--ops", "all"])) as recorder:
        stored = 0
        first_seed = seed
        while before + stored < size:
            bench.tools.workload("mixed", mount_point / "tree", WORKERS, OPERATIONS, seed)
            recorder.sync()
            stored = stored_count(recorder.counters())
            if seed - first_seed >= 20 and stored == 0:
                raise BenchmarkError(f"no event stored after {seed - first_seed} rounds")
            seed += 1
        rss, written = int(recorder.status_field("VmHWM")) / 1024, recorder.written_byte_count()
        recorder.stop()
    grown = store_byte_count(store)["length"] - bytes_before
    return seed, {"cpu": 1e6 * recorder.cpu_to_exit() / stored, "rss": rss, "written": written / max(1, grown),
                  "gaps": sum(count for kind, count in gaps(bench.tools, store).items() if kind != "recorder_down")}


def ask(bench, store):
    started = time.monotonic()
    bench.tools.query(store, "compact", accepted=(0,))
    compact = time.monotonic() - started
    count = bench.tools.count(store)
    varve = [bench.tools.varve]
    where = ["--store", store, "--accept-gaps"]
    return {
        "events": count, "compact": compact, "bytes": store_byte_count(store)["length"] / count,
        "count": timed([*varve, "count", *where]), "first": timed([*varve, "events", "--limit", 1, "-o", "jsonl", *where]),
        "scan": timed([*varve, "top", "--by", "exe", *where]),
    }


def timed(command):
    """Milliseconds, the median of some, the first of them not counted."""
    times = []
    for _ in range(REPEATS + 1):
        started = time.monotonic()
        done = subprocess.run([str(part) for part in command], capture_output=True, preexec_fn=die_with_parent)
        times.append(1e3 * (time.monotonic() - started))
        if done.returncode != 0:
            raise BenchmarkError(f"{command[0]} {command[1]}: exit {done.returncode}: {done.stderr.decode()[-200:]}")
    return stats.median(times[1:])


def beside(bench, report, store):
    """The same rows in a table of SQLite with indexes on time and path, in DuckDB, and as text under zstd."""
    found = {}
    with bench.store() as place:
        place.mkdir()
        rows = place / "rows.db"
        database = sqlite3.connect(rows)
        database.execute(f"CREATE TABLE event({', '.join(COLUMNS)})")
        with database:
            database.executemany(f"INSERT INTO event VALUES ({', '.join('?' * len(COLUMNS))})",
                                 (values(event) for event in events(bench.tools, store)))
        database.execute("CREATE INDEX event_time ON event(time)")
        database.execute("CREATE INDEX event_path ON event(path)")
        database.commit()
        count = database.execute("SELECT count(*) FROM event").fetchone()[0]
        database.close()
        found["sqlite_bytes"] = rows.stat().st_size / count
        found["sqlite_count"] = timed(["sqlite3", "-readonly", rows, "select count(*) from event"])
        found |= as_text(bench, store, place, count)
        found |= in_duckdb(bench, report, rows, place, count)
    return found


def values(event):
    process = event.get("process", {})
    return (event["seq"], event["time"], ",".join(event["op"]), event.get("path"), event.get("target"), event.get("inode"),
            event.get("pid"), process.get("exe"), process.get("cmdline"), process.get("uid"))


def as_text(bench, store, place, count):
    if not shutil.which("zstd"):
        return {}
    export = subprocess.Popen([str(bench.tools.varve), "events", "--store", str(store), "-o", "jsonl", "--accept-gaps"],
                              stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, preexec_fn=die_with_parent)
    with open(place / "events.zst", "wb") as packed:
        subprocess.run(["zstd", "-q", "-3", "-c"], stdin=export.stdout, stdout=packed, check=True)
    export.stdout.close()
    export.wait()
    return {"jsonl_bytes": (place / "events.zst").stat().st_size / count}


def in_duckdb(bench, report, rows, place, count):
    if bench.quick and not bench.tools.has_duckdb():
        report.not_measured("DuckDB", "it is not there yet, and --quick downloads nothing")
        return {}
    try:
        program = bench.tools.duckdb()
    except (BenchmarkError, subprocess.CalledProcessError) as error:
        report.not_measured("DuckDB", f"cannot be installed: {error}")
        return {}
    database = place / "events.duckdb"
    export = subprocess.Popen(["sqlite3", "-readonly", "-csv", "-header", str(rows), "select * from event"],
                              stdout=subprocess.PIPE, preexec_fn=die_with_parent)
    done = subprocess.run([str(program), str(database), "-c", "create table event as select * from "
                           "read_csv('/dev/stdin', header=true); checkpoint"], stdin=export.stdout, capture_output=True,
                          text=True, preexec_fn=die_with_parent)
    export.stdout.close()
    export.wait()
    if done.returncode != 0:
        report.not_measured("DuckDB", done.stderr.strip()[-200:])
        return {}
    return {"duckdb_bytes": database.stat().st_size / count,
            "duckdb_count": timed([program, "-readonly", database, "-c", "select count(*) from event"])}


def plots(report, points):
    def series(*keys):
        return [(TITLES[key].replace("bytes an event, ", "").replace("`", "").removesuffix(", ms"),
                 [(one["events"], one[key]) for one in points if key in one]) for key in keys]

    report.lines("Bytes an event by the size of the store", "events", "bytes an event",
                 series("bytes", "sqlite_bytes", "duckdb_bytes", "jsonl_bytes"), log_x=True, log_y=True)
    report.lines("Time of an answer by the size of the store", "events", "ms",
                 series("count", "first", "scan", "sqlite_count", "duckdb_count"), log_x=True, log_y=True)
    report.lines("CPU of recording by the size of the store", "events", "µs an event", series("cpu"), log_x=True)
