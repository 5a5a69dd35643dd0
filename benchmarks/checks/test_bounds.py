"""How a run ends in time, and what a full disk, a single core and a missing baseline do to it."""

import argparse
import errno
import io
import json
import os
import shutil
import subprocess
import tempfile
import time
import unittest
from contextlib import ExitStack, redirect_stderr, redirect_stdout
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path
from unittest import mock

from harness import markdown, results
from harness.bench import Bench
from harness.catalogue import FULL_SECONDS, QUICK_SECONDS, SCENARIOS
from harness.command import Run as Command
from harness.command import described, reason
from harness.kernel import loop_filesystem, memory_filesystem
from harness.loaded import load
from harness.processes import BenchmarkError
from harness.report import Report
from harness.terminal import Terminal
from harness.thresholds import thresholds
from harness.tools import Tools
from harness.workloads import workloads


class Time(unittest.TestCase):
    """Of a run of all."""

    def bench(self, seconds):
        with redirect_stdout(io.StringIO()):
            return Bench(None, argparse.Namespace(quick=False, long=False, pairs=None), "/nowhere", Terminal(1), seconds)

    def test_the_shares_end_in_time(self):
        self.assertLessEqual(sum(one.full for one in SCENARIOS.values()), FULL_SECONDS)
        self.assertLessEqual(sum(one.quick or 0 for one in SCENARIOS.values()), QUICK_SECONDS)
        self.assertLess(FULL_SECONDS, 40 * 60)
        self.assertLess(QUICK_SECONDS, 3 * 60)

    def test_each_workload_is_a_scenario_with_the_goals_of_all(self):
        names = set(workloads(True))
        self.assertLessEqual(names, set(SCENARIOS))
        for goal in ("lost", "slowdown-lower-end"):
            self.assertLessEqual(names, set(thresholds()[goal]["scenario"]))

    def test_rounds_that_would_not_end_in_time_are_left_out_and_said(self):
        bench = self.bench(0.2)
        with redirect_stdout(io.StringIO()):
            done = [time.sleep(0.05) for _ in bench.rounds(100, fewest=2)]
        self.assertTrue(2 <= len(done) <= 4)
        self.assertEqual(bench.cut_short, [f"{len(done)} of 100 rounds"])

    def test_the_fewest_rounds_are_made_when_it_is_late_but_not_when_it_is_far_too_late(self):
        bench = self.bench(1)
        bench.started -= 1.01
        bench.deadline -= 1.01
        with redirect_stdout(io.StringIO()):
            self.assertEqual(list(bench.rounds(9, fewest=3)), [0, 1, 2])
            bench.started -= 1
            bench.deadline -= 1
            self.assertEqual(list(bench.rounds(9, fewest=3)), [0])

    def test_without_a_limit_all_are_made(self):
        bench = self.bench(None)
        self.assertEqual(list(bench.rounds(4)), [0, 1, 2, 3])
        self.assertEqual(bench.cut_short, [])


class PeersThatAreNotThere(unittest.TestCase):
    def test_each_fails_by_itself_and_says_why(self):
        with tempfile.TemporaryDirectory() as place, mock.patch.dict(os.environ, PATH=place):
            tools = Tools(place, "/nowhere/varved", "/nowhere/varve")
            told = load(tools, "/nowhere/store", Path(place) / "peers", may_install=False)
        self.assertEqual(told["bytes"], {})
        self.assertEqual(set(told["failed"]), {"duckdb", "parquet", "sqlite", "chdb", "grep"})
        self.assertIn("zstd is not installed", told["failed"]["grep"])
        self.assertIn("downloads nothing", told["failed"]["sqlite"])


class FullDisk(unittest.TestCase):
    """A filesystem of a few MiB, as root; and what is said of errors that it makes."""

    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.place = Path(directory.name)

    def full(self):
        """With loop images that can be made on it and cannot grow."""
        if os.geteuid() != 0:
            self.skipTest("mounting needs root")
        stack = ExitStack()
        self.addCleanup(stack.close)
        return stack.enter_context(memory_filesystem(self.place, "full", 24))

    def test_what_a_loop_image_cannot_grow_by_is_said_to_be_a_full_disk(self):
        work = self.full()
        try:
            with loop_filesystem(work, "watched", 512) as watched:
                with open(watched.mount_point / "large", "wb") as file:
                    for _ in range(64):
                        file.write(bytes(1 << 20))
                    file.flush()
                    os.fsync(file.fileno())
            self.fail("64 MiB were written to a disk of 24")
        except (OSError, subprocess.CalledProcessError) as error:
            self.assertIn("full disk" if "Input/output" in described(error) else "disk is full", reason(error, work))
        self.assertFalse(os.path.ismount(work / "watched"))

    def test_results_that_cannot_be_written_end_nothing_and_are_tried_again(self):
        work = self.full()
        run_results = results.RunResults(work, "benchmarks/run", True, work / "results")
        (work / "filler").write_bytes(bytes((24 << 20) - (1 << 16)))
        run_results.add({"scenario": "files", "state": results.RUNNING, "text": "x" * (1 << 18)})
        self.assertEqual(run_results.write_error.errno, errno.ENOSPC)
        (work / "filler").unlink()
        run_results.finish(results.COMPLETE)
        self.assertIsNone(run_results.write_error)
        self.assertEqual(json.loads(run_results.path.read_text())["state"], results.COMPLETE)

    def test_a_scenario_for_which_there_is_no_room_is_not_begun_and_says_why(self):
        work = self.full()
        options = argparse.Namespace(quick=False, long=False, pairs=None, ops=None, seconds=None, events=None, peers=None,
                                     compile_target="Syscalls", scenarios=["size"], results=self.place / "results")
        with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
            run = Command(options, Tools(work, "/nowhere/varved", "/nowhere/varve"))
            run.perform()
        told = json.loads(run.results.path.read_text())["scenarios"][0]
        self.assertEqual((told["state"], told["figures"]), ("not begun", []))
        self.assertIn("GiB are free", told["why"])
        self.assertTrue(run.has_failed)

    def test_errors_of_programs_are_named_too(self):
        error = subprocess.CalledProcessError(1, ["cp"], stderr=b"cp: error writing 'x': No space left on device")
        self.assertIn("the disk is full", reason(error, self.place))
        self.assertIn("full disk", reason(OSError(errno.EIO, "Input/output error"), self.place))
        self.assertNotIn("full", reason(BenchmarkError("something else"), self.place))


class NothingToCompare(unittest.TestCase):
    """Of checks whose thresholds or baselines are those of another machine."""

    def test_counts_without_a_baseline_are_no_pass(self):
        path = str(Path(__file__).resolve().parent.parent / "count-instructions")
        counting = module_from_spec(spec_from_loader("counting", SourceFileLoader("counting", path)))
        counting.__loader__.exec_module(counting)
        with redirect_stderr(io.StringIO()) as said:
            self.assertFalse(counting.all_compared("a toolchain", {"parse": 1}, {"parse": 1, "resolve": 2}))
            self.assertTrue(counting.all_compared("a toolchain", {"parse": 1}, {"parse": 1}))
        self.assertIn("nothing is compared for resolve", said.getvalue())
        self.assertNotIn(counting.NOTHING_COMPARED, (0, 1, 2))

    def test_times_without_thresholds_are_no_pass(self):
        with tempfile.TemporaryDirectory() as place:
            micro = Path(place) / "run"
            shutil.copy(Path(__file__).resolve().parent.parent / "micro" / "run", micro)
            done = subprocess.run([micro, "check"], capture_output=True, text=True)
        self.assertEqual(done.returncode, 3)
        self.assertIn("nothing is checked", done.stderr)


class OneCore(unittest.TestCase):
    """As under `taskset -c 0`."""

    def setUp(self):
        cores = os.sched_getaffinity(0)
        self.addCleanup(os.sched_setaffinity, 0, cores)
        os.sched_setaffinity(0, {min(cores)})
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.directory = Path(directory.name)

    def test_it_is_said(self):
        with redirect_stdout(io.StringIO()):
            run_results = results.RunResults(self.directory, "benchmarks/run", True, self.directory)
            report = Report("files", "benchmarks/run files", self.directory, run_results, Terminal(1))
            report.finish(results.COMPLETE)
        markdown.write_run(run_results)
        self.assertIn("One core:", run_results.path.with_suffix(".md").read_text())
        self.assertIn("1 core,", run_results.path.with_suffix(".md").read_text())

    def test_workloads_of_several_writers_end_with_their_truth(self):
        if not shutil.which("gcc"):
            self.skipTest("gcc is not installed")
        tools = Tools(self.directory, "/nowhere/varved", "/nowhere/varve")
        made = workloads(True)["appends-4"]
        made.prepare(tools, self.directory / "tree")
        done = made.run(tools, self.directory / "tree", seed=1)
        self.assertEqual(done.truth.made()["modify"], 10_000)
        self.assertEqual(done.truth.made()["close_write"], 16)
