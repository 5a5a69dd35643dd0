"""latency: from an operation to its line from `varve events -f`, with nothing else going on and beside a storm; the same
operation's line from fatrace and inotifywait."""

import json
import os
import random
import shutil
import subprocess
import tempfile
import threading
import time
from collections import Counter, defaultdict
from contextlib import ExitStack

from .. import stats
from ..bench import alternating
from ..peers import peer
from ..processes import BenchmarkError, Recorder, die_with_parent, running

COMMIT_INTERVAL_MS = 250
COUNT, ROUNDS = 400, 5
LOADS = ("idle", "beside a storm of appends")
SEED = 11
# A line that has not come by then is lost.
LATE_SECONDS = 10


def run(bench, report):
    count, rounds = (30, 1) if bench.quick else (COUNT // ROUNDS, ROUNDS)
    report.detail("workload", f"{count} files made one after the other in each of {rounds} runs, 0 to 100 ms apart (seeded), "
                  f"commit interval {COMMIT_INTERVAL_MS} ms")
    # By load and listener the times of each round, and how many were never told.
    times, lost, absent = defaultdict(list), Counter(), {}
    try:
        with bench.filesystem("watched", 4096, 400_000) as watched:
            for index in bench.rounds(rounds):
                for load in alternating(LOADS, index):
                    place = watched.mount_point / f"run-{bench.next_number()}"
                    measured, never, refused = measure(bench, watched.mount_point, place, count, load != "idle")
                    # What a storm appends as fast as it can fills any filesystem in a few runs.
                    shutil.rmtree(place)
                    absent |= {(name, load): why for name, why in refused.items()}
                    for name, found in measured.items():
                        times[name, load].append(found)
                        lost[name, load] += never[name]
    finally:
        tell_all(report, times, lost, absent)


def tell_all(report, times, lost, absent):
    curves = []
    for (name, load), why in absent.items():
        report.not_measured(f"{name}, {load}", why)
    for load in LOADS:
        for name in dict.fromkeys(name for name, other in times if other == load):
            found = times[name, load]
            tell(report, name, load, found, lost[name, load])
            curves.append((f"{name.removeprefix('varve ')}, {'idle' if load == 'idle' else 'loaded'}", curve(sum(found, []))))
        medians = {name: [stats.median(one) for one in times[name, load] if one] for name, other in times if other == load}
        ours = next((found for name, found in medians.items() if name.startswith("varve") and found), None)
        for name, found in medians.items():
            if ours and found and len(found) == len(ours) and found is not ours:
                report.figure(f"median from operation to line, varve events -f / {name}, {load}",
                              stats.line(stats.summary([one / other for one, other in zip(ours, found)])))
    report.lines("From an operation to its line: share of the operations that are told by then", "ms", "share", curves,
                 log_x=True)


def measure(bench, root, place, count, is_loaded):
    """Milliseconds of each operation by listener, how many were never told, and who was not there."""
    for part in (place, place / "made", place / "load"):
        part.mkdir()
    readers, absent = {}, {}
    with bench.store() as store, bench.store() as scratch, ExitStack() as stack:
        scratch.mkdir()
        recorder = stack.enter_context(running(Recorder(
            bench.tools, store, [root], ["--ops", "create,close_write", "--commit-interval", f"{COMMIT_INTERVAL_MS}ms"])))
        readers["varve events -f"] = stack.enter_context(Reader(
            [bench.tools.varve, "events", "-f", "--store", store, "-o", "jsonl", "--under", place / "made"]))
        others = {"fatrace": ["fatrace", "-c", "-f", "CW"],
                  "inotifywait": ["inotifywait", "-m", "-q", "-e", "create", "--format", "%w%f", place / "made"]}
        for name, command in others.items():
            why = peer(name).missing()
            if why:
                absent[name] = why
            else:
                readers[name] = stack.enter_context(Reader(command, root))
        for name in await_readers(readers, place / "made"):
            absent[name] = readers.pop(name).complaint()
        if is_loaded:
            stack.enter_context(load(bench, place / "load", scratch))
        made = operate(bench, place / "made", count)
        deadline = time.monotonic() + LATE_SECONDS
        while time.monotonic() < deadline and any(len(reader.seen(made)) < count for reader in readers.values()):
            time.sleep(0.02)
        measured = {name: [1e3 * (moment - made[path]) for path, moment in reader.seen(made).items()]
                    for name, reader in readers.items()}
        recorder.sync()
        recorder.stop()
    return measured, {name: count - len(times) for name, times in measured.items()}, absent


def await_readers(readers, directory):
    """All of them are at work when all have told of one and the same file; those that are not after 10 s, by name."""
    for number in range(100):
        path = directory / f"probe-{number}"
        path.write_text("x")
        time.sleep(0.1)
        silent = [name for name, reader in readers.items() if not any("/probe-" in seen for seen in list(reader.times))]
        if not silent:
            return []
    ours = [name for name in silent if name.startswith("varve")]
    if ours:
        raise BenchmarkError(f"{', '.join(ours)} told nothing within 10 s")
    return silent


def operate(bench, directory, count):
    """Path to the moment before it was made: a line can be there before the call has returned."""
    pause = random.Random(SEED)
    made = {}
    for number in range(count):
        bench.progress(number, count)
        time.sleep(pause.uniform(0, 0.1))
        path = f"{directory}/file-{number:05}"
        made[path] = time.monotonic()
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
        os.write(descriptor, b"x")
        os.close(descriptor)
    return made


class Reader:
    """A program that prints lines, and when the line of each path came."""

    def __init__(self, command, directory=None):
        self.errors = tempfile.TemporaryFile()
        self.process = subprocess.Popen([str(part) for part in command], cwd=directory, stdin=subprocess.DEVNULL,
                                        stdout=subprocess.PIPE, stderr=self.errors, preexec_fn=die_with_parent)
        self.times = {}
        self.thread = threading.Thread(target=self.read, daemon=True)
        self.thread.start()

    def read(self):
        for line in self.process.stdout:
            now = time.monotonic()
            text = line.decode(errors="replace").strip()
            path = json.loads(text).get("path", "") if text.startswith("{") else text[text.find("/"):]
            self.times.setdefault(path, now)

    def complaint(self):
        """Why nothing came of it, in its own words where there are some."""
        ended = self.process.poll()
        said = os.pread(self.errors.fileno(), 1 << 16, 0).decode(errors="replace").strip().splitlines()
        state = "told nothing within 10 s" if ended is None else f"ended with {ended}"
        return f"{state}: {said[-1] if said else 'it says nothing'}"

    def seen(self, paths):
        return {path: moment for path, moment in list(self.times.items()) if path in paths}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.thread.join(10)
        self.process.stdout.close()


class load:
    """One writer that appends as fast as it can, until the block ends."""

    def __init__(self, bench, directory, scratch):
        bench.tools.workload("appends", directory, 4, "prepare")
        self.command = [str(part) for part in (
            bench.tools.program("appends"), directory, 1, 200_000, 4, SEED, scratch / "truth")]
        self.ended = threading.Event()
        self.thread = threading.Thread(target=self.repeat)

    def repeat(self):
        while not self.ended.is_set():
            process = subprocess.Popen(self.command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                       preexec_fn=die_with_parent)
            while process.poll() is None and not self.ended.wait(0.05):
                pass
            process.kill()
            process.wait()

    def __enter__(self):
        self.thread.start()

    def __exit__(self, *_):
        self.ended.set()
        self.thread.join()


def tell(report, name, load, rounds, lost):
    times = sum(rounds, [])
    if not times:
        report.not_measured(f"{name}, {load}", "none of the operations was told",
                            "latency-p99-of-commit-interval" if name.startswith("varve") else None)
        return
    report.detail(f"{name}, {load}", [[round(each, 3) for each in one] for one in rounds])
    quantiles = {q: stats.quantile(times, q) for q in (0.5, 0.99, 1)}
    report.figure(f"{name}, {load}: p50, p99, max", ", ".join(f"{value:.1f}" for value in quantiles.values())
                  + f" ms (n {len(times)}, {lost} never told); by run p50 "
                  + stats.cell([stats.median(one) for one in rounds if one], 1)
                  + ", p99 " + stats.cell([stats.quantile(one, 0.99) for one in rounds if one], 1))
    if name.startswith("varve"):
        ratio = quantiles[0.99] / COMMIT_INTERVAL_MS
        report.figure(f"{name}, {load}: p99 / commit interval", f"{ratio:.2f}", ratio, "latency-p99-of-commit-interval")
        report.figure(f"{name}, {load}: never told", str(lost), lost, "lost")


def curve(times):
    """At most a hundred points of the distribution."""
    ordered = sorted(times)
    step = max(1, len(ordered) // 100)
    return [(round(value, 3), (index + 1) / len(ordered)) for index, value in enumerate(ordered)][::step]
