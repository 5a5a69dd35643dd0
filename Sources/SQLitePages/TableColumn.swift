/// What a column's declared type makes of the values put into it.
///
/// Source: datatype3.html §3.1, "Determination Of Column Affinity".
package enum Affinity: Sendable {
    case integer, text, blob, real, numeric

    init(declaredType: [UInt8]) {
        let type = String(decoding: declaredType, as: UTF8.self).uppercased()
        if type.contains("INT") {
            self = .integer
        } else if type.contains("CHAR") || type.contains("CLOB") || type.contains("TEXT") {
            self = .text
        } else if type.isEmpty || type.contains("BLOB") {
            self = .blob
        } else if type.contains("REAL") || type.contains("FLOA") || type.contains("DOUB") {
            self = .real
        } else {
            self = .numeric
        }
    }

    /// A value as it would be read from a column with this affinity, given how it was written as a literal.
    func applied(to literal: SQLiteValue, text: [UInt8]) -> SQLiteValue {
        switch (self, literal) {
        case (.text, .integer(let value)): return .text(Array(String(value).utf8))
        // SQLite prints reals in a form of its own; what it would be is not guessed.
        case (.text, .real): return .absent
        case (.real, .integer(let value)): return .real(Double(value))
        case (.integer, .real(let value)), (.numeric, .real(let value)):
            // Reals that are whole numbers become integers; those near the limits of 64 bits are left as they are.
            guard value == value.rounded(.towardZero), abs(value) < 9e15 else { return literal }
            return .integer(Int64(value))
        case (.integer, .text), (.numeric, .text), (.real, .text):
            guard let number = DefaultValue.number(text) else { return literal }
            return applied(to: number, text: [])
        default: return literal
        }
    }
}

/// A column as the CREATE TABLE text declares it.
package struct TableColumn: Sendable {
    /// In UTF-8.
    package var name: [UInt8]
    package var affinity: Affinity
    /// What rows have that were written before the column was added. `.absent` when it is an expression.
    package var defaultValue: SQLiteValue
    /// Computed when read and not stored.
    package var isVirtual: Bool
}
