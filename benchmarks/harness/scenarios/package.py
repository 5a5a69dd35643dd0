"""The parallel compile: this package as it stands, built clean on two cores."""

import os
import shutil
import subprocess
from pathlib import Path

from ..processes import BenchmarkError, die_with_parent
from ..tools import REPOSITORY

# What `swift package resolve` made; a clean build keeps it, everything else in the scratch directory goes.
RESOLVED = {"checkouts", "repositories", "artifacts", "workspace-state.json"}


class CompiledPackage:
    """A copy of the package on the watched filesystem, its dependencies resolved once, built into one scratch path."""

    def __init__(self, mount_point, target=None):
        self.source = Path(mount_point) / "package"
        self.scratch = Path(mount_point) / "scratch"
        self.target = target
        selection = f" --target {target}" if target else ""
        self.description = f"clean `swift build{selection}` (debug, -j 2) of this package, dependencies resolved before"

    def prepare(self):
        self.source.mkdir()
        listed = subprocess.run(["git", "-C", str(REPOSITORY), "ls-files", "-z", "-c", "-o", "--exclude-standard"],
                                capture_output=True, check=True).stdout
        for name in filter(None, map(os.fsdecode, listed.split(b"\0"))):
            if (REPOSITORY / name).is_file():
                (self.source / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(REPOSITORY / name, self.source / name)
        resolved = REPOSITORY / "Package.resolved"
        if resolved.exists():
            shutil.copy(resolved, self.source)
        self._swift("package", "resolve")
        # The first build compiles the manifest and warms the module caches outside the watched filesystem.
        self.build()

    def clean(self):
        for entry in self.scratch.iterdir():
            if entry.name not in RESOLVED:
                shutil.rmtree(entry) if entry.is_dir() and not entry.is_symlink() else entry.unlink()
        os.sync()

    def build(self):
        selection = ["--target", self.target] if self.target else []
        self._swift("build", "--disable-sandbox", "-j", "2", *selection)

    def _swift(self, command, *arguments):
        done = subprocess.run(
            ["swift", command, "--package-path", str(self.source), "--scratch-path", str(self.scratch), *arguments],
            capture_output=True, text=True, preexec_fn=die_with_parent,
        )
        if done.returncode != 0:
            raise BenchmarkError(f"swift {command}: {done.stdout[-800:]}{done.stderr[-800:]}")
