"""start: how long the programs take of which nothing is asked: their version, and the events of a store that has none."""

from .. import stats
from ..bench import alternating
from ..processes import Recorder, running, wall_nanoseconds

ROUNDS = 101


def run(bench, report):
    with bench.store() as store, bench.store() as watched:
        watched.mkdir()
        with running(Recorder(bench.tools, store, [watched], ["--scope", "tree"])) as recorder:
            recorder.stop()
        version = [bench.tools.varve, "--version"], ["sqlite3", "--version"]
        empty = ([bench.tools.varve, "events", "--store", store, "--accept-gaps"],
                 ["sqlite3", "-readonly", store / "varve.db", "select 1"])
        measure(bench, report, "`varve --version` / `sqlite3 --version`", *version, "start-version")
        measure(bench, report, "`varve events` of an empty store / `sqlite3 -readonly STORE/varve.db 'select 1'`", *empty,
                "start-empty-events")


def measure(bench, report, title, ours, theirs, limit):
    times = {"varve": [], "sqlite3": []}
    for index in bench.rounds(bench.pairs(ROUNDS, ROUNDS // 4), fewest=5):
        for name in alternating(list(times), index):
            # That nothing was found is 1.
            spent = wall_nanoseconds(ours, accepted=(0, 1)) if name == "varve" else wall_nanoseconds(theirs)
            times[name].append(spent / 1e6)
    ratio = stats.summary([one / other for one, other in zip(times["varve"], times["sqlite3"])])
    report.figure(title, stats.line(ratio), ratio["median"], limit)
    for name, values in times.items():
        report.figure(f"{title}: {name}", stats.line(stats.summary(values, 2), " ms"))
