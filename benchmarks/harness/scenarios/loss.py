"""loss: 300,000 events as fast as one core makes them; what is missing afterwards, and what memory it took."""

from collections import Counter

from .. import stats
from ..bench import OPENS_DIRECTORIES, OPENS_FILES, OPENS_OPERATIONS
from ..kernel import memory_group
from ..store import events, gaps

DISTINCT_COUNT = 300_000
ROUNDS = 5


def run(bench, report):
    count = DISTINCT_COUNT // 10 if bench.quick else DISTINCT_COUNT
    report.detail("workload", f"{count} files of different names, and {count // 3} x open+write+close over {OPENS_FILES} "
                  "files")
    rounds = []
    try:
        for _ in bench.rounds(bench.pairs(ROUNDS, 1)):
            with bench.filesystem(mebibytes=1024, inodes=2 * DISTINCT_COUNT) as filesystem:
                rounds.append({"distinct files": distinct(bench, filesystem.mount_point, count),
                               "repeated opens": opens(bench, filesystem.mount_point, count // 3)})
    finally:
        if rounds:
            tell(report, rounds)


def measured(bench, mount_point, operations, workload, inspect):
    """Runs the workload under a recorder that is alone in a memory group: what that took, and what `inspect` found."""
    with memory_group(f"varve-benchmark-{bench.directory.name}") as group:
        result = bench.record([mount_point], workload, operations, enter=group.enter, inspect=inspect)
        peak = group.peak_byte_count() / 2**20
    return result["inspected"] | {"peak": peak, "rss": result["rss_peak_kib"] / 1024, "made": result["operations"],
                                  "seconds": result["seconds"], "records": result["records"]}


def distinct(bench, mount_point, count):
    """COUNT files with different names: the kernel cannot merge, so there must be exactly COUNT events."""
    tree = mount_point / "distinct"
    bench.tools.workload("distinct", tree, count, OPENS_DIRECTORIES, "prepare")
    expected = Counter(f"{tree}/d{i % OPENS_DIRECTORIES:02}/object-{i:06}" for i in range(count))

    def inspect(recorder):
        found = Counter()
        for event in events(bench.tools, recorder.store):
            if "create" in event["op"]:
                found[event.get("path", "?")] += 1
        return {"lost": (expected - found).total(), "extra": (found - expected).total(),
                "gaps": gaps(bench.tools, recorder.store)}

    return measured(bench, mount_point, "create", lambda: bench.tools.workload("distinct", tree, count, OPENS_DIRECTORIES),
                    inspect)


def opens(bench, mount_point, count):
    """Repeats on few files are merged by the kernel, never across files: each file used must hold each operation."""
    shape = (mount_point / "opens", count, OPENS_FILES, OPENS_DIRECTORIES)
    bench.tools.workload("opens", *shape, 7, "prepare")
    wanted = set(OPENS_OPERATIONS.split(","))

    def inspect(recorder):
        operations = {}
        for event in events(bench.tools, recorder.store):
            operations.setdefault(event.get("path", "?"), set()).update(event["op"])
        missing = sum(len(wanted - operations.get(f"{shape[0]}/d{i % OPENS_DIRECTORIES:02}/file-{i:04}", set()))
                      for i in range(OPENS_FILES))
        return {"lost": missing, "gaps": gaps(bench.tools, recorder.store)}

    return measured(bench, mount_point, OPENS_OPERATIONS, lambda: bench.tools.workload("opens", *shape, 7), inspect)


LOST = {("distinct files", "lost"): "events lost, by multiset of paths",
        ("distinct files", "extra"): "events that did not happen",
        ("repeated opens", "lost"): "(file, operation) pairs lost"}


def tell(report, rounds):
    """The worst of the rounds counts."""
    report.note("What the other recorders lose stands in the tables of the workloads, `files` above all; the bare loop has "
                "nothing to tell afterwards.")
    report.detail("rounds", rounds)
    peaks = []
    for title in rounds[0]:
        found = [one[title] for one in rounds]
        peak, rss, speed = (stats.summary([value(one) for one in found]) for value in (
            lambda one: one["peak"], lambda one: one["rss"], lambda one: one["made"] / one["seconds"]))
        report.figure(f"{title}: memory peak of the cgroup, queue and page cache included", stats.line(peak, " MiB"),
                      peak["most"], "memory-peak-mib")
        report.figure(f"{title}: RSS peak", stats.line(rss, " MiB"), rss["most"], "rss-peak-mib")
        report.figure(f"{title}: events made a second", f"{stats.line(speed)}; {found[0]['made']} in each run, read as "
                      f"{stats.cell([one['records'] for one in found], 0)} records")
        for (_, key), name in (entry for entry in LOST.items() if entry[0][0] == title):
            worst = max(one[key] for one in found)
            report.figure(f"{title}: {name}", f"{worst} in the worst of {len(found)} runs", worst, "lost")
        gap_figure(report, title, sum((one["gaps"] for one in found), Counter()))
        peaks += [(f"{title}: cgroup", peak), (f"{title}: RSS", rss)]
    report.bars("Memory of varved, MiB", peaks)


def gap_figure(report, title, found):
    text = ", ".join(f"{count} {kind}" for kind, count in found.items()) or "0"
    report.figure(f"{title}: gaps", text, found.total(), "gaps")
