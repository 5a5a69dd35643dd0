"""The machine line that stands beside every figure."""

import os
import platform
import re
import sqlite3
import subprocess
from pathlib import Path

# The peers and workloads of Debian, and what comes from PyPI.
PACKAGES = ["fatrace", "inotify-tools", "auditd", "bpftrace", "strace", "fio", "stress-ng", "sqlite3", "zstd", "make"]
MODULES = ["duckdb", "duckdb-cli", "chdb", "pyarrow"]


def filesystem_of(path):
    """The type and source of the filesystem that holds `path`, as df(1) names them."""
    lines = subprocess.run(
        ["df", "--output=fstype,source", str(path)], capture_output=True, text=True, check=True
    ).stdout.splitlines()
    return " ".join(lines[-1].split())


def processor():
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.machine()


def memory_gibibytes():
    return round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1)


def output(*command):
    """The first line that a program says, nothing where it is not there or fails."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=20, stdin=subprocess.DEVNULL)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    lines = (done.stdout or done.stderr).strip().splitlines()
    return lines[0].strip() if lines and done.returncode == 0 else ""


def versions(work):
    """Of what the figures are relative to, by name; what is not there is left out."""
    packages = [line.split("\t") for line in debian_versions().splitlines()]
    found = {name: version for name, version in packages if version}
    said = output("swift", "--version")
    swift = re.search(r"Swift version (\S+)", said)
    python = Path(work) / "venv" / "bin" / "python"
    found |= {"swift": swift.group(1) if swift else said, "python": platform.python_version(),
              "gcc": output("gcc", "-dumpfullversion"), "sqlite": sqlite3.sqlite_version}
    if python.exists():
        for module in MODULES:
            found[f"{module} (PyPI)"] = output(str(python), "-c", f"from importlib.metadata import version; "
                                               f"print(version('{module}'))")
    return {name: version for name, version in sorted(found.items()) if version}


def debian_versions():
    try:
        done = subprocess.run(["dpkg-query", "-W", "-f", "${Package}\t${Version}\n", *PACKAGES], capture_output=True, text=True)
    except OSError:
        return ""
    # It fails when one of them is unknown, and tells of the others all the same.
    return done.stdout


def machine(work):
    """What a figure depends on; load is what others did on the machine when the scenario began."""
    return {
        "processor": processor(),
        "cores": len(os.sched_getaffinity(0)),
        "memory_gib": memory_gibibytes(),
        "kernel": platform.release(),
        "store_filesystem": filesystem_of(work),
        "load": round(os.getloadavg()[0], 2),
    }


def machine_line(facts):
    cores = f"{facts['cores']} core{'' if facts['cores'] == 1 else 's'}"
    watched = f", watched {facts['watched_filesystem']}" if facts.get("watched_filesystem") else ""
    return (
        f"{facts['processor']}, {cores}, {facts['memory_gib']} GiB, Linux {facts['kernel']}, "
        f"store on {facts['store_filesystem']}{watched}, load {facts['load']} at the start"
    )


def versions_line(facts):
    return ", ".join(f"{name} {version}" for name, version in facts.get("versions", {}).items())


def commit(repository):
    """The commit that was measured, with + when tracked files outside benchmarks/ differ from it."""
    head = subprocess.run(
        ["git", "-C", str(repository), "rev-parse", "--short=12", "HEAD"], capture_output=True, text=True
    )
    if head.returncode != 0:
        return "unknown"
    dirty = subprocess.run(
        ["git", "-C", str(repository), "status", "--porcelain", "-uno", "--", ".", ":!benchmarks"],
        capture_output=True, text=True,
    ).stdout.strip()
    return head.stdout.strip() + ("+" if dirty else "")
