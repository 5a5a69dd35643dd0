"""The workloads that every recorder is put beside: each one a program, seeded where it takes a seed, each with the truth
of what it did."""

import glob
import json
import os
import random
import re
import shutil
import signal
import subprocess
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path

from .processes import BenchmarkError, die_with_parent
from .truth import Truth, read_truth, tree_truth

DIRECTORIES = 16


@dataclass
class Done:
    """One run: wall seconds and CPU of the workload, its truth, and the usage of the whole command with what stood before
    it."""

    seconds: float
    user: float
    system: float
    truth: Truth
    usage: dict
    tells_cpu: bool


class Workload:
    """`kinds` are the operations that it does and that varved is told to record."""

    name = title = ""
    kinds = frozenset()

    def missing(self, _tools):
        return None

    def prepare(self, tools, tree):
        """What is there before anybody watches."""
        tree.mkdir()

    def command(self, tools, tree, seed, truth_path):
        raise NotImplementedError

    def truth(self, tree, truth_path, output):
        raise NotImplementedError

    def run(self, tools, tree, seed, prefix=()):
        with tempfile.TemporaryDirectory(dir=tools.work) as scratch:
            truth_path = Path(scratch) / "truth"
            command = [str(part) for part in self.command(tools, tree, seed, truth_path)]
            output, seconds, usage = execute([*prefix, *command], scratch)
            told = report_of(output)
            return Done(told["seconds"] if told else seconds,
                        told["user_us"] / 1e6 if told else usage["user"],
                        told["system_us"] / 1e6 if told else usage["system"],
                        self.truth(tree, truth_path, output), usage, told is not None)


def execute(command, directory):
    """stdout, wall seconds and usage of a command and of the processes that it waited for."""
    started = time.monotonic()
    with tempfile.TemporaryFile() as errors, tempfile.TemporaryFile() as output:
        process = subprocess.Popen(command, cwd=directory, stdin=subprocess.DEVNULL, stdout=output, stderr=errors,
                                   preexec_fn=die_with_parent)
        try:
            _, status, usage = os.wait4(process.pid, 0)
        except BaseException:
            process.send_signal(signal.SIGKILL)
            process.wait()
            raise
        seconds = time.monotonic() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode != 0:
            errors.seek(0)
            raise BenchmarkError(f"{command[0]}: exit {process.returncode}: "
                                 f"{errors.read().decode(errors='replace').strip()[-300:]}")
        output.seek(0)
        text = output.read().decode(errors="replace")
    return text, seconds, {"user": usage.ru_utime, "system": usage.ru_stime, "rss_kib": usage.ru_maxrss}


def report_of(output):
    """The JSON line of a program of workloads/, None of another program."""
    line = output.strip().rpartition("\n")[2]
    return json.loads(line) if line.startswith('{"workload"') else None


class Program(Workload):
    """A C program of workloads/ that writes down its truth; `shape` is what stands between the tree and the seed."""

    def __init__(self, name, title, kinds, program, shape, preparation, is_whole=True):
        self.is_whole = is_whole
        self.name, self.title, self.kinds = name, title, frozenset(kinds)
        self.program, self.shape, self.preparation = program, shape, preparation

    def prepare(self, tools, tree):
        tools.workload(self.program, tree, *self.preparation, "prepare")

    def command(self, tools, tree, seed, truth_path):
        return [tools.program(self.program), tree, *self.shape, seed, truth_path]

    def truth(self, _tree, truth_path, _output):
        return replace(read_truth(truth_path), is_whole=self.is_whole)


class Compile(Workload):
    """A parallel compile of C sources that it writes itself, from a seed: gcc makes two objects at a time, then a program.
    What it made is what lies there afterwards; gcc's own temporary files lie elsewhere."""

    name = "compile"
    kinds = frozenset({"create", "modify", "close_write"})
    seed, functions = 5, 2

    def __init__(self, files):
        self.files = files
        self.title = f"`make -j2`: {files} C files compiled by gcc, two at a time, and linked"

    def missing(self, _tools):
        absent = [program for program in ("make", "gcc") if not shutil.which(program)]
        return f"{' and '.join(absent)} not installed" if absent else None

    def prepare(self, _tools, tree):
        source = tree / "source"
        source.mkdir(parents=True)
        (tree / "made").mkdir()
        generator = random.Random(self.seed)
        for number in range(self.files):
            (source / f"part{number:03}.c").write_text("".join(
                f"int part{number:03}_{which}(int n) {{ for (int i = 0; i < n; i++) n += i * {generator.randrange(1, 999)} % "
                f"(n + 1); return n; }}\n" for which in range(self.functions)))
        calls = " + ".join(f"part{number:03}_0(1)" for number in range(self.files))
        declared = "".join(f"int part{number:03}_0(int);\n" for number in range(self.files))
        (source / "main.c").write_text(f"{declared}int main(void) {{ return ({calls}) & 1; }}\n")
        (source / "Makefile").write_text(
            "objects := $(patsubst %.c,../made/%.o,$(wildcard *.c))\n"
            "../made/program: $(objects)\n\t@gcc -o $@ $^\n../made/%.o: %.c\n\t@gcc -c -o $@ $<\n")

    def command(self, _tools, tree, _seed, _truth_path):
        return ["make", "-s", "-j2", "-C", tree / "source"]

    def truth(self, tree, _truth_path, _output):
        return tree_truth(tree / "made")


class Forks(Workload):
    """Short-lived writers as fast as one core can fork them: what they made is what lies there afterwards."""

    name = "forks"
    kinds = frozenset({"create", "modify", "close_write"})

    def __init__(self, seconds):
        self.seconds = seconds
        self.title = (f"short-lived processes for {seconds} s, each writes a file of its own and ends, one in 16 after an "
                      "exec")

    def command(self, tools, tree, _seed, _truth_path):
        return [tools.program("forks"), tree, 1_000_000, self.seconds, DIRECTORIES, 16]

    def prepare(self, tools, tree):
        """The directories are there, so that a watch on each can be."""
        for number in range(DIRECTORIES):
            (tree / f"d{number:02}").mkdir(parents=True)

    def truth(self, tree, _truth_path, _output):
        made = tree_truth(tree)
        return replace(made, pairs=Counter({(kind, path): times for (kind, path), times in made.pairs.items()
                                            if not re.search(r"/d\d\d$", path)}))

    def run(self, tools, tree, seed, prefix=()):
        """It lasts as long as it is told to; what a recorder changes is how many processes there were. So its time is that
        of a thousand of them."""
        done = super().run(tools, tree, seed, prefix)
        processes = done.truth.made(["create"]).total()
        return replace(done, seconds=1_000 * self.seconds / processes, user=1_000 * done.user / processes,
                       system=1_000 * done.system / processes)


class Unpack(Workload):
    name = "unpack"
    package = "golang-1.19-src"
    title = f"`dpkg-deb -x` of Debian's {package}"
    kinds = frozenset({"create", "modify", "close_write"})

    def missing(self, tools):
        if not shutil.which("dpkg-deb"):
            return "dpkg-deb is not installed"
        try:
            self.file(tools)
        except BenchmarkError as error:
            return str(error)
        return None

    def file(self, tools):
        downloads = tools.work / "downloads"
        downloads.mkdir(parents=True, exist_ok=True)
        if not glob.glob(f"{downloads}/{self.package}_*.deb"):
            done = subprocess.run(["apt-get", "download", "-q", self.package], cwd=downloads, capture_output=True, text=True)
            if done.returncode != 0:
                raise BenchmarkError(f"{self.package} cannot be downloaded: {done.stderr.strip()[-200:]}")
        return glob.glob(f"{downloads}/{self.package}_*.deb")[0]

    def command(self, tools, tree, _seed, _truth_path):
        return ["dpkg-deb", "-x", self.file(tools), tree]

    def truth(self, tree, _truth_path, _output):
        return tree_truth(tree)


class StressNG(Workload):
    """Debian's stress-ng: files made and removed. Of its bogo operations each is a file made; their names are its own."""

    name = "stress-ng"
    kinds = frozenset({"create", "delete"})

    def __init__(self, operations):
        self.operations = operations
        self.title = f"`stress-ng --dentry 1 --dentry-ops {operations}`"

    def missing(self, _tools):
        return None if shutil.which("stress-ng") else "stress-ng is not installed (benchmarks/peers --install)"

    def command(self, _tools, tree, seed, _truth_path):
        return ["stress-ng", "--dentry", 1, "--dentry-ops", self.operations, "--dentries", 512, "--temp-path", tree,
                "--seed", seed, "--metrics-brief", "--log-file", "stress-ng.log", "--stdout"]

    def truth(self, _tree, _truth_path, output):
        found = re.search(r"\] dentry +(\d+) ", output)
        if not found:
            raise BenchmarkError("stress-ng tells no number of operations")
        return Truth(totals=Counter(create=int(found.group(1)), delete=int(found.group(1))), is_whole=False)


class Fio(Workload):
    """Debian's fio: seeded random writes of 4 KiB over some files; how many it did is its own report's number."""

    name = "fio"
    kinds = frozenset({"modify"})
    files, blocks = 8, 2_000

    def __init__(self, writes):
        self.writes = writes
        self.title = f"`fio --rw=randwrite`, {writes} writes of 4 KiB over {self.files} files"

    def missing(self, _tools):
        return None if shutil.which("fio") else "fio is not installed (benchmarks/peers --install)"

    def prepare(self, tools, tree):
        tree.mkdir()
        for number in range(self.files):
            with open(tree / f"data.{number}", "wb") as file:
                file.write(bytes(self.blocks * 4096 // self.files))

    def command(self, _tools, tree, seed, _truth_path):
        names = ":".join(f"data.{number}" for number in range(self.files))
        return ["fio", "--name=writes", f"--directory={tree}", f"--filename={names}", "--rw=randwrite", "--bs=4k",
                f"--size={self.blocks * 4}k", f"--io_size={self.writes * 4}k", "--ioengine=psync", f"--randseed={seed}",
                "--invalidate=0", "--fallocate=none", "--output-format=json", "--thread"]

    def truth(self, tree, _truth_path, output):
        writes = json.loads(output[output.index("{"):])["jobs"][0]["write"]["total_ios"]
        pairs = Counter({("modify", str(tree / f"data.{number}")): 1 for number in range(self.files)})
        return Truth(pairs, Counter(modify=writes), is_whole=False)


@dataclass
class Sizes:
    """How much of each; in a full run so much that it takes some half a second without a recorder, for the ratios of shorter
    ones are those of the machine's moods, and those of longer ones are too few. Of `metadata` it is less: to tell what of it
    was merged takes longer than to do it."""

    files: int
    appends: int
    commits: int
    batches: int
    metadata: int
    fork_seconds: float
    compile: int
    stress: int
    writes: int


SMALL = Sizes(2_000, 10_000, 500, 100, 5_000, 1, 24, 2_000, 2_000)
FULL = Sizes(20_000, 1_000_000, 40_000, 4_000, 100_000, 1, 60, 10_000, 75_000)


def workloads(is_small):
    """All of them, by name, in the size of a quick or of a full run."""
    size = SMALL if is_small else FULL
    commits = {1: size.commits, 100: size.batches}
    made = [
        Program("files", f"{size.files} small files created, written, renamed and removed",
                {"create", "modify", "close_write", "rename", "delete"}, "files", [size.files, DIRECTORIES], [DIRECTORIES]),
        *(Program(f"appends-{writers}", f"{size.appends} appends over 4 files by {writers} writers at once",
                  {"modify", "close_write"}, "appends", [writers, size.appends // writers, 4], [4])
          for writers in (1, 2, 4)),
        *(Program(f"commits-{databases}{'-batched' if rows > 1 else ''}",
                  f"{commits[rows]} SQLite commits of {rows} row{'s' if rows > 1 else ''} over {databases} "
                  f"database{'s' if databases > 1 else ''} in WAL mode", {"modify"}, "transactions",
                  [databases, commits[rows], rows], [databases], is_whole=False)
          for databases in (1, 4) for rows in (1, 100)),
        Program("metadata", f"{size.metadata} changes of mode over 1,000 files, every 64th the renaming of their directory",
                {"attrib", "rename"}, "metadata", [size.metadata, 1_000, DIRECTORIES], [1_000, DIRECTORIES]),
        Forks(size.fork_seconds), Compile(size.compile), Unpack(), StressNG(size.stress), Fio(size.writes),
    ]
    return {workload.name: workload for workload in made}
