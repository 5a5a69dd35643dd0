"""What one scenario found: figures, tables and plots, put into the run's document as soon as they are there."""

import os
import resource
import time
from pathlib import Path

from .machine import commit, machine
from .results import RUNNING
from .thresholds import thresholds
from .tools import REPOSITORY

# Others used more than this share of a core while a scenario ran: its times are not to be trusted.
CONTENDED_SHARE = 0.25


class Report:
    """A figure is a name, a value as text, and what it had to reach."""

    def __init__(self, scenario, command, work, results, terminal):
        self.limits = thresholds()
        self.results = results
        self.terminal = terminal
        self.started = time.monotonic()
        self.work_at_start = busy_seconds(), own_seconds()
        self.content = {
            "scenario": scenario, "state": RUNNING, "command": command, "commit": commit(REPOSITORY),
            "machine": machine(work), "figures": [], "tables": [], "plots": [],
        }
        results.add(self.content)
        if self.content["machine"]["cores"] == 1:
            self.note("One core: the recorder and the workload take turns on it.")

    def figure(self, name, text, value=None, limit=None, digits=4, beside=None):
        """`limit` names an entry of thresholds.json; the verdict compares `value` with it (at most), and `beside` is told
        with the verdict."""
        entry = {"name": name, "text": text} | ({"beside": beside} if beside else {})
        if value is not None:
            entry["value"] = round(value, digits)
        if limit is not None:
            entry["threshold"] = limit
            entry["limit"] = self.limits[limit]["at_most"]
            entry["met"] = None if value is None else value <= entry["limit"]
        self.content["figures"].append(entry)
        self.results.write()
        self.terminal.say(f"  {name}: {text}{verdict(entry)}")

    def lower_end(self, summarised, limit):
        """Of an interval: of few values it says little, so the median stands beside the verdict."""
        low = summarised["interval"][0]
        beside = f"median {summarised['median']:g}, n {summarised['count']}"
        self.figure("the lower end of its interval", f"{low:g} ({beside})", low, limit, beside=beside)

    def not_measured(self, name, why, limit=None):
        self.figure(name, f"not measured: {why}", None, limit)

    def detail(self, key, value):
        self.content[key] = value

    def watched(self, filesystem):
        """The kind of filesystem that is recorded."""
        self.content["machine"]["watched_filesystem"] = filesystem

    def note(self, sentence):
        """Said once beside the figures: why there is one run, or no peer."""
        self.content.setdefault("notes", []).append(sentence)

    def table(self, title, columns, rows, note=None):
        """Cells are text; `note` says below the table how they are to be read, and why one is empty."""
        self.content["tables"].append({"title": title, "columns": columns, "rows": rows} | ({"note": note} if note else {}))
        self.results.write()
        widths = [max(len(str(line[place])) for line in (columns, *rows)) for place in range(len(columns))]
        self.terminal.say(f"  {title}:")
        for line in (columns, *rows):
            cells = (str(cell).ljust(width) for cell, width in zip(line, widths))
            self.terminal.say(("    " + "  ".join(cells)).rstrip())
        if note:
            self.terminal.say(f"    {note}")

    def bars(self, title, entries):
        """(label, summary of stats.summary) each; what was not measured has no bar."""
        drawn = [{"label": label, **{key: found[key] for key in ("median", "least", "most")}}
                 for label, found in entries if found]
        if drawn:
            self.content["plots"].append({"kind": "bars", "title": title, "bars": drawn})

    def lines(self, title, x, y, series, log_x=False, log_y=False):
        """`series`: (label, [(x, y), …]) each."""
        drawn = [{"label": label, "points": [list(point) for point in points]} for label, points in series if points]
        if drawn:
            self.content["plots"].append({"kind": "lines", "title": title, "x": x, "y": y, "series": drawn,
                                          "log_x": log_x, "log_y": log_y})

    def finish(self, state, why=None):
        """What others used of the machine in the meantime stands beside the figures."""
        elapsed = time.monotonic() - self.started
        busy, own = busy_seconds() - self.work_at_start[0], own_seconds() - self.work_at_start[1]
        share = max(0.0, busy - own) / elapsed if elapsed else 0.0
        self.content |= {"state": state, "seconds": round(elapsed, 1), "others_cores": round(share, 2),
                         "contended": elapsed > 1 and share > CONTENDED_SHARE}
        if why:
            self.content["why"] = why
            self.terminal.complain(f"  {self.content['scenario']}: not measured: {why}")
        self.results.write()


def busy_seconds():
    """CPU seconds that all processors were not idle, since the machine started."""
    fields = Path("/proc/stat").read_text().splitlines()[0].split()[1:]
    idle = int(fields[3]) + int(fields[4])
    return (sum(map(int, fields[:8])) - idle) / os.sysconf("SC_CLK_TCK")


def own_seconds():
    """CPU seconds of the harness and of every process that it has waited for."""
    return sum(used.ru_utime + used.ru_stime
               for used in map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)))


def verdict(entry):
    if "limit" not in entry:
        return ""
    if entry["met"] is None:
        return f"  (goal: at most {entry['limit']:g})"
    return f"  (goal: at most {entry['limit']:g}, {'met' if entry['met'] else 'NOT met'})"
