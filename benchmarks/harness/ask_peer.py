"""Asks one peer inside one process, run by the private Python: `ask_peer.py duckdb|parquet|chdb|sqlite PLACE ROUNDS SECONDS`.

stdin is a JSON list of {"name", "check", "timed", "rows"}; stdout one JSON object, name to {"rows": the answer of `check`,
"ns": times of `timed`}. With `rows` DuckDB writes the answer as CSV to /dev/null, the cheaper way where there are many rows;
few are fetched. ClickHouse makes CSV, SQLite Python's tuples. DuckDB and ClickHouse have two threads; the database is open.
A question that has taken SECONDS in all is not timed again, however few its rounds were.
"""

import json
import sys
import time

THREADS = 2


def in_duckdb(place, is_parquet):
    import duckdb

    if is_parquet:
        connection = duckdb.connect(config={"threads": THREADS})
        connection.execute(f"CREATE VIEW event AS SELECT * FROM read_parquet('{place}')")
    else:
        connection = duckdb.connect(place, read_only=True, config={"threads": THREADS})

    def timed(query, has_rows):
        if has_rows:
            connection.execute(f"COPY ({query}) TO '/dev/null' (FORMAT csv)")
        else:
            connection.execute(query).fetchall()

    return lambda query: connection.execute(query).fetchall(), timed


def in_chdb(place):
    from chdb import session

    opened = session.Session(place)
    opened.query(f"SET max_threads = {THREADS}")

    def rows(query):
        answer = json.loads(opened.query(query, "JSONCompact").bytes())
        # 64-bit numbers may come as texts.
        numbers = ["Int" in column["type"] for column in answer["meta"]]
        return [[int(value) if is_number and value is not None else value for value, is_number in zip(row, numbers)]
                for row in answer["data"]]

    return rows, lambda query, _: opened.query(query, "CSV")


def in_sqlite(place):
    import sqlite3

    connection = sqlite3.connect(f"file:{place}?mode=ro", uri=True)
    return lambda query: connection.execute(query).fetchall(), lambda query, _: connection.execute(query).fetchall()


PEERS = {
    "duckdb": lambda place: in_duckdb(place, False),
    "parquet": lambda place: in_duckdb(place, True),
    "chdb": in_chdb,
    "sqlite": in_sqlite,
}


def main():
    kind, place, rounds, seconds = sys.argv[1], sys.argv[2], int(sys.argv[3]), float(sys.argv[4])
    rows, timed = PEERS[kind](place)
    answers = {}
    for question in json.load(sys.stdin):
        times = []
        while len(times) < rounds and sum(times) < seconds * 1e9:
            started = time.perf_counter_ns()
            timed(question["timed"], question["rows"])
            times.append(time.perf_counter_ns() - started)
        answers[question["name"]] = {"rows": [list(row) for row in rows(question["check"])], "ns": times}
    json.dump(answers, sys.stdout)


if __name__ == "__main__":
    main()
