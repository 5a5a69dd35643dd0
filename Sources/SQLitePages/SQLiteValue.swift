/// A value of a row.
package enum SQLiteValue: Sendable {
    case null
    case integer(Int64)
    case real(Double)
    /// In UTF-8, whatever the database's encoding; any bytes can occur (see `TextEncoding.utf8Bytes`).
    case text([UInt8])
    case blob([UInt8])
    /// A text or blob that was not read, because its row is larger than the limit. `byteCount` as stored.
    case unread(byteCount: Int)
    /// The record ends before this column and its default is an expression that is not evaluated here: the column was
    /// added after the row was written.
    case absent

    var isUnread: Bool {
        if case .unread = self { true } else { false }
    }
}

/// Reals are equal when all their bits are.
extension SQLiteValue: Equatable {
    package static func == (one: SQLiteValue, other: SQLiteValue) -> Bool {
        switch (one, other) {
        case (.null, .null), (.absent, .absent): true
        case (.integer(let one), .integer(let other)): one == other
        case (.real(let one), .real(let other)): one.bitPattern == other.bitPattern
        case (.text(let one), .text(let other)), (.blob(let one), .blob(let other)): one == other
        case (.unread(let one), .unread(let other)): one == other
        default: false
        }
    }
}
