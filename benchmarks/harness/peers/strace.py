"""strace around the workload: every system call that it asks for, by stopping the process twice at each."""

import posixpath
import re
from collections import Counter
from contextlib import contextmanager
from pathlib import Path

from .base import Peer, Run, below, lines

CALLS = ("open,openat,creat,mknod,mknodat,mkdir,mkdirat,write,pwrite64,close,rename,renameat,renameat2,unlink,unlinkat,"
         "rmdir,chmod,fchmod,fchmodat")
LINE = re.compile(r"^(?:\d+ +)?(\w+)\((.*)\) += (-?\d+)")
# A path, after the directory that it starts from where the call names one.
NAMED = re.compile(r'(?:(?:AT_FDCWD|\d+)<([^>]*)>, )?"((?:[^"\\]|\\.)*)"')
DESCRIPTOR = re.compile(r"^\d+<([^>]*)>")
BY_PATH = {"creat": "create", "mknod": "create", "mknodat": "create", "mkdir": "create", "mkdirat": "create",
           "rename": "rename", "renameat": "rename", "renameat2": "rename", "unlink": "delete", "unlinkat": "delete",
           "rmdir": "delete", "chmod": "attrib", "fchmodat": "attrib"}
BY_DESCRIPTOR = {"write": "modify", "pwrite64": "modify", "fchmod": "attrib"}


class Strace(Peer):
    """The end of a call that another thread's line interrupts stands in a line of its own; both are counted as one."""

    name = program = package = "strace"
    kinds = frozenset({"create", "modify", "rename", "delete", "attrib"})

    @contextmanager
    def listening(self, _bench, _watched, tree, place, _kinds):
        place = Path(place)
        place.mkdir(parents=True)
        yield Tracing(self, str(tree), place / "output")

    def read(self, output, tree):
        recorded, records = Counter(), 0
        unfinished = {}
        for line in lines(output):
            line = joined(line, unfinished)
            found = LINE.match(line) if line else None
            if not found or int(found.group(3)) < 0:
                continue
            told = self.event(found.group(1), found.group(2))
            if told and below(told[1], tree):
                recorded[told] += 1
                records += 1
        return recorded, records, ""

    @staticmethod
    def event(call, arguments):
        kind = "create" if call in ("open", "openat") and "O_CREAT" in arguments else BY_PATH.get(call)
        path = NAMED.search(arguments) if kind else None
        if path:
            return (kind, posixpath.normpath(posixpath.join(path.group(1) or "/", path.group(2))))
        named = DESCRIPTOR.match(arguments)
        if call in BY_DESCRIPTOR and named:
            return (BY_DESCRIPTOR[call], named.group(1))
        return None


def joined(line, unfinished):
    """The whole of a call that was interrupted in the log, when its end comes; None for its beginning."""
    pid = line.split(" ", 1)[0]
    if line.endswith("<unfinished ...>"):
        unfinished[pid] = line[:-len("<unfinished ...>")].rstrip()
        return None
    resumed = re.match(r"^\d+ +<\.\.\. \w+ resumed>(.*)$", line)
    return unfinished.pop(pid, "") + resumed.group(1) if resumed else line


class Tracing:
    """Not a process of its own: it stands before the workload's command and ends with it."""

    def __init__(self, peer, tree, output):
        self.peer, self.tree, self.output = peer, tree, output
        self.prefix = ["strace", "-f", "--seccomp-bpf", "-qq", "-y", "-s", "0", "-e", f"trace={CALLS}", "-o", str(output)]

    def finish(self, workload):
        """The tracer's CPU is that of the whole command without the workload's own, where that tells it."""
        usage = workload.usage
        recorded, records, own_loss = self.peer.read(self.output, self.tree)
        user, system = ((max(0.0, usage[key] - own) for key, own in
                         (("user", workload.user), ("system", workload.system))) if workload.tells_cpu else (None, None))
        return Run(user, system, usage["rss_kib"], self.output.stat().st_size, recorded, records, own_loss)
