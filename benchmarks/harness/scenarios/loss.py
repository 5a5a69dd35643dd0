"""loss: 300,000 events as fast as one core makes them; what is missing afterwards, and what memory it took."""

from collections import Counter

from ..bench import OPENS_COUNT, OPENS_DIRECTORIES, OPENS_FILES, OPENS_OPERATIONS
from ..kernel import memory_group
from ..store import events, gaps

DISTINCT_COUNT = 300_000


def run(bench, report):
    count = DISTINCT_COUNT // 10 if bench.quick else DISTINCT_COUNT
    with bench.filesystem(mebibytes=1024, inodes=2 * DISTINCT_COUNT) as filesystem:
        distinct(bench, report, filesystem.mount_point, count)
        opens(bench, report, filesystem.mount_point, count // 3)


def measured(bench, report, title, mount_point, operations, workload, inspect):
    """Runs the workload under a recorder that is alone in a memory group, and reports memory and gaps."""
    with memory_group(f"varve-benchmark-{bench.directory.name}") as group:
        result = bench.record([mount_point], workload, operations, enter=group.enter, inspect=inspect)
        peak = group.peak_byte_count() / 2**20
    report.figure(f"{title}: memory peak of the cgroup, queue and page cache included", f"{peak:.1f} MiB", peak,
                  "memory-peak-mib")
    rss = result["rss_peak_kib"] / 1024
    report.figure(f"{title}: RSS peak", f"{rss:.1f} MiB", rss, "rss-peak-mib")
    report.figure(f"{title}: events made", f"{result['operations']} in {result['seconds']:.2f} s "
                  f"({result['operations'] / result['seconds']:.0f}/s), read as {result['records']} records")
    return result["inspected"]


def distinct(bench, report, mount_point, count):
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

    seen = measured(bench, report, "distinct files", mount_point, "create", lambda: bench.tools.workload(
        "distinct", tree, count, OPENS_DIRECTORIES), inspect)
    report.figure("distinct files: events lost, by multiset of paths", str(seen["lost"]), seen["lost"], "lost")
    report.figure("distinct files: events that did not happen", str(seen["extra"]), seen["extra"], "lost")
    gap_figure(report, "distinct files", seen["gaps"])


def opens(bench, report, mount_point, count):
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
        return {"missing": missing, "gaps": gaps(bench.tools, recorder.store), "stored": bench.tools.count(recorder.store)}

    seen = measured(bench, report, "repeated opens", mount_point, OPENS_OPERATIONS, lambda: bench.tools.workload(
        "opens", *shape, 7), inspect)
    report.figure("repeated opens: (file, operation) pairs lost", str(seen["missing"]), seen["missing"], "lost")
    gap_figure(report, "repeated opens", seen["gaps"])


def gap_figure(report, title, found):
    text = ", ".join(f"{count} {kind}" for kind, count in found.items()) or "0"
    report.figure(f"{title}: gaps", text, found.total(), "gaps")
