"""trickle: what a quiet machine costs its disk. Ten events a second for ten minutes, bytes written by the day."""

import time

from ..processes import Recorder, running

RATE = 10
FILES = 50
DAY = 86_400


def run(bench, report):
    seconds = bench.options.seconds or bench.size(600, 120, 5)
    with bench.filesystem("watched", 256) as watched, bench.filesystem("store-disk", 8192) as disk:
        tree = watched.mount_point / "logs"
        store = disk.mount_point / "store"
        recorder = Recorder(bench.tools, store, [watched.mount_point])
        with running(recorder):
            # Making the store is not part of a day.
            time.sleep(3)
            disk.flush()
            before = (recorder.written_byte_count(), disk.written_byte_count(), recorder.cpu())
            report.detail("workload", f"{RATE} appends a second over {FILES} open files for {seconds:g} s")
            started = time.monotonic()
            bench.tools.workload("trickle", tree, RATE, seconds, FILES)
            elapsed = time.monotonic() - started
            disk.flush()
            after = (recorder.written_byte_count(), disk.written_byte_count(), recorder.cpu())
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
