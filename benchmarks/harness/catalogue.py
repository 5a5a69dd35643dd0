"""The scenarios, in the order in which they run, with the seconds that each may take of a run of all of them."""

from dataclasses import dataclass
from typing import Callable

from .scenarios import (ask, attribution, capture, cpu, growth, idle, latency, loss, questions, restore, rowdiff, segments,
                        sidebyside, size, slowdown, start, storm, trickle)
from .workloads import workloads

# A run of all scenarios ends within so many seconds; what has not begun by then says so.
QUICK_SECONDS, FULL_SECONDS = 170, 39 * 60


@dataclass
class Scenario:
    """`quick` and `full`: its share of such a run. Without `quick` it takes too long and must be named."""

    run: Callable
    full: int
    quick: int | None = None


def side_by_side():
    """One scenario a workload; a quick run of all has one of each sort."""
    quick = {"files": 15, "appends-4": 15, "metadata": 15, "commits-4": 15}
    return {name: Scenario(sidebyside.scenario(name), 45, quick.get(name)) for name in workloads(quick=True)}


SCENARIOS = {
    "cpu-append": Scenario(cpu.run_append, 120, 15),
    "slowdown": Scenario(slowdown.run, 120, 12),
    "loss": Scenario(loss.run, 60, 10),
    "latency": Scenario(latency.run, 75, 15),
    "idle": Scenario(idle.run, 110, 20),
    **side_by_side(),
    "trickle": Scenario(trickle.run, 130, 12),
    "attribution": Scenario(attribution.run, 120),
    "storm": Scenario(storm.run, 120, 12),
    "rowdiff": Scenario(rowdiff.run, 60),
    "segments": Scenario(segments.run, 60),
    "restore": Scenario(restore.run, 180),
    "capture": Scenario(capture.run, 260),
    "growth": Scenario(growth.run, 240, 20),
    "cpu-compile": Scenario(cpu.run_compile, 300),
    "ask": Scenario(ask.run, 150),
    "size": Scenario(size.run, 300),
    "start": Scenario(start.run, 10, 5),
    "questions-recorded": Scenario(questions.run_recorded, 240),
    "questions-zipf": Scenario(questions.run_zipf, 200),
}
