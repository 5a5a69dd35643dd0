"""inotifywait (a watch a directory) and fsnotifywait (a mark on the filesystem) of inotify-tools."""

from collections import Counter

from ..truth import KINDS
from .base import Peer, below, counted_lines

NAMES = {"CREATE": "create", "MODIFY": "modify", "CLOSE_WRITE": "close_write", "ATTRIB": "attrib",
         "MOVED_FROM": "rename", "DELETE": "delete"}
EVENTS = "create,modify,close_write,move,delete,attrib"


class Inotifywait(Peer):
    """Directories that are made while it runs are watched when it has read of them; what happens there before is lost."""

    name = program = "inotifywait"
    package = "inotify-tools"
    kinds = frozenset(KINDS)
    options = ["-r"]

    def command(self, watched, _tree, output):
        return [self.program, "-m", "-q", *self.options, "-e", EVENTS, "--format", "%e %w%f", "-o", output, watched]

    def read(self, output, tree):
        recorded, records, overflows = Counter(), 0, 0
        for line, times in counted_lines(output):
            names, _, path = line.partition(" ")
            if "OVERFLOW" in names:
                overflows += times
            path = path.removesuffix(" (deleted)")
            if not below(path, tree):
                continue
            records += times
            for name in names.split(","):
                if name in NAMES:
                    recorded[NAMES[name], path] += times
        return recorded, records, f"{overflows} overflows" if overflows else ""


class Fsnotifywait(Inotifywait):
    """It asks the kernel for the path of each event's descriptor, and says `(deleted)` where the name is gone by then."""

    name = program = "fsnotifywait"
    options = ["-S"]
