"""What a workload did, and what a recorder's account of it is worth: lost, merged and invented events."""

import os
from collections import Counter
from dataclasses import dataclass, field

# The operations that are counted, by their names in `varve events`; a rename carries the old path.
KINDS = ("create", "modify", "close_write", "attrib", "rename", "delete")


@dataclass
class Truth:
    """`pairs`: how often each (kind, path) happened. `totals`: for kinds of which only the number is known, the number.
    `is_whole`: nothing else happened below the workload's directory, so that another pair was invented."""

    pairs: Counter = field(default_factory=Counter)
    totals: Counter = field(default_factory=Counter)
    is_whole: bool = True

    def made(self, kinds=KINDS):
        """Events made, by kind; a total that is known stands above the pairs that are."""
        found = Counter()
        for (kind, _), times in self.pairs.items():
            found[kind] += times
        found |= self.totals
        return Counter({kind: found[kind] for kind in kinds if found[kind]})


@dataclass
class Score:
    made: int
    distinct: int
    lost: int
    merged: int
    extra: int


def read_truth(path):
    """The file that a workload of workloads/truth.h wrote."""
    pairs = Counter()
    with open(path, errors="surrogateescape") as file:
        for line in file:
            kind, name = line.rstrip("\n").split("\t", 1)
            pairs[kind, name] += 1
    return Truth(pairs)


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


def score(truth, recorded, kinds, directory_kinds=frozenset()):
    """`recorded` counts (kind, path). Only `kinds` are asked for: those that the recorder reports at all. For
    `directory_kinds` it names only the directory, so that many names become one.

    Lost is each (kind, path) that it does not have although it happened, and what is missing of a total that no path
    accounts for; merged what it has less often than it happened; extra each (kind, path) that never was, where that is known.
    """
    made = truth.made(kinds)
    wanted = Counter()
    for (kind, path), times in truth.pairs.items():
        if kind in kinds:
            wanted[kind, os.path.dirname(path) if kind in directory_kinds else path] += times
    seen = Counter()
    for (kind, _), times in recorded.items():
        seen[kind] += times
    missing = [pair for pair in wanted if not recorded[pair]]
    lost = len(missing)
    distinct = len(wanted)
    for kind, total in truth.totals.items():
        if kind in kinds and not any(pair[0] == kind for pair in wanted):
            lost += max(0, total - seen[kind])
            distinct += total
    short = sum(max(0, made[kind] - seen[kind]) for kind in made)
    extra = len([pair for pair in recorded if pair[0] in kinds and pair not in wanted]) if truth.is_whole else 0
    return Score(made.total(), distinct, lost, max(0, short - lost), extra)
