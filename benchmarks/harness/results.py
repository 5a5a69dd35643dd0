"""The document of one run, kept on disk from its first scenario on, and the newest result of each scenario of all runs."""

import json
import os
import re
from contextlib import suppress
from datetime import datetime, timezone

from .machine import commit, machine, versions
from .tools import BENCHMARKS, REPOSITORY

RESULTS = BENCHMARKS / "results"
COMPLETE, INTERRUPTED, FAILED, RUNNING = "complete", "interrupted", "failed", "running"


class RunResults:
    """`results/<date>-<machine>.json`. It is rewritten with every figure: whatever ends the run, what was measured until
    then is there, and it says `running` or `interrupted` until all is done."""

    def __init__(self, work, command, quick, directory=RESULTS):
        self.work = work
        facts = machine(work)
        now = datetime.now(timezone.utc)
        self.directory = directory
        self.content = {
            "date": now.strftime("%Y-%m-%dT%H:%M:%SZ"), "command": command, "commit": commit(REPOSITORY), "machine": facts,
            "quick": quick, "state": RUNNING, "scenarios": [],
        }
        stem = f"{now:%Y-%m-%d-%H%M%S}-{machine_name(facts)}{'-quick' if quick else ''}"
        self.path = directory / f"{stem}.json"
        self.write_error = None

    def add(self, scenario):
        self.content["scenarios"].append(scenario)
        self.write()

    def finish(self, state):
        self.content["state"] = state
        # Only now: what comes from PyPI is installed when it is first asked for.
        self.content["machine"]["versions"] = versions(self.work)
        for scenario in self.content["scenarios"]:
            if scenario["state"] == RUNNING:
                scenario["state"] = state
        self.write()

    def write(self):
        """Whole or not at all. A full disk must not end the measuring: it is said, and tried again with the next figure."""
        temporary = self.path.with_suffix(".new")
        try:
            self.directory.mkdir(exist_ok=True)
            temporary.write_text(json.dumps(self.content, indent=1) + "\n")
            os.replace(temporary, self.path)
            self.write_error = None
        except OSError as error:
            self.write_error = error
            with suppress(OSError):
                temporary.unlink(missing_ok=True)


def machine_name(facts):
    words = re.sub(r"[^a-z0-9]+", "-", facts["processor"].lower()).strip("-")
    return f"{words}-{facts['cores']}"


def runs(directory=RESULTS):
    """Every run in results/, oldest first; those of --quick are for trying and do not count."""
    found = [json.loads(path.read_text()) | {"stem": path.stem} for path in directory.glob("*.json")]
    for run in found:
        mark_ended(run)
    return sorted((run for run in found if not run["quick"]), key=lambda run: run["date"])


def mark_ended(run):
    """Of a run that was killed nobody was left to say how it ended."""
    for part in (run, *run["scenarios"]):
        if part["state"] == RUNNING:
            part["state"] = INTERRUPTED
            if part is not run:
                part.setdefault("why", "the run was killed, or the machine stopped")


def newest_scenarios(directory=RESULTS):
    """The newest result of each scenario that has figures: a complete one, or else the newest part of one. What was tried
    later and gave none is in its `later`; of a scenario that never had one there is the last attempt, without figures."""
    newest = {}
    for run in runs(directory):
        for scenario in run["scenarios"]:
            told = scenario | {"run": run["stem"], "run_date": run["date"]}
            known = newest.get(scenario["scenario"])
            if known and rank(scenario) < rank(known):
                known["later"] = attempt(told)
            else:
                newest[scenario["scenario"]] = told
    return newest


def rank(scenario):
    """Of no figures, of part of them, and of all."""
    return 0 if not scenario["figures"] else 2 if scenario["state"] == COMPLETE else 1


def attempt(scenario):
    given = "only a part of its figures" if scenario["figures"] else "no figure"
    return (f"A newer attempt ({scenario['run_date'][:10]}, commit {scenario['commit']}) gave {given}: {scenario['state']}, "
            f"{scenario.get('why', 'no reason is known')}.")
