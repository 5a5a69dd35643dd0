"""The goals of thresholds.json, and what the newest figures say of each."""

import json

from .results import COMPLETE
from .tools import BENCHMARKS

THRESHOLDS = BENCHMARKS / "thresholds.json"


def thresholds():
    """Name to {"at_most", "scenario", "goal"}."""
    return json.loads(THRESHOLDS.read_text())


def verdicts(newest):
    """For each goal ("met", "missed" or "not measured", what was found), by the newest result of its scenarios. It is
    missed when one figure misses it, and met when every scenario that it is about has been measured to its end and meets
    it."""
    found = {}
    for name, goal in thresholds().items():
        absent = [scenario for scenario in goal["scenario"] if scenario not in newest]
        worst, is_contended, beside = None, False, ""
        for scenario in (newest[one] for one in goal["scenario"] if one in newest):
            figures = [entry for entry in scenario["figures"] if entry.get("threshold") == name]
            values = [entry["value"] for entry in figures if entry.get("value") is not None]
            if scenario["state"] != COMPLETE:
                absent.append(f"{scenario['scenario']} ({scenario['state']})")
            elif len(values) < max(1, len(figures)):
                absent.append(scenario["scenario"])
            if values and (worst is None or max(values) > worst):
                worst, is_contended = max(values), scenario.get("contended", False)
                beside = remark_of(scenario, next(entry for entry in figures if entry.get("value") == worst))
        remarks = [remark for remark in (beside, "beside other work on the machine" if is_contended else "") if remark]
        text = "" if worst is None else f"{worst:g}" + (f" ({'; '.join(remarks)})" if remarks else "")
        if worst is not None and worst > goal["at_most"]:
            found[name] = ("missed", text)
        elif absent:
            found[name] = ("not measured", f"{text + '; ' if text else ''}no figure of {', '.join(absent)}")
        else:
            found[name] = ("met", text)
    return found


def remark_of(scenario, entry):
    """What is to be told beside a figure that is the end of an interval."""
    return f"{scenario['scenario']}: {entry['beside']}" if "beside" in entry else ""
