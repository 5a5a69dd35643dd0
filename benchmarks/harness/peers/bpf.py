"""bpftrace on the tracepoints of the system calls that carry a path: a line an event. It sees what was asked for, not what
came of it, and writes by descriptor have no path there."""

import os
from collections import Counter

from .base import Peer, below, lines

# probe, the argument with the (old) path, the kind, and a further condition
PROBES = [
    ("openat", "filename", "create", "(args->flags & 64) != 0"), ("mknod", "filename", "create", ""),
    ("mknodat", "filename", "create", ""), ("rename", "oldname", "rename", ""), ("renameat", "oldname", "rename", ""),
    ("renameat2", "oldname", "rename", ""), ("unlink", "pathname", "delete", ""), ("unlinkat", "pathname", "delete", ""),
    ("chmod", "filename", "attrib", ""), ("fchmodat", "filename", "attrib", ""),
]
# The longest string that it can hold on its stack.
STRING_BYTES = 200


class Bpftrace(Peer):
    name = program = package = "bpftrace"
    kinds = frozenset({"create", "rename", "delete", "attrib"})
    blindness = "it sees calls by absolute path, and this workload makes its own by relative ones"

    def missing(self):
        absent = super().missing()
        if absent:
            return absent
        return None if os.path.exists("/sys/kernel/tracing") else "the kernel has no tracing filesystem"

    def command(self, watched, _tree, output):
        text = os.fspath(watched)
        script = "".join(
            f'tracepoint:syscalls:sys_enter_{call} /strncmp(str(args->{path}), "{text}", {len(text)}) == 0'
            f'{f" && {condition}" if condition else ""}/ {{ printf("{kind} %s\\n", str(args->{path})); }}\n'
            for call, path, kind, condition in PROBES)
        # Where the tracing filesystem is not mounted, it is for this process alone.
        return ["unshare", "--mount", "env", f"BPFTRACE_STRLEN={STRING_BYTES}", "sh", "-c",
                'grep -q " /sys/kernel/tracing tracefs " /proc/self/mounts || '
                'mount -t tracefs tracefs /sys/kernel/tracing && exec bpftrace -o "$1" -e "$2"', "sh", output, script]

    def read(self, output, tree):
        recorded, records, losses = Counter(), 0, []
        for line in lines(output):
            kind, _, path = line.partition(" ")
            if kind in self.kinds and below(path, tree):
                recorded[kind, path] += 1
                records += 1
            elif line.startswith("Lost "):
                losses.append(line)
        return recorded, records, "; ".join(losses[-1:])
