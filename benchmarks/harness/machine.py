"""The machine line that stands beside every figure."""

import os
import platform
import subprocess
from pathlib import Path


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
    return (
        f"{facts['processor']}, {facts['cores']} cores, {facts['memory_gib']} GiB, Linux {facts['kernel']}, "
        f"store on {facts['store_filesystem']}, load {facts['load']} at the start"
    )


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
