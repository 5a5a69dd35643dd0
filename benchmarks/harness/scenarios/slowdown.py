"""slowdown: how much longer a file-heavy program takes beside varved than beside the bare loop, and beside nothing."""

from .. import stats
from ..bench import OPENS_COUNT, OPENS_DIRECTORIES, OPENS_FILES, OPENS_OPERATIONS, alternating

# Of fewer the interval of the median is the whole range: its lower end says nothing.
FEWEST_ROUNDS = 9


def run(bench, report):
    count = OPENS_COUNT // 10 if bench.quick else OPENS_COUNT
    pairs = bench.pairs(15, FEWEST_ROUNDS)
    rounds = []
    with bench.filesystem(mebibytes=512) as filesystem:
        paths = [filesystem.mount_point]
        shape = (filesystem.mount_point / "opens", count, OPENS_FILES, OPENS_DIRECTORIES)
        bench.tools.workload("opens", *shape, 1, "prepare")
        report.detail("workload", f"{count} x open+write+close over {OPENS_FILES} files, wall time inside the program")
        group = bench.record(paths, lambda: bench.tools.workload("opens", *shape, 1), OPENS_OPERATIONS)["group"]
        try:
            for index in bench.rounds(pairs, fewest=5):
                # All runs of a round do the same operations, in the same seeded order.
                def workload(seed=index + 2):
                    return bench.tools.workload("opens", *shape, seed)

                runs = {}
                for name in alternating(("recorder", "loop", "alone"), index):
                    if name == "recorder":
                        runs[name] = bench.record(paths, workload, OPENS_OPERATIONS)
                    elif name == "loop":
                        runs[name] = bench.drain(workload, group)
                    else:
                        runs[name] = workload()
                rounds.append({name: one["seconds"] for name, one in runs.items()})
                bench.say(", ".join(f"{name} {seconds:.3f} s" for name, seconds in rounds[-1].items()))
        finally:
            if rounds:
                tell(report, rounds)


def tell(report, rounds):
    report.detail("rounds", rounds)
    against_loop = stats.summary([one["recorder"] / one["loop"] for one in rounds])
    report.figure("wall time beside varved / beside the bare loop", stats.line(against_loop))
    report.lower_end(against_loop, "slowdown-lower-end")
    report.figure("beside varved / without any recorder", stats.line(
        stats.summary([one["recorder"] / one["alone"] for one in rounds])))
    report.figure("beside the bare loop / without any recorder", stats.line(
        stats.summary([one["loop"] / one["alone"] for one in rounds])))
