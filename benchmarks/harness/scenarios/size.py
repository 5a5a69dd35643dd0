"""size: every byte of a store of at least a million events of real activity, by the event, beside the same rows in
Parquet. Two recorders watch the same activity: one records every operation, one the default operations."""

import json
import shutil
import subprocess
import time
from contextlib import ExitStack
from pathlib import Path

from .. import stats
from ..processes import BenchmarkError, Recorder, die_with_parent, running
from ..store import stored_count
from ..tools import duckdb, store_byte_count
from .activities import Activities

WANTED_EVENTS = 1_000_000
SHARE_FOR_DOWNLOADS = 0.25
# What is not begun by then is left out: compacting and converting both stores take the rest of the time.
SHARE_FOR_ACTIVITIES = 0.55
KINDS = {"all": ("every operation", ["--ops", "all"], "size-all-bytes-per-event"),
         "default": ("default operations", [], "size-default-bytes-per-event")}


def run(bench, report):
    with bench.filesystem("activity", 40_960, 4_000_000) as filesystem, ExitStack() as stack:
        activities = Activities(filesystem.mount_point / "work", bench.tools.work / "downloads", bench.tools, bench.quick)
        activities.fetch(lambda: bench.share_used() > SHARE_FOR_DOWNLOADS)
        empty(bench, report, filesystem.mount_point)
        stores = {kind: stack.enter_context(bench.store()) for kind in KINDS}
        recorders = {}
        # The programs that the activity runs lie outside its filesystem; their execs belong to the recording.
        paths = [filesystem.mount_point, "/usr", *toolchain()]
        for kind, (_, options, _) in KINDS.items():
            recorders[kind] = stack.enter_context(running(Recorder(bench.tools, stores[kind], paths, options)))
        report.note("One run: no activity is done twice, and the bytes are those of that activity.")
        report.detail("recorded", "the activity's filesystem, /usr and the Swift toolchain")
        report.detail("activities", perform(bench, activities, recorders))
        for recorder in recorders.values():
            recorder.sync()
        report.detail("counters", {kind: recorder.counters() for kind, recorder in recorders.items()})
        for recorder in recorders.values():
            recorder.stop()
        for kind, store in stores.items():
            if bench.options.keep:
                shutil.copytree(store, Path(bench.options.keep) / f"size-{kind}", dirs_exist_ok=True)
            measure(bench, report, kind, store)


def toolchain():
    """The directory of the Swift toolchain where it is not under /usr."""
    program = shutil.which("swift")
    root = Path(program).resolve().parents[2] if program else Path("/usr")
    return [] if root.is_relative_to("/usr") else [root]


def perform(bench, activities, recorders):
    """Every activity in turn; what each added to the two stores."""
    done = []
    before = {kind: 0 for kind in recorders}
    for name, activity in activities.all():
        if bench.share_used() > SHARE_FOR_ACTIVITIES:
            done.append({"activity": name, "failed": "not begun: the time of this scenario was used up (--long)"})
            continue
        started = time.monotonic()
        entry = {"activity": name}
        try:
            activity()
        except BenchmarkError as error:
            # What it did until then was recorded like everything else; the entry says that it did not end well.
            entry["failed"] = str(error)[:200]
            bench.say(f"{name}: {error}")
        seconds = time.monotonic() - started
        entry["seconds"] = round(seconds, 1)
        for kind, recorder in recorders.items():
            recorder.sync()
            stored = stored_count(recorder.counters())
            entry[kind] = stored - before[kind]
            before[kind] = stored
        done.append(entry)
        bench.say(f"{name}: {seconds:.0f} s, " + ", ".join(f"{entry[kind]} events ({kind})" for kind in recorders))
    left = sum(entry.get("failed", "").startswith("not begun") for entry in done)
    if left:
        bench.leave_out(f"{len(done) - left} of {len(done)} activities")
    return done


def empty(bench, report, mount_point):
    """A store that was made, recorded nothing and was closed."""
    quiet = mount_point / "quiet"
    quiet.mkdir()
    with bench.store() as store:
        with running(Recorder(bench.tools, store, [quiet])) as recorder:
            time.sleep(1)
            recorder.stop()
        size = store_byte_count(store)
        events = bench.tools.count(store)
    report.figure("empty store", f"{size['length'] / 1024:.0f} KiB ({size['allocated'] / 1024:.0f} KiB allocated, "
                  f"{events} events)", size["length"] / 1024, "size-empty-kib")


def measure(bench, report, kind, store):
    title, _, limit = KINDS[kind]
    before = store_byte_count(store)
    started = time.monotonic()
    bench.tools.query(store, "compact", accepted=(0,))
    compacting = time.monotonic() - started
    after = store_byte_count(store)
    count = bench.tools.count(store)
    if count == 0:
        report.not_measured(f"{title}: bytes an event", "the store holds no event", limit)
        return
    if count < WANTED_EVENTS:
        report.figure(f"{title}: events", f"{count}, fewer than the {WANTED_EVENTS} the goal is about")
    else:
        report.figure(f"{title}: events", str(count))
    report.detail(f"files_{kind}", {"before": before["files"], "after": after["files"]})
    each = after["length"] / count
    report.figure(f"{title}: bytes an event, the whole store directory", f"{each:.3f} B ({after['length']} B; "
                  f"{after['allocated'] / count:.3f} B allocated)", each, limit)
    ratio = before["length"] / after["length"]
    report.figure(f"{title}: before `varve compact` / after", f"{ratio:.3f} ({before['length'] / count:.3f} B an "
                  f"event before; compacted in {compacting:.1f} s)", ratio, "size-before-compaction")
    bench.tools.query(store, "verify", accepted=(0,))
    report.figure(f"{title}: `varve verify`", "passed")
    parquet(bench, report, kind, store, after["length"], count)


def parquet(bench, report, kind, store, store_bytes, count):
    title = KINDS[kind][0]
    path = bench.directory / f"{kind}.parquet"
    converted = to_parquet(bench.tools, store, path)
    if converted["rows"] != count:
        report.not_measured(f"{title}: store / Parquet", f"{converted['rows']} rows exported of {count}", "size-of-parquet")
        return
    size = path.stat().st_size
    report.figure(f"{title}: store / Parquet (pyarrow, zstd 3, the same rows)",
                  f"{store_bytes / size:.3f} (Parquet {size / count:.3f} B an event)", store_bytes / size,
                  "size-of-parquet")
    columns = {name: round(stored / count, 4) for name, stored in converted["columns"].items()}
    report.detail(f"parquet_columns_{kind}", columns)
    report.bars(f"Bytes an event, {title}", [("store", stats.summary([store_bytes / count])),
                                             ("Parquet", stats.summary([size / count]))])
    parts(bench, report, kind, store, path, count)
    path.unlink()


def to_parquet(tools, store, path):
    """`varve events -o jsonl`, converted by the private Python; neither holds all rows in memory."""
    converter = Path(__file__).resolve().parent.parent / "to_parquet.py"
    export = subprocess.Popen(
        [str(tools.varve), "events", "--store", str(store), "-o", "jsonl", "--accept-gaps"], stdout=subprocess.PIPE,
        preexec_fn=die_with_parent)
    try:
        done = subprocess.run([str(tools.python()), str(converter), str(path)], stdin=export.stdout,
                              stdout=subprocess.PIPE, text=True, check=True, preexec_fn=die_with_parent)
    finally:
        export.stdout.close()
        export.wait()
    return json.loads(done.stdout)


# The parts of a block that hold process records; the other "process" parts are per event.
PROCESS_RECORDS = ("process texts", "process numbers", "process links", "process control groups", "facts")
PROCESS_COLUMNS = ("instance", "start", "exe", "script", "comm", "cmdline", "ppid", "uid", "gid", "loginuid", "container")


def parts(bench, report, kind, store, rows, count):
    """Bytes by column, dictionary and process record, as the store itself accounts for them."""
    title = KINDS[kind][0]
    answer = json.loads(bench.tools.query(store, "status", "--sizes", "-o", "json", accepted=(0, 1, 3)))
    stored = answer["parts"]
    report.detail(f"parts_{kind}", {name: round(size / count, 4) for name, size in stored.items()})
    report.detail(f"tables_{kind}", answer["tables"])
    largest = sorted(stored.items(), key=lambda part: -part[1])[:10]
    report.figure(f"{title}: bytes an event by part, the ten largest",
                  ", ".join(f"{name} {size / count:.3f}" for name, size in largest))
    images = ", ".join(f"process_{name}" for name in PROCESS_COLUMNS)
    found = duckdb(bench.tools, f"select count(*) as images, sum(length(cmdline)) as characters from (select distinct "
                   f"{images}, process_cmdline as cmdline from '{rows}' where process_instance is not null)")[0]
    records = sum(stored.get(name, 0) for name in PROCESS_RECORDS)
    if not found["images"]:
        report.not_measured(f"{title}: bytes a process record", "no event names a process", "size-process-bytes")
        return
    each = records / found["images"]
    report.figure(f"{title}: bytes a process record, command line included",
                  f"{each:.1f} B ({found['images']} process images, {found['characters'] or 0} characters of command "
                  "lines)", each, "size-process-bytes")
