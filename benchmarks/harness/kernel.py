"""Kernel objects a scenario makes for itself, each gone when its `with` block ends: loop filesystems, memory groups."""

import os
import subprocess
import time
from contextlib import contextmanager
from pathlib import Path

MEMORY_GROUPS = Path("/sys/fs/cgroup/memory")


def run(*command):
    return subprocess.run([str(part) for part in command], check=True, capture_output=True, text=True).stdout.strip()


class LoopFilesystem:
    """An ext4 of its own on a sparse file: marks on it see nobody else's work, and its device counts every byte."""

    def __init__(self, image, mount_point, device):
        self.image = image
        self.mount_point = mount_point
        self.device = device

    def flush(self):
        run("sync", "-f", self.mount_point)

    def written_byte_count(self):
        """Bytes the filesystem has written to its device, journal included."""
        name = Path(self.device).name
        fields = Path(f"/sys/block/{name}/stat").read_text().split()
        return int(fields[6]) * 512


@contextmanager
def loop_filesystem(directory, name, mebibytes, inodes=None):
    """Makes, mounts and at the end unmounts, detaches and deletes an ext4."""
    image = Path(directory) / f"{name}.img"
    mount_point = Path(directory) / name
    mount_point.mkdir(parents=True, exist_ok=True)
    device = None
    mounted = False
    try:
        with open(image, "wb") as file:
            file.truncate(mebibytes << 20)
        count = ["-N", inodes] if inodes else []
        run("mkfs.ext4", "-q", "-F", "-E", "lazy_itable_init=0,lazy_journal_init=0", *count, image)
        device = run("losetup", "--find", "--show", image)
        run("mount", "-o", "noatime", device, mount_point)
        mounted = True
        yield LoopFilesystem(image, mount_point, device)
    finally:
        if mounted:
            unmount(mount_point)
        if device:
            subprocess.run(["losetup", "-d", device], check=False)
        image.unlink(missing_ok=True)
        if mount_point.is_dir() and not os.path.ismount(mount_point):
            mount_point.rmdir()


@contextmanager
def memory_filesystem(directory, name, mebibytes):
    """A tmpfs, for workloads that are to make events as fast as they can without waiting for a disk."""
    mount_point = Path(directory) / name
    mount_point.mkdir(parents=True, exist_ok=True)
    mounted = False
    try:
        run("mount", "-t", "tmpfs", "-o", f"size={mebibytes}m", "tmpfs", mount_point)
        mounted = True
        yield mount_point
    finally:
        if mounted:
            unmount(mount_point)
        if not os.path.ismount(mount_point):
            mount_point.rmdir()


def unmount(mount_point):
    """Somebody's short look at the mount must not leave it behind: tries for 5 s, then detaches lazily."""
    for _ in range(50):
        if subprocess.run(["umount", str(mount_point)], capture_output=True).returncode == 0:
            return
        time.sleep(0.1)
    subprocess.run(["umount", "-l", str(mount_point)], check=False)


class MemoryGroup:
    """A memory cgroup; what its members and the kernel on their behalf hold is charged to it."""

    def __init__(self, path, peak_file):
        self.path = path
        self.peak_file = peak_file

    def peak_byte_count(self):
        return int((self.path / self.peak_file).read_text())

    def enter(self):
        """Called in the child before exec, so that the group holds the program and nothing else."""
        (self.path / "cgroup.procs").write_text(str(os.getpid()))


@contextmanager
def memory_group(name):
    """Version 1 (max_usage_in_bytes) where it is mounted, else version 2 (memory.peak)."""
    if (MEMORY_GROUPS / "memory.max_usage_in_bytes").exists():
        path, peak_file = MEMORY_GROUPS / name, "memory.max_usage_in_bytes"
    else:
        path, peak_file = Path("/sys/fs/cgroup") / name, "memory.peak"
    path.mkdir()
    try:
        yield MemoryGroup(path, peak_file)
    finally:
        for _ in range(50):
            try:
                path.rmdir()
                break
            except OSError:
                time.sleep(0.1)
