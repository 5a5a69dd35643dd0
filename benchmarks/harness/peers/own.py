"""varved itself, the bare C loop with its marks, and no recorder at all."""

from collections import Counter, defaultdict
from contextlib import contextmanager

from ..processes import Drain, Recorder
from ..store import events, gaps, nanoseconds
from ..tools import store_byte_count
from ..truth import KINDS
from .base import Peer, Run, below


class Alone(Peer):
    name = "none"

    def missing(self):
        return None

    @contextmanager
    def listening(self, *_):
        yield Nobody()


class Nobody:
    prefix = ()

    def finish(self, _workload):
        return Run()


class Varved(Peer):
    name = "varved"
    kinds = frozenset(KINDS)

    def missing(self):
        return None

    @contextmanager
    def listening(self, bench, watched, tree, place, kinds):
        recorder = Recording(bench.tools, place, [watched], ["--ops", ",".join(sorted(kinds))])
        recorder.tree = str(tree)
        try:
            yield recorder
        finally:
            recorder.end()


class Recording(Recorder):
    prefix = ()
    tree = ""

    def finish(self, workload):
        """Its CPU counts to its exit, the last commit included, without the one request for counters."""
        self.sync()
        before = self.cpu()
        counters = self.counters()
        group = self.group()
        # By the process's clock: in ticks of 10 ms it may seem to be more than all.
        request = self.cpu() - before
        rss = int(self.status_field("VmHWM"))
        self.stop()
        counted = 1 - request / self.cpu_to_exit()
        user, system = (spent * counted for spent in self.user_and_system_to_exit())
        recorded, records, windows = Counter(), 0, defaultdict(list)
        for event in events(self.tools, self.store):
            if below(event.get("path") or "", self.tree):
                records += 1
                recorded.update((kind, event["path"]) for kind in event["op"])
                if workload.truth.operations:
                    window = nanoseconds(event["earliest"]), nanoseconds(event["time"])
                    for kind in event["op"]:
                        windows[kind, event["path"]].append(window)
        lost = gaps(self.tools, self.store)
        run = Run(user, system, rss, store_byte_count(self.store)["length"], recorded, records,
                  ", ".join(f"{count} gaps {kind}" for kind, count in lost.items()))
        run.counters, run.group, run.windows = counters, group, windows
        return run


class Loop(Peer):
    """Reads and throws away: it can lose nothing but by an overflow, and has nothing to tell afterwards."""

    name = "loop"

    def missing(self):
        return None

    @contextmanager
    def listening(self, bench, _watched, _tree, _place, _kinds):
        drain = Draining(bench.tools, bench.group)
        try:
            yield drain
        finally:
            drain.end()


class Draining(Drain):
    prefix = ()

    def finish(self, _workload):
        rss = int(self.status_field("VmHWM"))
        result = self.result()
        user, system = self.user_and_system_to_exit()
        overflows = result["overflows"]
        return Run(user, system, rss, records=result["records"],
                   own_loss=f"{overflows} overflows" if overflows else "")
