"""What a workload did, and what a recorder's account of it is worth: lost, merged and invented events."""

import os
from bisect import bisect_right
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from itertools import accumulate
from math import inf

# The operations that are counted, by their names in `varve events`; a rename carries the old path.
KINDS = ("create", "modify", "close_write", "attrib", "rename", "delete")


@dataclass
class Operation:
    """One of an object that has several paths in its life; `begin` and `end` are nanoseconds since the epoch."""

    kind: str
    path: str
    object: str
    begin: int
    end: float


@dataclass
class Truth:
    """`pairs`: how often each (kind, path) happened. `totals`: for kinds of which only the number is known, the number.
    `is_whole`: nothing else happened below the workload's directory, so that another pair was invented. `operations`: each
    by itself, where objects get other paths while they are worked with."""

    pairs: Counter = field(default_factory=Counter)
    totals: Counter = field(default_factory=Counter)
    is_whole: bool = True
    operations: list = field(default_factory=list)

    def made(self, kinds=KINDS):
        """Events made, by kind; a total that is known stands above the pairs that are."""
        found = Counter()
        for (kind, _), times in self.pairs.items():
            found[kind] += times
        found |= self.totals
        return Counter({kind: found[kind] for kind in kinds if found[kind]})


@dataclass
class Score:
    """`lost` and `merged` as `score` says. `joined`: how many pairs count as merged because an event of the same object under
    another path stands for them; `doubtful`: how many of the lost ones may be such, of a recorder that tells no times."""

    made: int
    distinct: int
    lost: int
    merged: int
    extra: int
    joined: int = 0
    doubtful: int = 0


def read_truth(path):
    """The file that a workload of workloads/truth.h wrote."""
    pairs, operations = Counter(), []
    with open(path, errors="surrogateescape") as file:
        for line in file:
            kind, name, *more = line.rstrip("\n").split("\t")
            pairs[kind, name] += int(more[0]) if len(more) == 1 else 1
            if len(more) == 2:
                begin = int(more[1])
                if operations:
                    operations[-1].end = begin
                operations.append(Operation(kind, name, more[0], begin, inf))
    return Truth(pairs, operations=operations)


def tree_truth(root):
    """Of a tree that something has just made below `root`, which was there: every name created, every file that is not
    empty written, every file closed after writing. What was done to them besides is not known."""
    pairs = Counter()
    for directory, directories, files in os.walk(os.fsencode(root)):
        for name in directories + files:
            path = os.fsdecode(os.path.join(directory, name))
            pairs["create", path] += 1
            if name in files and not os.path.islink(path):
                pairs["close_write", path] += 1
                if os.path.getsize(path):
                    pairs["modify", path] += 1
    return Truth(pairs, is_whole=False)


def score(truth, recorded, kinds, directory_kinds=frozenset(), windows=None):
    """`recorded` counts (kind, path). Only `kinds` are asked for: those that the recorder reports at all. For
    `directory_kinds` it names only the directory, so that many names become one. `windows`: of each (kind, path) the windows
    of time of its events, of a recorder that tells them.

    Lost is each (kind, path) that it does not have although it happened, and what is missing of a total that no path
    accounts for; merged what it has less often than it happened; extra each (kind, path) that never was, where that is known.
    A path that is missing because the kernel joined the operation with an earlier one of the same object, whose directory had
    another name then, counts as merged.
    """
    made = truth.made(kinds)
    wanted = Counter()
    for (kind, path), times in truth.pairs.items():
        if kind in kinds:
            wanted[kind, os.path.dirname(path) if kind in directory_kinds else path] += times
    seen = Counter()
    for (kind, _), times in recorded.items():
        seen[kind] += times
    missing = {pair for pair in wanted if not recorded[pair]}
    joined = joined_pairs(truth.operations, missing, windows or {})
    lost = len(missing) - len(joined)
    distinct = len(wanted)
    for kind, total in truth.totals.items():
        if kind in kinds and not any(pair[0] == kind for pair in wanted):
            lost += max(0, total - seen[kind])
            distinct += total
    short = sum(max(0, made[kind] - seen[kind]) for kind in made)
    extra = len([pair for pair in recorded if pair[0] in kinds and pair not in wanted]) if truth.is_whole else 0
    doubtful = 0 if windows is not None else len(
        {(one.kind, one.path) for one in truth.operations if (one.kind, one.path) in missing})
    return Score(made.total(), distinct, lost, max(0, short - lost), extra, len(joined), doubtful)


def joined_pairs(operations, missing, windows):
    """Those of which each operation lies in the window of an event of the same kind and object under another of its paths.

    The kernel joins a record that waits with the next of the same process about the same entry of the same directory, whatever
    the directory is called by then; the record has one name, the earlier one.
    """
    if not missing or not windows:
        return set()
    objects = {(one.kind, one.object) for one in operations if (one.kind, one.path) in missing}
    paths = defaultdict(set)
    for one in operations:
        if (one.kind, one.object) in objects:
            paths[one.kind, one.object].add(one.path)
    spans = {(kind, object): Spans(window for path in names for window in windows.get((kind, path), ()))
             for (kind, object), names in paths.items()}
    met = [one for one in operations if (one.kind, one.path) in missing]
    apart = {(one.kind, one.path) for one in met if not spans[one.kind, one.object].meet(one.begin, one.end)}
    return {(one.kind, one.path) for one in met} - apart


class Spans:
    """Of time, with both ends, to be asked whether one of them has a moment in common with another one."""

    def __init__(self, spans):
        ordered = sorted(spans)
        self.begins = [begin for begin, _ in ordered]
        # The latest end of those that begin first.
        self.ends = list(accumulate((end for _, end in ordered), max))

    def meet(self, begin, end):
        count = bisect_right(self.begins, end)
        return count > 0 and self.ends[count - 1] >= begin
