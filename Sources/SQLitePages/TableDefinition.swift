/// The columns of a table, and how a stored record maps to them.
package struct TableDefinition: Sendable {
    /// In the order of the CREATE TABLE text.
    package var columns: [TableColumn] = []
    /// The INTEGER PRIMARY KEY, which is the rowid itself and NULL in the record.
    package var rowidColumn: Int?
    package var isWithoutRowid = false
    /// The columns of the primary key in their order, each once; empty where none is declared.
    package var primaryKey: [Int] = []
    /// Field `i` of a record is the column `storedColumns[i]`.
    package var storedColumns: [Int] = []
    /// Columns whose type is just INTEGER.
    var integerColumns: Set<Int> = []

    /// Lays the columns out as records have them: virtual ones left out, without rowid the primary key first.
    mutating func layOut() {
        let stored = columns.indices.filter { !columns[$0].isVirtual }
        let key = Set(primaryKey)
        storedColumns = isWithoutRowid ? primaryKey + stored.filter { !key.contains($0) } : stored
    }

    /// The values of all columns of a row, in their order; virtual columns are `.absent`.
    ///
    /// Fields beyond the declared columns are left out, as SQLite does.
    package func values(of record: Record, rowid: Int64?) -> [SQLiteValue] {
        var values = columns.map { $0.isVirtual ? SQLiteValue.absent : $0.defaultValue }
        for (field, column) in storedColumns.enumerated() where field < record.fieldCount {
            values[column] = value(record.value(field), of: columns[column])
        }
        if let rowidColumn, let rowid, rowidColumn < values.count { values[rowidColumn] = .integer(rowid) }
        return values
    }

    /// Whole numbers in a REAL column are stored as integers, to save space.
    private func value(_ stored: SQLiteValue, of column: TableColumn) -> SQLiteValue {
        if column.affinity == .real, case .integer(let whole) = stored { return .real(Double(whole)) }
        return stored
    }
}
