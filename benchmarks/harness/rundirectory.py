"""The private directory of one run, locked while it lasts, and the clearing away of what a killed run left behind."""

import fcntl
import os
import shutil
import subprocess
import tempfile
from contextlib import contextmanager
from pathlib import Path

from .kernel import unmount

LOCK = "lock"


@contextmanager
def run_directory(work, name):
    directory = Path(tempfile.mkdtemp(prefix=f"run-{name}-", dir=work))
    with open(directory / LOCK, "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        try:
            yield directory
        finally:
            clear(directory)


def clear_abandoned(work):
    """Only SIGKILL leaves a run's directory: its lock is free then, so nobody else's run is ever touched."""
    for directory in Path(work).glob("run-*"):
        try:
            with open(directory / LOCK) as lock:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                clear(directory)
        except OSError:
            continue


def clear(directory):
    """Unmounts, detaches and deletes whatever lies in a run's directory."""
    for entry in directory.iterdir():
        if os.path.ismount(entry):
            unmount(entry)
    for image in directory.glob("*.img"):
        listed = subprocess.run(["losetup", "-j", str(image), "-n", "-O", "NAME"], capture_output=True, text=True)
        for device in listed.stdout.split():
            subprocess.run(["losetup", "-d", device], check=False)
    shutil.rmtree(directory, ignore_errors=True)
