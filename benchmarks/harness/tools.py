"""Where things are: the two programs, the C programs built here, the private Python with pyarrow and DuckDB."""

import json
import os
import subprocess
import sys
from pathlib import Path

from .processes import BenchmarkError, die_with_parent

BENCHMARKS = Path(__file__).resolve().parent.parent
REPOSITORY = BENCHMARKS.parent
SOURCES = {
    "drain": "drain/drain.c",
    "opens": "workloads/opens.c",
    "distinct": "workloads/distinct.c",
    "trickle": "workloads/trickle.c",
    "mixed": "workloads/mixed.c",
    "commits": "workloads/commits.c",
    "forks": "workloads/forks.c",
    "files": "workloads/files.c",
    "appends": "workloads/appends.c",
    "metadata": "workloads/metadata.c",
    "transactions": "workloads/transactions.c",
    "lz4pages": "workloads/lz4pages.c",
}
# Of LZ4 Debian's runtime is enough, which apt itself needs.
LIBRARIES = {"commits": ["-lsqlite3"], "transactions": ["-lsqlite3"], "lz4pages": ["-l:liblz4.so.1"]}


class Tools:
    """Paths and short runs; everything that is made lies under `work`."""

    def __init__(self, work, varved, varve):
        self.work = Path(work)
        self.varved = Path(varved)
        self.varve = Path(varve)
        self.programs = self.work / "bin"
        self._modules = set()

    def check(self):
        for program in (self.varved, self.varve):
            if not os.access(program, os.X_OK):
                raise BenchmarkError(
                    f"{program} is not there: run `make release`, "
                    "or name the programs with --varved and --varve"
                )
        if os.geteuid() != 0:
            raise BenchmarkError("filesystem marks, loop devices and cgroups need root")

    def program(self, name):
        """A C program of this folder, built with warnings as errors when its source is newer."""
        source = BENCHMARKS / SOURCES[name]
        binary = self.programs / name
        newest = max(path.stat().st_mtime for path in source.parent.glob("*.[ch]"))
        if not binary.exists() or binary.stat().st_mtime < newest:
            self.programs.mkdir(parents=True, exist_ok=True)
            subprocess.run(
                ["gcc", "-O2", "-Wall", "-Wextra", "-Werror", "-o", str(binary), str(source), *LIBRARIES.get(name, [])],
                check=True
            )
        return binary

    def workload(self, name, *arguments):
        """Runs a workload to its end and returns its JSON report, None if it prints none."""
        done = subprocess.run(
            [str(self.program(name)), *map(str, arguments)], capture_output=True, text=True,
            preexec_fn=die_with_parent,
        )
        if done.returncode != 0:
            raise BenchmarkError(f"{name}: {done.stderr.strip()}")
        return json.loads(done.stdout) if done.stdout.strip() else None

    def query(self, store, verb, *arguments, accepted=(0, 1)):
        """stdout of one `varve` command; another exit status than the accepted ones is a failure."""
        done = subprocess.run(
            [str(self.varve), *verb.split(), "--store", str(store), *map(str, arguments)], capture_output=True, text=True,
            preexec_fn=die_with_parent,
        )
        if done.returncode not in accepted:
            raise BenchmarkError(f"varve {verb}: exit {done.returncode}: {done.stderr.strip()[-600:]}")
        return done.stdout

    def count(self, store):
        return int(self.query(store, "count", "--accept-gaps").split()[0])

    def python(self):
        """The Python of a private environment with pyarrow and the DuckDB command line, made on first use."""
        environment = self.work / "venv"
        if not (environment / "bin" / "duckdb").exists():
            self.install([sys.executable, "-m", "venv", environment])
            self.install([environment / "bin" / "pip", "install", "-q", "pyarrow", "duckdb-cli"])
        return environment / "bin" / "python"

    @staticmethod
    def install(command):
        done = subprocess.run([str(word) for word in command], capture_output=True, text=True, preexec_fn=die_with_parent)
        if done.returncode != 0:
            said = (done.stderr or done.stdout).strip().splitlines() or ["it says nothing"]
            raise BenchmarkError(f"{' '.join(map(str, command[1:]))} failed: {said[-1][-200:]}")

    def lacks(self, module, may_install=True):
        """Why the private Python has no such module, once it has been tried to install it; None when it has. DuckDB and
        ClickHouse (`duckdb`, `chdb`) take half a GiB."""
        if module in self._modules:
            return None
        if not may_install and not self.has_duckdb():
            return "it is not there yet, and --quick downloads nothing"
        try:
            python = self.python()
            if subprocess.run([str(python), "-c", f"import {module}"], capture_output=True).returncode != 0:
                if not may_install:
                    return "it is not there yet, and --quick downloads nothing"
                self.install([python.parent / "pip", "install", "-q", module])
        except (BenchmarkError, OSError) as error:
            return str(error)
        self._modules.add(module)
        return None

    def analyse(self, script, *words, given=None, modules=("duckdb",)):
        """stdout of a script of this folder under the private Python with these modules in it."""
        for module in modules:
            if reason := self.lacks(module):
                raise BenchmarkError(reason)
        done = subprocess.run([str(self.python()), str(BENCHMARKS / "harness" / script), *map(str, words)], input=given,
                              capture_output=True, text=True, preexec_fn=die_with_parent)
        if done.returncode != 0:
            raise BenchmarkError(f"{script}: {done.stderr.strip()[-400:]}")
        return done.stdout

    def engine(self):
        """benchmarks/questions."""
        return self.built("questions")

    def built(self, name):
        """A program of this folder in Swift, which `make bench` builds beside `varve`."""
        program = self.varve.parent / name
        if not os.access(program, os.X_OK):
            raise BenchmarkError(f"{program} is not there: `make bench` builds it")
        return program

    def has_duckdb(self):
        return (self.work / "venv" / "bin" / "duckdb").exists()

    def duckdb(self):
        """The program itself: what lies in `bin` is a Python script that starts it, which takes longer than a question."""
        self.python()
        return next((self.work / "venv").glob("lib/python3*/site-packages/duckdb_cli/duckdb"))


def duckdb(tools, query):
    done = subprocess.run([str(tools.duckdb()), "-json", "-c", query], capture_output=True, text=True)
    if done.returncode != 0:
        raise BenchmarkError(f"duckdb: {done.stderr.strip()[-300:]}")
    return json.loads(done.stdout)


def store_byte_count(store):
    """Every byte of the store directory: file lengths, what du(1) says (allocated blocks), and each file's length."""
    length = allocated = 0
    files = {}
    for root, _, names in os.walk(store):
        for name in names:
            status = os.lstat(os.path.join(root, name))
            length += status.st_size
            allocated += status.st_blocks * 512
            files[name] = status.st_size
    return {"length": length, "allocated": allocated, "files": files}
