"""side by side: one workload beside every recorder that runs here, in alternating rounds; what each costs and loses."""

from .. import stats
from ..bench import alternating
from ..peers import PEERS, SLOW
from ..processes import BenchmarkError
from ..truth import KINDS, score
from ..workloads import workloads

ROUNDS = 5
COLUMNS = ["recorder", "runs", "wall time / no recorder", "workload's CPU / no recorder", "CPU an event: user + system, µs",
           "CPU / loop", "lost", "merged", "bytes an event", "disk written / stored", "RSS peak, MiB", "remarks"]


def scenario(name):
    return lambda bench, report: run(bench, report, name)


def run(bench, report, name):
    workload = workloads(bench.quick)[name]
    report.detail("workload", workload.title)
    absent = workload.missing(bench.tools)
    if absent:
        report.not_measured(workload.title, absent)
        return
    peers, refused = available(bench, report)
    rounds = []
    with (bench.filesystem("watched", 1024 if bench.quick else 4096, 60_000 if bench.quick else 400_000) as watched,
          bench.filesystem("output", 1024 if bench.quick else 4096) as disk):
        # The loop takes its flags and marks from varved; this run also warms what all runs use.
        bench.group = measure(bench, peers["varved"], workload, watched, disk, 1)["run"].group
        try:
            wanted = bench.pairs(ROUNDS, ROUNDS)
            for index in range(wanted):
                bench.progress(index, wanted)
                runs = {}
                for peer in alternating(list(peers), index):
                    if peer in refused or (peer in SLOW and index > 0 and (bench.quick or bench.share_used() > 0.4)):
                        continue
                    try:
                        runs[peer] = measure(bench, peers[peer], workload, watched, disk, index + 2)
                    except BenchmarkError as error:
                        if peer in ("none", "varved", "loop"):
                            raise
                        refused[peer] = str(error)
                        bench.say(f"{peer}: {error}")
                rounds.append(runs)
                bench.say(f"round {index + 1}: " + ", ".join(
                    f"{peer} {one['seconds']:.3f} s" for peer, one in sorted(runs.items())))
                if bench.is_late() and index + 1 >= ROUNDS:
                    break
        finally:
            # Also of a run that is interrupted: what was measured until then.
            if rounds:
                tell(report, rounds, refused)


def available(bench, report):
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


def tell(report, rounds, refused):
    recorders = [peer.name for peer in PEERS if any(peer.name in runs for runs in rounds)]
    rows = [row(recorder, rounds) for recorder in recorders]
    rows += [[peer, "0", *[""] * (len(COLUMNS) - 3), f"not measured: {why}"] for peer, why in refused.items()]
    report.detail("rounds", [{peer: plain(one) for peer, one in runs.items()} for runs in rounds])
    slower = {recorder: ratios(rounds, recorder, "none", "seconds") for recorder in recorders}
    against_loop = ratios(rounds, "varved", "loop", "seconds")
    report.figure("wall time beside varved / beside the bare loop", stats.line(against_loop))
    report.figure("the lower end of its interval", f"{against_loop['interval'][0]:g}", against_loop["interval"][0],
                  "slowdown-lower-end")
    report.figure("wall time beside varved / without a recorder", stats.line(slower["varved"]))
    lost = max(runs["varved"]["score"].lost for runs in rounds)
    report.figure("varved: (operation, path) pairs lost, at most in a run",
                  f"{lost} of {rounds[0]['varved']['score'].distinct}", lost, "lost")
    report.figure("CPU of varved / bare loop", stats.line(cpu_ratios(rounds, "varved", "loop")))
    if any("fatrace" in runs for runs in rounds):
        of_fatrace = cpu_ratios(rounds, "varved", "fatrace")
        report.figure("CPU of varved / fatrace", stats.line(of_fatrace), of_fatrace["median"])
    elif "fatrace" in refused:
        report.not_measured("CPU of varved / fatrace", refused["fatrace"])
    report.table("Beside each recorder; medians, loss and merging of the worst run", COLUMNS, rows)
    report.bars("Wall time of the workload / without a recorder",
                [(recorder, slower[recorder]) for recorder in recorders if recorder != "none"])
    report.bars("CPU of the recorder an event, µs", [
        (recorder, stats.summary([1e6 * cpu(one) / one["made"] for one in of(rounds, recorder) if cpu(one) is not None]))
        for recorder in recorders if recorder != "none"])


def of(rounds, recorder):
    return [runs[recorder] for runs in rounds if recorder in runs]


def ratios(rounds, top, bottom, key):
    return stats.summary([runs[top][key] / runs[bottom][key] for runs in rounds if top in runs and runs[bottom][key]])


def cpu(one):
    return None if one["user"] is None else one["user"] + one["system"]


def cpu_ratios(rounds, top, bottom):
    return stats.summary([cpu(runs[top]) / cpu(runs[bottom]) for runs in rounds
                          if top in runs and bottom in runs and cpu(runs[bottom]) and cpu(runs[top]) is not None])


def row(recorder, rounds):
    runs = of(rounds, recorder)

    def median(value, digits=2):
        values = [value(one) for one in runs]
        return f"{stats.median(values):.{digits}f}" if values else ""

    wall = ratios(rounds, recorder, "none", "seconds")
    cells = [recorder, str(len(runs)), short(wall), short(ratios(rounds, recorder, "none", "workload_cpu"))]
    if recorder == "none":
        return cells + [""] * (len(COLUMNS) - 5) + [f"{runs[0]['made']} events, {median(lambda one: one['seconds'], 3)} s"]
    if cpu(runs[0]) is None:
        cells.append("not told apart")
    else:
        cells.append(f"{median(lambda one: 1e6 * one['user'] / one['made'])} + "
                     f"{median(lambda one: 1e6 * one['system'] / one['made'])}")
    against = cpu_ratios(rounds, recorder, "loop")
    cells.append(short(against) if against else "")
    scores = [one["score"] for one in runs]
    remarks = []
    if scores[0] is None:
        cells += ["", "", "", ""]
        remarks.append(f"{median(lambda one: one['records'], 0)} records read and thrown away" if recorder == "loop"
                       else "reports none of these operations")
    else:
        worst = max(scores, key=lambda each: each.lost)
        merged = max(scores, key=lambda each: each.merged)
        cells += [f"{worst.lost} of {worst.distinct}", f"{merged.merged} of {merged.made}",
                  median(lambda one: one["output_bytes"] / max(1, one["records"]), 1),
                  median(lambda one: one["written"] / max(1, one["output_bytes"]), 1)]
        extra = max(each.extra for each in scores)
        if worst.doubtful:
            remarks.append(f"of the lost {worst.doubtful} may be merged with what the file did before its directory's rename")
        if merged.joined:
            remarks.append(f"{merged.joined} merged under the name that the directory had before")
        if extra:
            remarks.append(f"{extra} under a name that was not the file's")
        if runs[0]["unseen"]:
            remarks.append(f"does not report {', '.join(runs[0]['unseen'])}")
    remarks += sorted({one["run"].own_loss for one in runs if one["run"].own_loss})
    return cells + [median(lambda one: one["rss_kib"] / 1024, 1), "; ".join(remarks)]


def short(summarised):
    """A median and its spread, for a cell."""
    if summarised is None:
        return ""
    if summarised["count"] == 1:
        return f"{summarised['median']:.2f}"
    return f"{summarised['median']:.2f} ({summarised['least']:.2f}-{summarised['most']:.2f})"


def plain(one):
    kept = {key: value for key, value in one.items() if key not in ("run", "score", "unseen")}
    if one["score"]:
        kept["score"] = vars(one["score"])
    return {key: round(value, 6) if isinstance(value, float) else value for key, value in kept.items()}
