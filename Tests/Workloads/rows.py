#!/usr/bin/python3
"""Makes two states of a database and writes down, with SQLite itself, which rows differ.

usage: rows.py DIR SEED PAGE_SIZE AUTO_VACUUM ENCODING [FEATURE...]

FEATURE: vacuum, drop, truncate, alter, blob, fts (what happens between the two states beside inserts, updates, deletes).

Writes to DIR: before.db, after.db, and one change a line, fields between tabs:

    truth     KIND TABLE KEY OLD NEW    by EXCEPT both ways, every table that is not hidden
    session   KIND TABLE KEY            by sqlite3session_diff, tables with a primary key and one schema
    rows      inserted TABLE KEY - NEW  every row of after.db

KEY is #ROWID, the values of the primary key, or - where the rows were numbered anew. Values: n, i123, r and the 16
hexadecimal digits of a double, t and b with hexadecimal digits, a for a column that is not stored, between commas.
"""
import collections
import ctypes
import random
import shutil
import sqlite3
import struct
import sys

KEYED = {"wr": ["n", "k"], "wide": ["k"]}
HIDDEN = ("sqlite_", "f_")


def literal(kind, value):
    if kind == "null":
        return "n"
    if kind == "integer":
        return f"i{value}"
    if kind == "real":
        return "r" + struct.pack(">d", value).hex()
    return ("t" if kind == "text" else "b") + value.hex()


class State:
    def __init__(self, path):
        self.db = sqlite3.connect(path, isolation_level=None)
        self.db.text_factory = bytes

    def tables(self):
        names = [name.decode() for (name,) in self.db.execute(
            "SELECT name FROM sqlite_schema WHERE type = 'table' AND rootpage > 0")]
        return [name for name in names if not name.startswith(HIDDEN)]

    def columns(self, table):
        """(name, is stored) of each column."""
        return [(row[1].decode(), row[6] != 2) for row in self.db.execute(f"PRAGMA table_xinfo({table})")]

    def key(self, table):
        return KEYED.get(table, ["rowid"])

    def rows(self, table):
        """Values in their written form by key; the key in its written form."""
        columns = self.columns(table)
        key = self.key(table)
        words = [f"typeof({c}), {c}" for c in key] + [f"typeof({c}), {c}" for c, stored in columns if stored]
        result = {}
        for row in self.db.execute(f"SELECT {', '.join(words)} FROM {table} NOT INDEXED"):
            row = [literal(row[i].decode(), row[i + 1]) for i in range(0, len(row), 2)]
            values = iter(row[len(key):])
            written = ",".join(next(values) if stored else "a" for _, stored in columns)
            name = "#" + row[0][1:] if key == ["rowid"] else ",".join(row[:len(key)])
            result[name] = written
        return result


def differing(before_path, after, before, table, defaults):
    """Keys that differ, by EXCEPT both ways over the columns that both have."""
    after.db.execute("ATTACH ? AS b", (before_path,))
    old = [c for c, stored in before.columns(table) if stored]
    new = [c for c, stored in after.columns(table) if stored]
    key = after.key(table)
    both = [c for c in new if c in old]
    words = key + [f"typeof({c}), {c} COLLATE BINARY" for c in both]
    extra = [f"{c} IS NOT {defaults[c]}" for c in new if c not in old]
    keys = set()
    for one, other in (("main", "b"), ("b", "main")):
        query = f"SELECT {', '.join(words)} FROM {one}.{table} EXCEPT SELECT {', '.join(words)} FROM {other}.{table}"
        typed = ", ".join(f"typeof({c}), {c}" for c in key)
        names = ", ".join(f"column{i}" for i in range(len(words) + len(both)))
        query = f"WITH d({names}) AS ({query}) SELECT " + ", ".join(
            f"typeof(column{i}), column{i}" for i in range(len(key))) + " FROM d"
        keys.update(after.db.execute(query).fetchall())
        if extra and one == "main":
            keys.update(after.db.execute(f"SELECT {typed} FROM main.{table} WHERE {' OR '.join(extra)}").fetchall())
    after.db.execute("DETACH b")
    written = set()
    for row in keys:
        row = [literal(row[i].decode(), row[i + 1]) for i in range(0, len(row), 2)]
        written.add("#" + row[0][1:] if key == ["rowid"] else ",".join(row))
    return written


def changes(table, old, new, keys):
    lines = []
    for key in keys:
        kind = "inserted" if key not in old else "deleted" if key not in new else "updated"
        lines.append("\t".join((kind, table, key, old.get(key, "-"), new.get(key, "-"))))
    return lines


def by_value(table, old, new, added):
    """Rows without an equal on the other side, one for one; rows of before count as if they had the added column."""
    lines = []
    for kind, mine, others in (("deleted", old, new), ("inserted", new, old)):
        is_old = kind == "deleted"
        left = collections.Counter(value if is_old else value + added for value in others.values())
        for value in mine.values():
            whole = value + added if is_old else value
            if left[whole] > 0:
                left[whole] -= 1
            else:
                lines.append("\t".join((kind, table, "-", *((value, "-") if is_old else ("-", value)))))
    return lines


def session(before_path, after_path, before, after):
    """What sqlite3session_diff says."""
    lib = ctypes.CDLL("libsqlite3.so.0")
    for name in ("sqlite3_value_blob", "sqlite3_value_double"):
        getattr(lib, name).restype = ctypes.c_void_p
    lib.sqlite3_value_double.restype = ctypes.c_double
    lib.sqlite3_value_int64.restype = ctypes.c_int64
    db, handle, iterator = ctypes.c_void_p(), ctypes.c_void_p(), ctypes.c_void_p()

    def check(code):
        if code not in (0, 100, 101):
            raise RuntimeError(f"sqlite3 answered {code}")
        return code

    def value(pointer):
        kind = lib.sqlite3_value_type(pointer)
        if kind == 1:
            return f"i{lib.sqlite3_value_int64(pointer)}"
        if kind == 2:
            return literal("real", lib.sqlite3_value_double(pointer))
        text = ctypes.string_at(lib.sqlite3_value_blob(pointer), lib.sqlite3_value_bytes(pointer))
        return literal("text" if kind == 3 else "blob", text)

    check(lib.sqlite3_open(after_path.encode(), ctypes.byref(db)))
    check(lib.sqlite3_exec(db, f"ATTACH '{before_path}' AS b".encode(), None, None, None))
    check(lib.sqlite3session_create(db, b"main", ctypes.byref(handle)))
    compared = []
    for table in ("ipk", "blobs", "wr", "wide", "trunc"):
        if table not in before.tables() or table not in after.tables():
            continue
        if before.columns(table) != after.columns(table):
            continue
        compared.append(table)
        check(lib.sqlite3session_attach(handle, table.encode()))
        check(lib.sqlite3session_diff(handle, b"b", table.encode(), None))
    size, data = ctypes.c_int(), ctypes.c_void_p()
    check(lib.sqlite3session_changeset(handle, ctypes.byref(size), ctypes.byref(data)))
    check(lib.sqlite3changeset_start(ctypes.byref(iterator), size, data))
    lines = ["\t".join(("compared", table)) for table in compared]
    while check(lib.sqlite3changeset_next(iterator)) == 100:
        name, count, kind = ctypes.c_char_p(), ctypes.c_int(), ctypes.c_int()
        indirect, pointer = ctypes.c_int(), ctypes.c_void_p()
        check(lib.sqlite3changeset_op(iterator, *map(ctypes.byref, (name, count, kind, indirect))))
        table = name.value.decode()
        kind = {18: "inserted", 23: "updated", 9: "deleted"}[kind.value]
        get = lib.sqlite3changeset_new if kind == "inserted" else lib.sqlite3changeset_old
        names = [c for c, _ in after.columns(table)]
        key = []
        for column in KEYED.get(table, names[:1]):
            check(get(iterator, names.index(column), ctypes.byref(pointer)))
            key.append(value(pointer))
        lines.append("\t".join((kind, table, ",".join(key) if table in KEYED else "#" + key[0][1:])))
    lib.sqlite3changeset_finalize(iterator)
    lib.sqlite3session_delete(handle)
    lib.sqlite3_close(db)
    return lines


class Workload:
    def __init__(self, path, seed, page_size, auto_vacuum, encoding):
        self.random = random.Random(seed)
        self.page_size = page_size
        self.db = sqlite3.connect(path, isolation_level=None)
        self.number = 0
        for name, setting in (("page_size", page_size), ("auto_vacuum", auto_vacuum), ("encoding", f"'{encoding}'")):
            self.db.execute(f"PRAGMA {name} = {setting}")

    def text(self, longest=40):
        self.number += 1
        letters = "abcdefghijklmnopqrstuvwxyz äöü€𝄞"
        return f"{self.number}-" + "".join(self.random.choices(letters, k=self.random.randrange(longest)))

    def blob(self):
        # One in six reaches over overflow pages.
        size = self.random.choice((0, 3, 30, 60, 100, self.page_size * self.random.randrange(1, 6)))
        return self.random.randbytes(min(size, 70_000))

    def number_value(self):
        return self.random.choice((0, 1, -1, 127, -129, 2**15, -(2**23), 2**31, 2**47 + 1, -(2**63), 2**63 - 1,
                                   None, 5.0, -2.5, 1e300, self.random.randrange(10**6)))

    def make(self, rows, fts):
        self.db.executescript("""
            BEGIN;
            CREATE TABLE ipk(id INTEGER PRIMARY KEY, a TEXT, b REAL, c BLOB, d);
            CREATE INDEX ipk_a ON ipk(a, c);
            CREATE TABLE "plain" (a, [b] TEXT COLLATE NOCASE, c DOUBLE PRECISION DEFAULT (1.5), CHECK (a IS NOT 'x,y(')) /* c */;
            CREATE INDEX plain_b ON plain(b);
            CREATE TABLE heap(a, b TEXT);
            CREATE TABLE wr(k TEXT, n INTEGER, v BLOB, w REAL, PRIMARY KEY (n DESC, k)) WITHOUT ROWID;
            CREATE TABLE wide(v, k BLOB PRIMARY KEY, x TEXT) STRICT, WITHOUT ROWID;
            CREATE TABLE blobs(id INTEGER PRIMARY KEY AUTOINCREMENT, data BLOB, note TEXT);
            CREATE TABLE trunc(id INTEGER PRIMARY KEY, a TEXT);
            CREATE TABLE gone(id INTEGER NOT NULL, a TEXT, PRIMARY KEY(id));
            CREATE TABLE gen(id INTEGER PRIMARY KEY, a TEXT, v AS (a || 'x'), s INT AS (length(a)) STORED, e REAL);
            CREATE VIEW seen AS SELECT a FROM ipk;
            CREATE TRIGGER quiet AFTER DELETE ON gone BEGIN SELECT 1; END;
        """.replace("v, k BLOB", "v ANY, k BLOB"))
        if fts:
            self.db.execute("CREATE VIRTUAL TABLE f USING fts5(body)")
        for _ in range(rows):
            for table in ("ipk", "plain", "heap", "wr", "wide", "blobs", "trunc", "gone", "gen"):
                self.insert(table)
            if fts:
                self.db.execute("INSERT INTO f VALUES (?)", (self.text(200),))
        # Holes, so that pages are not full and VACUUM has something to do.
        for table in ("ipk", "heap", "blobs", "wr"):
            self.db.execute(f"DELETE FROM {table} WHERE {'n' if table == 'wr' else 'rowid'} % 7 = 3")
        self.db.execute("COMMIT")

    def insert(self, table):
        random, text, blob = self.random, self.text, self.blob
        if table == "ipk":
            rowid = random.choice((None, None, None, random.randrange(-(2**40), 2**40)))
            self.db.execute("INSERT OR REPLACE INTO ipk(id, a, b, c, d) VALUES (?,?,?,?,?)",
                            (rowid, text(), self.number_value(), blob(), self.number_value()))
        elif table == "plain":
            self.db.execute("INSERT INTO plain(a, b) VALUES (?,?)", (self.number_value(), text(300)))
        elif table == "heap":
            self.db.execute("INSERT INTO heap(a, b) VALUES (?,?)", (self.number_value(), text()))
        elif table == "wr":
            self.db.execute("INSERT OR REPLACE INTO wr(k, n, v, w) VALUES (?,?,?,?)",
                            (text(), random.randrange(-1000, 1000), blob(), random.choice((1.0, 2.25, None))))
        elif table == "wide":
            key = random.randbytes(random.choice((4, 4, 4, 300, self.page_size + 9)))
            self.db.execute("INSERT OR REPLACE INTO wide(v, k, x) VALUES (?,?,?)", (self.number_value(), key, text()))
        elif table == "blobs":
            self.db.execute("INSERT INTO blobs(data, note) VALUES (?,?)", (blob(), text()))
        elif table == "gen":
            self.db.execute("INSERT INTO gen(a, e) VALUES (?,?)", (text(), random.choice((3, 4.5))))
        else:
            self.db.execute(f"INSERT INTO {table}(a) VALUES (?)", (text(),))

    def update(self, table):
        where = f"rowid = (SELECT rowid FROM {table} ORDER BY rowid LIMIT 1 OFFSET {self.random.randrange(60)})"
        if table == "ipk":
            column = self.random.choice("abcd")
            value = {"a": self.text, "b": self.number_value, "c": self.blob, "d": self.number_value}[column]()
            self.db.execute(f"UPDATE ipk SET {column} = ? WHERE {where}", (value,))
        elif table == "wr":
            where = f"(n, k) = (SELECT n, k FROM wr ORDER BY n, k LIMIT 1 OFFSET {self.random.randrange(60)})"
            column = self.random.choice("nvw")
            value = {"n": lambda: self.number + 5000, "v": self.blob, "w": lambda: self.random.choice((7.0, 0.5))}[column]()
            self.db.execute(f"UPDATE wr SET {column} = ? WHERE {where}", (value,))
        elif table == "wide":
            where = f"k = (SELECT k FROM wide ORDER BY k LIMIT 1 OFFSET {self.random.randrange(60)})"
            self.db.execute(f"UPDATE wide SET x = ? WHERE {where}", (self.text(),))
        elif table == "blobs":
            self.db.execute(f"UPDATE blobs SET data = ? WHERE {where}", (self.blob(),))
        elif table in ("plain", "heap"):
            self.db.execute(f"UPDATE {table} SET b = ? WHERE {where}", (self.text(),))
        else:
            self.db.execute(f"UPDATE {table} SET a = ? WHERE {where}", (self.text(),))

    def delete(self, table):
        column = {"wr": "n", "wide": "k"}.get(table, "rowid")
        self.db.execute(f"DELETE FROM {table} WHERE {column} = (SELECT {column} FROM {table} ORDER BY {column} "
                        f"LIMIT 1 OFFSET {self.random.randrange(60)})")

    def write_blobs(self):
        """In place, by sqlite3_blob_write: the page of the cell stays as it is."""
        rows = self.db.execute("SELECT id, length(data) FROM blobs WHERE length(data) > ? ORDER BY id",
                               (self.page_size * 2,)).fetchall()
        for rowid, length in self.random.sample(rows, min(4, len(rows))):
            with self.db.blobopen("blobs", "data", rowid) as blob:
                blob.seek(length - self.random.randrange(1, min(length, self.page_size)))
                blob.write(b"!")

    def change(self, count, features):
        names = ["ipk", "plain", "heap", "wr", "wide", "blobs", "gen"]
        self.db.execute("BEGIN")
        if "truncate" in features:
            self.db.execute("DELETE FROM trunc")
        if "drop" in features:
            self.db.execute("DROP TABLE gone")
            self.db.execute("CREATE TABLE born(a INTEGER, b TEXT)")
            for _ in range(30):
                self.db.execute("INSERT INTO born VALUES (?,?)", (self.number_value(), self.text()))
        if "alter" in features:
            self.db.execute("ALTER TABLE ipk ADD COLUMN e TEXT DEFAULT 'it''s (new)'")
            self.db.execute("ALTER TABLE heap ADD COLUMN e INTEGER NOT NULL DEFAULT -7")
            self.db.execute("ALTER TABLE gen DROP COLUMN e")
        for _ in range(count):
            step = self.random.choice((self.insert, self.update, self.update, self.delete))
            table = self.random.choice(names)
            if "alter" in features and table == "gen":
                continue
            step(table)
        if "fts" in features:
            self.db.execute("INSERT INTO f VALUES (?)", (self.text(200),))
        self.db.execute("COMMIT")
        if "blob" in features:
            self.write_blobs()
        if "vacuum" in features:
            self.db.execute("VACUUM")


def main():
    directory, seed, page_size, auto_vacuum, encoding = sys.argv[1:6]
    features = sys.argv[6:]
    before_path, after_path = f"{directory}/before.db", f"{directory}/after.db"
    workload = Workload(before_path, int(seed), int(page_size), int(auto_vacuum), encoding)
    workload.make(60 + int(seed) * 37 % (60 if int(page_size) > 4096 else 300), "fts" in features)
    workload.db.close()
    shutil.copy(before_path, after_path)
    workload.db = sqlite3.connect(after_path, isolation_level=None)
    workload.change(int(seed) * 13 % 60, features)
    workload.db.close()
    before, after = State(before_path), State(after_path)
    for state in (before, after):
        answer = state.db.execute("PRAGMA integrity_check").fetchone()[0]
        if answer != b"ok":
            raise RuntimeError(answer)
    found = []
    for table in after.tables():
        found += [f"inserted\t{table}\t{key}\t-\t{values}" for key, values in after.rows(table).items()]
    lines = []
    for table in sorted(set(before.tables()) | set(after.tables())):
        defaults = {"e": {"ipk": "'it''s (new)'", "heap": "-7"}.get(table, "NULL")}
        lines += truth_of(before_path, before, after, table, "vacuum" in features, defaults)
    with open(f"{directory}/truth", "w") as file:
        file.writelines(line + "\n" for line in lines)
    with open(f"{directory}/session", "w") as file:
        file.writelines(line + "\n" for line in session(before_path, after_path, before, after))
    with open(f"{directory}/rows", "w") as file:
        file.writelines(line + "\n" for line in found)


def truth_of(before_path, before, after, table, vacuumed, defaults):
    is_old, is_new = table in before.tables(), table in after.tables()
    old = before.rows(table) if is_old else {}
    new = after.rows(table) if is_new else {}
    keys = differing(before_path, after, before, table, defaults) if is_old and is_new else set(old) | set(new)
    found = changes(table, old, new, keys)
    if table == "heap" and vacuumed:
        values = by_value(table, old, new, ",i-7" if len(before.columns(table)) < len(after.columns(table)) else "")
        found = values if len(values) < len(found) else found
    return found


main()
