"""The rows of a store in the form of every peer, so that the same can be asked of all."""

import json
import subprocess

from .processes import BenchmarkError, die_with_parent

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


def load(tools, store, place, loaded=LOADED):
    """Into the directory `place`, which is made; text under zstd always. Bytes and seconds by peer."""
    place.mkdir()
    export = place / "export.parquet"
    tools.query(store, "export", "--format", "parquet", "-o", export, "--accept-gaps", accepted=(0,))
    told = json.loads(tools.analyse("load_peers.py", export, tools.duckdb(), place, *loaded,
                                    modules=["duckdb", *({"chdb"} & set(loaded))]))
    export.unlink()
    told["bytes"]["grep"] = as_text(tools, store, place / FILES["grep"])
    return told


def as_text(tools, store, text):
    """jsonl under zstd -3; its bytes."""
    with subprocess.Popen([str(tools.varve), "events", "--store", str(store), "-o", "jsonl", "--accept-gaps"],
                          stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, preexec_fn=die_with_parent) as lines:
        with open(text, "wb") as packed:
            subprocess.run(["zstd", "-q", "-3", "-T2", "-c"], stdin=lines.stdout, stdout=packed, check=True,
                           preexec_fn=die_with_parent)
    if lines.returncode != 0:
        raise BenchmarkError(f"varve events: exit {lines.returncode}")
    return text.stat().st_size


def places(directory, loaded=LOADED):
    return {name: directory / FILES[name] for name in ("duckdb", "parquet", *loaded, "grep")}


def middle(low, high):
    """Of a range of time, from three tenths to six; nanoseconds."""
    return {name: low + tenths * (high - low) // 10 + 1 for name, tenths in (("since", 3), ("until", 6))}
