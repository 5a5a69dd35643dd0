"""segments: what the commits of a database take in a segment and how fast they are written and played, beside LZ4 per page
and zstd per commit without the versions that the pages had before."""

import json
import subprocess

from .. import stats
from ..processes import BenchmarkError, die_with_parent

SEED = 7
# Kind of workload, as the program names it: what it is, its commits (long and full, quick), and the goal.
WORKLOADS = {
    "log": ("event log with three indices, 200 rows a commit", 240, 20, "segments-log"),
    "rows": ("one to three rows updated a commit", 6_000, 300, "segments-rows"),
    "chat": ("chat message with FTS5 a commit", 6_000, 300, "segments-chat"),
}
# Of the blocks of a segment: what the recorder writes.
BLOCK_KIB = 128
ROUNDS = 5
SEGMENT, ZSTD, LZ4 = f"segment, blocks of {BLOCK_KIB} KiB", "zstd-3 a commit, no prefix", "LZ4 a page"


def run(bench, report):
    report.detail("seed", SEED)
    rounds = {kind: [] for kind in WORKLOADS}
    try:
        for number in bench.rounds(bench.pairs(ROUNDS, 1)):
            for kind, (_, count, quick_count, _) in WORKLOADS.items():
                rounds[kind].append(one(bench, kind, quick_count if bench.quick else count, number))
    finally:
        for kind, (description, _, _, limit) in WORKLOADS.items():
            if rounds[kind]:
                tell(report, f"{kind}: {description}", limit, rounds[kind])


def one(bench, kind, count, number):
    """Each method's measurement by its name, and what was written, of the same commits in every round."""
    place = bench.directory / f"{kind}-{number}"
    done = subprocess.run([str(bench.tools.built("segment-benchmark")), kind, str(count), str(SEED), str(place)],
                          capture_output=True, text=True, preexec_fn=die_with_parent)
    if done.returncode != 0:
        raise BenchmarkError(f"segment-benchmark: exit {done.returncode} {done.stderr.strip()[-300:]}")
    written, *measured = map(json.loads, done.stdout.splitlines())
    found = {entry["method"]: entry for entry in measured}
    found[LZ4] = bench.tools.workload("lz4pages", place / "main.db-wal", 3)
    bench.remove(place)
    if found[LZ4]["pages"] != written["pages"]:
        raise BenchmarkError(f"{found[LZ4]['pages']} frames in the log, {written['pages']} pages in the commits")
    return {"written": written, "found": found}


def tell(report, title, limit, rounds):
    report.detail(f"rounds, {title}", rounds)
    written = rounds[0]["written"]
    rows = []
    for method in (SEGMENT, ZSTD, LZ4):
        entries = [each["found"][method] for each in rounds]
        byte_count = entries[0]["bytes"]
        played = [entry["play_mb_s"] for entry in entries if "play_mb_s" in entry]
        rows.append([method, f"{byte_count / written['commits']:.0f} B", f"{written['wal_bytes'] / byte_count:.1f}",
                     stats.cell([entry["encode_mb_s"] for entry in entries], 0), stats.cell(played, 0) or "–"])
    report.table(f"{title} ({written['commits']} commits, {written['wal_bytes'] / 2**20:.0f} MiB of log)",
                 ["method", "bytes a commit", "log / stored", "written, MB/s", "played, MB/s"], rows,
                 "MB/s: median (least-most, n rounds). The bytes are the same in every round. LZ4's pages are not played.")
    report.bars(f"{title}: bytes a commit", [
        (method, stats.summary([rounds[0]["found"][method]["bytes"] / written["commits"]]))
        for method in (SEGMENT, ZSTD, LZ4)])
    stored = rounds[0]["found"][SEGMENT]["bytes"]
    report.figure(f"{title}: stored / bytes of the log", f"{stored} B / {written['wal_bytes']} B",
                  stored / written["wal_bytes"], limit)
