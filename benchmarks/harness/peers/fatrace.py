"""fatrace: fanotify with filesystem marks, a line an event, nothing stored but the text."""

import re
from collections import Counter

from .base import Peer, below, counted_lines

LINE = re.compile(r"^(.*)\((\d+)\)[^:]*: (\S+)\s+(/.*)$")
# A merged record shows several letters. `C` beside `W` may be a close of either kind after a write: it counts as the
# better one, to fatrace's advantage.
LETTERS = {"W": "modify", "+": "create", "D": "delete", "<": "rename"}


class Fatrace(Peer):
    """Of creations, removals and renames it names the directory, not the file; of the others the name that the file has by
    the time it asks, which after a rename is the new one."""

    name = program = package = "fatrace"
    kinds = frozenset({"create", "modify", "close_write", "rename", "delete"})
    directory_kinds = frozenset({"create", "rename", "delete"})

    def command(self, _watched, _tree, output):
        return [self.program, "-c", "-o", output]

    def read(self, output, tree):
        recorded, records = Counter(), 0
        for line, times in counted_lines(output):
            found = LINE.match(line)
            if not found:
                continue
            letters, path = found.group(3), found.group(4).removesuffix(" (deleted)")
            if not below(path, tree):
                continue
            records += times
            for letter, kind in LETTERS.items():
                if letter in letters:
                    recorded[kind, path] += times
            if "C" in letters and "W" in letters:
                recorded["close_write", path] += times
        return recorded, records, ""
