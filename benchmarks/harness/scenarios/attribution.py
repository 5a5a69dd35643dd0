"""attribution: is the program right that did it? Short-lived writers, a recorder that reads late, fatrace beside it."""

import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path

from .. import stats
from ..peers.base import Listener
from ..peers.fatrace import LINE, Fatrace
from ..processes import BenchmarkError, Recorder, die_with_parent, running
from ..tools import BENCHMARKS

KINDS = ["touch", "cp", "mv", "rm", "redirect", "sh", "subshell"]
WRITERS = 1_000
LATENCIES = [0, 0.05, 1]
ROUNDS = 5
GOAL = "attribution-not-right-percent"


def run(bench, report):
    count = WRITERS // 5 if bench.quick else WRITERS
    rounds = 1 if bench.quick else ROUNDS
    report.detail("workload", f"{count} writers a row in {rounds} runs, kinds in turn: {', '.join(KINDS)}")
    refused = Fatrace().missing()
    if refused:
        report.not_measured("fatrace", refused)
    rows = [] if bench.options.reuse_only else [(workers, latency, False) for workers in (1, 8) for latency in LATENCIES]
    rows += [(1, latency, True) for latency in LATENCIES]
    found = {row: ([], []) for row in rows}
    try:
        for _ in bench.rounds(rounds):
            for row in rows:
                workers, latency, has_one_pid = row
                ours, theirs = measure(bench, count // rounds, workers, latency, not refused and not has_one_pid,
                                       free_pid() if has_one_pid else None)
                found[row][0].append(ours)
                if isinstance(theirs, BenchmarkError):
                    refused = str(theirs)
                    report.not_measured("fatrace", refused)
                elif theirs is not None:
                    found[row][1].append(theirs)
    finally:
        tell(report, {row: scores for row, scores in found.items() if scores[0]})


def tell(report, found):
    bars = []
    for (workers, latency, has_one_pid), (ours, theirs) in found.items():
        who = "one at a time" if workers == 1 else f"{workers} in parallel"
        title = f"{'all writers with the same pid' if has_one_pid else who}, latency {latency * 1000:g} ms"
        figure(report, title, ours, None if has_one_pid else GOAL)
        if theirs:
            figure(report, f"{title}, fatrace", theirs)
        if has_one_pid:
            wrong = sum(score["total"]["wrong"] for score in ours)
            report.figure(f"{title}: wrong", str(wrong), wrong, "attribution-wrong-after-reuse")
        else:
            place = f"{'one' if workers == 1 else workers}, {latency * 1000:g} ms"
            bars += [(f"{name}, {place}", stats.summary([missed(score) for score in scores]))
                     for name, scores in (("varved", ours), ("fatrace", theirs)) if scores]
    report.bars("Events whose program is not right, %", bars)


def missed(score):
    """Percent of the events."""
    return 100 * (1 - score["total"]["right"] / max(1, score["total"].total()))


def figure(report, title, scores, goal=None):
    """Of all runs together, beside the least and the most of one."""
    both = {kind: sum((score[kind] for score in scores), Counter(right=0)) for kind in [*KINDS, "total"]}
    each = [missed(score) for score in scores]
    by_kind = ", ".join(f"{kind} {both[kind]['right']}/{both[kind].total()}" for kind in KINDS)
    others = ", ".join(f"{both['total'][name]} {name}" for name in ("wrong", "unknown", "marked") if both["total"][name])
    report.figure(f"{title}: program not right", f"{missed(both):.2f} % of {both['total'].total()} events; by run "
                  f"{stats.cell(each)} % ({by_kind}{'; ' + others if others else ''})", missed(both), goal)
    spans = [score["spans"] for score in scores if score.get("spans")]
    if spans:
        report.figure(f"{title}: records across an exec with both programs", "; ".join(spans))


def measure(bench, count, workers, latency, has_fatrace, pid=None):
    """One run: the scores of varved and of fatrace, by kind; where fatrace refuses, the error instead."""
    with bench.filesystem(mebibytes=512) as filesystem, bench.store() as store:
        top = filesystem.mount_point
        scratch = tempfile.mkdtemp(dir=bench.directory)
        each = count // workers
        source, log = prepare(top, scratch, workers, each)
        recorder = Recorder(bench.tools, store, [top])
        with running(recorder):
            beside = refusal = None
            try:
                if has_fatrace:
                    beside = Listener(Fatrace(), top, top, Path(scratch) / "fatrace")
            except BenchmarkError as error:
                refusal = error
            try:
                pids = [recorder.pid] + ([beside.pid] if beside else [])
                with late(pids, latency):
                    work(workers, each, top, source, log, pid)
                time.sleep(0.2)
                recorder.sync()
            finally:
                if beside:
                    beside.end()
            recorder.stop()
        truth = read_truth(log)
        ours = score_events(bench, store, truth)
        theirs = score_fatrace(beside.output_path, truth) if beside else refusal
    return ours, theirs


def prepare(top, scratch, workers, each):
    """What mv and rm work on is there before anything is recorded."""
    source = f"{scratch}/source"
    with open(source, "w") as file:
        file.write("x\n")
    for worker in range(workers):
        for index in range(each):
            kind = KINDS[index % len(KINDS)]
            if kind in ("mv", "rm"):
                open(f"{top}/{'from' if kind == 'mv' else 'rm'}-{worker}-{index}", "w").close()
    return source, f"{scratch}/log"


def work(workers, each, top, source, log, pid):
    command = [str(BENCHMARKS / "workloads" / "writers.sh")]
    running_workers = [
        subprocess.Popen(
            [*command, str(worker), str(each), str(top), source, f"{log}-{worker}", str(pid or "")],
            preexec_fn=die_with_parent)
        for worker in range(workers)
    ]
    if any([worker.wait() for worker in running_workers]):
        raise BenchmarkError("writers.sh failed")


class late:
    """Stops and continues processes so that what they read is `latency` old."""

    def __init__(self, pids, latency):
        self.pids = pids
        self.latency = latency
        self.ended = threading.Event()
        self.thread = threading.Thread(target=self.cycle)

    def __enter__(self):
        if self.latency:
            self.signal(signal.SIGSTOP)
            self.thread.start()
        return self

    def cycle(self):
        while not self.ended.is_set():
            self.ended.wait(self.latency)
            self.signal(signal.SIGCONT)
            if not self.ended.is_set():
                time.sleep(max(0.01, self.latency / 10))
                self.signal(signal.SIGSTOP)
        self.signal(signal.SIGCONT)

    def __exit__(self, *_):
        if self.latency:
            # What is in the queue by now is read late as well.
            time.sleep(self.latency)
            self.ended.set()
            self.thread.join()

    def signal(self, number):
        for pid in self.pids:
            os.kill(pid, number)


def free_pid():
    """A number that nobody has and the kernel would not give out by itself soon."""
    last = int(open("/proc/sys/kernel/ns_last_pid").read())
    limit = int(open("/proc/sys/kernel/pid_max").read())
    for pid in range((last + limit // 2) % limit, limit):
        if pid > 400 and not os.path.exists(f"/proc/{pid}"):
            return pid
    return limit // 2


def read_truth(log):
    """(kind, worker, index) to the pid of the writer."""
    truth = {}
    worker = 0
    while os.path.exists(f"{log}-{worker}"):
        for line in open(f"{log}-{worker}"):
            kind, number, index, pid = line.split()
            truth[kind, number, index] = int(pid)
        worker += 1
    return truth


NAME = re.compile(r"/(touch|cp|mv|rm|redirect|sh|subshell|from)-(\d+)-(\d+)$")


def writer_of(path, truth):
    found = NAME.search(path or "")
    if not found:
        return None
    kind, number, index = found.groups()
    kind = "mv" if kind == "from" else kind
    return (kind, truth[kind, number, index]) if (kind, number, index) in truth else None


def programs():
    """The image of each kind, as /proc/PID/exe shows it."""
    found = {kind: os.path.realpath(shutil.which(kind)) for kind in ("touch", "cp", "mv", "rm", "sh", "true", "bash")}
    return {**found, "subshell": found["bash"]}


def score_events(bench, store, truth):
    """Right is the image that ran when the first operation of the record happened, and the writer's pid."""
    images = programs()
    score = {kind: Counter(right=0) for kind in [*KINDS, "total"]}
    across = Counter()
    listed = bench.tools.query(store, "events", "-o", "jsonl", "--accept-gaps", accepted=(0,))
    for line in listed.splitlines():
        event = json.loads(line)
        writer = writer_of(event.get("path"), truth)
        if not writer:
            continue
        kind, pid = writer
        image = images.get(kind)
        if kind == "redirect":
            image = images["true"] if event["op"] == ["close_write"] else images["bash"]
            if len(event["op"]) > 1 and "close_write" in event["op"]:
                across["all"] += 1
                across["both"] += event.get("exe_last") == images["true"]
        exe = event.get("process", {}).get("exe")
        if event.get("pid") != pid:
            verdict = "wrong"
        elif "process" in event.get("uncertain", []):
            verdict = "marked" if exe is None else "wrong"
        else:
            verdict = "right" if exe == image else "unknown" if exe is None else "wrong"
        if verdict == "wrong":
            bench.say(f"wrong: expected {image} with pid {pid}: {line}")
        score[kind][verdict] += 1
        score["total"][verdict] += 1
    if across["all"]:
        score["spans"] = f"{across['both']} of {across['all']}"
    if sum(score["total"].values()) < len(truth):
        raise BenchmarkError(f"only {sum(score['total'].values())} events of {len(truth)} writers")
    return score


def score_fatrace(output, truth):
    """fatrace names a process by its comm; of a redirection both the shell and the program count as right."""
    score = {kind: Counter(right=0) for kind in [*KINDS, "total"]}
    comms = {kind: {kind} for kind in KINDS} | {"redirect": {"bash", "writers.sh", "true"},
                                               "subshell": {"bash", "writers.sh"}}
    for line in open(output, errors="replace"):
        found = LINE.match(line.rstrip("\n"))
        writer = writer_of(found.group(4), truth) if found else None
        if not writer:
            continue
        kind, pid = writer
        comm = found.group(1)
        if comm == "unknown":
            verdict = "unknown"
        else:
            verdict = "right" if comm in comms[kind] and int(found.group(2)) == pid else "wrong"
        score[kind][verdict] += 1
        score["total"][verdict] += 1
    return score
