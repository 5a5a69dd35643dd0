"""Writes events in jsonl (stdin) as Parquet: the same rows, columns and times. Run by the private Python with pyarrow.

    varve events -o jsonl | python to_parquet.py OUT.parquet

zstd level 3, dictionary encoding for every column but `seq` (delta encoding: a dictionary of unique numbers would only
make Parquet look bad), row groups of 122,880 rows. Times are microseconds, which is what a store keeps. `op` is the
bit set of operations, because a store keeps a mask; `uncertain` and `merged` likewise need no list.
"""

import json
import sys

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.json as pj
import pyarrow.parquet as pq

OPERATIONS = ["access", "open", "exec", "create", "modify", "attrib", "close", "close_write", "delete", "delete_self",
              "rename", "move_self", "fs_error"]
UNCERTAIN = ["path", "process", "order"]
PROCESS = {
    "instance": pa.int64(), "start": pa.string(), "exe": pa.string(), "script": pa.string(), "comm": pa.string(), "cmdline": pa.string(),
    "ppid": pa.int64(), "uid": pa.int64(), "gid": pa.int64(), "loginuid": pa.int64(), "container": pa.string(),
}
EVENT = {
    "seq": pa.int64(), "time": pa.string(), "earliest": pa.string(), "host": pa.string(),
    "op": pa.list_(pa.string()), "path": pa.string(), "target": pa.string(), "path_raw": pa.string(),
    "target_raw": pa.string(), "fs": pa.string(), "inode": pa.uint64(), "generation": pa.int64(), "pid": pa.int64(),
    "uncertain": pa.list_(pa.string()),
}
SCHEMA = pa.schema([*EVENT.items(), ("process", pa.struct(list(PROCESS.items())))])


def moments(column):
    """RFC 3339 with nanoseconds, UTC, to microseconds."""
    naive = pc.utf8_slice_codeunits(column, 0, 26)
    return pc.cast(pc.cast(naive, pa.timestamp("us")), pa.timestamp("us", tz="UTC"))


def bits(column, names):
    """A list of names as one small number."""
    column = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    encoded = column.dictionary_encode() if pa.types.is_string(column.type) else column
    flat = pc.index_in(encoded.flatten(), value_set=pa.array(names))
    weights = pa.array([1 << i for i in range(len(names))], pa.int32())
    values = pc.fill_null(weights.take(flat), 0)
    sums = pc.cumulative_sum(pc.cast(values, pa.int64()))
    sums = pa.concat_arrays([pa.array([0], pa.int64()), sums])
    offsets = column.offsets
    start = offsets[0].as_py()
    places = pc.subtract(offsets, start)
    return pc.cast(pc.subtract(sums.take(places.slice(1)), sums.take(places.slice(0, len(column)))), pa.int32())


def table_of(batch):
    columns, names = [], []

    def add(name, column):
        names.append(name)
        columns.append(column)

    for name in EVENT:
        column = batch.column(name)
        if name in ("time", "earliest"):
            column = moments(column)
        elif name == "op":
            column = bits(column, OPERATIONS)
        elif name == "uncertain":
            filled = column if column.null_count == 0 else pc.if_else(
                pc.is_null(column), pa.scalar([], pa.list_(pa.string())), column)
            column = bits(filled, UNCERTAIN)
        add(name, column)
    process = batch.column("process")
    for name in PROCESS:
        column = pc.struct_field(process, name)
        add(f"process_{name}", moments(column) if name == "start" else column)
    return pa.table(columns, names=names)


def main():
    writer = None
    rows = 0
    read = pj.ReadOptions(block_size=32 << 20)
    parse = pj.ParseOptions(explicit_schema=SCHEMA, unexpected_field_behavior="ignore")
    with pj.open_json(sys.stdin.buffer, read_options=read, parse_options=parse) as reader:
        pending = []
        waiting = 0
        for batch in reader:
            table = table_of(batch)
            if writer is None:
                writer = pq.ParquetWriter(
                    sys.argv[1], table.schema, compression="zstd", compression_level=3,
                    use_dictionary=[name for name in table.schema.names if name != "seq"],
                    column_encoding={"seq": "DELTA_BINARY_PACKED"}, dictionary_pagesize_limit=8 << 20)
            pending.append(table)
            waiting += table.num_rows
            rows += table.num_rows
            if waiting >= 1 << 20:
                writer.write_table(pa.concat_tables(pending), row_group_size=122_880)
                pending, waiting = [], 0
        if pending:
            writer.write_table(pa.concat_tables(pending), row_group_size=122_880)
    if writer:
        writer.close()
    parts = {}
    if rows:
        metadata = pq.ParquetFile(sys.argv[1]).metadata
        for group in range(metadata.num_row_groups):
            for index in range(metadata.num_columns):
                column = metadata.row_group(group).column(index)
                parts[column.path_in_schema] = parts.get(column.path_in_schema, 0) + column.total_compressed_size
    json.dump({"rows": rows, "columns": parts}, sys.stdout)


if __name__ == "__main__":
    main()
