"""cpu-append and cpu-compile: the CPU of varved against that of the bare C loop over the same workload."""

from .. import stats
from ..bench import OPENS_COUNT, OPENS_DIRECTORIES, OPENS_FILES, OPENS_OPERATIONS, alternating, counts
from ..peers import peer
from ..peers.base import Listener
from ..processes import BenchmarkError, running
from .package import CompiledPackage

# A figure is the median of at least so many pairs.
FEWEST_PAIRS = 5
RUNS = ("recorder", "loop", "reference", "fatrace")


def run_append(bench, report):
    count = OPENS_COUNT // 10 if bench.quick else OPENS_COUNT
    with bench.filesystem(mebibytes=512) as filesystem:
        tree = filesystem.mount_point / "opens"
        shape = (tree, count, OPENS_FILES, OPENS_DIRECTORIES)
        bench.tools.workload("opens", *shape, 1, "prepare")
        seeds = iter(range(1, 1_000_000))
        report.detail("workload", f"{count} x open+write+close over {OPENS_FILES} files in {OPENS_DIRECTORIES} directories")
        compare(
            bench, report, [filesystem.mount_point], lambda: bench.tools.workload("opens", *shape, next(seeds)),
            OPENS_OPERATIONS, bench.pairs(9, 5), "cpu-append",
        )


def run_compile(bench, report):
    with bench.filesystem(mebibytes=8192) as filesystem:
        package = CompiledPackage(filesystem.mount_point, bench.options.compile_target)
        package.prepare()
        report.detail("workload", package.description)
        compare(
            bench, report, [filesystem.mount_point], package.build, bench.options.ops, bench.pairs(9, 1),
            "cpu-compile", before=package.clean, wake_every=3,
        )


def compare(bench, report, paths, workload, operations, pairs, limit, before=None, wake_every=0):
    """Rounds of recorder, C loop and a loop that always naps 1 ms, until `pairs` of them count."""

    def prepared():
        if before:
            before()

    prepared()
    warm = bench.record(paths, workload, operations)
    group = warm["group"]
    report.detail("group", {"flags": hex(group["flags"]), "masks": sorted({hex(mask) for mask, _ in group["marks"]})})
    bench.say(f"warm-up: {warm['records']} records, {warm['cpu']:.3f} s CPU, {warm['seconds']:.2f} s")
    absent = peer("fatrace").missing()
    refused = {"fatrace": absent} if absent else {}
    rounds, wake_only = [], []
    try:
        measure(bench, paths, workload, operations, pairs, prepared, wake_every, group, refused, rounds, wake_only)
    finally:
        # Also of a run that is interrupted: what was measured until then.
        if refused:
            report.not_measured("CPU of varved / fatrace", refused["fatrace"], f"{limit}-of-fatrace")
        if rounds:
            summarise(report, rounds, wake_only, limit, min(pairs, FEWEST_PAIRS))


def measure(bench, paths, workload, operations, pairs, prepared, wake_every, group, refused, rounds, wake_only):
    """Fills `rounds`, `wake_only` and, should fatrace be here and refuse, `refused`."""
    for index in bench.rounds(2 * pairs, fewest=min(pairs, FEWEST_PAIRS), what="possible rounds"):
        runs = {}
        for name in alternating([name for name in RUNS if name not in refused], index):
            prepared()
            if name == "recorder":
                runs[name] = bench.record(paths, workload, operations)
            elif name == "fatrace":
                try:
                    runs[name] = beside_fatrace(bench, paths[0], workload)
                except BenchmarkError as error:
                    refused["fatrace"] = str(error)
                    bench.say(f"fatrace: {error}")
            else:
                runs[name] = bench.drain(workload, group, "adaptive" if name == "loop" else "1ms")
        if wake_every and len(rounds) % wake_every == 0:
            prepared()
            wake_only.append(wake_cost(bench, workload, runs["recorder"], runs["loop"]))
        runs["counts"] = counts(runs["recorder"], runs["loop"], runs["reference"])
        rounds.append(runs)
        bench.say(describe(runs))
        counted = sum(one["counts"] for one in rounds)
        if counted == pairs:
            break


def beside_fatrace(bench, watched, workload):
    """The same workload beside fatrace, which stores nothing but the lines that it prints."""
    with bench.store() as place:
        listener = Listener(peer("fatrace"), watched, watched, place)
        with running(listener):
            workload()
            run = listener.finish(None)
        return {"cpu": run.user + run.system, "records": run.records}


def wake_cost(bench, workload, recorder, loop):
    """The same workload beside a loop that wakes as often as the recorder's drain thread and reads nothing."""
    wakes = sum(count for name, count in recorder["switches"].items() if "drain" in name) or loop["wakes"]
    rate = max(wakes / recorder["seconds"], 1)
    result = bench.drain(workload, None, "wake-only", rate)
    return {"cpu": result["cpu"], "wakes_per_second": rate, "above": recorder["cpu"] - result["cpu"],
            "loop_above": loop["cpu"] - result["cpu"], "records": recorder["records"]}


def describe(runs):
    recorder, loop, reference = runs["recorder"], runs["loop"], runs["reference"]
    return (
        f"recorder {recorder['cpu']:.3f} s for {recorder['records']} records ({recorder['seconds']:.2f} s wall), "
        f"loop {loop['cpu']:.3f} s for {loop['records']}, always 1 ms {reference['cpu']:.3f} s for "
        f"{reference['records']}: ratio {recorder['cpu'] / loop['cpu']:.2f}{'' if runs['counts'] else ' (does not count)'}"
    )


def summarise(report, rounds, wake_only, limit, pairs):
    counted = [one for one in rounds if one["counts"]]
    report.detail("rounds", [
        {
            "counts": one["counts"],
            **{name: {key: one[name].get(key) for key in ("cpu", "cpu_to_sync", "records", "seconds", "wakes")}
               for name in ("recorder", "loop", "reference", "fatrace") if name in one},
        }
        for one in rounds
    ])
    report.figure("pairs that count", f"{len(counted)} of {len(rounds)} run, {pairs} wanted")
    if len(counted) < pairs:
        every = stats.summary([one["recorder"]["cpu"] / one["loop"]["cpu"] for one in rounds])
        records = stats.summary([one["recorder"]["records"] / one["loop"]["records"] for one in rounds])
        reason = ("too few pairs read comparable numbers of records" if len(rounds) >= pairs
                  else "the time of this scenario was used up")
        report.not_measured("CPU of varved / bare C loop", f"{reason}; of all pairs the ratio is {stats.line(every)}, of the "
                            f"records {stats.line(records)}", f"{limit}-ratio")
        return

    def ratio(top, bottom, key="cpu"):
        return stats.summary([one[top][key] / one[bottom]["cpu"] for one in counted])

    to_exit = ratio("recorder", "loop")
    report.figure("CPU of varved / bare C loop", stats.line(to_exit), to_exit["median"], f"{limit}-ratio")
    if all("fatrace" in one for one in counted):
        of_fatrace = ratio("recorder", "fatrace")
        report.figure("CPU of varved / fatrace", stats.line(of_fatrace), of_fatrace["median"], f"{limit}-of-fatrace")
    report.figure("the same up to `varve sync`", stats.line(ratio("recorder", "loop", "cpu_to_sync")))
    for name in ("recorder", "loop", "reference"):
        micro = stats.summary([1e6 * one[name]["cpu"] / one[name]["records"] for one in counted])
        title = {"recorder": "varved", "loop": "bare C loop", "reference": "loop that always naps 1 ms"}[name]
        total = stats.summary([one[name]["cpu"] for one in counted])
        report.figure(f"{title}: CPU a record", stats.line(micro, " µs") + f"; {total['median']:.3f} s in all")
    report.figure("records read, varved / bare C loop", stats.line(
        stats.summary([one["recorder"]["records"] / one["loop"]["records"] for one in counted])))
    if wake_only:
        above = stats.summary([one["above"] for one in wake_only])
        each = stats.summary([1e6 * one["above"] / one["records"] for one in wake_only])
        loop = stats.summary([one["loop_above"] for one in wake_only])
        report.figure("varved above a loop that wakes equally often and reads nothing",
                      f"{stats.line(above, ' s')}; {each['median']:.2f} µs a record")
        report.figure("bare C loop above the same", stats.line(loop, " s"))
        report.detail("wake_only", wake_only)
