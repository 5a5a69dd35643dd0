"""checksum: the checksum of a page of a write-ahead log, ours with its bounds checks beside a plain C loop at -O2."""

import json
import subprocess

from .. import stats
from ..processes import BenchmarkError, die_with_parent
from ..tools import BENCHMARKS

ROUNDS, QUICK_ROUNDS = 15, 5


def run(bench, report):
    program = bench.tools.programs / "capture" / "follow"
    made = subprocess.run([str(BENCHMARKS / "capture" / "build"), str(program.parent)], capture_output=True, text=True)
    if made.returncode != 0:
        raise BenchmarkError(f"capture/build: exit {made.returncode} {made.stderr.strip()[-300:]}")
    done = subprocess.run([str(program), "checksum", str(QUICK_ROUNDS if bench.quick else ROUNDS)],
                          capture_output=True, text=True, preexec_fn=die_with_parent)
    if done.returncode != 0:
        raise BenchmarkError(f"checksum: exit {done.returncode} {done.stderr.strip()[-300:]}")
    rounds = [json.loads(line) for line in done.stdout.splitlines()]
    report.detail("rounds", rounds)
    report.figure("bytes", "4,096, one page; 200,000 times a round, in alternating order; both sums are equal")
    for name, key in (("Swift, bounds checked, ns", "swift"), ("C, clang -O2, ns", "c")):
        report.figure(name, stats.line(stats.summary([each[key] for each in rounds])))
    ratio = stats.summary([each["swift"] / each["c"] for each in rounds])
    report.figure("Swift / C", stats.line(ratio), ratio["median"], "checksum-of-c")
