"""trickle: what a quiet machine costs its disk. Ten events a second for ten minutes, bytes written by the day."""

import subprocess
import time

from ..processes import Recorder, running

RATE = 10
FILES = 50
DAY = 86_400


def run(bench, report):
    seconds = bench.options.seconds or (30 if bench.quick else 600)
    with bench.filesystem("watched", 256) as watched, bench.filesystem("store-disk", 8192) as disk:
        tree = watched.mount_point / "logs"
        store = disk.mount_point / "store"
        recorder = Recorder(bench.tools, store, [watched.mount_point])
        with running(recorder):
            # Making the store is not part of a day.
            time.sleep(3)
            flush(disk)
            before = (written(recorder), disk.written_byte_count(), recorder.cpu())
            report.detail("workload", f"{RATE} appends a second over {FILES} open files for {seconds:g} s")
            started = time.monotonic()
            bench.tools.workload("trickle", tree, RATE, seconds, FILES)
            elapsed = time.monotonic() - started
            flush(disk)
            after = (written(recorder), disk.written_byte_count(), recorder.cpu())
            counters = recorder.counters()
            recorder.stop()
    process, device = ((after[i] - before[i]) * DAY / elapsed / 2**30 for i in (0, 1))
    report.figure("events stored", f"{bench_count(counters)} in {elapsed:.0f} s")
    report.figure("written by varved (write_bytes of /proc/PID/io)", f"{process:.3f} GiB a day", process,
                  "trickle-gib-per-day")
    report.figure("written by the store's device, journal included", f"{device:.3f} GiB a day", device,
                  "trickle-gib-per-day")
    report.figure("CPU", f"{100 * (after[2] - before[2]) / elapsed:.2f} % of a core")


def bench_count(counters):
    return counters.get("events_committed", counters.get("records_read", "?"))


def flush(disk):
    subprocess.run(["sync", "-f", str(disk.mount_point)], check=True)


def written(recorder):
    with open(f"/proc/{recorder.pid}/io") as file:
        for line in file:
            if line.startswith("write_bytes:"):
                return int(line.split()[1])
    return 0
