"""questions-recorded, questions-zipf: five questions of a forensic analyst over ten million events, asked of Varve, of
`varve sql`, and of the same rows in DuckDB (its own table and Parquet), ClickHouse (chDB), a row table of SQLite and text
under zstd. All answers must be equal.

The events are recorded activity, again and again in time, or synthetic ones over paths that follow Zipf's law.
"""

import csv
import os
import re
import subprocess
import zlib
from collections import Counter
from operator import itemgetter

from .. import stats
from ..comparison import Comparison
from ..loaded import TITLES, count_within, engine, load, middle, places
from ..prepared import prepared
from ..processes import BenchmarkError, Recorder, die_with_parent, running
from ..questions import all_questions, moment
from ..store import stored_count
from ..tools import store_byte_count
from .activities import Activities
from .size import SHARE_FOR_DOWNLOADS, toolchain

EVENTS = 10_000_000
SEED = 20
# A round of recorded activity has at least this share of the events, where there is so much activity.
ROUND_SHARE = 10
ONCE_FILES = 100
# Paths that are asked for by themselves: whole ones without a character that means something in a pattern.
PLAIN = re.compile("/[A-Za-z0-9/._+-]+")
WRITES = {"modify", "close_write"}
# Of the events, in their order: those of the range of time, and some more, since their times are not quite in that order.
WITHIN = (0.29, 0.61)


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
        activities.fetch(lambda: bench.share_used() > SHARE_FOR_DOWNLOADS)
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
    # Kept stores of older runs do not tell.
    failed = loaded.get("failed", {})
    report.detail("seconds to load", loaded["seconds"])
    for name, reason in failed.items():
        report.not_measured(TITLES[name], reason)
    stored = {"varve": store_byte_count(store)["length"], **loaded["bytes"]}
    report.table("Bytes on disk", ["", "bytes an event"],
                 [[TITLES[name], f"{stored[name] / count:.2f}"] for name in TITLES if name in stored],
                 "Of the same rows they are the same in each run.")
    report.bars("Bytes on disk, by the event", [(TITLES[name], stats.summary([stored[name] / count]))
                                                for name in TITLES if name in stored])
    if "chdb" in stored:
        ratio = stored["varve"] / stored["chdb"]
        report.figure("bytes on disk, store / chDB MergeTree", f"{ratio:.2f}", ratio, bytes_limit)
    else:
        report.not_measured("bytes on disk, store / chDB MergeTree", failed["chdb"], bytes_limit)
    asked = facts(bench.tools, store, count)
    # Without the paths, which are those of this machine.
    report.detail("asked", {key: moment(asked[key]) for key in ("since", "until")})
    report.figure("events in the range of time", str(count_within(bench.tools, store, asked)))
    Comparison(bench, report, store, places(peers, loaded), all_questions(asked), failed).perform()


def facts(tools, store, count):
    """A range of three tenths of the events; a directory of some hundredth of them; paths for the last writer. They are read
    from the store itself, so that no peer is needed to have them."""
    paths, last_write, files, named, moves = set(), {}, Counter(), set(), set()
    low, high = (share * count for share in WITHIN)
    for index, (operations, path, target) in enumerate(rows(tools, store)):
        paths.add(path)
        if not WRITES.isdisjoint(operations.split(" ")):
            last_write[path] = index
        if low <= index <= high:
            files[os.path.dirname(path)] += 1
            named |= {path, target}
            if target:
                moves.add((path, target))
    old = max(((index, path) for path, index in last_write.items() if index < count / 10 and PLAIN.fullmatch(path)),
              default=None)
    unwritten = min(((zlib.crc32(path.encode()), path) for path in paths - last_write.keys() if PLAIN.fullmatch(path)),
                    default=None)
    nearest = sorted((abs(times - count * 0.3 / 100), directory) for directory, times in files.items()
                     if PLAIN.fullmatch(directory) and directory not in named)
    closed = next((found for found in nearest if is_closed(found[1], moves)), None)
    if not (old and unwritten and closed):
        raise BenchmarkError("the events have no path last written long ago, none never written, or no directory by itself")
    return middle(tools, store) | {"directory": closed[1], "old": old[1], "unwritten": unwritten[1]}


def rows(tools, store):
    """(operations, path, new path) of each event, as it was recorded."""
    with subprocess.Popen([str(tools.varve), "events", "--store", str(store), "-o", "csv", "--accept-gaps"],
                          stdout=subprocess.PIPE, text=True, errors="replace", preexec_fn=die_with_parent) as events:
        lines = csv.reader(events.stdout)
        header = next(lines)
        yield from map(itemgetter(*map(header.index, ("op", "path", "target"))), lines)
    if events.returncode != 0:
        raise BenchmarkError(f"varve events: exit {events.returncode}")


def is_closed(directory, moves):
    """Nothing of the range came into it from elsewhere: `--under` also selects events by the new name of a rename, which a
    range of paths does not. That no event is about the directory itself is known by then."""
    inside = directory + "/"
    return not any(target.startswith(inside) and not path.startswith(inside) for path, target in moves)
