internal import Model
internal import Query
internal import Store

/// What a virtual table is: its columns, and how its rows are found.
struct TableKind: Sendable {
    let name: String
    let columns: [SQLColumn]
    /// The column whose order the rows come in.
    let orderColumn: Int?
    /// A column of numbers of which the table finds the greatest by itself.
    var rankColumn: Int?
    /// So many rows are guessed where nothing narrows; only the proportions between tables matter.
    let rowGuess: Double
    /// What beginning a scan costs, in rows.
    var startCost: Double = 500
    /// Those of the conditions of a scan that narrow what is looked through; the others SQLite only checks.
    var narrowing: @Sendable ([Condition]) -> [Condition] = { $0 }
    let makeCursor: @Sendable (SQLSession) -> TableCursor

    static let all: [TableKind] = [
        EventTable.kind, CountTable.kind, GroupTable.kind, HistogramTable.kind, ProcessTable.kind, GapTable.kind,
        BlockTable.kind, CommitTable.kind,
    ]

    /// Counting takes as long as many rows, so that it is to be begun as seldom as can be.
    static let countingCost: Double = 100_000

    /// What sqlite3_declare_vtab is told.
    var declaration: String {
        let columns = columns.map { "\"\($0.name)\" \($0.kind.rawValue)" }.joined(separator: ", ")
        return "CREATE TABLE x(\(columns))"
    }

    /// The hidden column that names the store.
    var storeColumn: Int { columns.firstIndex { $0.name == Self.storeColumn.name } ?? columns.count }

    static let storeColumn = SQLColumn("store", .argument, .argument)
}

/// What a scan is started with.
struct FilterRequest: Hashable {
    var store: RawPath
    var conditions: [Condition]
    var isReversed: Bool
    /// Only so many rows with the greatest numbers in the table's `rankColumn` are asked for, and those with the same number as
    /// the last of them; nil: all.
    var rankLimit: Int?
    /// One bit a column; the last stands for all from 63 on.
    var usedColumns: UInt64

    func uses(_ column: Int) -> Bool { usedColumns & (1 << UInt64(min(column, 63))) != 0 }
}

/// A scan of a table, row by row. Thread: that of the connection.
class TableCursor {
    let session: SQLSession
    /// True behind the last row.
    var isAtEnd = true
    var rowID: Int64 { 0 }
    /// The scan in the notes of the session.
    var tracePlace: Int?
    private var opened: (path: RawPath, reader: StoreReader)?

    init(_ session: SQLSession) {
        self.session = session
    }

    /// Goes to the first row.
    func start(_ request: FilterRequest) throws { isAtEnd = true }

    /// Goes to the next row. Range: not at the end.
    func advance() throws { isAtEnd = true }

    /// A value of the row. Range: not at the end. Throws: where the column has none that is right.
    func value(_ column: Int) throws(SQLTableError) -> SQLValue { .null }

    /// A reader of the store that lives as long as the cursor: the inner scans of a join share it.
    final func reader(_ store: RawPath) throws -> StoreReader {
        if let opened, opened.path == store { return opened.reader }
        let reader = try StoreReader(directory: store)
        opened = (store, reader)
        return reader
    }
}

/// A scan whose rows are made some at a time.
class BatchCursor: TableCursor {
    private var rows: [[SQLValue]] = []
    private var position = 0
    private var number: Int64 = 0

    final override var rowID: Int64 { number }

    /// Begins anew; rows come from `nextRows`.
    func prepare(_ request: FilterRequest) throws {}

    /// Some more rows, possibly none; nil at the end.
    func nextRows() throws -> [[SQLValue]]? { nil }

    final override func start(_ request: FilterRequest) throws {
        rows = []
        position = 0
        number = 0
        isAtEnd = false
        try prepare(request)
        try fill()
    }

    final override func advance() throws {
        position += 1
        number += 1
        try fill()
    }

    final override func value(_ column: Int) -> SQLValue {
        guard position < rows.count, column < rows[position].count else { return .null }
        return rows[position][column]
    }

    private func fill() throws {
        while position >= rows.count {
            try session.checkInterrupt()
            guard let more = try nextRows() else {
                rows = []
                isAtEnd = true
                return
            }
            rows = more
            position = 0
        }
    }
}
