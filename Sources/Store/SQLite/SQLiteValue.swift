/// A value bound to a parameter of a statement.
enum SQLiteValue: Sendable {
    case null
    case integer(Int64)
    case bytes([UInt8])
    case text(String)

    static func optional(_ value: Int64?) -> SQLiteValue {
        value.map { .integer($0) } ?? .null
    }

    static func optional(_ value: [UInt8]?) -> SQLiteValue {
        value.map { .bytes($0) } ?? .null
    }

    /// A number that stays below 2⁶³ by construction (`seq`, instance numbers, counts).
    static func count(_ value: some BinaryInteger) -> SQLiteValue {
        .integer(Int64(clamping: value))
    }

    /// Sixty-four bits that are no number (a filesystem id): kept bit by bit.
    static func bits(_ value: UInt64) -> SQLiteValue {
        .integer(Int64(bitPattern: value))
    }
}
