"""The questions of the scenarios `questions-…`: each as a verb of `varve`, as `varve sql`, and in the SQL of each peer.

The tables of the peers have the columns of the table `event` of `varve sql`; `mask` is fanotify's: 2 is modify, 8
close_write.
"""

import csv
import io
import json
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Callable

MODIFY, CLOSE_WRITE = 2, 8
ALL_GROUPS = 1_000_000_000
MINUTE = 60_000_000_000
# How each peer says what the others say otherwise.
DIALECTS = {
    "duckdb": {"minute": f"time_ns // {MINUTE}", "bits": "mask & {} <> 0"},
    "sqlite": {"minute": f"time_ns / {MINUTE}", "bits": "mask & {} <> 0"},
    "chdb": {"minute": f"intDiv(time_ns, {MINUTE})", "bits": "bitAnd(mask, {}) != 0"},
    "varve": {"minute": f"time_ns / {MINUTE}", "bits": None},
}
# The last writer is asked of two paths; their mean is the figure.
LAST = ("old", "unwritten")


@dataclass
class Question:
    """`native` are the words of `varve`, and `form` what its answer is read from by `read`, which makes rows of the columns of
    `select`; timed it is always CSV. `condition`, by dialect, `select` and `rest` make the SQL. `counted` is what is asked of
    the tables of `varve sql` that count, where there is such a question."""

    name: str
    title: str
    native: list
    form: str
    read: Callable
    condition: Callable
    select: str
    rest: str = ""
    counted: str | None = None
    # What comes out when it is timed, where that is more than is compared.
    timed_select: str | None = None
    # Many rows come out.
    has_rows: bool = False
    # Of the last rows some may be there by chance: others have the same number.
    is_ranking: bool = False

    def sql(self, dialect, table="event", timed=False):
        said = DIALECTS[dialect]
        condition = self.condition(dialect)
        select = self.timed_select if timed and self.timed_select else self.select
        where = f" WHERE {condition}" if condition else ""
        return f"SELECT {select.format(**said)} FROM {table}{where}{self.rest.format(**said)}"

    def line(self):
        """As `benchmarks/questions` takes it."""
        return "\t".join(map(str, [self.name, *self.native]))

    def own_sql(self, timed=False):
        """As somebody who knows the tables of `varve sql` asks."""
        return self.counted or self.sql("varve", timed=timed)

    def sql_line(self):
        return "\t".join([self.name, "sql", self.own_sql(timed=True)])

    def rows_line(self):
        """The same counted by SQLite, which is handed every row; nothing where it is handed them anyway."""
        return "\t".join([self.name, "sql", self.sql("varve", timed=True)]) if self.counted else None

    def columns(self):
        return [part.split()[-1] for part in self.select.split(", ")]

    def compared(self, rows):
        """What has to be equal: the rows in any order, what is empty in CSV and null elsewhere being the same."""
        rows = [tuple(None if value == "" else value for value in row) for row in rows]
        if not self.is_ranking:
            return sorted(rows, key=repr)
        least = min((row[1] for row in rows), default=0)
        return sorted(row[1] for row in rows), sorted(row for row in rows if row[1] > least)


def moment(nanoseconds):
    seconds, rest = divmod(nanoseconds, 1_000_000_000)
    return datetime.fromtimestamp(seconds, timezone.utc).strftime("%Y-%m-%dT%H:%M:%S") + f".{rest:09d}Z"


def minute(text):
    """Of the epoch, from RFC 3339 in UTC."""
    return int(datetime.fromisoformat(text[:19]).replace(tzinfo=timezone.utc).timestamp()) // 60


def literal(text):
    return "'" + text.replace("'", "''") + "'"


def operations(dialect, mask, names):
    bits = DIALECTS[dialect]["bits"]
    return bits.format(mask) if bits else f"op MATCH '{names}'"


def number(value):
    return int(value) if value else None


def json_rows(text, make):
    return [make(row) for row in map(json.loads, text.splitlines())]


def csv_rows(text, make):
    return [make(row) for row in csv.DictReader(io.StringIO(text))]


def all_questions(facts):
    """`facts`: `since`, `until` (nanoseconds), `directory`, `old` and `unwritten` (paths)."""
    within = f"time_ns >= {facts['since']} AND time_ns < {facts['until']}"
    ranged = ["--since", moment(facts["since"]), "--until", moment(facts["until"])]
    directory = facts["directory"]
    # "0" follows "/".
    under = f"path >= {literal(directory + '/')} AND path < {literal(directory + '0')}"
    return [
        count_in_range(facts),
        Question(
            "under", "events under a directory in a range, rows out", ["events", "--under", directory, *ranged], "csv",
            lambda text: csv_rows(text, lambda row: (
                int(row["seq"]), row["path"], row["target"], number(row["pid"]), row["exe"])),
            lambda _: f"{within} AND {under}", "seq, path, target, pid, exe", timed_select="*", has_rows=True),
        top_paths(),
        Question(
            "histogram", "per-process histogram by minute",
            ["histogram", "--by", "process", "--every", "1m", "--limit", ALL_GROUPS], "jsonl",
            lambda text: json_rows(text, lambda row: (minute(row["from"]), row.get("instance"), row["count"])),
            lambda _: "", "{minute} AS minute, instance, count(*) AS n", " GROUP BY {minute}, instance",
            f"SELECT time_ns / {MINUTE} AS minute, instance, events AS n FROM event_histogram "
            "WHERE every = '1m' AND by = 'process'", has_rows=True),
        *[last_writer(name, title, facts[name]) for name, title in zip(LAST, (
            "last writer of a path last written in the oldest tenth", "last writer of a path never written"))],
    ]


def growth_questions(facts):
    """What the growth of a store is told by; `facts`: `since`, `until`, `old`."""
    return [count_in_range(facts), top_paths(), last_writer("old", "last writer of one path", facts["old"])]


def count_in_range(facts):
    return Question(
        "count", "count in a time range",
        ["count", "--since", moment(facts["since"]), "--until", moment(facts["until"])], "jsonl",
        lambda text: json_rows(text, lambda row: (row["count"],)),
        lambda _: f"time_ns >= {facts['since']} AND time_ns < {facts['until']}", "count(*) AS n",
        counted=f"SELECT events AS n FROM event_count WHERE since = {facts['since']} AND until = {facts['until']}")


def top_paths():
    return Question(
        "top", "top 20 paths by writes over everything", ["top", "--by", "path", "--op", "modify", "--limit", "20"], "jsonl",
        lambda text: json_rows(text, lambda row: (row.get("path"), row["count"])),
        lambda dialect: operations(dialect, MODIFY, "modify"), "path, count(*) AS n",
        " GROUP BY path ORDER BY n DESC, path LIMIT 20",
        "SELECT name AS path, events AS n FROM event_group WHERE by = 'path' AND op = 'modify' "
        "ORDER BY events DESC, name LIMIT 20", is_ranking=True)


def last_writer(name, title, path):
    return Question(
        name, title, ["events", "--path", path, "--op", "modify,close_write", "--reverse", "--limit", "1"], "jsonl",
        lambda text: json_rows(text, lambda row: (row["seq"], row.get("pid"), row.get("process", {}).get("exe"))),
        lambda dialect: f"path = {literal(path)} AND {operations(dialect, MODIFY | CLOSE_WRITE, 'modify,close_write')}",
        "seq, pid, exe", " ORDER BY seq DESC LIMIT 1")
