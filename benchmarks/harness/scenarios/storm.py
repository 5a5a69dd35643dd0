"""storm: 2,000 processes a second for some time, each writing a file. What the recorder's memory does, and who is named."""

import json
import re
import threading
import time
from collections import Counter

from ..processes import BenchmarkError, Recorder, running
from ..store import events, gaps
from .loss import gap_figure

RATE = 2_000
SECONDS = 600
DIRECTORIES = 64
EXEC_EVERY = 16
OPERATIONS = "create,modify,close_write"
NAME = re.compile(r"/d\d\d/(\d+)-(\d+)(x?)$")


def run(bench, report):
    seconds = bench.options.seconds or bench.size(SECONDS, 30, 4)
    count = int(RATE * seconds)
    report.note("One run: what memory does while it lasts is looked at each second. The same processes beside other recorders "
                "are the workload `forks`.")
    with bench.filesystem(mebibytes=16_384, inodes=count + 10_000) as filesystem, bench.store() as store:
        tree = filesystem.mount_point / "storm"
        recorder = Recorder(bench.tools, store, [filesystem.mount_point], ["--ops", OPERATIONS])
        with running(recorder):
            with Memory(recorder) as memory:
                done = bench.tools.workload("forks", tree, RATE, seconds, DIRECTORIES, EXEC_EVERY)
            recorder.sync()
            memory.sample()
            cpu = recorder.cpu()
            counters = recorder.counters()
            recorder.stop()
        made, took = done["operations"], done["seconds"]
        report.detail("workload", f"{RATE} processes a second asked for, each writes a file of its own and ends, one in "
                      f"{EXEC_EVERY} after an exec; operations {OPERATIONS}")
        report.figure("processes made", f"{made} in {took:.0f} s ({made / took:.0f}/s)")
        report.figure("RSS peak", f"{memory.peak:.1f} MiB", memory.peak, "storm-rss-mib")
        report.figure("RSS over time", memory.course())
        report.lines("RSS of varved in a storm of processes", "s", "MiB", [("varved", memory.samples)])
        report.figure("CPU of varved", f"{cpu:.0f} s ({100 * cpu / took:.0f} % of a core); "
                      f"{counters['records_read']} records read")
        gap_figure(report, "storm", gaps(bench.tools, store))
        who(bench, report, store, tree, made)


class Memory:
    """VmRSS of the recorder, each second."""

    def __init__(self, recorder):
        self.recorder = recorder
        self.samples = []
        self.peak = 0
        self.ended = threading.Event()
        self.thread = threading.Thread(target=self.watch)

    def __enter__(self):
        self.started = time.monotonic()
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.ended.set()
        self.thread.join()

    def sample(self):
        self.samples.append((time.monotonic() - self.started, int(self.recorder.status_field("VmRSS")) / 1024))
        self.peak = int(self.recorder.status_field("VmHWM")) / 1024

    def watch(self):
        while not self.ended.wait(1):
            self.sample()

    def course(self):
        """Some ten moments of it."""
        step = max(1, len(self.samples) // 10)
        return ", ".join(f"{moment:.0f} s {size:.0f} MiB" for moment, size in self.samples[::step])


def who(bench, report, store, tree, made):
    """Right is the pid that the file's name holds, and the program that the process was when it wrote."""
    images = {"": str(bench.tools.program("forks").resolve()), "x": f"{tree}/forks-child"}
    verdicts = Counter()
    created = set()
    for event in events(bench.tools, store):
        found = NAME.search(event.get("path") or "")
        if not found:
            continue
        number, pid, suffix = found.groups()
        if "create" in event["op"]:
            created.add(int(number))
        exe = event.get("process", {}).get("exe")
        if event.get("pid") != int(pid):
            verdict = "wrong"
        elif "process" in event.get("uncertain", []):
            verdict = "marked" if exe is None else "wrong"
        else:
            verdict = "right" if exe == images[suffix] else "unknown" if exe is None else "wrong"
        if verdict == "wrong" and verdicts["wrong"] < 5:
            bench.say(f"wrong: {json.dumps(event)}")
        verdicts[verdict] += 1
    if not verdicts:
        raise BenchmarkError("no event of the workload is in the store")
    total = verdicts.total()
    report.figure("files without their create event", str(made - len(created)), made - len(created), "lost")
    report.figure("events that name the wrong process or program", str(verdicts["wrong"]), verdicts["wrong"],
                  "storm-wrong")
    report.figure("events that name the program", f"{100 * verdicts['right'] / total:.3f} % of {total} "
                  f"({verdicts['unknown']} unknown, {verdicts['marked']} marked)")
