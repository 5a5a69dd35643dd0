internal import Query
internal import Store

/// The table `event_count`: one row, how many events there are, as `varve count` counts them. Columns: docs/sql.md.
enum CountTable {
    static let kind: TableKind = TableKind(
        name: "event_count", columns: [SQLColumn("events", .integer)] + CountingOption.columns(), orderColumn: nil,
        rowGuess: 1, startCost: TableKind.countingCost, makeCursor: { CountCursor($0, kind) })
}

private final class CountCursor: CountingCursor {
    private var eventCount: UInt64 = 0

    override func count(_ selection: Selection, in reader: StoreReader, _ request: FilterRequest) throws -> Int {
        let scan = scan(selection, in: reader)
        eventCount = try scan.count()
        try conclude(scan)
        return 1
    }

    override func cell(_ column: Int) -> SQLValue { .integer(eventCount) }
}
