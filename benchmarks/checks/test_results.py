"""What stays of a run that ends early, and what the newest results are."""

import io
import json
import tempfile
import unittest
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from xml.dom import minidom

from harness import markdown, results, svg
from harness.machine import machine
from harness.peers.base import Run
from harness.report import Report
from harness.scenarios import growth, sidebyside
from harness.terminal import Terminal
from harness.thresholds import verdicts
from harness.truth import Score


class NewestResults(unittest.TestCase):
    """What results/README.md shows of several runs."""

    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.directory = Path(directory.name)

    def write(self, day, state, figures=(), **more):
        scenario = {"scenario": "files", "state": state, "command": "benchmarks/run files", "commit": f"c{day}", "plots": [],
                    "machine": machine(self.directory), "figures": list(figures), "tables": []} | more
        (self.directory / f"run-{day}.json").write_text(json.dumps(
            {"date": f"2026-01-0{day}T00:00:00Z", "command": "benchmarks/run", "commit": f"c{day}", "quick": False,
             "machine": scenario["machine"], "state": state, "scenarios": [scenario]}))

    def newest(self):
        return results.newest_scenarios(self.directory)["files"]

    FIGURE = {"name": "wall time", "text": "1.02", "value": 1.02}

    def test_a_later_attempt_without_a_figure_is_said_beside_the_older_result(self):
        self.write(1, results.COMPLETE, [self.FIGURE])
        self.write(2, results.FAILED, why="the disk is full")
        self.assertEqual(self.newest()["run"], "run-1")
        markdown.write_all(self.directory)
        self.assertIn("A newer attempt (2026-01-02, commit c2) gave no figure: failed, the disk is full.",
                      (self.directory / "README.md").read_text())

    def test_a_newer_result_stands_for_itself(self):
        self.write(1, results.COMPLETE, [self.FIGURE])
        self.write(2, results.FAILED, why="the disk is full")
        self.write(3, results.COMPLETE, [self.FIGURE])
        self.assertEqual((self.newest()["run"], self.newest().get("later")), ("run-3", None))

    def test_a_scenario_that_never_gave_a_figure_is_shown_with_the_reason(self):
        self.write(1, results.FAILED, why="no loop device")
        markdown.write_all(self.directory)
        self.assertIn("**failed**: no loop device (no figure)", (self.directory / "README.md").read_text())

    def test_a_killed_run_is_an_interrupted_one(self):
        self.write(1, results.RUNNING, [self.FIGURE])
        self.assertEqual(self.newest()["state"], results.INTERRUPTED)

    def test_missing_pages_and_plots_are_drawn_again(self):
        plot = {"kind": "bars", "title": "t", "bars": [{"label": "varved", "median": 1, "least": 1, "most": 2}]}
        self.write(1, results.COMPLETE, [self.FIGURE], plots=[plot])
        markdown.write_missing(self.directory)
        self.assertIn("wall time", (self.directory / "run-1.md").read_text())
        minidom.parseString((self.directory / "plots" / "run-1-files-1.svg").read_text())

    def test_the_median_stands_beside_the_verdict_on_the_end_of_an_interval(self):
        figure = {"threshold": "slowdown-lower-end", "value": 0.9, "beside": "median 1.2, n 5"}
        newest = {"files": {"scenario": "files", "state": results.COMPLETE, "figures": [figure]}}
        self.assertIn("0.9 (files: median 1.2, n 5)", verdicts(newest)["slowdown-lower-end"][1])


class WhatStays(unittest.TestCase):
    """Of a run that ends early."""

    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.directory = Path(directory.name)
        self.run_results = results.RunResults(self.directory, "benchmarks/run", True, self.directory / "results")

    def report(self, name):
        with redirect_stdout(io.StringIO()):
            return Report(name, f"benchmarks/run {name}", self.directory, self.run_results, Terminal(1))

    def written(self):
        return json.loads(self.run_results.path.read_text())

    def test_figures_are_on_disk_before_the_run_ends(self):
        report = self.report("files")
        with redirect_stdout(io.StringIO()):
            report.figure("wall time", "1.02", 1.02)
        self.assertEqual(self.written()["scenarios"][0]["figures"][0]["value"], 1.02)
        self.assertEqual(self.written()["state"], results.RUNNING)

    def test_an_interrupted_scenario_is_marked_with_its_figures(self):
        report = self.report("files")
        with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
            report.figure("wall time", "1.02", 1.02)
            report.finish(results.INTERRUPTED, "interrupted by signal 2")
        self.run_results.finish(results.INTERRUPTED)
        markdown.write_run(self.run_results)
        self.assertIn("**interrupted**: interrupted by signal 2", self.run_results.path.with_suffix(".md").read_text())

    def test_no_goal_is_met_by_part_of_a_scenario(self):
        figure = {"threshold": "trickle-gib-per-day", "value": 0.5}
        for state, expected in ((results.COMPLETE, "met"), (results.INTERRUPTED, "not measured")):
            newest = {"trickle": {"scenario": "trickle", "state": state, "figures": [figure]}}
            self.assertEqual(verdicts(newest)["trickle-gib-per-day"][0], expected)
        newest["trickle"]["figures"] = [figure | {"value": 2.0}]
        self.assertEqual(verdicts(newest)["trickle-gib-per-day"][0], "missed")

    def test_a_peer_that_refuses_is_a_row_and_a_figure(self):
        report = self.report("files")
        run = {"run": Run(), "seconds": 1.0, "workload_cpu": 1.0, "made": 10, "user": 0.5, "system": 0.5, "records": 10,
               "rss_kib": 1024, "output_bytes": 100, "written": 4096, "unseen": [], "score": Score(10, 10, 0, 0, 0)}
        one = {"none": run | {"user": 0.0, "system": 0.0, "score": None}, "varved": run, "loop": run | {"score": None}}
        with redirect_stdout(io.StringIO()):
            sidebyside.tell(report, [one], {"fatrace": "fatrace ended with 3: no"})
        texts = {entry["name"]: entry["text"] for entry in report.content["figures"]}
        self.assertEqual(texts["CPU of varved / fatrace"], "not measured: fatrace ended with 3: no")
        self.assertIn("not measured: fatrace ended with 3: no", report.content["tables"][0]["rows"][-1])

    def test_a_peer_that_tells_of_nothing_says_why(self):
        run = {"run": Run(), "seconds": 1.0, "workload_cpu": 1.0, "made": 10, "user": 0.5, "system": 0.5, "records": 0,
               "rss_kib": 1024, "output_bytes": 0, "written": 0, "unseen": [], "score": Score(10, 10, 10, 0, 0)}
        cells = sidebyside.row("bpftrace", [{"none": run, "loop": run, "bpftrace": run}])
        self.assertIn("told of none of these operations: it sees calls by absolute path", cells[-1])

    def test_growth_tells_the_points_that_it_has(self):
        report = self.report("growth")
        points = [{"events": 100_000, "cpu": 2.0, "bytes_varve": 2.5, "count_varve": 1.5},
                  {"events": 1_000_000, "bytes_varve": 2.25, "count_varve": 2.5, "count_duckdb": 5.0,
                   "failed": {"chdb": "it is not there"}}]
        with redirect_stdout(io.StringIO()):
            growth.tell(report, points)
        # Without a figure the newest result of a scenario is not shown.
        self.assertIn("count in a time range, ms, at 1,000,000 events",
                      {entry["name"] for entry in report.content["figures"]})
        rows = {row[0]: row[1:] for table in report.content["tables"] for row in table["rows"]}
        self.assertEqual(rows["CPU of varved an event, µs"], ["2", "not measured"])
        self.assertEqual(rows["DuckDB table"], ["not measured", "not measured"])
        notes = " ".join(table.get("note") or "" for table in report.content["tables"])
        self.assertIn("chDB not measured at 1,000,000: it is not there", notes)
        count = next(plot for plot in report.content["plots"] if plot["title"].startswith("Count"))
        self.assertEqual([(one["label"], one["points"]) for one in count["series"]],
                         [("varve", [[100_000, 1.5], [1_000_000, 2.5]]), ("DuckDB table", [[1_000_000, 5.0]])])
        for plot in report.content["plots"]:
            minidom.parseString(svg.DRAWERS[plot["kind"]](plot))
