"""growth: what recording, storing and asking cost as the store grows from 10^5 to 10^7 events (--long: 10^8), beside the
same events in DuckDB, in ClickHouse (chDB), in a row table of SQLite and as jsonl under zstd.

The events are recorded up to a size, beyond it they are the recorded ones again and again in time (benchmarks/questions).
"""

import subprocess
import time
from dataclasses import dataclass

from .. import stats
from ..comparison import ROUNDS, Comparison
from ..loaded import TITLES as PEER_TITLES
from ..loaded import LOADED, count_within, engine, load, middle, places
from ..processes import BenchmarkError, Recorder, die_with_parent, running
from ..questions import growth_questions
from ..store import gaps, stored_count
from ..tools import store_byte_count

WORKERS, OPERATIONS = 20, 1_000
REPEATS = 5
# Beyond so many rows SQLite's table takes longer to make than all else here, and beyond so many with --long, some 200 bytes
# each with its indices, hours.
ROW_TABLE_EVENTS, LONG_ROW_TABLE_EVENTS = 2_000_000, 20_000_000
# The largest store is begun while so much of the time is not used up, though it then takes longer.
SHARE_FOR_REPLICATED = 0.45

COSTS = {
    "cpu": "CPU of varved an event, µs",
    "rss": "RSS peak of varved, MiB",
    "gaps": "gaps, but for the stops between the sizes",
    "written": "written by varved / stored",
    "compact": "`varve compact`, s",
    "whole_count": "`varve count`, whole command, ms",
    "whole_first": "`varve events --limit 1`, whole command, ms",
}
STORED = {"varve": "store", "duckdb": "DuckDB", "parquet": "Parquet by DuckDB", "chdb": "chDB", "sqlite": "SQLite row table",
          "grep": "jsonl + zstd -3"}
ASKED = {"count": "count in a time range", "old": "last writer of one path", "top": "top 20 paths by writes"}
ASKERS = ("varve", "duckdb", "parquet", "chdb", "sqlite")


@dataclass
class Sizes:
    recorded: list
    replicated: list


def run(bench, report):
    sizes = bench.size(Sizes([100_000, 1_000_000, 10_000_000], [100_000_000]),
                       Sizes([100_000, 1_000_000], [10_000_000]), Sizes([20_000], [100_000]))
    report.detail("workload", f"rounds of {WORKERS} programs with {OPERATIONS} mixed operations each, on a tmpfs, every "
                  f"operation recorded; above {sizes.recorded[-1]:,} events those again and again in time")
    bench.tools.engine()
    points = []
    # The list is in the document from here on: what there is of it when something goes wrong is kept.
    report.detail("points", points)
    try:
        with bench.store() as store, bench.memory_filesystem(2048) as mount_point:
            measure(bench, report, Growth(bench, store, mount_point), sizes, points)
    finally:
        if points:
            tell(report, points)


def measure(bench, report, growth, sizes, points):
    wanted = [*((size, False) for size in sizes.recorded), *((size, True) for size in sizes.replicated)]
    for index, (size, is_replicated) in enumerate(wanted):
        bench.progress(index, len(wanted))
        if points and (bench.share_used() > SHARE_FOR_REPLICATED if is_replicated else bench.is_late()):
            bench.leave_out(f"{size:,} events")
            report.not_measured(f"{size:,} events", "the time of this scenario was used up (--long)")
            continue
        if is_replicated:
            with bench.store() as store:
                engine(bench.tools, "replicate", growth.store, store, size, growth.once)
                points.append(ask(bench, report, store, growth.old))
        else:
            recorded = growth.record(size)
            points.append(recorded | ask(bench, report, growth.store, growth.old))
        bench.say(", ".join(f"{key} {value:.4g}" for key, value in points[-1].items() if key != "failed"))


class Growth:
    """One store that is recorded into again and again, until it holds the next size."""

    def __init__(self, bench, store, mount_point):
        self.bench, self.store, self.mount_point = bench, store, mount_point
        # Only the oldest events are about it.
        self.once = mount_point / "once"
        self.old = str(self.once / "settings.conf")
        self.seed = 1

    def record(self, size):
        """What this piece cost."""
        tools, store = self.bench.tools, self.store
        before = tools.count(store) if store.exists() else 0
        bytes_before = store_byte_count(store)["length"] if before else 0
        with running(Recorder(tools, store, [self.mount_point], ["--ops", "all"])) as recorder:
            if not before:
                self.once.mkdir()
                (self.once / "settings.conf").write_text("written once\n")
            stored, first_seed = 0, self.seed
            while before + stored < size:
                tools.workload("mixed", self.mount_point / "tree", WORKERS, OPERATIONS, self.seed)
                recorder.sync()
                stored = stored_count(recorder.counters())
                if self.seed - first_seed >= 20 and stored == 0:
                    raise BenchmarkError(f"no event stored after {self.seed - first_seed} rounds")
                self.seed += 1
            rss, written = int(recorder.status_field("VmHWM")) / 1024, recorder.written_byte_count()
            recorder.stop()
        grown = store_byte_count(store)["length"] - bytes_before
        started = time.monotonic()
        tools.query(store, "compact", accepted=(0,))
        compact = time.monotonic() - started
        return {"cpu": 1e6 * recorder.cpu_to_exit() / stored, "rss": rss, "written": written / max(1, grown),
                "gaps": sum(count for kind, count in gaps(tools, store).items() if kind != "recorder_down"),
                "compact": compact}


def ask(bench, report, store, old):
    """Bytes an event, milliseconds of each question inside one process, and of two whole commands, by who has the rows; and
    of whom they could not be measured, why."""
    tools = bench.tools
    count = tools.count(store)
    where = ["--store", store, "--accept-gaps"]
    within = middle(tools, store)
    found = {
        "events": count, "events_within": count_within(tools, store, within),
        "bytes_varve": store_byte_count(store)["length"] / count,
        "whole_count": timed([tools.varve, "count", *where]),
        "whole_first": timed([tools.varve, "events", "--limit", 1, "-o", "jsonl", *where]),
    }
    limit = LONG_ROW_TABLE_EVENTS if bench.options.long else ROW_TABLE_EVENTS
    is_small = count <= limit
    with bench.store() as place:
        told = load(tools, store, place, LOADED if is_small else ("chdb",), is_small, may_install=not bench.quick)
        if not is_small:
            told["failed"] |= {
                "sqlite": f"above {limit:,} events it takes longer to make than all else here",
                "grep": f"above {limit:,} events the same lines again and again take longer to write than all else here"}
        found |= {f"bytes_{peer}": byte_count / count for peer, byte_count in told["bytes"].items()}
        comparison = Comparison(bench, report, store, places(place, told), growth_questions(within | {"old": old}),
                                told["failed"], asks_sql=False)
        for who, times in comparison.engines().items():
            found |= {f"{question}_{who}": min(nanoseconds) / 1e6 for question, nanoseconds in times.items()}
            found |= {f"{question}_{who}_most": max(nanoseconds) / 1e6 for question, nanoseconds in times.items()}
    return found | {"failed": {name: reason for name, reason in comparison.failed.items() if name in STORED}}


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


def tell(report, points):
    last = points[-1]
    told = {"bytes an event": {f"bytes_{name}": title for name, title in STORED.items()}}
    told |= {f"{title}, ms": {f"{question}_{who}": PEER_TITLES[who] for who in ASKERS} for question, title in ASKED.items()}
    for title, names in told.items():
        report.figure(f"{title}, at {last['events']:,} events", "; ".join(
            f"{name} {last[key]:.4g}" for key, name in names.items() if key in last))
    columns = ["", *(f"{one['events']:,}{'' if 'cpu' in one else ', again and again'}" for one in points)]

    def rows(titles):
        return [[title, *(cell(one, key) for one in points)] for key, title in titles.items()]

    report.table("By the number of events", columns, rows(COSTS), "Above the largest recorded size nothing is recorded: "
                 "what recording costs is not measured there.")
    reasons = dict.fromkeys(f"{STORED[name]} not measured at {one['events']:,}: {reason}" for one in points
                            for name, reason in one.get("failed", {}).items())
    report.table("Bytes an event", columns, rows({f"bytes_{name}": title for name, title in STORED.items()}),
                 "; ".join(reasons) or None)
    report.lines("CPU of recording by the size of the store", "events", "µs an event", series(points, {"cpu": "varved"}),
                 log_x=True)
    report.lines("Bytes an event by the size of the store", "events", "bytes an event",
                 series(points, {f"bytes_{name}": title for name, title in STORED.items()}), log_x=True, log_y=True)
    for question, title in ASKED.items():
        names = {f"{question}_{who}": PEER_TITLES[who] for who in ASKERS}
        within = [["events in the range", *(f"{one['events_within']:,}" if "events_within" in one else "" for one in points)]]
        report.table(f"{title}, inside one process, ms", columns, [*rows(names), *(within if question == "count" else [])],
                     f"Best of up to {ROUNDS} rounds, and the most of them. " + "; ".join(reasons))
        report.lines(f"{title[0].upper()}{title[1:]} by the size of the store", "events", "ms", series(points, names),
                     log_x=True, log_y=True)


def cell(point, key):
    if key not in point:
        return "not measured"
    most = point.get(f"{key}_most")
    return f"{point[key]:.4g}" + (f" ({most:.4g})" if most is not None else "")


def series(points, titles):
    return [(title, [(one["events"], one[key]) for one in points if key in one]) for key, title in titles.items()]
