internal import Model
internal import Query
internal import Store

/// The table `event_histogram`: how many events each stretch of time has, as `varve histogram` counts them. Columns:
/// docs/sql.md.
enum HistogramTable {
    static let kind: TableKind = TableKind(
        name: "event_histogram",
        columns: Column.allCases.map(\.definition) + CountingOption.columns([.every, .by, .top]),
        orderColumn: Column.time.rawValue, rowGuess: 10_000, startCost: TableKind.countingCost,
        makeCursor: { HistogramCursor($0, kind) })

    enum Column: Int, CaseIterable {
        case time, timeNs, name, instance, events, gap

        var definition: SQLColumn {
            switch self {
            case .time: SQLColumn("time", .moment)
            case .timeNs: SQLColumn("time_ns", .integer)
            case .name: SQLColumn("name", .text)
            case .instance, .events, .gap: SQLColumn("\(self)", .integer)
            }
        }
    }
}

private final class HistogramCursor: CountingCursor {
    private var keys: GroupKeys?
    private var rows: [HistogramTally.Row] = []
    private var time = TimestampWriter()

    override func count(_ selection: Selection, in reader: StoreReader, _ request: FilterRequest) throws -> Int {
        (keys, rows) = (nil, [])
        let (grouping, every) = try asked { (try arguments.grouping(), try arguments.every()) }
        let groupLimit = try asked { try arguments.top() }
        let tally: HistogramTally
        do {
            tally = try HistogramTally(by: grouping, .init(every: every), in: reader, groupLimit: groupLimit) {
                scan(selection, in: reader)
            }
        } catch let refusal as HistogramCounts.Refusal {
            throw SQLTableError("event_histogram: " + refusal.text(every: "every", limit: "top"))
        }
        try conclude(tally.scan, doubt: tally.doubt)
        keys = tally.keys
        rows = tally.rows(gaps: try CoverageHistory(reader).gaps.map(\.gap))
        return rows.count
    }

    override func cell(_ column: Int) -> SQLValue {
        guard let column = HistogramTable.Column(rawValue: column) else { return .null }
        let row = rows[row]
        return switch column {
        case .time: .moment(row.from, &time)
        case .timeNs: .integer(row.from.nanosecondsSinceEpoch)
        case .name: row.group.flatMap { keys?.value($0) } ?? .null
        case .instance: .optional(row.group.flatMap { keys?.instance($0) })
        case .events: .integer(row.count)
        case .gap: .boolean(row.hasGap)
        }
    }
}
