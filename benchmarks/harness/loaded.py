"""The rows of a store in the form of every peer, so that the same can be asked of all."""

import json
import shutil
import subprocess

from .processes import BenchmarkError, die_with_parent
from .questions import moment

FILES = {"duckdb": "event.duckdb", "parquet": "event.parquet", "sqlite": "event.sqlite", "chdb": "chdb",
         "grep": "events.jsonl.zst"}
TITLES = {"varve": "varve", "sql": "varve sql", "rows": "varve sql over event", "duckdb": "DuckDB table",
          "parquet": "DuckDB over Parquet", "chdb": "chDB", "sqlite": "SQLite row table", "grep": "grep over jsonl.zst"}
# What load_peers.py makes beside DuckDB's table and Parquet file, from which it makes it.
LOADED = ("sqlite", "chdb")


def engine(tools, *words):
    """What benchmarks/questions says that it made."""
    done = subprocess.run([str(word) for word in (tools.engine(), *words)], capture_output=True, text=True,
                          preexec_fn=die_with_parent)
    if done.returncode != 0:
        raise BenchmarkError(done.stderr.strip()[-300:])
    return json.loads(done.stdout)


def load(tools, store, place, loaded=LOADED, has_text=True, may_install=True):
    """Into the directory `place`, which is made. Bytes and seconds by peer, and why of those that cannot be had (`failed`)."""
    place.mkdir()
    told = in_tables(tools, store, place, loaded, may_install)
    if has_text:
        try:
            told["bytes"]["grep"] = as_text(tools, store, place / FILES["grep"])
        except BenchmarkError as error:
            told["failed"]["grep"] = str(error)
    return told


def in_tables(tools, store, place, loaded, may_install):
    """DuckDB's own, from which all others are filled."""
    lacking = {name: tools.lacks(name, may_install) for name in ("duckdb", *sorted({"chdb"} & set(loaded)))}
    failed = {name: reason for name, reason in lacking.items() if reason}
    made = [name for name in loaded if name not in failed]
    told = {"bytes": {}, "seconds": {}, "failed": {}}
    if "duckdb" not in failed:
        export = place / "export.parquet"
        tools.query(store, "export", "--format", "parquet", "-o", export, "--accept-gaps", accepted=(0,))
        try:
            told = json.loads(tools.analyse("load_peers.py", export, tools.duckdb(), place, *made,
                                            modules=["duckdb", *({"chdb"} & set(made))]))
        except BenchmarkError as error:
            failed["duckdb"] = str(error)
        export.unlink()
    failed |= told["failed"]
    if "duckdb" in failed:
        for name in ("parquet", *made):
            failed[name] = f"it is made out of DuckDB's table, and of that: {failed['duckdb']}"
    return told | {"failed": failed}


def as_text(tools, store, text):
    """jsonl under zstd -3; its bytes."""
    if not shutil.which("zstd"):
        raise BenchmarkError("zstd is not installed (benchmarks/peers --install)")
    with subprocess.Popen([str(tools.varve), "events", "--store", str(store), "-o", "jsonl", "--accept-gaps"],
                          stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, preexec_fn=die_with_parent) as lines:
        with open(text, "wb") as packed:
            subprocess.run(["zstd", "-q", "-3", "-T2", "-c"], stdin=lines.stdout, stdout=packed, check=True,
                           preexec_fn=die_with_parent)
    if lines.returncode != 0:
        raise BenchmarkError(f"varve events: exit {lines.returncode}")
    return text.stat().st_size


def places(directory, told):
    """Of the peers that `load` has made."""
    return {name: directory / FILES[name] for name in ("duckdb", "parquet", *LOADED, "grep") if name in told["bytes"]}


def middle(tools, store):
    """A range of time from three tenths of the events to six, by their number: of the time a good part may have no event at
    all. Nanoseconds."""
    bounds = asked(tools, store, "SELECT min(first_seq) AS low, max(last_seq) AS high FROM block")
    moments = [asked(tools, store, f"SELECT time_ns FROM event WHERE seq >= {sequence} ORDER BY seq LIMIT 1")["time_ns"]
               for sequence in (bounds["low"] + tenths * (bounds["high"] - bounds["low"]) // 10 for tenths in (3, 6))]
    if moments[0] >= moments[1]:
        raise BenchmarkError("the events of the middle of the store have all the same time")
    return {"since": moments[0], "until": moments[1]}


def asked(tools, store, query):
    """The one row that `varve sql` answers."""
    return json.loads(tools.query(store, "sql", query, "-o", "jsonl", "--accept-gaps"))


def count_within(tools, store, within):
    """How many events a range of `middle` has; none would make its question say nothing."""
    count = int(tools.query(store, "count", "--since", moment(within["since"]), "--until", moment(within["until"]),
                            "--accept-gaps").split()[0])
    if not count:
        raise BenchmarkError("the range of time that is asked about has no event")
    return count
