"""Compares what a consumer reads of an export with what `varve` printed of the same events and gaps.

usage: exports.py FORM FILE EVENTS.jsonl GAPS.jsonl

FORM is csv, bodyfile, timesketch, ocsf, sqlite or parquet. EVENTS.jsonl and GAPS.jsonl are what `varve events -o jsonl` and
`varve gaps -o jsonl` printed. Prints the first difference and ends with 1. Other programs and packages that it uses:
mactime (sleuthkit); ocsf-lib, ocsf-json-schema and jsonschema; pyarrow, duckdb and, where it is there, chdb.
"""
import base64
import calendar
import csv
import datetime
import json
import os
import re
import sqlite3
import subprocess
import sys

form, path, events_path, gaps_path = sys.argv[1:5]
events = [json.loads(line) for line in open(events_path, encoding="utf-8")]
gaps = [json.loads(line) for line in open(gaps_path, encoding="utf-8")]


def nanoseconds(text):
    whole, fraction = text.rstrip("Z").split(".")
    seconds = calendar.timegm(datetime.datetime.strptime(whole, "%Y-%m-%dT%H:%M:%S").timetuple())
    return seconds * 10**9 + int(fraction)


def same(found, expected, what):
    found, expected = list(found), list(expected)
    for index, (one, other) in enumerate(zip(found, expected)):
        assert one == other, f"{what} {index}: {one!r} is not {other!r}"
    assert len(found) == len(expected), f"{len(found)} {what}s, not {len(expected)}"
    print(f"{len(found)} {what}s are equal")


def raw(event, key):
    """The bytes of a path."""
    if key + "_raw" in event:
        return base64.b64decode(event[key + "_raw"])
    return event[key].encode() if key in event else None


# What the tables of the forms hold of an event, by their columns.
PROCESS = ["instance", "exe", "script", "comm", "cmdline", "ppid", "parent", "uid", "gid", "ruid", "rgid", "loginuid",
           "session", "tty", "cgroup", "unit", "container"]


TEXTS = ["exe", "script", "comm", "cmdline"]


def row(event, exact=False):
    """With `exact` a text of a process that is no UTF-8 is its bytes, else they stand beside it."""
    process = event.get("process", {})
    values = {key: process.get(key) for key in PROCESS}
    for key in TEXTS:
        bytes_of_it = base64.b64decode(process[key + "_raw"]) if key + "_raw" in process else None
        if not exact:
            values[key + "_raw"] = bytes_of_it
        elif bytes_of_it is not None:
            values[key] = bytes_of_it
    values |= {key: event.get(key) for key in
               ["seq", "host", "path", "target", "fs", "inode", "root", "generation", "object", "pid", "exe_last",
                "comm_last", "container_path"]}
    values |= {"op": " ".join(event["op"]), "ts_ns": nanoseconds(event["time"]),
               "earliest_ns": nanoseconds(event["earliest"]), "merged": event.get("merged", False),
               "dir": event.get("dir", False), "scanned": event.get("scanned", False),
               "name_only": event.get("name_only", False),
               "uncertain": " ".join(event["uncertain"]) if "uncertain" in event else None,
               "path_raw": base64.b64decode(event["path_raw"]) if "path_raw" in event else None,
               "target_raw": base64.b64decode(event["target_raw"]) if "target_raw" in event else None}
    return values


def gap_row(gap):
    return {"gap": gap["type"], "gap_count": gap["count"], "gap_cause": gap["cause"], "path": gap.get("scope"),
            "ts_ns": nanoseconds(gap["to"]), "earliest_ns": nanoseconds(gap["from"]), "seq": None}


def check_table(rows, what):
    """Rows are dictionaries, None where there is no value."""
    expected = [row(event) for event in events]
    found = [r for r in rows if r["gap"] is None]
    same(({key: r[key] for key in e} for r, e in zip(found, expected)), expected, what)
    assert len(found) == len(expected), f"{len(found)} {what}s, not {len(expected)}"
    expected = [gap_row(gap) for gap in gaps]
    found = [r for r in rows if r["gap"] is not None]
    same(({key: r[key] for key in expected[0]} for r in found), expected, what + " of a gap")


def check_csv():
    # Fields are bytes; what is no UTF-8 passes through as surrogates.
    rows = list(csv.DictReader(open(path, encoding="utf-8", errors="surrogateescape", newline="")))
    for r in rows:
        assert None not in r and None not in r.values(), "a row has another number of fields than the header"
    integers = ["seq", "inode", "root", "generation", "pid", "instance", "ppid", "parent", "uid", "gid", "ruid", "rgid",
                "loginuid", "session", "gap_count"]
    for r in rows:
        for key in r:
            r[key] = (r[key] or None) if key not in integers else int(r[key]) if r[key] else None
        r["ts_ns"], r["earliest_ns"] = nanoseconds(r["time"]), nanoseconds(r["earliest"])
        for key in TEXTS:
            try:
                (r[key] or "").encode()
            except UnicodeEncodeError:
                r[key] = r[key].encode("utf-8", "surrogateescape")
        for key in ["merged", "dir", "name_only"]:
            r[key] = r[key] is not None
        for key in ["path_raw", "target_raw"]:
            r[key] = base64.b64decode(r[key]) if r[key] else None
    left_out = ["scanned", "object", "comm_last"]
    expected = [{key: value for key, value in row(event, exact=True).items() if key not in left_out}
                for event in events]
    found = [r for r in rows if r["gap"] is None]
    same(({key: r[key] for key in e} for r, e in zip(found, expected)), expected, "row")
    assert len(found) == len(expected)
    found = [r for r in rows if r["gap"] is not None]
    expected = [gap_row(gap) for gap in gaps]
    same(({key: r[key] for key in expected[0]} for r in found), expected, "row of a gap")


def unescaped(text):
    """What plaso makes of an escaped name."""
    return re.sub(rb"\\(?:x([0-9a-f]{2})|(\\))", lambda m: bytes([int(m[1], 16)]) if m[1] else b"\\", text)


MACB = [("a", {"access", "exec"}), ("m", {"modify", "close_write"}),
        ("c", {"attrib", "delete", "delete_self", "rename", "move_self"}), ("b", {"create"})]


def check_bodyfile():
    """mactime gives a row for each moment of each line, in the order of time; seconds are its finest."""
    output = subprocess.run(["mactime", "-b", path, "-d", "-y", "-z", "UTC", "1980-01-01"], capture_output=True,
                            check=True, env=os.environ | {"TZ": "UTC"}).stdout.decode("utf-8", "surrogateescape")
    found = []
    for r in csv.DictReader(output.split("\n")):
        if not r["Date"]:
            continue
        when = calendar.timegm(datetime.datetime.strptime(r["Date"], "%Y-%m-%dT%H:%M:%SZ").timetuple())
        found.append((when, r["Type"], unescaped(r["File Name"].encode("utf-8", "surrogateescape"))))
    expected = []
    for event in events:
        letters = "".join(letter if operations & set(event["op"]) else "." for letter, operations in MACB)
        if letters == "....":
            continue
        # mactime writes m before a.
        letters = letters[1] + letters[0] + letters[2:]
        # Of what does not begin with a slash the directory is not known.
        names = [raw(event, key) for key in ("path", "target") if key in event]
        name = b" -> ".join(each if each.startswith(b"/") else b"?/" + each for each in names) or b"(no name known)"
        if {"delete", "delete_self"} & set(event["op"]):
            name += b" (deleted)"
        if "exec" in event["op"]:
            name += b" (executed)"
        for word in event.get("uncertain", []):
            name += f" ({word} uncertain)".encode()
        if "pid" in event:
            comm = event["process"].get("comm") or event["process"].get("exe", "?").split("/")[-1]
            name += f" ({comm}[{event['pid']}])".encode()
        expected.append((nanoseconds(event["time"]) // 10**9, letters, name))
    # A file's lines of one second are one row to mactime, so only what there is counts, not how often.
    timed = {(when, name) for when, _, name in expected}
    given = {(when, name) for when, _, name in found if not name.startswith(b"Recording gap: ")}
    same(sorted(given), sorted(timed), "name and second")
    letters = {}
    for when, macb, name in found:
        letters[when, name] = letters.get((when, name), set()) | set(macb)
    for when, macb, name in expected:
        assert set(macb) <= letters[when, name], f"{name} at {when}: {macb} is not in {letters[when, name]}"
    starts = sorted(nanoseconds(gap["from"]) // 10**9 for gap in gaps)
    same(sorted(when for when, macb, name in found if name.startswith(b"Recording gap: ") and "b" in macb), starts,
         "beginning of a gap")
    names = open(path, "rb").read().splitlines()
    assert all(line.count(b"|") == 10 for line in names), "a line of another number of fields"


ACTIVITIES = [(1, {"create"}), (2, {"access"}), (3, {"modify", "close_write"}), (4, {"delete", "delete_self"}),
              (5, {"rename", "move_self"}), (6, {"attrib"}), (14, {"open"}), (14, {"exec"}), (99, {"close"}),
              (99, {"fs_error"})]


def activities(event):
    return [number for number, operations in ACTIVITIES if operations & set(event["op"])]


def check_timesketch():
    """The fields that Timesketch needs, and a record for each activity."""
    records = [json.loads(line) for line in open(path, encoding="utf-8")]
    for record in records:
        assert all(record[key] for key in ["message", "datetime", "timestamp_desc"]), record
        assert nanoseconds(record["datetime"]) // 1000 == record["timestamp"], record
    of_events = [r for r in records if r["data_type"] == "linux:fanotify:event"]
    expected = [(e["seq"], nanoseconds(e["time"]), raw(e, "path"), e.get("pid"))
                for e in events for _ in activities(e)]
    same(((r["seq"], r["ts_ns"], raw(r, "path"), r.get("pid")) for r in of_events), expected, "record")
    same(sorted(r["datetime"] for r in records if r["timestamp_desc"] == "Recording Gap Start"),
         sorted(g["from"] for g in gaps), "beginning of a gap")


def check_ocsf():
    """Each record against the schema: as ocsf-lib reads it, and as a JSON Schema that allows no other attribute."""
    import jsonschema
    import ocsf_json_schema
    from ocsf.schema import from_json

    source = os.path.join(os.path.dirname(ocsf_json_schema.__file__), "ocsf", "1.8.0.json")
    whole = json.load(open(source, encoding="utf-8"))
    # ocsf-lib knows no categories of the layout that schemas have from 1.8.0 on.
    schema = from_json(json.dumps({key: whole[key] for key in ["version", "objects", "classes"]} | {"types": {}}))
    makers = ocsf_json_schema.OcsfJsonSchemaEmbedded(ocsf_json_schema.get_ocsf_schema(version="1.8.0"))
    names = {1001: "file_activity", 0: "base_event"}
    validators = {uid: jsonschema.Draft202012Validator(makers.get_class_schema(class_name=name, profiles=profiles))
                  for uid, name, profiles in [(1001, "file_activity", []), (0, "base_event", ["host"])]}
    records = [json.loads(line) for line in open(path, encoding="utf-8")]
    for record in records:
        uid = record["class_uid"]
        assert record["metadata"].get("profiles", []) == (["host"] if uid == 0 else []), record
        attributes = schema.classes[names[uid]].attributes
        # What a profile asks for is asked of those who name the profile.
        missing = [key for key, attribute in attributes.items() if attribute.requirement == "required"
                   and not whole["classes"][names[uid]]["attributes"][key].get("profiles") and key not in record]
        assert not missing, f"{missing} missing in {record}"
        assert set(record) <= set(attributes), f"{set(record) - set(attributes)} is unknown"
        for key, attribute in attributes.items():
            if key in record and attribute.enum:
                assert str(record[key]) in attribute.enum, f"{key} is {record[key]}"
        problem = next(validators[uid].iter_errors(record), None)
        assert problem is None, f"{problem.message} in {record}"
    expected = [(e["seq"], 100100 + number, nanoseconds(e["time"]) // 10**6, e.get("path", e.get("target")))
                for e in events for number in activities(e)]
    of_events = [r for r in records if r["class_uid"] == 1001]
    same(((r["metadata"]["sequence"], r["type_uid"], r["time"], r["file"].get("path")) for r in of_events), expected,
         "record")
    same(sorted(r["time"] for r in records if r["class_uid"] == 0),
         sorted(nanoseconds(gap["from"]) // 10**6 for gap in gaps), "gap")


def check_sqlite():
    connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    connection.row_factory = sqlite3.Row
    assert connection.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
    assert not connection.execute("PRAGMA foreign_key_check").fetchall()
    rows = [dict(r) for r in connection.execute("SELECT * FROM timeline ORDER BY seq")]
    for r in rows:
        r["ts_ns"] = r["time_ns"]
        assert nanoseconds(r["time"]) == r["time_ns"]
        for key in ["merged", "dir", "scanned", "name_only"]:
            r[key] = r[key] == 1
        for key in ["path", "target"]:
            # A name that is no text is a BLOB of its bytes.
            r[key + "_raw"] = r[key] if isinstance(r[key], bytes) else None
            r[key] = r[key].decode(errors="replace") if isinstance(r[key], bytes) else r[key]
    expected = [row(event, exact=True) for event in events]
    same(({key: r[key] for key in e} for r, e in zip(rows, expected)), expected, "row")
    assert len(rows) == len(expected)
    rows = connection.execute('SELECT type, "from", "to", count, scope, cause FROM gap ORDER BY from_ns, to_ns')
    same((tuple(r) for r in rows),
         ((g["type"], g["from"], g["to"], g["count"], g.get("scope"), g["cause"]) for g in gaps), "gap")
    for question in ["time_ns BETWEEN 0 AND 1", "path = '/x'"]:
        plan = " ".join(r[3] for r in connection.execute(f"EXPLAIN QUERY PLAN SELECT * FROM event WHERE {question}"))
        assert "USING INDEX" in plan, plan


def check_parquet():
    import duckdb
    import pyarrow.parquet

    file = pyarrow.parquet.ParquetFile(path)
    for group in range(file.metadata.num_row_groups):
        for index in range(file.metadata.num_columns):
            column = file.metadata.row_group(group).column(index)
            values = [v for v in file.read_row_group(group, columns=[column.path_in_schema]).column(0).to_pylist()
                      if v is not None]
            statistics = column.statistics
            assert column.compression == "ZSTD"
            assert statistics.null_count == column.num_values - len(values), column
            if not statistics.has_min_max:
                assert not values or max(len(v) for v in values) > 128, column
                continue
            # Order is that of bytes.
            key = (lambda v: v.encode()) if isinstance(values[0], str) else lambda v: v
            bounds = min(values, key=key), max(values, key=key)
            given = statistics.min, statistics.max
            if isinstance(values[0], datetime.datetime):
                bounds = tuple(b.replace(tzinfo=None) for b in bounds)
                given = tuple(b.replace(tzinfo=None) for b in given)
            assert given == bounds, f"{column.path_in_schema}: {given} is not {bounds}"
    rows = file.read().to_pylist()
    epoch = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)
    for r in rows:
        for moment, number in [("time", "ts_ns"), ("earliest", "earliest_ns")]:
            assert (r[moment] - epoch) // datetime.timedelta(microseconds=1) == r[number] // 1000, r
    check_table(rows, "row of pyarrow")
    columns = [c for c in file.schema_arrow.names if c not in ("time", "earliest", "start")]
    plain = [tuple(r[c] for c in columns) for r in rows]
    names = ", ".join(f'"{c}"' for c in columns)
    moments = "epoch_us(time), epoch_us(earliest), epoch_us(start)"
    micro = lambda m: None if m is None else (m - epoch) // datetime.timedelta(microseconds=1)
    whole = [p + (micro(r["time"]), micro(r["earliest"]), micro(r["start"])) for p, r in zip(plain, rows)]
    same(duckdb.sql(f"SELECT {names}, {moments} FROM '{path}'").fetchall(), whole, "row of DuckDB")
    # Bounds that lie would leave row groups out.
    for r in rows[:: max(1, len(rows) // 20)]:
        found = duckdb.execute(f"SELECT count(*) FROM '{path}' WHERE ts_ns = ? AND path IS NOT DISTINCT FROM ?",
                               [r["ts_ns"], r["path"]]).fetchone()[0]
        assert found == sum(o["ts_ns"] == r["ts_ns"] and o["path"] == r["path"] for o in rows)
    try:
        import chdb
    except ImportError:
        return
    text = chdb.query(f"SELECT * FROM file('{path}', Parquet) FORMAT Parquet "
                      "SETTINGS output_format_parquet_string_as_string = 0").bytes()
    other = pyarrow.parquet.read_table(pyarrow.BufferReader(text)).to_pylist()
    # ClickHouse has no words for texts and bytes, it gives bytes for both.
    decode = lambda c, v: v.decode() if isinstance(v, bytes) and not c.endswith("_raw") else v
    # Row groups are read side by side, in any order.
    same(sorted((tuple(decode(c, r[c]) for c in columns) for r in other), key=repr), sorted(plain, key=repr),
         "row of chDB")


{"csv": check_csv, "bodyfile": check_bodyfile, "timesketch": check_timesketch, "ocsf": check_ocsf,
 "sqlite": check_sqlite, "parquet": check_parquet}[form]()
