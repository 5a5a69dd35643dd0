"""readers: a recorder under load, and all the time those who read its store: a slow `varve replay`,
`varve events -f`, and `varve events` into a pipe from which little is taken. How large the store's log gets, what each
takes of memory, and whether the follower was told everything."""

import subprocess
import tempfile
import threading
import time
from collections import Counter
from contextlib import ExitStack

from .. import stats
from ..loaded import asked
from ..processes import BenchmarkError, Recorder, die_with_parent, memory_mebibytes, running
from ..store import stored_count

SECONDS = 600
WORKERS, OPERATIONS = 20, 500
# At its own pace a replay has soon played what was there when it began, and ends.
REPLAY_SPEED = "0.001"
# What the slow reader takes at a time, ten times a second.
SIP_BYTES = 1 << 10
# Until a follower has told what is in the store.
LATE_SECONDS = 30


def run(bench, report):
    seconds = bench.options.seconds or bench.size(SECONDS, 20, 5)
    report.note("One run: what the log and memory do while it lasts is looked at five times a second.")
    report.detail("workload", f"rounds of {WORKERS} programs with {OPERATIONS} mixed operations each for {seconds:g} s, on a "
                  "tmpfs, every operation recorded")
    with bench.store() as store, bench.memory_filesystem(2048) as mount_point, ExitStack() as stack:
        recorder = stack.enter_context(running(Recorder(bench.tools, store, [mount_point], ["--ops", "all"])))
        # What the readers begin with, and the first round makes its tree.
        bench.tools.workload("mixed", mount_point / "tree", WORKERS, OPERATIONS, 1)
        recorder.sync()
        where = ["--store", store, "--accept-gaps"]
        replay = stack.enter_context(Listener("varve replay", [
            bench.tools.varve, "replay", "-o", "csv", "--speed", REPLAY_SPEED, *where]))
        follower = stack.enter_context(Listener("varve events -f", [bench.tools.varve, "events", "-f", "-o", "csv", *where]))
        slow = stack.enter_context(Listener("varve events, read slowly", [bench.tools.varve, "events", "-o", "jsonl", *where],
                                            pause=0.1))
        listeners = [replay, follower, slow]
        watch = Watch(recorder, store, listeners)
        begun = time.monotonic()
        seed = 1
        with watch:
            while time.monotonic() - begun < seconds:
                bench.progress(int(time.monotonic() - begun), int(seconds))
                seed += 1
                bench.tools.workload("mixed", mount_point / "tree", WORKERS, OPERATIONS, seed)
            took = time.monotonic() - begun
            recorder.sync()
            for listener in (replay, slow):
                if listener.process.poll() is not None:
                    raise BenchmarkError(f"{listener.name} ended with {listener.process.returncode} while the load went on")
        last = asked(bench.tools, store, "SELECT max(last_seq) AS high FROM block")["high"]
        missed = follower.missed(last)
        stored = stored_count(recorder.counters())
        recorder.stop()
    report.figure("events stored beside the readers", f"{stored} in {took:.0f} s ({stored / took:.0f}/s), {seed} rounds")
    log = max(watch.log, default=0) / 2**20
    report.figure("the store's log, at most", f"{log:.1f} MiB", log, "readers-log-mib")
    report.figure("events that `varve events -f` did not tell", str(missed), missed, "readers-missed")
    for name, most in watch.most.items():
        is_reader = name != "varved"
        report.figure(f"{name}: RSS peak", f"{most:.1f} MiB", most, "readers-rss-mib" if is_reader else None)
    report.lines("The store's log while others read", "s", "MiB", [("log", [
        (round(index / 5, 1), size / 2**20) for index, size in enumerate(watch.log)][::max(1, len(watch.log) // 200)])])
    report.detail("median of the log, bytes", stats.median(watch.log) if watch.log else None)


class Listener:
    """A command whose lines are counted, and which may be read slowly."""

    def __init__(self, name, command, pause=0.0):
        self.name, self.pause = name, pause
        self.lines = 0
        self.head = b""
        self.errors = tempfile.TemporaryFile()
        self.ended = threading.Event()
        self.process = subprocess.Popen([str(part) for part in command], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                        stderr=self.errors, preexec_fn=die_with_parent)
        self.thread = threading.Thread(target=self.read, daemon=True)
        self.thread.start()

    def read(self):
        while piece := self.process.stdout.read1(SIP_BYTES if self.pause else 1 << 16):
            self.lines += piece.count(b"\n")
            if len(self.head) < 4096:
                self.head += piece[:4096]
            if self.ended.wait(self.pause):
                break

    def missed(self, last):
        """Of the events from the first that it told to `last`; its lines are CSV with the number first, below a heading."""
        rows = self.head.split(b"\n")
        if len(rows) < 3:
            raise BenchmarkError(f"{self.name} told nothing")
        first = int(rows[1].split(b",")[0])
        deadline = time.monotonic() + LATE_SECONDS
        while self.lines - 1 < last - first + 1 and time.monotonic() < deadline:
            time.sleep(0.1)
        return last - first + 1 - (self.lines - 1)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.ended.set()
        self.process.kill()
        self.process.wait()
        self.thread.join(10)
        self.process.stdout.close()


class Watch:
    """Five times a second the length of the log, and the peaks of memory."""

    def __init__(self, recorder, store, listeners):
        self.path = store / "varve.db-wal"
        self.pids = {"varved": recorder.pid} | {one.name: one.process.pid for one in listeners}
        self.log = []
        self.most = Counter()
        self.ended = threading.Event()
        self.thread = threading.Thread(target=self.watch)

    def watch(self):
        while not self.ended.wait(0.2):
            self.look()

    def look(self):
        try:
            self.log.append(self.path.stat().st_size)
        except FileNotFoundError:
            self.log.append(0)
        for name, pid in self.pids.items():
            self.most[name] = max(self.most[name], memory_mebibytes(pid))

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.ended.set()
        self.thread.join()
        self.look()
