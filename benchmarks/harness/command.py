"""The scenarios of one command, one after the other, into one document, whatever each of them meets."""

import errno
import shlex
import shutil
import sqlite3
import subprocess
import time
import traceback

from . import markdown, results
from .bench import Bench
from .catalogue import FULL_SECONDS, QUICK_SECONDS, SCENARIOS
from .processes import BenchmarkError
from .report import Report
from .rundirectory import run_directory
from .terminal import Terminal

# A scenario begins while so much of its share is left.
FEWEST_SHARE = 0.6
# What a --long run of a scenario takes of the disk, in that of a full one; and a quick one.
LONG_TIMES, QUICK_PART = 4, 0.25
FULL_DISK = ("no space left on device", "database or disk is full")
FAILED_DISK = ("input/output error", "disk i/o error")


def given_options(options):
    """What changes the figures; where things lie does not."""
    given = []
    for key in ("pairs", "ops", "seconds", "events"):
        value = getattr(options, key)
        if value is not None:
            given += [f"--{key}", f"{value:g}" if isinstance(value, float) else str(value)]
    if options.compile_target != "Syscalls":
        given += ["--compile-target", options.compile_target]
    if options.peers is not None:
        given += ["--peers", ",".join(options.peers)]
    return given + (["--quick"] if options.quick else []) + (["--long"] if options.long else [])


class Run:
    """The scenarios of one command, one after the other, into one document."""

    def __init__(self, options, tools):
        self.options = options
        self.tools = tools
        self.is_whole = "all" in options.scenarios
        self.names = list(SCENARIOS) if self.is_whole else list(dict.fromkeys(options.scenarios))
        self.terminal = Terminal(len(self.names))
        self.results = results.RunResults(tools.work, self.command(options.scenarios), options.quick, options.results)
        limit = QUICK_SECONDS if options.quick else FULL_SECONDS
        self.deadline = time.monotonic() + limit if self.is_whole and not options.long else None
        self.has_failed = False

    def command(self, names):
        return shlex.join(["benchmarks/run", *([] if names == ["all"] else names), *given_options(self.options)])

    def perform(self):
        state = results.INTERRUPTED
        try:
            for name in self.names:
                self.measure(name)
            state = results.COMPLETE
        except KeyboardInterrupt as interrupt:
            begun = {scenario["scenario"] for scenario in self.results.content["scenarios"]}
            for name in self.names:
                if name not in begun:
                    self.skip(name, f"the run was interrupted {interrupt} before")
            raise
        finally:
            self.results.finish(state)
            self.write_pages()

    def measure(self, name):
        seconds = self.share(name)
        if self.is_whole and self.options.quick and seconds is None:
            self.skip(name, "takes too long for --quick; name it to run it all the same")
            return
        left = self.deadline - time.monotonic() if self.deadline else None
        if left is not None and left < FEWEST_SHARE * self.planned(name):
            self.skip(name, f"the time of this run was used up: {max(0, left):.0f} s are left, it takes some "
                      f"{self.planned(name)} s")
            return
        lacking = lacking_space(name, self.options, self.tools.work)
        if lacking:
            self.has_failed = True
            self.skip(name, lacking)
            return
        self.terminal.begin(name)
        report = Report(name, self.command([name]), self.tools.work, self.results, self.terminal)
        try:
            with run_directory(self.tools.work, name) as directory:
                bench = Bench(self.tools, self.options, directory, self.terminal, seconds)
                report.detail("cut_short", bench.cut_short)
                bench.tell_watched = report.watched
                SCENARIOS[name].run(bench, report)
            report.finish(results.COMPLETE)
        except KeyboardInterrupt as interrupt:
            report.finish(results.INTERRUPTED, f"interrupted {interrupt}")
            raise
        except Exception as error:  # noqa: BLE001 a scenario that fails, however it does, must not end the others
            self.has_failed = True
            report.finish(results.FAILED, reason(error, self.tools.work))
            if not isinstance(error, (BenchmarkError, OSError, sqlite3.Error, subprocess.SubprocessError)):
                traceback.print_exc()

    def share(self, name):
        """Seconds of a scenario, None for as long as it takes. In a run of all, less where what is left for it and those
        behind it does not suffice: each is to have a part of it, and the last ones not to be left out for the first."""
        share = self.planned(name)
        if self.options.long or (self.options.pairs and not self.is_whole):
            # So many rounds were asked for, however long they take.
            return None
        if share is None or not self.deadline:
            return share
        behind = sum(self.planned(each) or 0 for each in self.names[self.names.index(name):])
        return share * min(1, max(0, self.deadline - time.monotonic()) / behind)

    def planned(self, name):
        return SCENARIOS[name].quick if self.options.quick else SCENARIOS[name].full

    def skip(self, name, why):
        self.terminal.scenario_index += 1
        Report(name, self.command([name]), self.tools.work, self.results, self.terminal).finish("not begun", why)

    def write_pages(self):
        try:
            markdown.write_run(self.results)
            if self.results.directory == results.RESULTS and not self.options.quick:
                markdown.write_all()
        except OSError as error:
            self.results.write_error = error
        if self.results.write_error:
            self.has_failed = True
            self.terminal.complain(f"benchmarks: the results could not be written: {self.results.write_error}")
        else:
            self.terminal.say(f"written: {self.results.path.with_suffix('')}.json and .md")


def lacking_space(name, options, work):
    """Why a scenario cannot begin on so full a disk, or None. Loop images are sparse: what they cannot grow by becomes an
    error of whatever writes into them, in the middle of the measuring."""
    wanted = SCENARIOS[name].gibibytes * (LONG_TIMES if options.long else QUICK_PART if options.quick else 1)
    free = shutil.disk_usage(work).free / 2**30
    if free >= wanted:
        return None
    return f"it takes some {wanted:.2g} GiB of {work}, where {free:.2g} GiB are free (--work names another place)"


def reason(error, work):
    """What a person can do something about. A full disk is said as such, whoever met it: also below a loop image, where it
    shows as an error of reading and writing."""
    text = described(error)
    code = error.errno if isinstance(error, OSError) else None
    free = f"{shutil.disk_usage(work).free / 2**20:.0f} MiB are free in {work}"
    if code == errno.ENOSPC or any(words in text.lower() for words in FULL_DISK):
        return f"the disk is full, or the filesystem of its own ({free}): {text}"
    if code == errno.EIO or any(words in text.lower() for words in FAILED_DISK):
        return f"reading or writing failed, as it does in a loop image that cannot grow on a full disk ({free}): {text}"
    return text


def described(error):
    if isinstance(error, subprocess.CalledProcessError):
        said = (error.stderr or error.stdout or b"")
        said = said.decode(errors="replace") if isinstance(said, bytes) else said
        program = error.cmd[0] if isinstance(error.cmd, list) else error.cmd
        return f"{program}: exit {error.returncode} {said.strip()[-300:]}"
    return str(error) if isinstance(error, BenchmarkError) else f"{type(error).__name__}: {error}"
