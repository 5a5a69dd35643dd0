"""What a peer is: whether it is here, one run of it around a workload, and what it wrote."""

import os
import shutil
import subprocess
import time
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from ..processes import BenchmarkError, Child

READY_SECONDS = 10
# A listener has told everything when its output has not grown for so long.
QUIET_SECONDS = 0.25
SETTLE_SECONDS = 60


@dataclass
class Run:
    """One run of a recorder: CPU seconds from its being ready to its end, peak of RSS, bytes of its output, and what it
    recorded below the workload's directory. `own_loss`: what it says itself that it lost. `windows`: when the events of each
    (kind, path) may have happened, (earliest, latest) in nanoseconds since the epoch, of a recorder that tells it."""

    user: float = 0.0
    system: float = 0.0
    rss_kib: int = 0
    output_bytes: int = 0
    recorded: Counter = field(default_factory=Counter)
    records: int = 0
    own_loss: str = ""
    windows: dict | None = None


class Peer:
    """A recorder that prints a line an event. `kinds` are the operations that it reports; of `directory_kinds` it names
    the directory alone."""

    name = ""
    program = ""
    package = ""
    kinds = frozenset()
    directory_kinds = frozenset()
    # Why it may tell of nothing although it is at work.
    blindness = "nothing of it reached its output"

    def missing(self):
        """Why it cannot run here, or None."""
        if shutil.which(self.program):
            return None
        return f"{self.program} is not installed (benchmarks/peers --install)"

    def command(self, watched, tree, output):
        raise NotImplementedError

    def lost_by_kernel(self):
        """A count that only grows, of what the kernel says it could not deliver to this kind of recorder."""
        return 0

    def read(self, output, tree):
        """(Counter of (kind, path), number of records, own loss) of what it wrote about paths below `tree`."""
        raise NotImplementedError

    @contextmanager
    def listening(self, bench, watched, tree, place, _kinds):
        """Yields a listener at work: `prefix` for the workload's command, `finish(workload)` makes its Run."""
        listener = Listener(self, watched, tree, Path(place))
        try:
            yield listener
        finally:
            listener.end()


class Listener(Child):
    """A peer's process, known to be at work because it has told of a file that was made for it to tell of."""

    prefix = ()
    stop_seconds = 20

    def __init__(self, peer, watched, tree, place):
        self.peer = peer
        self.tree = str(tree)
        place.mkdir(parents=True)
        self.output_path = place / "output"
        super().__init__(peer.command(Path(watched), Path(tree), self.output_path), None, directory=watched)
        try:
            self._probe(Path(watched) / "probe")
        except BaseException:
            self.end()
            raise
        self.lost_at_start = peer.lost_by_kernel()
        self.begin()

    def _probe(self, directory):
        directory.mkdir(exist_ok=True)
        deadline = time.monotonic() + READY_SECONDS
        number = 0
        while time.monotonic() < deadline and self.process.poll() is None:
            # By a process made just now: the kernel audits only those made after auditing was first turned on.
            subprocess.run(["sh", "-c", 'echo x >"$1"; rm -f "$1"', "probe", directory / f"probe-{number}"], check=True)
            number += 1
            time.sleep(0.05)
            if b"probe" in self.told():
                return
        said = (self.said(self.errors) or self.said(self.output)).strip().splitlines()
        ended = self.process.poll()
        state = f"ended with {ended}" if ended is not None else "reports nothing"
        raise BenchmarkError(f"{self.peer.name} {state}: {said[-1] if said else 'it says nothing'}")

    def told(self):
        """The first of what it has told so far; it makes the file itself."""
        if not self.output_path.exists():
            return b""
        with open(self.output_path, "rb") as file:
            return file.read(1 << 20)

    def settle(self):
        """Waits until nothing more is told."""
        deadline = time.monotonic() + SETTLE_SECONDS
        length, since = -1, time.monotonic()
        while time.monotonic() < deadline:
            found = os.stat(self.output_path).st_size
            if found != length:
                length, since = found, time.monotonic()
            elif time.monotonic() - since >= QUIET_SECONDS:
                return
            time.sleep(0.02)

    def finish(self, _workload):
        self.settle()
        rss = int(self.status_field("VmHWM"))
        lost = self.peer.lost_by_kernel() - self.lost_at_start
        self.stop(accepted=None)
        user, system = self.user_and_system_to_exit()
        recorded, records, own_loss = self.peer.read(self.output_path, self.tree)
        if lost:
            own_loss = f"{lost} lost, says the kernel"
        return Run(user, system, rss, self.output_path.stat().st_size, recorded, records, own_loss)


def below(path, tree):
    return path == tree or path.startswith(tree + "/")


def lines(path):
    with open(path, errors="surrogateescape") as file:
        for line in file:
            yield line.rstrip("\n")


def counted_lines(path):
    """Each different line and how often it is there, for outputs in which the same is told a million times."""
    with open(path, errors="surrogateescape") as file:
        for line, times in Counter(file).items():
            yield line.rstrip("\n"), times
