"""What every scenario is given: options, tools, a private run directory, and one run of a listener around a workload."""

import shutil
import time
from contextlib import contextmanager
from pathlib import Path

from .kernel import loop_filesystem, memory_filesystem
from .machine import filesystem_of
from .processes import Drain, Recorder, running

# The workload of the CPU, slowdown and loss scenarios: 100,000 x (open, write, close) over 1,000 files.
OPENS_COUNT = 100_000
OPENS_FILES = 1_000
OPENS_DIRECTORIES = 64
OPENS_OPERATIONS = "open,modify,close_write"


# Shares of a scenario's time.
FEWEST_UNTIL = 1.5
# Of the filesystems that scenarios make for themselves, those that are recorded; others hold stores.
WATCHED = ("watched", "activity")


class Bench:
    """`seconds`: the scenario's share of the run's time, None for as long as it takes. What is left out because it is used
    up is in `cut_short`, which stands beside the figures."""

    def __init__(self, tools, options, run_directory, terminal, seconds=None):
        self.tools = tools
        self.options = options
        self.directory = Path(run_directory)
        self.terminal = terminal
        self.started = time.monotonic()
        self.deadline = self.started + seconds if seconds else None
        self.cut_short = []
        # Told of each filesystem that is made to be watched.
        self.tell_watched = lambda kind: None
        # Flags and marks for the bare loop, once a recorder has shown them.
        self.group = None
        self._stores = 0
        self._numbers = 0

    @property
    def quick(self):
        return self.options.quick

    def pairs(self, normal, quick):
        return self.options.pairs or (quick if self.quick else normal)

    def size(self, long, full, quick):
        """Of a workload, by how long the run may take."""
        return quick if self.quick else long if self.options.long else full

    def is_late(self):
        return self.share_used() > 1

    def share_used(self, ahead=0.0):
        """Of the scenario's time, in so many seconds."""
        return (time.monotonic() + ahead - self.started) / (self.deadline - self.started) if self.deadline else 0.0

    def rounds(self, wanted, fewest=1, what="rounds"):
        """The numbers of all rounds that are wanted; after the `fewest` only while another one, as long as the one before,
        ends within the scenario's time. The fewest end with that time and half of it again."""
        took = 0.0
        for index in range(wanted):
            if index > 0 and self.share_used(ahead=took) > (1 if index >= fewest else FEWEST_UNTIL):
                self.leave_out(f"{index} of {wanted} {what}")
                return
            self.progress(index, wanted)
            begun = time.monotonic()
            yield index
            took = time.monotonic() - begun

    def leave_out(self, what):
        self.cut_short.append(what)
        self.say(f"{what}: the time of this scenario was used up")

    def say(self, text):
        self.terminal.say(f"  {text}")

    def progress(self, done, wanted):
        self.terminal.progress(done, wanted)

    def next_number(self):
        self._numbers += 1
        return self._numbers

    def remove(self, path):
        shutil.rmtree(path, ignore_errors=True)

    @contextmanager
    def filesystem(self, name="watched", mebibytes=8192, inodes=None):
        with loop_filesystem(self.directory, name, mebibytes, inodes) as made:
            if name in WATCHED:
                self.tell_watched(f"{filesystem_of(made.mount_point).split()[0]} on a loop device")
            yield made

    @contextmanager
    def memory_filesystem(self, mebibytes):
        with memory_filesystem(self.directory, "watched", mebibytes) as mount_point:
            self.tell_watched(filesystem_of(mount_point).split()[0])
            yield mount_point

    @contextmanager
    def store(self):
        """A directory for one recording, away from the watched filesystem; deleted with the block."""
        self._stores += 1
        path = self.directory / f"store-{self._stores}"
        try:
            yield path
        finally:
            shutil.rmtree(path, ignore_errors=True)

    def record(self, paths, workload, operations=None, enter=None, inspect=None, options=()):
        """One workload under varved. CPU counts from its ready line to its exit after SIGTERM, final commit included;
        `cpu_to_sync` ends when `varve sync` has answered. The one status request is not counted."""
        chosen = ["--ops", operations] if operations else []
        with self.store() as store:
            recorder = Recorder(self.tools, store, paths, [*chosen, *options], enter)
            with running(recorder):
                group = recorder.group()
                started = time.monotonic()
                done = workload()
                finished = time.monotonic()
                recorder.sync()
                to_sync = recorder.cpu()
                counters = recorder.counters()
                status_cost = recorder.cpu() - to_sync
                switches = recorder.voluntary_switches()
                result = {
                    "records": counters["records_read"],
                    "readings": counters.get("readings"),
                    "cpu_to_sync": to_sync,
                    "seconds": done["seconds"] if done else finished - started,
                    "operations": done["operations"] if done else None,
                    "counters": counters,
                    "switches": switches,
                    "group": group,
                    "rss_peak_kib": int(recorder.status_field("VmHWM")),
                }
                if inspect:
                    result["inspected"] = inspect(recorder)
                    status_cost = recorder.cpu() - to_sync
                recorder.stop()
                result["cpu"] = recorder.cpu_to_exit() - status_cost
        return result

    def drain(self, workload, group, nap="adaptive", wakes_per_second=None):
        """The same workload beside the bare C loop."""
        drain = Drain(self.tools, group, nap, wakes_per_second)
        with running(drain):
            started = time.monotonic()
            done = workload()
            finished = time.monotonic()
            result = drain.result()
        result["seconds"] = done["seconds"] if done else finished - started
        return result


def alternating(names, index):
    """The order of the runs of one round: each round starts where the last one ended."""
    return list(names) if index % 2 == 0 else list(reversed(names))


def counts(recorder, loop, reference):
    """A pair counts only if nobody got cheap by letting the kernel merge what it should have read."""
    return recorder["records"] >= 0.95 * loop["records"] and loop["records"] >= 0.95 * reference["records"]
