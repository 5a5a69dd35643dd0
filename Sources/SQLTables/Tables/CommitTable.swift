internal import Block
internal import Model
internal import Query
internal import Segment
internal import Store

/// The table `wal_commit`: the captured commits of watched databases. Columns: docs/sql.md.
enum CommitTable {
    static let kind = TableKind(
        name: "wal_commit",
        columns: [
            SQLColumn("db", .text), SQLColumn("uuid", .text), SQLColumn("commit", .integer),
            SQLColumn("t_lo", .moment), SQLColumn("t_hi", .moment, .moments), SQLColumn("t_lo_ns", .integer),
            SQLColumn("t_hi_ns", .integer), SQLColumn("pages", .integer), SQLColumn("bytes", .integer),
            SQLColumn("writers", .text), SQLColumn("attribution", .text), SQLColumn("checkpointer", .text),
            SQLColumn("status", .text), SQLColumn("transactions", .integer), TableKind.storeColumn,
        ], orderColumn: nil, rowGuess: 10_000, makeCursor: { CommitCursor($0) })

    static let timeColumn = 4
}

/// A segment's commits at a time; segments outside the range are not read.
private final class CommitCursor: BatchCursor {
    private var bounds = MomentBounds()
    private var files: SegmentFiles?
    private var waiting: ArraySlice<(stream: DatabaseStream, segment: SegmentRow)> = []
    private var store = RawPath([])
    private var time = TimestampWriter()

    override func prepare(_ request: FilterRequest) throws {
        bounds = MomentBounds()
        for condition in request.conditions where condition.column == CommitTable.timeColumn {
            try bounds.narrow(condition.op, condition.value)
        }
        store = request.store
        waiting = []
        guard !bounds.isEmpty else { return }
        let reader = try reader(request.store)
        files = reader.segmentFiles
        for stream in try reader.streams() {
            for row in try reader.segments(of: stream.uuid) where row.commitCount > 0 {
                if let since = bounds.since, row.high < since { continue }
                if let until = bounds.until, row.low >= until { continue }
                waiting.append((stream, row))
            }
            guard let trace = session.trace else { continue }
            for gap in try reader.captureGaps(of: stream.uuid) {
                if let since = bounds.since, gap.high < since { continue }
                if let until = bounds.until, gap.low >= until { continue }
                trace.note(missing: gap.text)
            }
        }
    }

    override func nextRows() throws -> [[SQLValue]]? {
        guard let next = waiting.popFirst(), let files else { return nil }
        let table = try files.open(next.segment).index.table
        let byteCounts = table.storedByteCounts()
        return table.commits.indices.compactMap { position in
            let commit = table.commits[position]
            if let since = bounds.since, commit.high < since { return nil }
            if let until = bounds.until, commit.high >= until { return nil }
            return row(commit, table, byteCounts[position], next.stream)
        }
    }

    private func row(
        _ commit: SegmentTable.Commit, _ table: SegmentTable, _ byteCount: Int, _ stream: DatabaseStream
    ) -> [SQLValue] {
        let checkpointer = table.processes(ofSet: commit.checkpointer)
        return [
            .path(stream.paths.last), .text(stream.uuid.hexadecimalText), .integer(commit.number),
            .moment(commit.low, &time), .moment(commit.high, &time), .integer(commit.low.nanosecondsSinceEpoch),
            .integer(commit.high.nanosecondsSinceEpoch), .integer(commit.pages.count), .integer(byteCount),
            .text(ProcessList.json(table.processes(ofSet: commit.writers))), .text(commit.attribution.name),
            checkpointer.isEmpty ? .null : .text(ProcessList.json(checkpointer)), .text(commit.status.name),
            commit.transactionCount.map { .integer($0) } ?? .null, .path(store),
        ]
    }
}
