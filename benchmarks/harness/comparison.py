"""One store beside the peers that have its rows: the same questions of all, first that the answers are equal, then how long
they take, inside one process and as whole commands."""

import json
import os
import subprocess
import time
from pathlib import Path

from . import stats
from .bench import alternating
from .loaded import TITLES
from .processes import BenchmarkError, die_with_parent, wall_nanoseconds
from .questions import LAST

ROUNDS = 7
# A question that has taken so many seconds in all its rounds is not asked again.
QUESTION_SECONDS = 10
PEERS = ["duckdb", "parquet", "chdb", "sqlite"]
# What ask_peer.py needs of the private Python for each.
MODULES = {"duckdb": ["duckdb"], "parquet": ["duckdb"], "chdb": ["chdb"], "sqlite": []}
# The last line about a path (given as its key in JSON) that is of a modify or close_write.
TEXT_SEARCH = r'''zstd -dcq "$1" | grep -F "$2" | grep -E '"op":\[[^]]*"(modify|close_write)"' | tail -n 1'''
COMMANDS = ["varve", "sql", "duckdb", "parquet", "sqlite"]
# What an engine may take of DuckDB's time, by question; of the two of the last writer the mean counts.
LIMITS = {"count": "questions-count-of-duckdb", "under": "questions-under-of-duckdb", "top": "questions-top-of-duckdb",
          "histogram": "questions-histogram-of-duckdb", "last": "questions-last-writer-of-duckdb"}


class Comparison:
    """`places` are those of the peers' files, for the peers that are there; `questions` those of harness/questions.py."""

    def __init__(self, tools, report, store, places, questions, asks_sql=True):
        self.tools, self.report, self.store, self.places, self.questions = tools, report, store, places, questions
        self.asks_sql = asks_sql
        # Rows of each answer, once they have been compared.
        self.counts = {}

    def perform(self):
        engines = self.engines()
        self.report.detail("rows", self.counts)
        self.engine_figures(engines)
        self.command_figures(self.commands())
        self.cold()

    # Inside one process

    def engines(self):
        """Nanoseconds by peer and question, best of the rounds; and that all answers are equal."""
        expected = self.native_answers()
        found = {"varve": self.own([question.line() for question in self.questions])}
        if self.asks_sql:
            found["sql"] = self.own([question.sql_line() for question in self.questions])
            found["rows"] = self.own([line for line in (question.rows_line() for question in self.questions) if line])
        for peer in (peer for peer in PEERS if peer in self.places):
            dialect = "duckdb" if peer == "parquet" else peer
            table = "store.event" if peer == "chdb" else "event"
            asked = [{"name": question.name, "check": question.sql(dialect, table),
                      "timed": question.sql(dialect, table, timed=True), "rows": question.has_rows}
                     for question in self.questions]
            told = json.loads(self.tools.analyse(
                "ask_peer.py", peer, self.places[peer], ROUNDS, QUESTION_SECONDS, given=json.dumps(asked),
                modules=MODULES[peer]))
            for question in self.questions:
                self.compare(question, peer, question.compared(told[question.name]["rows"]), expected)
            found[peer] = {name: min(answer["ns"]) for name, answer in told.items()}
        return found

    def own(self, lines):
        done = subprocess.run(
            [str(self.tools.engine()), "ask", str(self.store), str(ROUNDS), str(QUESTION_SECONDS)],
            input="\n".join(lines), capture_output=True, text=True, preexec_fn=die_with_parent)
        if done.returncode != 0:
            raise BenchmarkError(done.stderr.strip()[-300:])
        return {answer["name"]: min(answer["ns"]) for answer in map(json.loads, done.stdout.splitlines())}

    def native_answers(self):
        expected, counts = {}, {}
        for question in self.questions:
            text = self.tools.query(self.store, *question.native, "-o", question.form, "--accept-gaps")
            rows = question.read(text)
            expected[question.name], counts[question.name] = question.compared(rows), len(rows)
            if not self.asks_sql:
                continue
            for query in dict.fromkeys([question.own_sql(), question.sql("varve")]):
                # Keys without a value are absent in JSON lines.
                told = self.tools.query(self.store, "sql", query, "-o", "jsonl", "--accept-gaps")
                rows = [tuple(row.get(name) for name in question.columns()) for row in map(json.loads, told.splitlines())]
                self.compare(question, f"varve sql {query[:40]}", question.compared(rows), expected)
        self.counts = counts
        return expected

    @staticmethod
    def compare(question, who, found, expected):
        if found != expected[question.name]:
            raise BenchmarkError(f"{question.title}: {who} answers {str(found)[:150]}, varve "
                                 f"{str(expected[question.name])[:150]}")

    def engine_figures(self, engine):
        self.milliseconds(f"Inside one process, ms, best of {ROUNDS}", engine)
        duckdb = {name: min(engine["duckdb"][name], engine["parquet"][name]) for name in engine["duckdb"]}
        for name, title, parts in self.rows():
            ours, sql, theirs = (sum(times[part] for part in parts) for times in (engine["varve"], engine["sql"], duckdb))
            self.report.figure(f"engine: {title}, varve / DuckDB", f"{ours / theirs:.2f}", ours / theirs, LIMITS[name])
            self.report.figure(f"engine: {title}, varve sql", f"{sql / ours:.1f} x native, {sql / theirs:.2f} x DuckDB",
                               min(sql / ours / 3, sql / theirs), "questions-sql")

    # Whole commands

    def commands(self):
        """Nanoseconds by peer and question: the median of the rounds, of which each asks all peers in turn."""
        found = {peer: {} for peer in COMMANDS}
        for question in self.questions:
            times = {peer: [] for peer in COMMANDS}
            for index in range(ROUNDS):
                for peer in alternating(COMMANDS, index):
                    if sum(times[peer]) < QUESTION_SECONDS * 1e9:
                        times[peer].append(self.wall(peer, question))
            for peer in COMMANDS:
                found[peer][question.name] = stats.median(times[peer])
        return found | {"grep": self.text_searches()}

    def wall(self, peer, question):
        # 1 is an error of the peers, of varve that nothing was found.
        return wall_nanoseconds(self.command(peer, question), accepted=(0, 1) if peer in ("varve", "sql") else (0,))

    def command(self, peer, question):
        if peer in ("varve", "sql"):
            words = ["sql", question.own_sql(timed=True)] if peer == "sql" else question.native
            return [self.tools.varve, *words, "-o", "csv", "--store", self.store, "--accept-gaps"]
        query = question.sql("duckdb" if peer == "parquet" else peer, timed=True)
        if peer == "sqlite":
            return ["sqlite3", "-readonly", "-csv", self.places["sqlite"], query]
        threads = ["-c", "SET threads = 2"]
        if peer == "duckdb":
            return [self.tools.duckdb(), "-readonly", "-csv", self.places["duckdb"], *threads, "-c", query]
        view = f"CREATE VIEW event AS SELECT * FROM read_parquet('{self.places['parquet']}')"
        return [self.tools.duckdb(), "-csv", *threads, "-c", view, "-c", query]

    def text_searches(self):
        """Once each, for the questions that grep can answer; what it finds must be the same."""
        found = {}
        for question in self.questions:
            if question.name not in LAST:
                continue
            path = question.native[question.native.index("--path") + 1]
            key = f'"path":{json.dumps(path, ensure_ascii=False)}'
            started = time.perf_counter_ns()
            done = subprocess.run(["sh", "-c", TEXT_SEARCH, "sh", str(self.places["grep"]), key], capture_output=True,
                                  text=True, preexec_fn=die_with_parent)
            found[question.name] = time.perf_counter_ns() - started
            row = json.loads(self.tools.query(self.store, *question.native, "-o", "jsonl", "--accept-gaps") or "{}")
            if json.loads(done.stdout or "{}").get("seq") != row.get("seq"):
                raise BenchmarkError(f"{question.title}: grep finds {done.stdout[:100]}")
        return found

    def command_figures(self, commands):
        self.milliseconds(f"Whole command, ms, median of {ROUNDS}; grep once", commands)
        for _, title, parts in self.rows():
            ours, theirs = (sum(commands[peer][part] for part in parts) for peer in ("varve", "duckdb"))
            self.report.figure(f"command: {title}, varve / duckdb -readonly", f"{ours / theirs:.2f}", ours / theirs,
                               "questions-command-of-duckdb")

    def cold(self):
        """Each whole command once, nothing of any file in the page cache."""
        found = {peer: {} for peer in COMMANDS}
        for question in self.questions:
            for peer in COMMANDS:
                os.sync()
                Path("/proc/sys/vm/drop_caches").write_text("3")
                found[peer][question.name] = self.wall(peer, question)
        self.milliseconds("Whole command, the first after dropping the page cache, ms", found)

    # What both tell

    def rows(self):
        """(name, title, the questions it is the sum of)."""
        for question in self.questions:
            if question.name not in LAST:
                yield question.name, question.title, [question.name]
        yield "last", "last writer of one path, mean", list(LAST)

    def milliseconds(self, title, times):
        columns = [name for name in TITLES if name in times]
        self.report.table(title, ["", *(TITLES[name] for name in columns)], [
            [question.title, *(f"{times[name][question.name] / 1e6:.2f}" if question.name in times[name] else "–"
                               for name in columns)] for question in self.questions])
