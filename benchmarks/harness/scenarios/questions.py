"""questions-recorded, questions-zipf: five questions of a forensic analyst over ten million events, asked of Varve, of
`varve sql`, and of the same rows in DuckDB (its own table and Parquet), ClickHouse (chDB), a row table of SQLite and text
under zstd. All answers must be equal.

The events are recorded activity, again and again in time, or synthetic ones over paths that follow Zipf's law.
"""

from ..comparison import Comparison
from ..loaded import TITLES, engine, load, middle, places
from ..prepared import prepared
from ..processes import BenchmarkError, Recorder, running
from ..questions import all_questions, literal, moment
from ..store import stored_count
from ..tools import duckdb, store_byte_count
from .activities import Activities
from .size import toolchain

EVENTS = 10_000_000
SEED = 20
# A round of recorded activity has at least this share of the events, where there is so much activity.
ROUND_SHARE = 10
ONCE_FILES = 100
# Paths that are asked for by themselves: whole ones without a character that means something in a pattern.
IS_PLAIN = "regexp_full_match(path, '/[A-Za-z0-9/._+-]+')"


def run_recorded(bench, report):
    with prepared(bench, f"recorded-{wanted(bench)}") as made:
        told = made.step("recording", lambda place: record(bench, place))
        report.figure("events recorded, of which the store has the same again and again", f"{told['events']}: "
                      f"{', '.join(told['activities'])}")
        perform(bench, report, made, "questions-bytes-of-chdb", lambda place: engine(
            bench.tools, "replicate", made.place("recording"), place, wanted(bench), told["once"]))


def run_zipf(bench, report):
    with prepared(bench, f"zipf-{wanted(bench)}") as made:
        perform(bench, report, made, None, lambda place: engine(bench.tools, "zipf", place, wanted(bench), SEED))


def wanted(bench):
    return bench.options.events or bench.size(EVENTS, EVENTS // 5, EVENTS // 20)


def record(bench, store):
    """Every operation of real activity. What lies under `once` will be only in the oldest round."""
    with bench.filesystem("activity", 40_960, 4_000_000) as filesystem:
        activities = Activities(filesystem.mount_point / "work", bench.tools.work / "downloads", bench.tools, bench.quick)
        activities.fetch()
        once = filesystem.mount_point / "once"
        performed = []
        paths = [filesystem.mount_point, "/usr", *toolchain()]
        with running(Recorder(bench.tools, store, paths, ["--ops", "all"])) as recorder:
            once.mkdir()
            for number in range(ONCE_FILES):
                (once / f"settings-{number}.conf").write_text(f"{number}\n")
            for name, activity in activities.all():
                try:
                    activity()
                    performed.append(name)
                except BenchmarkError as error:
                    bench.say(f"{name}: {error}")
                recorder.sync()
                events = stored_count(recorder.counters())
                bench.say(f"{name}: {events} events")
                if events * ROUND_SHARE >= wanted(bench):
                    break
            recorder.stop()
    bench.tools.query(store, "compact", accepted=(0,))
    return {"events": bench.tools.count(store), "activities": performed, "once": str(once)}


def perform(bench, report, made, bytes_limit, make_store):
    store, peers = made.place("store"), made.place("peers")
    count = made.step("store", make_store)["events"]
    report.figure("events", str(count))
    loaded = made.step("peers", lambda place: load(bench.tools, store, place))
    report.detail("seconds to load", loaded["seconds"])
    stored = {"varve": store_byte_count(store)["length"], **loaded["bytes"]}
    report.table("Bytes on disk", ["", "bytes an event"],
                 [[TITLES[name], f"{stored[name] / count:.2f}"] for name in TITLES if name in stored])
    ratio = stored["varve"] / stored["chdb"]
    report.figure("bytes on disk, store / chDB MergeTree", f"{ratio:.2f}", ratio, bytes_limit)
    lying = places(peers)
    asked = facts(bench.tools, lying["parquet"], count)
    # Without the paths, which are those of this machine.
    report.detail("asked", {key: moment(asked[key]) for key in ("since", "until")})
    Comparison(bench.tools, report, store, lying, all_questions(asked)).perform()


def facts(tools, parquet, count):
    """A range of three tenths of the time; a directory of some hundredth of its events; paths for the last writer."""
    rows = f"read_parquet('{parquet}')"
    bounds = duckdb(tools, f"SELECT min(time_ns) AS low, max(time_ns) AS high, max(seq) AS last FROM {rows}")[0]
    asked = middle(bounds["low"], bounds["high"])
    within = f"time_ns >= {asked['since']} AND time_ns < {asked['until']}"
    old = duckdb(tools, f"SELECT path FROM {rows} WHERE mask & 10 <> 0 AND {IS_PLAIN} GROUP BY path "
                 f"HAVING max(seq) < {bounds['last']} / 10 ORDER BY max(seq) DESC LIMIT 1")
    unwritten = duckdb(tools, f"SELECT path FROM {rows} WHERE {IS_PLAIN} GROUP BY path "
                       "HAVING count(*) FILTER (mask & 10 <> 0) = 0 ORDER BY hash(path) LIMIT 1")
    directories = duckdb(
        tools, f"SELECT regexp_extract(path, '^(/.+/[^/]+)/[^/]+$', 1) AS directory FROM {rows} "
        f"WHERE {within} AND {IS_PLAIN} GROUP BY directory HAVING directory <> '' "
        f"ORDER BY abs(count(*) - {count} * 0.3 / 100), directory LIMIT 50")
    directory = next((row["directory"] for row in directories if is_closed(tools, rows, row["directory"], within)), None)
    if not (old and unwritten and directory):
        raise BenchmarkError("the events have no path last written long ago, none never written, or no directory by itself")
    return asked | {"directory": directory, "old": old[0]["path"], "unwritten": unwritten[0]["path"]}


def is_closed(tools, rows, directory, within):
    """Nothing of the range came into the directory from elsewhere, and nothing is about itself: `--under` also selects events
    by the new name of a rename and those of the directory, which a range of paths does not."""
    path, target = (f"starts_with({column}, {literal(directory + '/')})" for column in ("path", "target"))
    stray = duckdb(tools, f"SELECT count(*) AS n FROM {rows} WHERE {within} AND (path = {literal(directory)} OR "
                   f"target = {literal(directory)} OR {target} AND NOT coalesce({path}, false))")
    return stray[0]["n"] == 0
