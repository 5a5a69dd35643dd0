/// What a diff is to tell.
package struct RowDiffOptions: Sendable {
    /// Only this table, by its name before or after in UTF-8; nil for all.
    package var table: [UInt8]?
    /// Also SQLite's own tables and those in which virtual tables keep their content.
    package var includesHidden = false
    /// Longer rows are told with values left out. In bytes.
    package var greatestRowByteCount = 64 << 20
    /// Rows of one table that can be joined by key or value, which needs memory for each.
    package var greatestKeyedRowCount = 4 << 20
    /// What the keys of these rows may take together. In bytes.
    package var greatestKeysByteCount = 256 << 20

    package init() {}

    func includes(_ name: [UInt8], label: TableLabel) -> Bool {
        if let table { return SQLName.isEqual(table, name) }
        return includesHidden || label == .user
    }
}
