"""Real activity for the size scenario: package unpacks, clean builds, git history, database work. Each activity works
in a directory of its own and none is done twice in one place. What it needs from the network is fetched before."""

import glob
import os
import shutil
import signal
import sqlite3
import subprocess
import time
from pathlib import Path

from ..processes import BenchmarkError, die_with_parent

DEBIAN_PACKAGES = [
    "golang-1.19-src", "rust-src", "libboost1.81-dev", "python3-sympy", "python3-django", "linux-doc-6.1",
    "texlive-latex-extra", "python-babel-localedata", "nodejs-doc",
]
KERNEL_PACKAGE = "linux-source-6.1"
# The server with what it links beside a minimal system's libraries; unpacked, not installed.
SERVER_PACKAGES = [
    "postgresql-15", "postgresql-client-15", "libpq5", "libicu72", "libxml2", "libldap-2.5-0", "libsasl2-2",
]
KERNEL_TOOLS = ["flex", "bison", "m4", "libfl-dev", "libelf-dev"]
SWIFT_PACKAGES = [
    "apple/swift-argument-parser", "apple/swift-collections", "apple/swift-system", "jpsim/Yams", "attaswift/BigInt",
    "apple/swift-nio", "groue/GRDB.swift",
]


class Activities:
    def __init__(self, root, downloads, tools, quick):
        self.root = Path(root)
        self.downloads = Path(downloads)
        self.tools = tools
        self.quick = quick

    def fetch(self, is_late=lambda: False):
        """Downloads what is missing, with the ordinary clients; what is not there when it is late, its activities say."""
        self.downloads.mkdir(parents=True, exist_ok=True)
        wanted = DEBIAN_PACKAGES[:2] if self.quick else [
            *DEBIAN_PACKAGES, KERNEL_PACKAGE, *KERNEL_TOOLS, *SERVER_PACKAGES]
        for package in wanted:
            if not glob.glob(f"{self.downloads}/{package}_*.deb") and not is_late():
                run(["apt-get", "download", "-q", package], self.downloads)
        if not self.quick and not is_late():
            self.unpack_tools("kernel-tools", KERNEL_TOOLS)
            self.unpack_tools("server", SERVER_PACKAGES)
        self.tools.python()

    def unpack_tools(self, name, packages):
        place = self.downloads / name
        if not place.exists():
            for package in packages:
                run(["dpkg-deb", "-x", self.deb(package), place])

    def deb(self, package):
        return only(f"{self.downloads}/{package}_*.deb")

    def all(self):
        """(name, function) in the order in which they run."""
        if self.quick:
            return [("unpack golang-1.19-src", lambda: self.unpack("golang-1.19-src")),
                    ("git history", self.git_history), ("database", self.database)]
        unpacks = [(f"unpack {name}", lambda name=name: self.unpack(name)) for name in DEBIAN_PACKAGES]
        builds = [(f"build {name}", lambda name=name: self.build_swift(name)) for name in SWIFT_PACKAGES]
        return [
            *unpacks[:3], *builds[:1], ("git history", self.git_history), ("database", self.database), *unpacks[3:6],
            ("unpack the kernel", self.unpack_kernel), ("kernel in git", self.kernel_in_git), *builds[1:4],
            ("copy the kernel", self.copy_kernel), ("build the kernel", self.build_kernel),
            ("database server", self.database_server),
            ("python environment", self.python_environment), *unpacks[6:],
            ("copy, archive, remove", self.copy_archive_remove), *builds[4:],
        ]

    def place(self, name):
        path = self.root / name
        path.mkdir(parents=True)
        return path

    def unpack(self, package):
        run(["dpkg-deb", "-x", self.deb(package), self.place(f"packages/{package}")])

    def build_swift(self, package):
        place = self.place(f"builds/{package.replace('/', '-')}")
        run(["git", "clone", "-q", f"https://github.com/{package}", place / "source"])
        run(["swift", "build", "--disable-sandbox", "-j", "2", "--scratch-path", place / "scratch"], place / "source")

    def unpack_kernel(self):
        place = self.place("kernel")
        run(["dpkg-deb", "-x", self.deb(KERNEL_PACKAGE), place])
        run(["tar", "-xf", only(f"{place}/usr/src/linux-source-*.tar.xz"), "-C", place])

    def build_kernel(self):
        """The smallest kernel configuration, without the mitigations whose tool needs more libraries."""
        source = only(f"{self.root}/kernel/linux-source-*")
        output = self.place("kernel/output")
        tools = self.downloads / "kernel-tools"
        environment = {
            **os.environ, "PATH": f"{tools}/usr/bin:{os.environ['PATH']}", "M4": f"{tools}/usr/bin/m4",
            "BISON_PKGDATADIR": f"{tools}/usr/share/bison", "C_INCLUDE_PATH": f"{tools}/usr/include",
            "LIBRARY_PATH": f"{tools}/usr/lib/x86_64-linux-gnu",
        }
        make = ["make", "-s", "-C", source, f"O={output}"]
        run([*make, "tinyconfig"], environment=environment)
        run([f"{source}/scripts/config", "--file", output / ".config", "-d", "SPECULATION_MITIGATIONS"])
        run([*make, "olddefconfig"], environment=environment)
        run([*make, "-j2"], environment=environment)

    def git_history(self):
        """A repository that grows directory by directory over real sources, is read, walked, branched and packed."""
        sources = Path(only(f"{self.root}/packages/golang-1.19-src/usr/share/go-*/src"))
        self.history(self.place("git/go"), sources, 60 if not self.quick else 10)

    def kernel_in_git(self):
        source = Path(only(f"{self.root}/kernel/linux-source-*"))
        self.history(self.place("git/kernel"), source / "drivers", 25)

    def history(self, place, sources, commits):
        run(["git", "init", "-q", "-b", "main", "."], place)
        # Its own upkeep would go on in the background after the command and meet the gc below.
        run(["git", "config", "gc.autoDetach", "false"], place)
        names = sorted(entry for entry in sources.iterdir() if entry.is_dir())
        step = max(1, len(names) // commits)
        for number, start in enumerate(range(0, len(names), step)):
            for entry in names[start:start + step]:
                shutil.copytree(entry, place / entry.name, symlinks=True)
            run(["git", "add", "-A"], place)
            run(["git", "commit", "-q", "-m", f"Add {names[start].name}"], place)
            run(["git", "tag", f"v{number}"], place)
        run(["git", "log", "-p", "--stat"], place)
        tags = subprocess.run(["git", "tag"], cwd=place, capture_output=True, text=True, check=True).stdout.split()
        for tag in tags[::6] + ["main"]:
            run(["git", "checkout", "-q", tag], place)
        run(["git", "gc", "-q"], place)
        run(["git", "clone", "-q", "--no-hardlinks", place, place.parent / f"{place.name}-clone"])

    def database(self):
        """Small transactions with a rollback journal, then in WAL mode, an index, deletions, VACUUM, a backup."""
        place = self.place("database")
        for mode, transactions in (("delete", 2_000), ("wal", 10_000)):
            connection = sqlite3.connect(place / f"{mode}.db", isolation_level=None)
            connection.execute(f"PRAGMA journal_mode={mode}")
            connection.execute("CREATE TABLE entry(id INTEGER PRIMARY KEY, name TEXT, amount REAL)")
            for number in range(transactions // (10 if self.quick else 1)):
                connection.execute("BEGIN")
                connection.executemany(
                    "INSERT INTO entry(name, amount) VALUES (?, ?)",
                    [(f"customer {number * 7919 % 5003}", number * 0.01 + i) for i in range(3)])
                connection.execute("COMMIT")
            connection.execute("CREATE INDEX entry_name ON entry(name)")
            connection.execute("DELETE FROM entry WHERE id % 3 = 0")
            connection.execute("VACUUM")
            connection.execute("VACUUM INTO ?", (str(place / f"{mode}-backup.db"),))
            connection.close()

    def database_server(self):
        """PostgreSQL with its own benchmark (TPC-B-like), four clients, then a connection a transaction, then a dump."""
        place = self.place("server")
        programs = self.downloads / "server/usr/lib/postgresql/15/bin"
        environment = {**os.environ, "LD_LIBRARY_PATH": f"{self.downloads}/server/usr/lib/x86_64-linux-gnu"}
        data, socket = place / "data", place / "socket"
        # The server refuses to run as root; its directories lie below some that only root may search.
        ordinary = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--inh-caps=+dac_read_search",
                    "--ambient-caps=+dac_read_search"] if os.geteuid() == 0 else []
        for directory in (data, socket):
            directory.mkdir(mode=0o700)
            if ordinary:
                os.chown(directory, 65534, 65534)
        run([*ordinary, programs / "initdb", "-D", data, "-A", "trust", "-U", "bench", "--no-instructions"],
            environment=environment)
        server = subprocess.Popen(
            [*ordinary, programs / "postgres", "-D", data, "-k", socket, "-c", "listen_addresses=", "-c", "jit=off"],
            env=environment, cwd="/", stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            preexec_fn=die_with_parent)
        try:
            self.use_server(programs, ["-h", socket, "-U", "bench"], environment, place)
        finally:
            server.send_signal(signal.SIGINT)
            server.wait(60)

    def use_server(self, programs, reach, environment, place):
        for _ in range(100):
            if subprocess.run([programs / "pg_isready", *reach], env=environment,
                              stdout=subprocess.DEVNULL).returncode == 0:
                break
            time.sleep(0.1)
        run([programs / "pgbench", *reach, "-i", "-q", "-s", "10", "postgres"], environment=environment)
        run([programs / "pgbench", *reach, "-c", "4", "-T", "60", "postgres"], environment=environment)
        run([programs / "pgbench", *reach, "-C", "-c", "2", "-T", "15", "postgres"], environment=environment)
        run([programs / "pg_dump", *reach, "-f", place / "dump.sql", "postgres"], environment=environment)

    def python_environment(self):
        place = self.place("python")
        run(["python3", "-m", "venv", place / "venv"])
        run([place / "venv/bin/pip", "install", "-q", "pyarrow", "duckdb-cli"])
        libraries = self.root / "packages/python3-sympy/usr/lib/python3"
        run(["python3", "-m", "compileall", "-q", libraries])

    def copy_kernel(self):
        place = self.place("copies-kernel")
        source = only(f"{self.root}/kernel/linux-source-*")
        run(["cp", "-a", f"{source}/arch", f"{source}/Documentation", place])
        run(["tar", "-cf", place / "arch.tar", "-C", place, "arch"])
        unpacked = self.place("copies-kernel/unpacked")
        run(["tar", "-xf", place / "arch.tar", "-C", unpacked])
        run(["rm", "-rf", place / "arch"])

    def copy_archive_remove(self):
        place = self.place("copies")
        source = self.root / "packages/libboost1.81-dev"
        run(["cp", "-a", source, place / "boost"])
        run(["tar", "-czf", place / "rust.tar.gz", "-C", self.root / "packages/rust-src", "."])
        run(["chmod", "-R", "go-rx", place / "boost"])
        run(["rm", "-rf", place / "boost"])
        run(["rm", "-rf", self.root / "packages/texlive-latex-extra"])


def only(pattern):
    """What an earlier activity or a download has left; there may have been no time for it."""
    found = glob.glob(pattern)
    if not found:
        raise BenchmarkError(f"{Path(pattern).name} is not there: what downloads or makes it was left out")
    return found[0]


def run(command, directory=None, environment=None):
    done = subprocess.run(
        [str(part) for part in command], cwd=directory, env=environment, stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE, preexec_fn=die_with_parent)
    if done.returncode != 0:
        raise BenchmarkError(f"{' '.join(map(str, command))}: {done.stderr.decode(errors='replace')[-500:]}")
