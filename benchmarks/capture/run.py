#!/usr/bin/env python3
"""Writers that commit single inserts as fast as Python can, with and without the capture looking on.

run.py FOLLOW SECONDS: FOLLOW is the built program. Prints found, missed, the writers' own count, and their rates.
"""
import os
import subprocess
import sqlite3
import sys
import tempfile

WRITER = r"""
import sqlite3, sys, time
c = sqlite3.connect(sys.argv[1], isolation_level=None, timeout=60)
c.execute('pragma synchronous=normal')
sys.stdin.readline()
end, n = time.monotonic() + float(sys.argv[2]), 0
while time.monotonic() < end:
    for _ in range(20):
        c.execute("insert into t(b) values('a row of some length, as an event log has it')")
    n += 20
print(n, flush=True)
sys.stdin.readline()
"""


def round_of(follow, seconds, count, captured):
    with tempfile.TemporaryDirectory(prefix="varve-capture-") as directory:
        path = directory + "/db"
        c = sqlite3.connect(path, isolation_level=None)
        c.execute("pragma journal_mode=wal")
        c.execute("create table t(a integer primary key, b)")
        pipe = subprocess.PIPE
        writers = [
            subprocess.Popen([sys.executable, "-c", WRITER, path, str(seconds)], stdin=pipe, stdout=pipe, text=True)
            for _ in range(count)
        ]
        watcher = None
        if captured:
            pids = [str(w.pid) for w in writers]
            watcher = subprocess.Popen([follow, "follow", path, *pids], stdout=pipe, text=True)
        for w in writers:
            w.stdin.write("\n")
            w.stdin.flush()
        total = sum(int(w.stdout.readline()) for w in writers)
        for w in writers:
            w.stdin.write("\n")
            w.stdin.close()
            w.wait()
        found = watcher.communicate()[0].split() if watcher else None
        return total, [int(x) for x in found] if found else None


def main():
    follow, seconds = os.path.abspath(sys.argv[1]), float(sys.argv[2])
    for count in (1, 2):
        rates = {True: [], False: []}
        for captured in (False, True, False, True):
            total, seen = round_of(follow, seconds, count, captured)
            rates[captured].append(total / seconds)
            if seen:
                found, missed, gaps, size, cpu, longest = seen
                # The table's own transaction is one more.
                exact = found + missed == total + 1
                print(
                    f"{count} writer(s): {total + 1} commits, {found} found + {missed} missed in {gaps} gaps,"
                    f" {'equal' if exact else 'NOT EQUAL'}; {total / seconds:.0f}/s, {size >> 20} MiB of pages,"
                    f" {cpu} ms CPU, longest pause {longest} ms", flush=True)
        print(
            f"{count} writer(s): {sum(rates[True]) / sum(rates[False]):.2f} of the rate without it"
            f" ({sum(rates[False]) / len(rates[False]):.0f}/s)", flush=True)


main()
