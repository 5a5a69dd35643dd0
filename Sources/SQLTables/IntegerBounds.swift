/// The integers that conditions leave, as SQLite compares a column of integers with any value.
///
/// https://www.sqlite.org/datatype3.html#comparison_expressions
struct IntegerBounds: Hashable {
    private(set) var low = Int64.min
    private(set) var high = Int64.max
    private(set) var isEmpty = false

    mutating func narrow(_ op: ConditionOperator, _ value: SQLValue) {
        switch Self.number(value) {
        case .null: isEmpty = true
        // Numbers stand before texts and BLOBs.
        case .text, .blob: if op != .less, op != .lessOrEqual { isEmpty = true }
        case .integer(let number): narrow(op, number)
        case .real(let number): narrow(op, real: number)
        }
        if low > high { isEmpty = true }
    }

    /// The same; `hasNarrowed` becomes whether it left less than there was.
    mutating func narrow(_ op: ConditionOperator, _ value: SQLValue, _ hasNarrowed: inout Bool) {
        let before = self
        narrow(op, value)
        hasNarrowed = self != before
    }

    /// A text that is a number is compared as one.
    private static func number(_ value: SQLValue) -> SQLValue {
        guard case .text(let bytes) = value else { return value }
        let text = String(decoding: bytes, as: UTF8.self)
        if let integer = Int64(text) { return .integer(integer) }
        return Double(text).map { .real($0) } ?? value
    }

    private mutating func narrow(_ op: ConditionOperator, _ number: Int64) {
        switch op {
        case .equal:
            low = max(low, number)
            high = min(high, number)
        case .greaterOrEqual: low = max(low, number)
        case .lessOrEqual: high = min(high, number)
        case .greater: if number == .max { isEmpty = true } else { low = max(low, number + 1) }
        case .less: if number == .min { isEmpty = true } else { high = min(high, number - 1) }
        default: break
        }
    }

    private mutating func narrow(_ op: ConditionOperator, real number: Double) {
        guard !number.isNaN else {
            isEmpty = true
            return
        }
        let isWhole = number == number.rounded(.down)
        // 2^63 and -2^63 are numbers that a Double has exactly.
        if isWhole, number >= -0x1p63, number < 0x1p63 { return narrow(op, Int64(number)) }
        switch op {
        case .equal: isEmpty = true
        case .greater, .greaterOrEqual:
            if number >= 0x1p63 { isEmpty = true }
            if number > -0x1p63, number < 0x1p63 { low = max(low, Int64(number.rounded(.up))) }
        case .less, .lessOrEqual:
            if number < -0x1p63 { isEmpty = true }
            if number > -0x1p63, number < 0x1p63 { high = min(high, Int64(number.rounded(.down))) }
        default: break
        }
    }
}
