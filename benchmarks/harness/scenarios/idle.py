"""idle: what a recorder costs when nothing happens: CPU, wake-ups, commits and bytes written, beside its peers."""

import time

from .. import stats
from ..peers import peer
from ..processes import BenchmarkError, Drain, Recorder, running

SECONDS = 60
WINDOWS = 6
# Of a peer, in half the time of one of varved.
PEER_WINDOWS = 5
PAGE = 4096


def run(bench, report):
    seconds = bench.options.seconds or (10 if bench.quick else SECONDS)
    report.detail("workload", f"nothing at all for {seconds:g} s, looked at in {WINDOWS} windows")
    rows = []
    with bench.filesystem("watched", 256) as watched, bench.filesystem("store-disk", 8192) as disk:
        recorder = Recorder(bench.tools, disk.mount_point / "store", [watched.mount_point])
        with running(recorder):
            group = recorder.group()
            # Making the store, and the commits after it, are not idleness.
            time.sleep(min(5, seconds))
            recorder.sync()
            disk.flush()
            commits = recorder.counters().get("commits")
            on_disk = disk.written_byte_count()
            windows = observe(bench, recorder, seconds)
            # Only now, since each request wakes it.
            after = recorder.counters().get("commits")
            disk.flush()
            device = disk.written_byte_count() - on_disk
            recorder.stop()
        rows.append(tell(report, windows, seconds, commits, after, device))
        drain = Drain(bench.tools, group)
        with running(drain):
            rows.append(row("loop", observe(bench, drain, seconds / WINDOWS / 2, PEER_WINDOWS)))
        for name in ("fatrace", "inotifywait", "auditd"):
            rows.append(beside(bench, name, watched, disk, seconds / WINDOWS / 2))
    report.table("Beside its peers", ["recorder", "CPU, % of a core", "wake-ups a second", "remarks"], rows,
                 "Medians (least-most, n windows). No ratios: who only waits in the kernel has nothing to divide by. The "
                 f"peers are watched for {seconds / WINDOWS / 2:.3g} s each.")


def beside(bench, name, watched, disk, seconds):
    found = peer(name)
    absent = found.missing()
    if absent:
        return [name, "", "", f"not measured: {absent}"]
    try:
        with found.listening(bench, watched.mount_point, watched.mount_point, disk.mount_point / name, ()) as listener:
            return row(name, observe(bench, listener, seconds, PEER_WINDOWS))
    except BenchmarkError as error:
        return [name, "", "", f"not measured: {error}"]


def observe(bench, child, seconds, windows=WINDOWS):
    """CPU percent, wake-ups a second and bytes written of each window. A wake-up is a voluntary switch away: each thread
    that went to sleep was woken once for it."""
    found = []
    for index in range(windows):
        bench.progress(index, windows)
        before = child.cpu(), sum(child.voluntary_switches().values()), child.written_byte_count()
        started = time.monotonic()
        time.sleep(seconds / windows)
        elapsed = time.monotonic() - started
        cpu, switches, written = child.cpu(), sum(child.voluntary_switches().values()), child.written_byte_count()
        found.append({"seconds": elapsed, "cpu": 100 * (cpu - before[0]) / elapsed,
                      "wakes": (switches - before[1]) / elapsed, "written": written - before[2]})
    return found


def row(name, windows):
    return [name, stats.cell([one["cpu"] for one in windows], 3), stats.cell([one["wakes"] for one in windows]), ""]


def tell(report, windows, seconds, commits_before, commits_after, device):
    report.detail("windows", windows)
    cpu = stats.summary([one["cpu"] for one in windows])
    wakes = stats.summary([one["wakes"] for one in windows])
    report.figure("CPU of varved, % of a core", stats.line(cpu), cpu["median"], "idle-cpu-percent")
    report.figure("wake-ups a second, all threads", stats.line(wakes), wakes["median"], "idle-wakeups-per-second")
    if commits_before is None or commits_after is None:
        report.not_measured("commits", "varve status tells no number of commits", "idle-commits")
    else:
        # The request for the counters may itself end an interval, but commits nothing when there is nothing.
        made = commits_after - commits_before
        report.figure("commits", f"{made:g} in {seconds:g} s", made, "idle-commits")
    pages = sum(one["written"] for one in windows) / PAGE / (seconds / 5)
    report.figure("pages written by varved in 5 s (write_bytes of /proc/PID/io)", f"{pages:.2f}", pages,
                  "idle-pages-per-5s")
    report.figure("written by the store's device, journal included", f"{device / 1024:.0f} KiB in {seconds:g} s")
    return row("varved", windows)
