internal import CSQLite
internal import Model

/// One kind of table on one connection: what SQLite keeps for the module and for each table made of it.
final class TableModule {
    let kind: TableKind
    let session: SQLSession
    /// The store that CREATE VIRTUAL TABLE named.
    let ownStore: SQLValue?
    /// The columns that were used by the last plan in which all arguments that are read were given; nil once a statement runs.
    var plannedColumns: UInt64?

    init(_ kind: TableKind, _ session: SQLSession, ownStore: SQLValue? = nil) {
        self.kind = kind
        self.session = session
        self.ownStore = ownStore
    }

    /// The table that `CREATE VIRTUAL TABLE … USING event(ARGUMENT)` or a mere mention makes.
    ///
    /// Throws: `SQLTableError` for more than one argument.
    func table(_ arguments: [String]) throws(SQLTableError) -> TableModule {
        guard arguments.count <= 1 else {
            throw SQLTableError("the only argument is the store's directory: USING \(kind.name)('/var/lib/varve')")
        }
        let text = arguments.first.map { Self.unquoted($0) } ?? ""
        return TableModule(kind, session, ownStore: text.isEmpty ? nil : .text(text))
    }

    private static func unquoted(_ text: String) -> String {
        let text = String(String(text.drop { $0 == " " }).reversed().drop { $0 == " " }.reversed())
        guard let quote = text.first, quote == "'" || quote == "\"", text.count >= 2, text.last == quote else {
            return text
        }
        return String(text.dropFirst().dropLast()).replacing("\(quote)\(quote)", with: "\(quote)")
    }
}

/// A scan as SQLite drives it: the cursor behind a limit and an offset.
final class RunningScan {
    let table: TableModule
    private let cursor: TableCursor
    private var remaining = Int64.max
    private var tracePlace: Int?
    /// Rows that the trace does not know of yet.
    private var rowCount = 0

    init(_ table: TableModule) {
        self.table = table
        cursor = table.kind.makeCursor(table.session)
    }

    var isAtEnd: Bool { remaining <= 0 || cursor.isAtEnd }
    var rowID: Int64 { cursor.rowID }

    func value(_ column: Int) throws(SQLTableError) -> SQLValue { try cursor.value(column) }

    func start(_ plan: QueryPlan, _ values: [[SQLValue]]) throws {
        var conditions: [Condition] = []
        var store = table.ownStore
        var offset: Int64 = 0
        remaining = .max
        traceRows()
        for (term, values) in zip(plan.terms, values) {
            let condition = Condition(column: term.column, op: term.op, values: values)
            switch (term.op, condition.value) {
            // A negative limit is none; https://www.sqlite.org/lang_select.html#limitoffset
            case (.limit, .integer(let number)): if number >= 0 { remaining = number }
            case (.offset, .integer(let number)): offset = max(0, number)
            case (.limit, _), (.offset, _): throw SQLTableError("datatype mismatch", code: SQLITE_MISMATCH)
            default:
                if term.column == table.kind.storeColumn {
                    store = condition.value
                    continue
                }
            }
            conditions.append(condition)
        }
        var request = FilterRequest(
            store: try table.session.store(store),
            conditions: conditions.filter { !$0.isBound },
            isReversed: plan.isReversed, usedColumns: plan.usedColumns)
        if plan.isRanked {
            // What is skipped is found as well: SQLite skips it.
            let (count, isTooMany) = remaining.addingReportingOverflow(offset)
            if remaining != .max, !isTooMany { request.rankLimit = Int(count) }
            (remaining, offset) = (.max, 0)
        }
        tracePlace = table.session.trace?.begin(table.kind, request, bounds: conditions.filter(\.isBound))
        cursor.tracePlace = tracePlace
        guard remaining > 0 else { return }
        try cursor.start(request)
        while offset > 0, !cursor.isAtEnd {
            try cursor.advance()
            offset -= 1
        }
        if !cursor.isAtEnd { rowCount += 1 }
    }

    func advance() throws {
        remaining -= 1
        guard remaining > 0 else { return }
        try cursor.advance()
        if !cursor.isAtEnd { rowCount += 1 }
    }

    private func traceRows() {
        guard let tracePlace, rowCount > 0 else { return }
        let count = rowCount
        rowCount = 0
        table.session.trace?.add(tracePlace) { $0.rowCount += count }
    }

    deinit {
        traceRows()
    }
}
