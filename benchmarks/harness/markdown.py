"""Tables in Markdown and the plots: one page a run, and results/README.md with the newest result of each scenario."""

import re

from . import svg
from .machine import machine_line
from .results import COMPLETE, RESULTS, newest_scenarios
from .thresholds import thresholds, verdicts

PLOTS = "plots"


def write_run(results):
    """The page and the plots of one run, beside its JSON."""
    stem = results.path.stem
    content = results.content
    lines = [f"# Run of {content['date']}", "", f"`{content['command']}` at commit {content['commit']}: "
             f"{content['state']}{', --quick: to try the harness, not to be quoted' if content['quick'] else ''}"]
    for scenario in content["scenarios"]:
        lines += section(scenario, stem)
    (results.directory / f"{stem}.md").write_text("\n".join(lines) + "\n")
    write_plots(results.directory, content["scenarios"], stem)


def write_all():
    """results/README.md and the plots that it shows."""
    newest = newest_scenarios()
    lines = [
        "# Measured figures", "",
        "Written by `benchmarks/run`; the newest result of each scenario, with the command that reproduces it.",
        "Figures are `median [interval of the median] (spread)` where there are several runs; see ../README.md.",
        "", "## Goals", "", "| goal | at most | newest figure | |", "|---|---|---|---|",
    ]
    goals = thresholds()
    for name, (state, found) in verdicts(newest).items():
        shown = {"met": "met", "missed": "**not met**", "not measured": "not measured"}[state]
        lines.append(f"| {goals[name]['goal']} (`{name}`) | {goals[name]['at_most']:g} | {cell(found)} | {shown} |")
    for name in sorted(newest):
        lines += section(newest[name], newest[name]["run"])
    (RESULTS / "README.md").write_text("\n".join(lines) + "\n")
    for name, scenario in newest.items():
        write_plots(RESULTS, [scenario], scenario["run"])


def section(scenario, stem):
    lines = ["", f"## {scenario['scenario']}", "", f"`{scenario['command']}` at commit {scenario['commit']} ({stem})", "",
             machine_line(scenario["machine"])]
    remarks = []
    if scenario["state"] != COMPLETE:
        remarks.append(f"**{scenario['state']}**: {scenario.get('why', 'what was measured until then')}")
    if scenario.get("contended"):
        remarks.append(f"**Other work took {scenario['others_cores']:g} cores meanwhile.**")
    if scenario.get("cut_short"):
        remarks.append(f"Cut short, since its time was used up: {'; '.join(scenario['cut_short'])}.")
    for key in ("workload", "note"):
        if isinstance(scenario.get(key), str):
            remarks.append(scenario[key])
    if scenario.get("notes"):
        remarks.append(" ".join(scenario["notes"]))
    for remark in remarks:
        lines += ["", cell(remark)]
    if scenario["figures"]:
        lines += ["", "| figure | measured | goal | |", "|---|---|---|---|"]
    for entry in scenario["figures"]:
        goal = f"≤ {entry['limit']:g}" if "limit" in entry else ""
        met = {True: "met", False: "**not met**", None: ""}[entry.get("met")]
        lines.append(f"| {cell(entry['name'])} | {cell(entry['text'])} | {goal} | {met} |")
    for table in scenario["tables"]:
        lines += ["", f"{table['title']}:", "", f"| {' | '.join(table['columns'])} |", "|---" * len(table["columns"]) + "|"]
        lines += [f"| {' | '.join(cell(str(value)) for value in row)} |" for row in table["rows"]]
        if table.get("note"):
            lines += ["", cell(table["note"])]
    for index, plot in enumerate(scenario["plots"]):
        lines += ["", f"![{plot['title']}]({PLOTS}/{plot_name(stem, scenario, index)})"]
    return lines


def cell(text):
    """A line break or a bar would end the cell."""
    return " ".join(text.split()).replace("|", "\\|")


def plot_name(stem, scenario, index):
    return f"{stem}-{re.sub(r'[^a-z0-9]+', '-', scenario['scenario'])}-{index + 1}.svg"


def write_plots(directory, scenarios, stem):
    for scenario in scenarios:
        for index, plot in enumerate(scenario["plots"]):
            (directory / PLOTS).mkdir(exist_ok=True)
            (directory / PLOTS / plot_name(stem, scenario, index)).write_text(svg.DRAWERS[plot["kind"]](plot))
