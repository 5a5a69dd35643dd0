"""The recorders that stand beside varved, each counted against the same ground truth."""

from .audit import Audit
from .bpf import Bpftrace
from .fatrace import Fatrace
from .inotify import Fsnotifywait, Inotifywait
from .own import Alone, Loop, Varved
from .strace import Strace

# In the order of the tables. `none` and the loop are what the ratios are made with.
PEERS = [Alone(), Varved(), Loop(), Fatrace(), Inotifywait(), Fsnotifywait(), Audit(), Bpftrace(), Strace()]
# These take seconds a run, to start or by what they do to the workload: they run once in a quick run, and no more when the
# time of a scenario runs out.
SLOW = {"fsnotifywait", "auditd", "bpftrace", "strace"}


def peer(name):
    return next(each for each in PEERS if each.name == name)
