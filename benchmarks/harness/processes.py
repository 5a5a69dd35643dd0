"""The two programs under comparison: varved and the bare C loop. Each is ended by its process id, also on failure."""

import ctypes
import json
import os
import re
import signal
import subprocess
import tempfile
import time
from contextlib import contextmanager, suppress
from pathlib import Path

READY_SECONDS = 30
PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True)


class BenchmarkError(Exception):
    """Something a scenario needs did not happen; the message says what."""


def die_with_parent():
    """Run in the child: a harness that is killed leaves no process behind."""
    _libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def cpu_seconds(pid):
    """User + system time of all threads of a live process, those that ended included, to the nanosecond.

    CLOCK ids of other processes are made as the kernel's MAKE_PROCESS_CPUCLOCK(pid, CPUCLOCK_SCHED) does.
    """
    return time.clock_gettime(((~pid) << 3) | 2)


def wall_nanoseconds(command, accepted=(0,)):
    """Of a whole process whose answer goes to /dev/null. It is started by posix_spawn(3), which copies nothing of this
    process: a fork of the harness takes as long as some of the programs measured with this."""
    words = [str(word) for word in command]
    with tempfile.TemporaryFile() as errors:
        streams = [(os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
                   (os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0), (os.POSIX_SPAWN_DUP2, errors.fileno(), 2)]
        started = time.perf_counter_ns()
        pid = os.posix_spawnp(words[0], words, os.environ, file_actions=streams)
        try:
            status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        except BaseException:
            with suppress(ProcessLookupError, ChildProcessError):
                os.kill(pid, signal.SIGKILL)
                os.waitpid(pid, 0)
            raise
        spent = time.perf_counter_ns() - started
        if status not in accepted:
            said = os.pread(errors.fileno(), 1 << 16, 0).decode(errors="replace").strip()
            raise BenchmarkError(f"{' '.join(words)[:120]}: exit {status}: {said[-300:]}")
    return spent


def memory_mebibytes(pid):
    """The most that a process had in memory since its exec, 0 of one that has ended. `ru_maxrss` will not do: a child begins
    with what its parent had."""
    try:
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 1024
    except (FileNotFoundError, ProcessLookupError):
        pass
    return 0.0


def peak_mebibytes(command, accepted=(0,)):
    """Of a whole process whose answer goes to /dev/null; what it takes in its last 2 ms is not seen."""
    with tempfile.TemporaryFile() as errors:
        process = subprocess.Popen([str(word) for word in command], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                   stderr=errors, preexec_fn=die_with_parent)
        peak = 0.0
        try:
            while process.poll() is None:
                peak = max(peak, memory_mebibytes(process.pid))
                time.sleep(0.002)
        finally:
            process.kill()
            process.wait()
        if process.returncode not in accepted:
            said = os.pread(errors.fileno(), 1 << 16, 0).decode(errors="replace").strip()
            raise BenchmarkError(f"{' '.join(map(str, command))[:120]}: exit {process.returncode}: {said[-300:]}")
    return peak


class Child:
    """A started process, which ends within `stop_seconds` of SIGTERM. Its stderr goes to an unnamed file, so that nothing it
    says can ever block it."""

    stop_seconds = 60

    def __init__(self, command, ready, enter=None, directory=None):
        """`ready` begins the line on stderr that says it is at work; with None the caller finds out, and calls `begin`."""
        self.command = [str(part) for part in command]
        self.errors = tempfile.TemporaryFile()
        self.output = tempfile.TemporaryFile()
        self.usage = None
        self.status = None

        def prepare():
            die_with_parent()
            if enter:
                enter()

        self.process = subprocess.Popen(
            self.command, stdin=subprocess.DEVNULL, stdout=self.output, stderr=self.errors, preexec_fn=prepare,
            cwd=directory,
        )
        self.pid = self.process.pid
        if ready:
            self.ready_line = self._wait_for(ready)
            self.begin()

    def begin(self):
        """What it has used until now is its start and does not count."""
        self.user_at_start, self.system_at_start = self.user_and_system()
        self.cpu_at_start = cpu_seconds(self.pid)

    def said(self, file):
        """What the process wrote so far; pread, so that the offset it shares with the process is left alone."""
        return os.pread(file.fileno(), 1 << 24, 0).decode(errors="replace")

    def _wait_for(self, prefix):
        deadline = time.monotonic() + READY_SECONDS
        while time.monotonic() < deadline and self.process.poll() is None:
            for line in self.said(self.errors).split("\n")[:-1]:
                if line.startswith(prefix):
                    return line
            time.sleep(0.005)
        self.end()
        raise BenchmarkError(f"{' '.join(self.command)}: no line {prefix!r}: {self.said(self.errors)[-600:]}")

    def cpu(self):
        """CPU seconds since the ready line."""
        return cpu_seconds(self.pid) - self.cpu_at_start

    def user_and_system(self):
        """User and system seconds of the life so far, in ticks of 10 ms: the kernel tells no finer of a live process."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return tuple(int(fields[place]) / os.sysconf("SC_CLK_TCK") for place in (11, 12))

    def status_field(self, name):
        for line in Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith(name + ":"):
                return line.split()[1]
        raise BenchmarkError(f"/proc/{self.pid}/status has no {name}")

    def voluntary_switches(self):
        """Voluntary context switches by thread name: how often each thread went to sleep and was woken."""
        switches = {}
        for task in Path(f"/proc/{self.pid}/task").iterdir():
            try:
                name = (task / "comm").read_text().strip()
                count = int(re.search(r"^voluntary_ctxt_switches:\s*(\d+)", (task / "status").read_text(), re.M).group(1))
            except OSError:
                continue
            switches[name] = switches.get(name, 0) + count
        return switches

    def written_byte_count(self):
        """Bytes it caused to be written to disks."""
        for line in Path(f"/proc/{self.pid}/io").read_text().splitlines():
            if line.startswith("write_bytes:"):
                return int(line.split()[1])
        raise BenchmarkError(f"/proc/{self.pid}/io has no write_bytes")

    def stop(self, accepted=(0,)):
        """SIGTERM, then the resource usage of the whole life. Returns what it said on stdout. `accepted`: exit statuses, or
        None for any, of programs that end as the signal ends them."""
        self.process.send_signal(signal.SIGTERM)
        deadline = time.monotonic() + self.stop_seconds
        while True:
            pid, status, usage = os.wait4(self.pid, os.WNOHANG)
            if pid:
                break
            if time.monotonic() > deadline:
                raise BenchmarkError(f"{self.command[0]} did not end within {self.stop_seconds} s of SIGTERM")
            time.sleep(0.005)
        self.usage = usage
        self.status = self.process.returncode = os.waitstatus_to_exitcode(status)
        if accepted is not None and self.status not in accepted:
            raise BenchmarkError(f"{self.command[0]} ended with {self.status}: {self.said(self.errors)[-600:]}")
        return self.said(self.output)

    def cpu_to_exit(self):
        """CPU seconds from the ready line to the end of the process; after `stop`."""
        return self.usage.ru_utime + self.usage.ru_stime - self.cpu_at_start

    def user_and_system_to_exit(self):
        """User and system seconds from the ready line to the end; their sum is `cpu_to_exit`, the split is by ticks."""
        user, system = (max(0.0, spent - before) for spent, before in (
            (self.usage.ru_utime, self.user_at_start), (self.usage.ru_stime, self.system_at_start)))
        scale = self.cpu_to_exit() / (user + system) if user + system else 0
        return user * scale, system * scale

    def end(self):
        """Makes sure that the process is gone."""
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()


class Recorder(Child):
    """varved on one store."""

    def __init__(self, tools, store, paths, options=(), enter=None):
        self.tools = tools
        self.store = Path(store)
        super().__init__(
            [tools.varved, "--store", store, *options, *paths], "varved: recording", enter=enter
        )

    def query(self, verb, *arguments, accepted=(0, 1)):
        return self.tools.query(self.store, verb, *arguments, accepted=accepted)

    def sync(self):
        self.query("sync", accepted=(0,))

    def counters(self):
        """The counters of `varve status -o json`, flattened to the last name of each."""
        return flatten(json.loads(self.query("status", "-o", "json", accepted=(0, 1, 3))))

    def group(self):
        """Init flags and filesystem marks of the recorder's notification group, from /proc/PID/fdinfo: what the bare
        loop is to have too. A mark is (mask, mount point), the mount point found by the device number."""
        mount_points = mount_points_by_device()
        for info in Path(f"/proc/{self.pid}/fdinfo").iterdir():
            try:
                text = info.read_text()
            except OSError:
                continue
            flags = re.search(r"^fanotify flags:([0-9a-f]+)", text, re.M)
            marks = re.findall(r"^fanotify sdev:([0-9a-f]+) mflags:\S+ mask:([0-9a-f]+)", text, re.M)
            if flags and marks:
                return {
                    "flags": int(flags.group(1), 16),
                    "marks": [(int(mask, 16), mount_points[int(device, 16)]) for device, mask in marks
                              if int(device, 16) in mount_points],
                }
        raise BenchmarkError("no filesystem mark in /proc/PID/fdinfo of varved")


class Drain(Child):
    """The bare C loop with the recorder's own flags and marks; without a group it only wakes."""

    def __init__(self, tools, group, nap="adaptive", wakes_per_second=None):
        command = [tools.program("drain"), "--nap", nap]
        if wakes_per_second:
            command += ["--wakes-per-second", f"{wakes_per_second:.3f}"]
        if group:
            command += ["--flags", hex(group["flags"])]
            # Somebody else's mount may be gone since the recorder marked it.
            for mask, path in (mark for mark in group["marks"] if os.path.ismount(mark[1])):
                command += ["--mask", hex(mask), "--path", path]
        super().__init__(command, "drain: ready")

    def result(self):
        result = json.loads(self.stop())
        result["cpu"] = self.cpu_to_exit()
        return result


def mount_points_by_device():
    """Kernel device number (major << 20 | minor) to the first mount point of that filesystem."""
    found = {}
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        fields = line.split()
        major, minor = map(int, fields[2].split(":"))
        mount_point = re.sub(r"\\([0-7]{3})", lambda match: chr(int(match.group(1), 8)), fields[4])
        found.setdefault(major << 20 | minor, mount_point)
    return found


def flatten(value):
    """Numbers of nested objects by their key alone; the first of equal keys, outermost first, wins."""
    found = {}
    later = []
    for key, entry in value.items():
        if isinstance(entry, dict):
            later.append(entry)
        elif isinstance(entry, (int, float)) and not isinstance(entry, bool):
            found.setdefault(key, entry)
    for entry in later:
        for key, number in flatten(entry).items():
            found.setdefault(key, number)
    return found


@contextmanager
def running(child):
    """The child, ended at the latest when the block is left."""
    try:
        yield child
    finally:
        child.end()
