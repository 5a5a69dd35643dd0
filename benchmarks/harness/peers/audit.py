"""auditd with a rule on the directory: records of system calls that write or change attributes, whole, to its log."""

import os
import posixpath
import re
import subprocess
from collections import Counter
from contextlib import contextmanager
from pathlib import Path

from ..processes import BenchmarkError
from .base import Listener, Peer, below

KEY = "varve-benchmark"
# As Debian installs it, but for the place and that no log is rotated away while it is counted.
CONFIGURATION = """local_events = yes
write_logs = yes
log_file = {log}
log_group = root
log_format = RAW
flush = INCREMENTAL_ASYNC
freq = 50
num_logs = 0
max_log_file_action = IGNORE
space_left = 75
space_left_action = IGNORE
admin_space_left = 50
admin_space_left_action = IGNORE
disk_full_action = SUSPEND
disk_error_action = SUSPEND
"""
# The rules file of Debian's package: the buffer, and how long the kernel lets a system call wait for room in it.
BACKLOG, BACKLOG_WAIT = 8192, 60_000
FIELD = re.compile(r'(\w+)=(?:"([^"]*)"|(\S+))')
# x86-64: calls whose one PATH record is an existing file.
CHANGES = {"90": "attrib", "91": "attrib", "268": "attrib", "452": "attrib"}
RENAMES = {"82", "264", "316"}


class Audit(Peer):
    name = "auditd"
    program = "auditd"
    package = "auditd"
    kinds = frozenset({"create", "rename", "delete", "attrib"})

    def missing(self):
        absent = super().missing()
        if absent:
            return absent
        if os.uname().machine != "x86_64":
            return "its records are told apart by the numbers of x86-64 system calls"
        try:
            if int(status()["pid"]):
                return "another audit daemon is at work"
        except (BenchmarkError, KeyError) as error:
            return f"the kernel's audit does not answer: {error}"
        return None

    def command(self, _watched, _tree, output):
        directory = output.parent
        (directory / "auditd.conf").write_text(CONFIGURATION.format(log=output))
        (directory / "auditd.conf").chmod(0o640)
        return [self.program, "-n", "-c", directory]

    @contextmanager
    def listening(self, bench, watched, tree, place, kinds):
        before = status()
        rule = ["always,exit", "-F", f"dir={watched}", "-F", "perm=wa", "-k", KEY]
        try:
            control("-b", BACKLOG, "--backlog_wait_time", BACKLOG_WAIT)
            control("-a", *rule)
            # A process has an audit context only when it was made while auditing was on.
            control("-e", 1)
            with super().listening(bench, watched, tree, place, kinds) as listener:
                yield listener
        finally:
            control("-e", before["enabled"])
            subprocess.run(["auditctl", "-d", *rule], capture_output=True)
            control("-b", before["backlog_limit"], "--backlog_wait_time", before["backlog_wait_time"])

    def lost_by_kernel(self):
        return int(status()["lost"])

    def read(self, output, tree):
        """Records with one serial number are one system call; those of two processors stand mixed in the log. The last one of
        a call is its PROCTITLE."""
        recorded, records = Counter(), 0
        begun = {}
        with open(output, errors="surrogateescape") as file:
            for line in file:
                serial = line[line.find("msg=audit("):line.find("):")]
                fields = {name: quoted or plain for name, quoted, plain in FIELD.findall(line)}
                begun.setdefault(serial, []).append(fields)
                if fields.get("type") == "PROCTITLE":
                    inside = [told for told in call_of(begun.pop(serial)) if below(told[1], tree)]
                    records += bool(inside)
                    recorded.update(inside)
        return recorded, records, ""


def call_of(lines):
    """(kind, path) of one system call that succeeded; a relative path is one from its working directory."""
    by_type = {fields.get("type"): fields for fields in lines}
    call = by_type.get("SYSCALL", {})
    if call.get("success") != "yes":
        return []
    directory = by_type.get("CWD", {}).get("cwd", "/")
    told = kinds_of(call.get("syscall"), [fields for fields in lines if fields.get("type") == "PATH"])
    return [(kind, posixpath.normpath(posixpath.join(directory, path))) for kind, path in told]


def kinds_of(syscall, paths):
    if syscall in RENAMES:
        return [("rename", path["name"]) for path in paths if path.get("nametype") == "DELETE"][:1]
    if syscall in CHANGES:
        return [(CHANGES[syscall], path["name"]) for path in paths if path.get("nametype") == "NORMAL"][:1]
    named = {"CREATE": "create", "DELETE": "delete"}
    return [(named[path["nametype"]], path["name"]) for path in paths if path.get("nametype") in named]


def control(*arguments):
    done = subprocess.run(["auditctl", *map(str, arguments)], capture_output=True, text=True)
    if done.returncode != 0:
        raise BenchmarkError(f"auditctl {arguments[0]}: {(done.stderr or done.stdout).strip()[-200:]}")
    return done.stdout


def status():
    return dict(line.split()[:2] for line in control("-s").splitlines() if len(line.split()) >= 2)
