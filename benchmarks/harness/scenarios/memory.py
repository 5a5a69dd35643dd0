"""memory: the most that answers take of it over ten million events: every form of `events`, `replay`, exports, SQL, the
counting verbs and the report, whose page is weighed too."""

import time

from ..loaded import engine
from ..processes import peak_mebibytes

EVENTS = 10_000_000
SEED = 20

STREAMED = {
    **{f"events -o {form}": ["events", "-o", form] for form in ("table", "jsonl", "json", "csv")},
    "events --reverse": ["events", "-o", "csv", "--reverse"],
    "events --path": ["events", "-o", "csv", "--path", "*1*"],
    "events --op, --comm": ["events", "-o", "csv", "--op", "create,delete", "--comm", "*"],
    "events --limit": ["events", "-o", "csv", "--limit", "1000000"],
    "replay": ["replay", "-o", "csv", "--speed", "1000000"],
}
OTHERS = {
    "sql, rows": ["sql", "SELECT seq, time, path, exe FROM event", "-o", "csv"],
    "count": ["count"],
    **{f"top --by {key}": ["top", "--by", key] for key in ("path", "dir", "process")},
    "histogram --by process": ["histogram", "--every", "1m", "--by", "process"],
    **{f"export --format {form}": ["export", "--format", form] for form in ("jsonl", "bodyfile", "ocsf")},
}
# They write a file of their own.
WRITTEN = {f"export --format {form}": ["export", "--format", form] for form in ("parquet", "sqlite")}


def run(bench, report):
    wanted = bench.options.events or bench.size(EVENTS, EVENTS // 10, EVENTS // 100)
    with bench.store() as store, bench.store() as place:
        place.mkdir()
        events = engine(bench.tools, "zipf", store, wanted, SEED)["events"]
        report.figure("events in the store", str(events))
        rows = []

        def measure(name, words):
            started = time.monotonic()
            peak = peak_mebibytes([bench.tools.varve, *words, "--store", store, "--accept-gaps"])
            rows.append([f"`varve {name}`", f"{peak:.1f}", f"{time.monotonic() - started:.2f}"])
            bench.say(f"{name}: {peak:.1f} MiB")
            bench.progress(len(rows), len(STREAMED) + len(OTHERS) + len(WRITTEN) + 1)
            return peak

        streamed = {name: measure(name, words) for name, words in STREAMED.items()}
        for name, words in OTHERS.items():
            measure(name, words)
        for number, (name, words) in enumerate(WRITTEN.items()):
            measure(name, [*words, "-o", place / f"export-{number}"])
        page = place / "report.html"
        measure("report", ["report", "-o", page])
        largest = max(streamed, key=streamed.get)
        report.figure("the most of any streamed answer", f"{streamed[largest]:.1f} MiB (`varve {largest}`)", streamed[largest],
                      "events-rss-mib")
        size = page.stat().st_size / 2**20
        report.figure("the report's page", f"{size:.2f} MiB", size, "report-page-mib")
        report.table("Peak of memory, and the time of one run", ["answer", "MiB", "s"], rows,
                     "VmHWM, looked at every 2 ms until the end; the answers go to /dev/null or into a file.")
