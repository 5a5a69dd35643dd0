internal import Model
internal import Query
internal import Store

/// The table `gap`: what is known to be missing, as `varve gaps` prints it. Columns: docs/sql.md.
enum GapTable {
    static let kind = TableKind(
        name: "gap",
        columns: [
            SQLColumn("type", .text), SQLColumn("from", .moment), SQLColumn("to", .moment),
            SQLColumn("from_ns", .integer), SQLColumn("to_ns", .integer), SQLColumn("count", .integer),
            SQLColumn("scope", .text), SQLColumn("cause", .text), TableKind.storeColumn,
        ], orderColumn: nil, rowGuess: 100, makeCursor: { GapCursor($0) })
}

/// All gaps at once: they are few.
private final class GapCursor: BatchCursor {
    private var rows: [[SQLValue]]?

    override func prepare(_ request: FilterRequest) throws {
        var time = TimestampWriter()
        let gaps = try CoverageHistory(reader(request.store)).boundedGaps.sorted { ($0.from, $0.to) < ($1.from, $1.to) }
        rows = gaps.map { gap in
            [
                .text(gap.kind.rawValue), .moment(gap.from, &time), .moment(gap.to, &time),
                .integer(gap.from.nanosecondsSinceEpoch), .integer(gap.to.nanosecondsSinceEpoch),
                .optional(gap.count), .path(gap.scope), .text(gap.cause), .path(request.store),
            ]
        }
    }

    override func nextRows() -> [[SQLValue]]? {
        defer { rows = nil }
        return rows
    }
}
