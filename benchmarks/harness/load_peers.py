"""Gives the peers of the scenarios `questions-…` the rows of a Parquet file of `varve export`, run by the private Python:
`load_peers.py EXPORT DUCKDB PLACE [sqlite] [chdb]`. DUCKDB is the program of duckdb-cli: what it makes, it and the library
can read.

Makes PLACE/event.duckdb, event.parquet (zstd 3) and what is named of event.sqlite and chdb/. stdout: {"bytes": …,
"seconds": …, "failed": why}, each by name. What says the same twice is left out (`time` beside `time_ns`, `op` beside `mask`), to the peers'
advantage. SQLite has fewer columns.
"""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

KEPT = ["seq", "ts_ns AS time_ns", "earliest_ns", "host", "mask", "path", "target", "fs", "inode", "generation", "pid",
        "instance", "start", "exe", "script", "comm", "cmdline", "ppid", "parent", "uid", "gid", "ruid", "rgid", "loginuid",
        "session", "tty", "cgroup", "container", "exe_last", "uncertain", "name_only", "scanned"]
IN_SQLITE = ["seq", "time_ns", "mask", "path", "target", "inode", "pid", "instance", "exe", "cmdline", "uid"]
# Numbers that rise or jump little from row to row.
DELTA = {"seq", "time_ns", "earliest_ns", "start", "instance", "parent"}
# So many different paths that a dictionary over them costs more than it saves (measured).
PLAIN = {"path", "target"}
ROWS_AT_ONCE = 200_000


def make_duckdb(export, program, place):
    """In the newest form of the file: by default DuckDB makes one that older versions read, which takes six times the room
    for repeated long texts such as command lines."""
    columns = ", ".join(KEPT)
    subprocess.run(
        [program, "-c",
         f"SET threads = 2; ATTACH '{place / 'event.duckdb'}' AS made (STORAGE_VERSION 'latest'); "
         f"CREATE TABLE made.event AS SELECT {columns} FROM read_parquet('{export}') WHERE gap IS NULL; CHECKPOINT made; "
         f"COPY made.event TO '{place / 'event.parquet'}' (FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 3)"],
        check=True, stdout=subprocess.DEVNULL)


def make_sqlite(place):
    import duckdb
    import sqlite3

    source = duckdb.connect(str(place / "event.duckdb"), read_only=True, config={"threads": 2})
    last = source.execute("SELECT max(seq) FROM event").fetchone()[0] or 0
    database = sqlite3.connect(place / "event.sqlite", isolation_level=None)
    database.executescript("PRAGMA journal_mode=off; PRAGMA synchronous=off; PRAGMA cache_size=-500000; BEGIN")
    database.execute("CREATE TABLE event(seq INTEGER PRIMARY KEY, " + ", ".join(IN_SQLITE[1:]) + ")")
    # An answer is held whole by DuckDB's library, so it is asked for in pieces.
    for first in range(1, last + 1, ROWS_AT_ONCE):
        rows = source.execute(f"SELECT {', '.join(IN_SQLITE)} FROM event WHERE seq BETWEEN {first} AND "
                              f"{first + ROWS_AT_ONCE - 1} ORDER BY seq").fetchall()
        database.executemany(f"INSERT INTO event VALUES ({', '.join('?' * len(IN_SQLITE))})", rows)
    database.execute("CREATE INDEX event_time ON event(time_ns)")
    database.execute("CREATE INDEX event_path ON event(path, seq)")
    database.execute("COMMIT")
    database.execute("ANALYZE")
    database.close()


def make_chdb(place):
    from chdb import session

    opened = session.Session(str(place / "chdb"))
    source = f"file('{place / 'event.parquet'}', Parquet)"
    described = json.loads(opened.query(f"DESCRIBE TABLE {source}", "JSON").bytes())["data"]
    columns = ", ".join(f"{column['name']} {chdb_type(column['name'], column['type'])}" for column in described)
    opened.query("CREATE DATABASE IF NOT EXISTS store ENGINE = Atomic")
    opened.query(f"CREATE TABLE store.event ({columns}) ENGINE = MergeTree ORDER BY seq SETTINGS allow_nullable_key = 1")
    opened.query(f"INSERT INTO store.event SELECT * FROM {source} SETTINGS max_threads = 2, max_insert_threads = 1")
    opened.query("OPTIMIZE TABLE store.event FINAL")
    found = json.loads(opened.query(
        "SELECT sum(bytes_on_disk) AS bytes FROM system.parts WHERE active AND database = 'store' AND table = 'event'",
        "JSON").bytes())
    return int(found["data"][0]["bytes"])


def chdb_type(name, found):
    if name in ("seq", "time_ns", "earliest_ns"):
        found = found.removeprefix("Nullable(").removesuffix(")")
    if "String" in found and name not in PLAIN:
        return f"LowCardinality({found}) CODEC(ZSTD(3))"
    return f"{found} CODEC({'Delta, ' if name in DELTA else ''}ZSTD(3))"


def main():
    export, program, place, named = sys.argv[1], sys.argv[2], Path(sys.argv[3]), sys.argv[4:]
    told = {"bytes": {}, "seconds": {}, "failed": {}}
    makers = {"duckdb": lambda: make_duckdb(export, program, place), "sqlite": lambda: make_sqlite(place),
              "chdb": lambda: make_chdb(place)}
    for name in ["duckdb", *named]:
        started = time.monotonic()
        try:
            told["bytes"][name] = makers[name]()
        except Exception as error:  # noqa: BLE001 each library has its own, and one that fails must not end the others
            if name == "duckdb":
                raise
            told["failed"][name] = f"{type(error).__name__}: {error}"[:300]
        told["seconds"][name] = round(time.monotonic() - started, 1)
    told["bytes"] |= {name: os.stat(place / f"event.{name}").st_size
                      for name in ("duckdb", "parquet", *named) if name != "chdb" and name not in told["failed"]}
    for name in told["failed"]:
        told["bytes"].pop(name, None)
    json.dump(told, sys.stdout)


if __name__ == "__main__":
    main()
