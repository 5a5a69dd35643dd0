"""Compares random questions to varve.so with the same asked of an ordinary table of the same events.

usage: sqltables.py EXTENSION STORE EVENTS.jsonl SEED COUNT [apsw]

EVENTS.jsonl is what `varve events -o jsonl` printed. Each question is asked of the virtual table, where conditions are
pushed down, and of a plain table, where SQLite checks them all. Prints the first difference and ends with 1.
"""
import base64, json, random, sys

extension, store, events, seed, count = sys.argv[1:6]
if "apsw" in sys.argv[6:]:
    import apsw

    connection = apsw.Connection(":memory:")
    connection.enable_load_extension(True)
    connection.load_extension(extension)
else:
    import sqlite3

    connection = sqlite3.connect(":memory:")
    connection.enable_load_extension(True)
    connection.load_extension(extension)
run = lambda sql, *values: list(connection.cursor().execute(sql, values))


def raw(event, key):
    """A path as the table has it: text, or bytes where they are no UTF-8."""
    return base64.b64decode(event[key + "_raw"]) if key + "_raw" in event else event.get(key)


columns = ["seq", "time", "op", "path", "target", "pid", "exe", "comm"]
run("CREATE TABLE plain(seq INTEGER, time TEXT COLLATE varve_moment, op TEXT, path TEXT, target TEXT, pid INTEGER, exe TEXT, comm TEXT)")
rows = []
for line in open(events):
    event = json.loads(line)
    process = event.get("process", {})
    rows.append((event["seq"], event["time"], " ".join(event["op"]), raw(event, "path"), raw(event, "target"),
                 event.get("pid"), process.get("exe"), process.get("comm")))
for row in rows:
    run("INSERT INTO plain VALUES(?,?,?,?,?,?,?,?)", *row)
whole = run(f"SELECT {','.join(columns)} FROM event(?)", store)
assert whole == rows, "all events differ"

chance = random.Random(int(seed))
quote = lambda text: "'" + text.replace("'", "''") + "'"


def condition():
    row = chance.choice(rows)
    kind = chance.randrange(12)
    path = next((p for p in (row[3], row[4]) if isinstance(p, str)), "/nowhere")
    column = chance.choice(["path", "path", "target"])
    compare = chance.choice(["<", "<=", ">", ">=", "="])
    if kind == 0: return f"seq {compare} {row[0] + chance.choice([0, 0.5])}"
    if kind == 1: return f"time {compare} {quote(chance.choice([row[1], row[1][:19] + 'Z', row[1][:19], row[1][:16]]))}"
    if kind == 2: return f"{column} = {quote(path)}"
    if kind == 3: return f"{column} GLOB {quote(path[:chance.randrange(1, len(path) + 1)] + '*')}"
    if kind == 4: return f"{column} GLOB {quote('*' + path[-chance.randrange(1, 5):])}"
    if kind == 5: return f"{column} LIKE {quote(path[:chance.randrange(1, len(path) + 1)].swapcase() + '%')}"
    if kind == 6:
        low = path[:chance.randrange(1, len(path) + 1)]
        return f"({column} >= {quote(low)} AND {column} < {quote(low[:-1] + chr(ord(low[-1]) + 1))})"
    if kind == 7: return f"pid IN ({row[5] or 1}, {(chance.choice(rows)[5]) or 1}, 'x')"
    if kind == 8: return f"comm = {quote(row[7] or '')}"
    if kind == 9: return f"exe IN ({quote(row[6] or '')}, '/bin/none')"
    if kind == 10: return f"op = {quote(row[2])}"
    return f"NOT ({column} = {quote(path)})"


for number in range(int(count)):
    terms = [condition() for _ in range(chance.randrange(1, 4))]
    where = chance.choice([" AND ", " AND ", " OR "]).join(terms)
    order = chance.choice(["seq", "seq DESC"])
    limit = chance.choice(["", f" LIMIT {chance.randrange(5)}", f" LIMIT 3 OFFSET {chance.randrange(4)}"])
    tail = f"WHERE {where} ORDER BY {order}{limit}"
    found = run(f"SELECT seq, time, op, path, target, pid, exe, comm FROM event(?) {tail}", store)
    expected = run(f"SELECT seq, time, op, path, target, pid, exe, comm FROM plain {tail}")
    if found != expected:
        print(f"seed {seed}, question {number}: {tail}\nvirtual {found[:3]}\nplain   {expected[:3]}")
        sys.exit(1)
    assert run(f"SELECT count(*) FROM event(?) WHERE {where}", store) == run(f"SELECT count(*) FROM plain WHERE {where}"), where


def is_under(row, directory):
    return any(isinstance(path, str) and (path == directory or path.startswith(directory + "/")) for path in row[3:5])


def chosen():
    """Arguments of the tables that count, and the events that they choose."""
    row = chance.choice(rows)
    since, pids, operation = row[1], {row[5] or 1, chance.choice(rows)[5] or 1}, row[2].split()[0]
    directory = next((path for path in (row[3], row[4]) if isinstance(path, str) and path.startswith("/")), "/nowhere")
    if chance.random() < 0.5: directory = directory.rpartition("/")[0] or "/nowhere"
    known = [
        (f"since = {quote(since)}", lambda row: row[1] >= since),
        (f"pid IN ({', '.join(map(str, pids))})", lambda row: row[5] in pids),
        (f"op = {quote(operation)}", lambda row: operation in row[2].split()),
        (f"under = {quote(directory)}", lambda row: is_under(row, directory)),
    ]
    taken = chance.sample(known, chance.randrange(len(known)))
    return [term for term, _ in taken], [row for row in rows if all(test(row) for _, test in taken)]


def grouped(found, column):
    groups = {}
    for row in found: groups[row[column]] = groups.get(row[column], 0) + 1
    return groups


for number in range(int(count)):
    terms, found = chosen()
    where = " AND ".join(terms) or "1"
    # In the order of SQL: the most first, NULL before texts, those before bytes.
    ranked = sorted(grouped(found, 3).items(), key=lambda item: (
        -item[1], item[0] is not None, isinstance(item[0], bytes), item[0].encode() if isinstance(item[0], str) else item[0]))
    limit, offset = chance.randrange(6), chance.randrange(3)
    answers = [
        ("count", run(f"SELECT events FROM event_count(?) WHERE {where}", store), [(len(found),)]),
        ("group", sorted(run(f"SELECT name, events FROM event_group(?, 'exe') WHERE {where}", store), key=repr),
         sorted(grouped(found, 6).items(), key=repr)),
        ("rank", run(f"SELECT name, events FROM event_group(?, 'path') WHERE {where} ORDER BY events DESC, name "
                     f"LIMIT {limit} OFFSET {offset}", store), ranked[offset:offset + limit]),
        ("histogram", run(f"SELECT sum(events) FROM event_histogram(?, '1s', 'op') WHERE {where}", store),
         [(sum(len(row[2].split()) for row in found) or None,)]),
    ]
    for name, told, expected in answers:
        if told != expected:
            print(f"seed {seed}, {name} {number}: {where} LIMIT {limit} OFFSET {offset}\nvirtual {told[:5]}\nplain   {expected[:5]}")
            sys.exit(1)
for refused in ["pid > 5", "pid = 1 OR op = 'create'", "op MATCH 'create'", "under GLOB '/srv/*'"]:
    try:
        run(f"SELECT events FROM event_count(?) WHERE {refused}", store)
    except Exception as error:
        assert "event_count" in str(error), error
    else:
        sys.exit(f"{refused} is answered")
print(f"{count} questions answered alike over {len(rows)} events")
