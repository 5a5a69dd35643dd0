"""The scenarios, in the order in which they run, with the seconds that each may take of a run of all of them."""

from dataclasses import dataclass
from typing import Callable

from .scenarios import (ask, attribution, capture, checksum, cpu, growth, idle, latency, loss, memory, questions, readers, restore, rowdiff,
                        segments, sidebyside, size, slowdown, start, storm, trickle)

# A run of all scenarios ends within so many seconds; what has not begun by then says so.
QUICK_SECONDS, FULL_SECONDS = 170, 39 * 60

# Their shares of a full run; a quick run of all has one of each sort.
SIDE_BY_SIDE = {"files": 60, "appends-1": 35, "appends-2": 35, "appends-4": 35, "commits-1": 35, "commits-1-batched": 35,
                "commits-4": 35, "commits-4-batched": 35, "metadata": 50, "forks": 60, "compile": 60, "unpack": 60,
                "stress-ng": 35, "fio": 35}
SIDE_BY_SIDE_QUICK = {"files": 13, "appends-4": 13, "metadata": 13, "commits-4": 13}


@dataclass
class Scenario:
    """`quick` and `full`: its share of such a run. Without `quick` it takes too long and must be named. `gibibytes`: what a
    full run takes of the disk, about."""

    run: Callable
    full: int
    quick: int | None = None
    gibibytes: float = 2


SCENARIOS = {
    "cpu-append": Scenario(cpu.run_append, 30, 14),
    "slowdown": Scenario(slowdown.run, 25, 12),
    "loss": Scenario(loss.run, 60, 10),
    "latency": Scenario(latency.run, 55, 14),
    "idle": Scenario(idle.run, 92, 20),
    **{name: Scenario(sidebyside.scenario(name), full, SIDE_BY_SIDE_QUICK.get(name), 4)
       for name, full in SIDE_BY_SIDE.items()},
    "trickle": Scenario(trickle.run, 102, 13),
    "attribution": Scenario(attribution.run, 70),
    "storm": Scenario(storm.run, 40, 10),
    "rowdiff": Scenario(rowdiff.run, 35),
    "checksum": Scenario(checksum.run, 10),
    "segments": Scenario(segments.run, 91),
    "restore": Scenario(restore.run, 90),
    "capture": Scenario(capture.run, 180, gibibytes=4),
    "growth": Scenario(growth.run, 185, 20, gibibytes=6),
    "cpu-compile": Scenario(cpu.run_compile, 165, gibibytes=4),
    "ask": Scenario(ask.run, 65, gibibytes=3),
    "size": Scenario(size.run, 130, gibibytes=12),
    "start": Scenario(start.run, 5, 5),
    "readers": Scenario(readers.run, 35),
    "memory": Scenario(memory.run, 35),
    "questions-recorded": Scenario(questions.run_recorded, 140, gibibytes=8),
    "questions-zipf": Scenario(questions.run_zipf, 95, gibibytes=6),
}
