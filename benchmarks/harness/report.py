"""Results: one small JSON file a scenario, and one Markdown table of all of them."""

import json

from .machine import commit, machine, machine_line
from .tools import BENCHMARKS, REPOSITORY

RESULTS = BENCHMARKS / "results"
THRESHOLDS = BENCHMARKS / "thresholds.json"


class Report:
    """Collects the figures of one scenario; a figure is a name, a value as text, and what it had to reach."""

    def __init__(self, scenario, command, work):
        self.limits = json.loads(THRESHOLDS.read_text())
        self.content = {
            "scenario": scenario,
            "command": command,
            "commit": commit(REPOSITORY),
            "machine": machine(work),
            "figures": [],
        }

    def figure(self, name, text, value=None, limit=None, digits=4):
        """`limit` names an entry of thresholds.json; the verdict compares `value` with it (at most)."""
        entry = {"name": name, "text": text}
        if value is not None:
            entry["value"] = round(value, digits)
        if limit is not None:
            entry["limit"] = self.limits[limit]
            entry["met"] = None if value is None else value <= self.limits[limit]
        self.content["figures"].append(entry)
        print(f"  {name}: {text}{verdict(entry)}", flush=True)

    def not_measured(self, name, why, limit=None):
        self.figure(name, f"not measured: {why}", None, limit)

    def detail(self, key, value):
        self.content[key] = value

    def write(self):
        RESULTS.mkdir(exist_ok=True)
        path = RESULTS / f"{self.content['scenario']}.json"
        path.write_text(json.dumps(self.content, indent=1) + "\n")
        write_table()
        print(f"  machine: {machine_line(self.content['machine'])}")
        print(f"  command: {self.content['command']}  (commit {self.content['commit']})")
        print(f"  written: {path.relative_to(REPOSITORY)}", flush=True)


def verdict(entry):
    if "limit" not in entry:
        return ""
    if entry["met"] is None:
        return f"  (goal: at most {entry['limit']:g})"
    return f"  (goal: at most {entry['limit']:g}, {'met' if entry['met'] else 'NOT met'})"


def write_table():
    """results/README.md from every results/*.json."""
    lines = [
        "# Measured figures",
        "",
        "Written by `benchmarks/run`; one section a scenario, each with the command that reproduces it.",
        "Figures are `median [interval of the median] (spread)` where there are several runs; see ../README.md.",
    ]
    for path in sorted(RESULTS.glob("*.json")):
        content = json.loads(path.read_text())
        lines += [
            "",
            f"## {content['scenario']}",
            "",
            f"`{content['command']}` at commit {content['commit']}",
            "",
            machine_line(content["machine"]),
            "",
            "| figure | measured | goal | |",
            "|---|---|---|---|",
        ]
        for entry in content["figures"]:
            goal = f"≤ {entry['limit']:g}" if "limit" in entry else ""
            met = {True: "met", False: "**not met**", None: ""}[entry.get("met")]
            lines.append(f"| {entry['name']} | {entry['text']} | {goal} | {met} |")
    (RESULTS / "README.md").write_text("\n".join(lines) + "\n")
