/// A value as SQL knows it. https://www.sqlite.org/datatype3.html
package enum SQLValue: Hashable, Sendable {
    case null
    case integer(Int64)
    case real(Double)
    /// UTF-8; of a host's own making it may be anything.
    case text([UInt8])
    case blob([UInt8])

    static func text(_ value: String) -> SQLValue { .text(Array(value.utf8)) }

    static func boolean(_ value: Bool) -> SQLValue { .integer(value ? 1 : 0) }

    static func integer(_ value: some BinaryInteger) -> SQLValue { .integer(Int64(clamping: value)) }

    static func optional(_ value: (some BinaryInteger)?) -> SQLValue {
        value.map { .integer(Int64(clamping: $0)) } ?? .null
    }
}
