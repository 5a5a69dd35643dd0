internal import Model
internal import Query
internal import Store

/// The table `block`: what the store keeps of each block outside of it. Columns: docs/sql.md.
enum BlockTable {
    static let kind = TableKind(
        name: "block",
        columns: [
            SQLColumn("first_seq", .integer), SQLColumn("last_seq", .integer), SQLColumn("count", .integer),
            SQLColumn("level", .integer), SQLColumn("earliest", .moment), SQLColumn("latest", .moment),
            SQLColumn("earliest_ns", .integer), SQLColumn("latest_ns", .integer), SQLColumn("op", .text),
            SQLColumn("mask", .integer), SQLColumn("first_instance", .integer), SQLColumn("last_instance", .integer),
            SQLColumn("facts", .integer), SQLColumn("bytes", .integer), SQLColumn("filter_bytes", .integer),
            TableKind.storeColumn,
        ], orderColumn: 0, rowGuess: 1_000, makeCursor: { BlockCursor($0) })
}

/// All blocks at once: only their rows are read.
private final class BlockCursor: BatchCursor {
    private var rows: [[SQLValue]]?

    override func prepare(_ request: FilterRequest) throws {
        var time = TimestampWriter()
        var blocks = try reader(request.store).blocks()
        if request.isReversed { blocks.reverse() }
        rows = blocks.map { block in
            [
                .integer(block.firstSequence), .integer(block.endSequence &- 1), .integer(block.count),
                .integer(block.level), .moment(block.earliest, &time), .moment(block.latest, &time),
                .integer(block.earliest.nanosecondsSinceEpoch), .integer(block.latest.nanosecondsSinceEpoch),
                .text(OperationText.text(block.maskUnion)), .integer(block.maskUnion.rawValue),
                .optional(block.instances?.lowerBound), .optional(block.instances?.upperBound),
                .integer(block.factCount), .integer(block.byteCount), .integer(block.filterByteCount),
                .path(request.store),
            ]
        }
    }

    override func nextRows() -> [[SQLValue]]? {
        defer { rows = nil }
        return rows
    }
}
