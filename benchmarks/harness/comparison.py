"""One store beside the peers that have its rows: the same questions of all, first that the answers are equal, then how long
they take, inside one process and as whole commands."""

import json
import os
import shutil
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
# Where a question is not one for this peer.
NOT_ASKED = "–"
COMMANDS = ["varve", "sql", "duckdb", "parquet", "sqlite"]
# What an engine may take of DuckDB's time, by question; of the two of the last writer the mean counts.
LIMITS = {"count": "questions-count-of-duckdb", "under": "questions-under-of-duckdb", "top": "questions-top-of-duckdb",
          "histogram": "questions-histogram-of-duckdb", "last": "questions-last-writer-of-duckdb"}


class Comparison:
    """`places` are those of the peers' files, for the peers that are there, `failed` says of the others why they are not;
    `questions` are those of harness/questions.py."""

    def __init__(self, bench, report, store, places, questions, failed=None, asks_sql=True):
        self.bench, self.tools = bench, bench.tools
        self.report, self.store, self.places, self.questions = report, store, places, questions
        self.asks_sql = asks_sql
        self.failed = dict(failed or {})
        if not shutil.which("sqlite3"):
            self.failed["sqlite as a command"] = "sqlite3 is not installed (benchmarks/peers --install)"
        # Rows of each answer, once they have been compared.
        self.counts = {}

    def perform(self):
        engines = self.engines()
        self.report.detail("rows", self.counts)
        self.engine_figures(engines)
        self.command_figures(self.commands())
        if self.bench.is_late():
            self.bench.leave_out("whole commands without a page cache")
        else:
            self.cold()

    # Inside one process

    def engines(self):
        """Nanoseconds of each round by peer and question; and that all answers are equal."""
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
            try:
                told = json.loads(self.tools.analyse(
                    "ask_peer.py", peer, self.places[peer], ROUNDS, QUESTION_SECONDS, given=json.dumps(asked),
                    modules=MODULES[peer]))
            except BenchmarkError as error:
                self.failed[peer] = str(error)
                continue
            for question in self.questions:
                self.compare(question, peer, question.compared(told[question.name]["rows"]), expected)
            found[peer] = {name: answer["ns"] for name, answer in told.items()}
        return found

    def own(self, lines):
        done = subprocess.run(
            [str(self.tools.engine()), "ask", str(self.store), str(ROUNDS), str(QUESTION_SECONDS)],
            input="\n".join(lines), capture_output=True, text=True, preexec_fn=die_with_parent)
        if done.returncode != 0:
            raise BenchmarkError(done.stderr.strip()[-300:])
        return {answer["name"]: answer["ns"] for answer in map(json.loads, done.stdout.splitlines())}

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
        self.milliseconds("Inside one process, ms", engine,
                          f"Best of up to {ROUNDS} rounds, behind it the median and the most.", best_of)
        for question in self.questions:
            self.report.bars(f"Inside one process: {question.title}, ms", [
                (TITLES[name], milliseconds_of(times[question.name])) for name, times in engine.items()
                if question.name in times])
        best = {who: {name: min(times) for name, times in asked.items()} for who, asked in engine.items()}
        duckdbs = [best[who] for who in ("duckdb", "parquet") if who in best]
        for name, title, parts in self.rows():
            ours, sql = (sum(best[who][part] for part in parts) for who in ("varve", "sql"))
            if not duckdbs:
                reason = self.failed.get("duckdb", "DuckDB is not there")
                self.report.not_measured(f"engine: {title}, varve / DuckDB", reason, LIMITS[name])
                self.report.not_measured(f"engine: {title}, varve sql / DuckDB", reason, "questions-sql")
                continue
            theirs = sum(min(duckdb[part] for duckdb in duckdbs) for part in parts)
            self.report.figure(f"engine: {title}, varve / DuckDB", f"{ours / theirs:.2f}", ours / theirs, LIMITS[name])
            self.report.figure(f"engine: {title}, varve sql", f"{sql / ours:.1f} x native, {sql / theirs:.2f} x DuckDB",
                               min(sql / ours / 3, sql / theirs), "questions-sql")

    # Whole commands

    def commands(self):
        """Nanoseconds of each round by peer and question; a round asks all peers in turn."""
        asked = self.commanded()
        found = {peer: {question.name: [] for question in self.questions} for peer in asked}
        for index in self.bench.rounds(ROUNDS, what="rounds of whole commands"):
            for question in self.questions:
                for peer in alternating(asked, index):
                    times = found[peer][question.name]
                    if sum(times) < QUESTION_SECONDS * 1e9:
                        times.append(self.wall(peer, question))
        return found | ({"grep": self.text_searches()} if "grep" in self.places else {})

    def commanded(self):
        """The peers that can be asked by a command."""
        return [peer for peer in COMMANDS if peer in ("varve", "sql") or peer in self.places and
                f"{peer} as a command" not in self.failed]

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
            found[question.name] = [time.perf_counter_ns() - started]
            row = json.loads(self.tools.query(self.store, *question.native, "-o", "jsonl", "--accept-gaps") or "{}")
            if json.loads(done.stdout or "{}").get("seq") != row.get("seq"):
                raise BenchmarkError(f"{question.title}: grep finds {done.stdout[:100]}")
        return found

    def command_figures(self, commands):
        self.milliseconds("Whole command, ms", commands,
                          "Median (least-most, n rounds); grep reads everything, so it runs once.", stats.cell)
        for _, title, parts in self.rows():
            if "duckdb" not in commands:
                self.report.not_measured(f"command: {title}, varve / duckdb -readonly",
                                         self.failed.get("duckdb", "DuckDB is not there"), "questions-command-of-duckdb")
                continue
            ours, theirs = (sum(stats.median(commands[peer][part]) for part in parts) for peer in ("varve", "duckdb"))
            self.report.figure(f"command: {title}, varve / duckdb -readonly", f"{ours / theirs:.2f}", ours / theirs,
                               "questions-command-of-duckdb")

    def cold(self):
        """Each whole command once, nothing of any file in the page cache."""
        found = {peer: {} for peer in self.commanded()}
        for question in self.questions:
            for peer in found:
                os.sync()
                Path("/proc/sys/vm/drop_caches").write_text("3")
                found[peer][question.name] = [self.wall(peer, question)]
        self.milliseconds("Whole command, the first after dropping the page cache, ms", found,
                          "One run each: the page cache of the whole machine is dropped for it.", stats.cell)

    # What both tell

    def rows(self):
        """(name, title, the questions it is the sum of)."""
        for question in self.questions:
            if question.name not in LAST:
                yield question.name, question.title, [question.name]
        yield "last", "last writer of one path, mean", list(LAST)

    def milliseconds(self, title, times, note, cell):
        """`cell` makes the text of a list of milliseconds. A peer that cannot be asked is a column that says why below."""
        columns = [name for name in TITLES if name in times]
        absent = "; ".join(f"{TITLES.get(name, name)} not measured: {reason}" for name, reason in self.failed.items()
                           if name not in times)
        self.report.table(title, ["", *(TITLES[name] for name in columns)], [
            [question.title, *(cell([each / 1e6 for each in times[name].get(question.name, [])]) or NOT_ASKED
                               for name in columns)] for question in self.questions],
            f"{note} {NOT_ASKED}: there is no such form of this question.{' ' + absent if absent else ''}")


def milliseconds_of(times):
    return stats.summary([each / 1e6 for each in times])


def best_of(times):
    """`1.52 (1.60, 1.90; n 7)`: the best, the median and the most."""
    return f"{min(times):.2f} ({stats.median(times):.2f}, {max(times):.2f}; n {len(times)})" if times else ""
