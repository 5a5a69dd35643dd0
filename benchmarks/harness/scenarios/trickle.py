"""trickle: what a quiet machine costs its disk. Ten events a second, bytes written by the day."""

import subprocess
import time
from contextlib import contextmanager

from .. import stats
from ..processes import BenchmarkError, Recorder, die_with_parent, running

RATE = 10
FILES = 50
DAY = 86_400
PIECES = 5


def run(bench, report):
    seconds = bench.options.seconds or bench.size(600, 90, 5)
    pieces = 1 if bench.quick else PIECES
    report.detail("workload", f"{RATE} appends a second over {FILES} open files for {seconds:g} s, looked at in {pieces} "
                  "pieces")
    found = []
    with bench.filesystem("watched", 256) as watched, bench.filesystem("store-disk", 8192) as disk:
        tree = watched.mount_point / "logs"
        recorder = Recorder(bench.tools, disk.mount_point / "store", [watched.mount_point])
        with running(recorder):
            # Making the store is not part of a day.
            time.sleep(3)
            disk.flush()
            with writing(bench, tree, seconds):
                for index in range(pieces):
                    bench.progress(index, pieces)
                    found.append(piece(recorder, disk, seconds / pieces, index + 1 == pieces))
            counters = recorder.counters()
            recorder.stop()
    report.detail("pieces", found)
    report.figure("events stored", f"{bench_count(counters)} in {sum(one['seconds'] for one in found):.0f} s")
    report.note("Of the recorders beside varved only auditd writes to a disk by itself, a text a call; what that makes of a "
                "stored byte stands in the tables of the workloads.")
    by_day = {key: [one[key] * DAY / one["seconds"] / 2**30 for one in found] for key in ("process", "device")}
    for key, title in (("process", "written by varved (write_bytes of /proc/PID/io)"),
                       ("device", "written by the store's device, journal included")):
        whole = sum(one[key] for one in found) * DAY / sum(one["seconds"] for one in found) / 2**30
        report.figure(title, f"{whole:.3f} GiB a day; by piece {stats.cell(by_day[key], 3)}", whole, "trickle-gib-per-day")
    report.figure("CPU, % of a core", stats.line(stats.summary([100 * one["cpu"] / one["seconds"] for one in found])))
    report.bars("Written at ten events a second, GiB a day", [
        ("varved", stats.summary(by_day["process"])), ("its device", stats.summary(by_day["device"]))])


@contextmanager
def writing(bench, tree, seconds):
    """The workload, beside what is in the block, and some time longer than it is looked at."""
    command = [bench.tools.program("trickle"), tree, RATE, seconds + 30, FILES]
    process = subprocess.Popen([str(part) for part in command], stdout=subprocess.DEVNULL, preexec_fn=die_with_parent)
    try:
        # Its opening of the files is no part of it.
        time.sleep(2)
        yield
        if process.poll() is not None:
            raise BenchmarkError(f"trickle ended with {process.returncode} before its time")
    finally:
        process.kill()
        process.wait()


def piece(recorder, disk, seconds, is_last):
    """What so many seconds of the workload cost. The disk is flushed at the very end alone: it would be written to for it."""
    before = (recorder.written_byte_count(), disk.written_byte_count(), recorder.cpu())
    started = time.monotonic()
    time.sleep(seconds)
    if is_last:
        disk.flush()
    elapsed = time.monotonic() - started
    after = (recorder.written_byte_count(), disk.written_byte_count(), recorder.cpu())
    process, device, cpu = (late - early for early, late in zip(before, after))
    return {"seconds": elapsed, "process": process, "device": device, "cpu": cpu}


def bench_count(counters):
    return counters.get("events_committed", counters.get("records_read", "?"))
