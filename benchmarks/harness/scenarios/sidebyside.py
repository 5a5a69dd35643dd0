"""side by side: one workload beside every recorder that runs here, in alternating rounds; what each costs and loses."""

from .. import stats
from ..bench import alternating
from ..peers import PEERS, SLOW
from ..peers import peer as peer_named
from ..processes import BenchmarkError, Recorder, running
from ..tools import store_byte_count
from ..truth import KINDS, score
from ..workloads import workloads

# Of all recorders, and of those that the ratios are about: of so many the interval of a median is less than their range.
ROUNDS, CORE_ROUNDS, FEWEST_ROUNDS = 5, 9, 3
CORE = ("none", "varved", "loop")
# It stops the workload at each call, which makes a second some minutes: it gets the workload of a quick run, and a run of that
# without a recorder beside it.
SMALL, SMALL_ALONE = "strace", "none, small"
# The other slow ones run again while so much of the time is not used up.
SLOW_SHARE = 0.4
# A round counts whose recorder has read so much of what the loop read: the rest the kernel has merged, which looks cheap.
COMPARABLE = 0.95
COLUMNS = ["recorder", "runs", "wall time / no recorder", "workload's CPU / no recorder", "CPU an event: user + system, µs",
           "CPU an event / loop", "lost", "merged", "bytes an event", "disk written / stored", "RSS peak, MiB", "remarks"]


def scenario(name):
    return lambda bench, report: run(bench, report, name)


def run(bench, report, name):
    workload, small = workloads(bench.quick)[name], workloads(True)[name]
    report.detail("workload", workload.title)
    absent = workload.missing(bench.tools)
    if absent:
        report.not_measured(workload.title, absent)
        return
    peers, refused = available(bench)
    rounds = []
    with (bench.filesystem("watched", 1024 if bench.quick else 4096, 60_000 if bench.quick else 400_000) as watched,
          bench.filesystem("output", 1024 if bench.quick else 4096) as disk):
        # The loop takes its flags and marks from varved; this run also warms what all runs use.
        bench.group = measure(bench, peers["varved"], workload, watched, disk, 1)["run"].group
        empty = empty_byte_count(bench, watched)
        # Before the rounds: how long one takes tells whether another one fits.
        slow = {}
        measure_some(bench, [peer for peer in peers if peer in SLOW], 0, slow, (workload, small), (watched, disk), peers,
                     refused)
        try:
            for index in bench.rounds(bench.pairs(ROUNDS if bench.quick else CORE_ROUNDS, ROUNDS), FEWEST_ROUNDS):
                rounds.append(slow if index == 0 else {})
                measure_some(bench, chosen(bench, index, peers), index, rounds[-1], (workload, small), (watched, disk), peers,
                             refused)
                bench.say(f"round {index + 1}: " + ", ".join(
                    f"{peer} {one['seconds']:.3f} s" for peer, one in sorted(rounds[-1].items())))
        finally:
            # Also of a run that is interrupted: what was measured until then.
            whole = [runs for runs in rounds if all(peer in runs for peer in CORE)]
            if whole:
                if any(SMALL_ALONE in runs for runs in whole):
                    report.note(f"Beside {SMALL}: {small.title}.")
                tell(report, whole, refused, empty)


def chosen(bench, index, peers):
    """Who runs in that round, in its order."""
    for peer in alternating(list(peers), index):
        if peer not in CORE and index >= ROUNDS:
            continue
        if peer in SLOW and (index == 0 or bench.quick or bench.share_used() > SLOW_SHARE):
            continue
        yield peer


def measure_some(bench, names, index, runs, sizes, places, peers, refused):
    """One run beside each of `names`, into `runs`, by name; those that cannot run, into `refused`."""
    workload, small = sizes
    for peer in names:
        if peer in refused:
            continue
        if peer not in CORE and index == 0 and bench.is_late():
            refused[peer] = "the time of this scenario was used up"
            continue
        try:
            runs[peer] = measure(bench, peers[peer], small if peer == SMALL else workload, *places, index + 2)
            if peer == SMALL and small.title != workload.title:
                runs[SMALL_ALONE] = measure(bench, peers["none"], small, *places, index + 2)
        except BenchmarkError as error:
            if peer in CORE:
                raise
            refused[peer] = str(error)
            bench.say(f"{peer}: {error}")


def empty_byte_count(bench, watched):
    """Of a store that has recorded nothing."""
    with bench.store() as store:
        with running(Recorder(bench.tools, store, [watched.mount_point])) as recorder:
            recorder.stop()
        return store_byte_count(store)["length"]


def available(bench):
    """The recorders that run here, by name; the others are said, with the reason."""
    peers, refused = {}, {}
    for peer in PEERS:
        if bench.options.peers and peer.name not in ("none", "varved", "loop", *bench.options.peers):
            continue
        absent = peer.missing()
        if absent:
            refused[peer.name] = absent
        peers[peer.name] = peer
    return peers, refused


def measure(bench, peer, workload, watched, disk, seed):
    """One run in a tree of its own that is gone before the next recorder starts."""
    number = bench.next_number()
    tree = watched.mount_point / f"tree-{number}"
    place = disk.mount_point / f"{peer.name}-{number}"
    try:
        workload.prepare(bench.tools, tree)
        watched.flush()
        disk.flush()
        before = disk.written_byte_count()
        with peer.listening(bench, watched.mount_point, tree, place, workload.kinds) as listener:
            done = workload.run(bench.tools, tree, seed, listener.prefix)
            run = listener.finish(done)
        disk.flush()
        written = disk.written_byte_count() - before
    finally:
        bench.remove(tree)
        bench.remove(place)
    kinds = peer.kinds & workload.kinds
    made = done.truth.made().total()
    return {
        "run": run, "seconds": done.seconds, "workload_cpu": done.user + done.system, "made": made, "user": run.user,
        "system": run.system, "records": run.records, "rss_kib": run.rss_kib, "output_bytes": run.output_bytes,
        "written": written, "unseen": sorted(workload.kinds - peer.kinds, key=KINDS.index),
        "score": score(done.truth, run.recorded, kinds, peer.directory_kinds, run.windows) if kinds else None,
    }


def tell(report, rounds, refused, empty=None):
    recorders = [peer.name for peer in PEERS if any(peer.name in runs for runs in rounds)]
    rows = [row(recorder, rounds) for recorder in recorders]
    rows += [[peer, "0", *[""] * (len(COLUMNS) - 3), f"not measured: {why}"] for peer, why in refused.items()]
    report.detail("rounds", [{peer: plain(one) for peer, one in runs.items()} for runs in rounds])
    slower = {recorder: ratios(rounds, recorder, "seconds") for recorder in recorders}
    against_loop = stats.summary([runs["varved"]["seconds"] / runs["loop"]["seconds"] for runs in rounds])
    alone = stats.summary([runs["none"]["seconds"] for runs in rounds])
    report.figure("wall time without a recorder", stats.line(alone, " s"))
    report.figure("wall time beside varved / beside the bare loop", stats.line(against_loop))
    report.lower_end(against_loop, "slowdown-lower-end")
    report.figure("wall time beside varved / without a recorder", stats.line(slower["varved"]))
    lost = max(runs["varved"]["score"].lost for runs in rounds)
    report.figure("varved: (operation, path) pairs lost, at most in a run",
                  f"{lost} of {rounds[0]['varved']['score'].distinct}", lost, "lost")
    comparable = [runs for runs in rounds if is_comparable(runs)]
    if len(comparable) < len(rounds):
        report.figure(f"rounds that do not count for CPU: varved read less than {COMPARABLE} x the loop's records",
                      f"{len(rounds) - len(comparable)} of {len(rounds)}")
    if comparable:
        report.figure("CPU of varved / bare loop", stats.line(cpu_ratios(comparable, "varved", "loop")))
    else:
        report.not_measured("CPU of varved / bare loop", f"no round counts; of all it is "
                            f"{stats.line(cpu_ratios(rounds, 'varved', 'loop'))}")
    if any("fatrace" in runs for runs in rounds):
        of_fatrace = cpu_ratios(rounds, "varved", "fatrace")
        report.figure("CPU of varved / fatrace", stats.line(of_fatrace), of_fatrace["median"])
    elif "fatrace" in refused:
        report.not_measured("CPU of varved / fatrace", refused["fatrace"])
    report.table("Beside each recorder", COLUMNS, rows, "Medians (least-most, n runs); loss and merging of the worst run." + (
        f" A store that has recorded nothing has {empty} bytes, which are in varved's bytes an event." if empty else ""))
    plots(report, rounds, recorders, slower)


def plots(report, rounds, recorders, slower):
    watching = [recorder for recorder in recorders if recorder != "none"]
    report.bars("Wall time of the workload / without a recorder", [(recorder, slower[recorder]) for recorder in watching])

    def drawn(title, value, recorders):
        report.bars(title, [(recorder, stats.summary([value(one) for one in of(rounds, recorder) if value(one) is not None]))
                            for recorder in recorders])

    drawn("CPU of the recorder an event, µs", lambda one: None if cpu(one) is None else 1e6 * cpu(one) / one["made"],
          watching)
    drawn("RSS peak of the recorder, MiB", lambda one: one["rss_kib"] / 1024, watching)
    telling = [recorder for recorder in watching if of(rounds, recorder)[0]["score"]]
    drawn("Lost, % of the pairs of operation and path", lambda one: 100 * one["score"].lost / max(1, one["score"].distinct),
          telling)
    storing = [recorder for recorder in telling if all(one["records"] for one in of(rounds, recorder))]
    drawn("Bytes an event that was recorded", lambda one: one["output_bytes"] / one["records"], storing)
    drawn("Disk written / stored", lambda one: one["written"] / max(1, one["output_bytes"]), storing)


def of(rounds, recorder):
    return [runs[recorder] for runs in rounds if recorder in runs]


def ratios(rounds, recorder, key):
    """Over the same workload without a recorder."""
    found = []
    for runs in rounds:
        alone = runs[SMALL_ALONE if recorder == SMALL and SMALL_ALONE in runs else "none"]
        if recorder in runs and alone[key]:
            found.append(runs[recorder][key] / alone[key])
    return stats.summary(found)


def is_comparable(runs):
    """By the records that were read of each event made, where it is known of both."""
    counters = getattr(runs["varved"]["run"], "counters", None)
    ours, theirs = runs["varved"], runs["loop"]
    return not counters or counters["records_read"] / ours["made"] >= COMPARABLE * theirs["records"] / theirs["made"]


def cpu(one):
    return None if one["user"] is None else one["user"] + one["system"]


def cpu_ratios(rounds, top, bottom):
    """By the event that was made."""
    return stats.summary([(cpu(runs[top]) / runs[top]["made"]) / (cpu(runs[bottom]) / runs[bottom]["made"])
                          for runs in rounds if top in runs and bottom in runs and cpu(runs[bottom])
                          and cpu(runs[top]) is not None])


def row(recorder, rounds):
    runs = of(rounds, recorder)

    def median(value, digits=2):
        return f"{stats.median([value(one) for one in runs]):.{digits}f}"

    def spread(value, digits=1):
        return stats.cell([value(one) for one in runs], digits)

    cells = [recorder, str(len(runs)), stats.short(ratios(rounds, recorder, "seconds")),
             stats.short(ratios(rounds, recorder, "workload_cpu"))]
    if recorder == "none":
        return cells + [""] * (len(COLUMNS) - 5) + [f"{runs[0]['made']} events, {spread(lambda one: one['seconds'], 3)} s"]
    if cpu(runs[0]) is None:
        cells.append("not told apart")
    else:
        cells.append(f"{median(lambda one: 1e6 * one['user'] / one['made'])} + "
                     f"{median(lambda one: 1e6 * one['system'] / one['made'])}")
    cells.append(stats.short(cpu_ratios(rounds, recorder, "loop")))
    scores = [one["score"] for one in runs]
    remarks = []
    if scores[0] is None:
        cells += ["", "", "", ""]
        remarks.append(f"{median(lambda one: one['records'], 0)} records read and thrown away" if recorder == "loop"
                       else "reports none of these operations")
    else:
        worst = max(scores, key=lambda each: each.lost)
        merged = max(scores, key=lambda each: each.merged)
        cells += [f"{worst.lost} of {worst.distinct}", f"{merged.merged} of {merged.made}"]
        if any(one["records"] for one in runs):
            cells += [spread(lambda one: one["output_bytes"] / max(1, one["records"])),
                      spread(lambda one: one["written"] / max(1, one["output_bytes"]))]
        else:
            cells += ["", ""]
            remarks.append(f"told of none of these operations: {peer_named(recorder).blindness}")
        remarks += score_remarks(scores, worst, merged, runs[0]["unseen"])
    remarks += sorted({one["run"].own_loss for one in runs if one["run"].own_loss})
    return cells + [spread(lambda one: one["rss_kib"] / 1024), "; ".join(remarks)]


def score_remarks(scores, worst, merged, unseen):
    extra = max(each.extra for each in scores)
    if worst.doubtful:
        yield f"of the lost {worst.doubtful} may be merged with what the file did before its directory's rename"
    if merged.joined:
        yield f"{merged.joined} merged under the name that the directory had before"
    if extra:
        yield f"{extra} under a name that was not the file's"
    if unseen:
        yield f"does not report {', '.join(unseen)}"


def plain(one):
    kept = {key: value for key, value in one.items() if key not in ("run", "score", "unseen")}
    if one["score"]:
        kept["score"] = vars(one["score"])
    return {key: round(value, 6) if isinstance(value, float) else value for key, value in kept.items()}
