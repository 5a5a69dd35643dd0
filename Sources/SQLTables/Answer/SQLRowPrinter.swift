internal import Query

/// Prints the rows of a query in the context's form.
struct SQLRowPrinter {
    private let context: QueryContext
    private let columns: [String]
    private var table: TextTable
    private var tableRowCount = 0
    private var csv: CSVWriter
    private var json: JSONRows
    private(set) var rowCount = 0

    /// A table is written in pieces of so many rows, each with columns as wide as it needs: memory is bounded, and the
    /// first rows come before the last.
    private static let tablePieceRowCount = 500

    init(_ context: QueryContext, columns: [String]) {
        self.context = context
        self.columns = columns
        table = Self.table(columns)
        csv = CSVWriter(isForTerminal: context.output.isTerminal)
        json = JSONRows(isArray: context.rowFormat == .json)
        if context.rowFormat == .csv {
            for column in columns { csv.field(column) }
            csv.endRow()
        }
    }

    private static func table(_ columns: [String]) -> TextTable {
        TextTable(columns.map { (title: TerminalText.escaped(Array($0.utf8)), alignment: TextTable.Alignment.left) })
    }

    /// Prints the row that a statement is at. Throws: `AnswerOutput.Failure`.
    mutating func print(_ row: QueryStatement) throws {
        rowCount += 1
        switch context.rowFormat {
        case .table:
            table.append(columns.indices.map { Self.text(row.value($0)) })
            tableRowCount += 1
            if tableRowCount >= Self.tablePieceRowCount { flushTable() }
        case .csv:
            for column in columns.indices { row.write(column, to: &csv) }
            csv.endRow()
            try context.output.take(&csv.bytes)
        case .json, .jsonl:
            json.begin()
            for (column, name) in columns.enumerated() { write(name, row.value(column)) }
            json.end()
            context.output.bytes += json.json.bytes
            json.json.bytes.removeAll(keepingCapacity: true)
        }
        try context.output.flushIfDue()
    }

    /// What comes after the last row. Throws: `AnswerOutput.Failure`.
    mutating func end() throws {
        switch context.rowFormat {
        case .table: if tableRowCount > 0 { flushTable() }
        case .csv: context.output.bytes += csv.bytes
        case .json, .jsonl: context.output.bytes += json.finish()
        }
        try context.output.flush()
    }

    private mutating func flushTable() {
        table.write(to: context.output)
        table = Self.table(columns)
        tableRowCount = 0
    }

    private mutating func write(_ name: String, _ value: SQLValue) {
        switch value {
        case .null:
            json.json.key(dynamic: name)
            json.json.null()
        case .integer(let number):
            json.json.key(dynamic: name)
            json.json.integer(number)
        case .real(let number):
            json.json.key(dynamic: name)
            // JSON has no infinity.
            if number.isFinite { json.json.number(number) } else { json.json.null() }
        case .text(let bytes):
            json.json.key(dynamic: name)
            json.json.string(bytes: bytes)
        case .blob(let bytes):
            // As the other verbs do it: a text for people, the raw bytes for programs.
            json.json.key(dynamic: name)
            json.json.string(bytes: bytes)
            json.json.key(dynamic: "\(name)_raw")
            json.json.base64(bytes)
        }
    }

    static func text(_ value: SQLValue) -> [UInt8] {
        switch value {
        case .null: []
        case .integer(let number): Array("\(number)".utf8)
        case .real(let number): Array("\(number)".utf8)
        case .text(let bytes), .blob(let bytes): bytes
        }
    }
}
