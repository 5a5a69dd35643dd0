/// A value bound to a parameter of a statement.
package enum BoundValue: Sendable {
    case null
    case integer(Int64)
    case bytes([UInt8])
    case text(String)
    /// Text as the UTF-8 it is.
    case utf8([UInt8])

    package static func optional(_ value: Int64?) -> BoundValue {
        value.map { .integer($0) } ?? .null
    }

    package static func optional(_ value: [UInt8]?) -> BoundValue {
        value.map { .bytes($0) } ?? .null
    }

    /// A number that stays below 2⁶³ by construction (`seq`, instance numbers, counts).
    package static func count(_ value: some BinaryInteger) -> BoundValue {
        .integer(Int64(clamping: value))
    }

    /// Sixty-four bits that are no number (a filesystem id): kept bit by bit.
    package static func bits(_ value: UInt64) -> BoundValue {
        .integer(Int64(bitPattern: value))
    }
}
