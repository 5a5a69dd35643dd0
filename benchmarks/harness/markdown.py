"""Tables in Markdown and the plots, all made out of the JSON: one page a run, and results/README.md with the newest result of
each scenario."""

import re

from . import svg
from .machine import machine_line, versions_line
from .results import COMPLETE, RESULTS, newest_scenarios, runs
from .thresholds import thresholds, verdicts

PLOTS = "plots"


def write_run(results):
    """The page and the plots of one run, beside its JSON."""
    write_page(results.content, results.directory, results.path.stem)


def write_page(content, directory, stem):
    lines = [f"# Run of {content['date']}", "", f"`{content['command']}` at commit {content['commit']}: "
             f"{content['state']}{', --quick: to try the harness, not to be quoted' if content['quick'] else ''}"]
    if content["machine"].get("versions"):
        lines += ["", f"Versions: {versions_line(content['machine'])}."]
    for scenario in content["scenarios"]:
        lines += section(scenario, stem)
    (directory / f"{stem}.md").write_text("\n".join(lines) + "\n")
    write_plots(directory, content["scenarios"], stem)


def write_missing(directory=RESULTS):
    """Pages and plots that are not there, out of the JSON of their runs."""
    for run in runs(directory):
        if not (directory / f"{run['stem']}.md").exists():
            write_page(run, directory, run["stem"])
        write_plots(directory, run["scenarios"], run["stem"], is_new=False)


def write_all(directory=RESULTS):
    """results/README.md and the plots that it shows."""
    newest = newest_scenarios(directory)
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
    (directory / "README.md").write_text("\n".join(lines) + "\n")
    for name, scenario in newest.items():
        write_plots(directory, [scenario], scenario["run"])


def section(scenario, stem):
    lines = ["", f"## {scenario['scenario']}", "", f"`{scenario['command']}` at commit {scenario['commit']} ({stem})", "",
             machine_line(scenario["machine"])]
    remarks = []
    if scenario["state"] != COMPLETE:
        remarks.append(f"**{scenario['state']}**: {scenario.get('why', 'what was measured until then')}"
                       f"{'' if scenario['figures'] else ' (no figure)'}")
    if scenario.get("later"):
        remarks.append(f"**{scenario['later']}**")
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


def write_plots(directory, scenarios, stem, is_new=True):
    for scenario in scenarios:
        for index, plot in enumerate(scenario["plots"]):
            path = directory / PLOTS / plot_name(stem, scenario, index)
            if is_new or not path.exists():
                path.parent.mkdir(exist_ok=True)
                path.write_text(svg.DRAWERS[plot["kind"]](plot))
