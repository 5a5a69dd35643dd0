/// Walks bytes that may or may not be UTF-8, one scalar or one invalid byte at a time.
///
/// Source: Unicode 15 table 3-7: overlong forms, surrogates and values beyond U+10FFFF are invalid.
package struct UTF8Scanner {
    enum Unit: Hashable {
        /// A valid scalar and the number of its bytes.
        case scalar(UInt32, byteCount: Int)
        /// One byte that begins no valid sequence.
        case invalid(UInt8)

        var byteCount: Int {
            switch self {
            case .scalar(_, let count): count
            case .invalid: 1
            }
        }
    }

    /// The unit that starts at `index` of `bytes`. Range: `index` < `bytes.count`.
    static func unit(of bytes: [UInt8], at index: Int) -> Unit {
        let first = bytes[index]
        let count: Int
        var value: UInt32
        switch first {
        case 0x00...0x7F: return .scalar(UInt32(first), byteCount: 1)
        case 0xC2...0xDF: (count, value) = (2, UInt32(first & 0x1F))
        case 0xE0...0xEF: (count, value) = (3, UInt32(first & 0x0F))
        case 0xF0...0xF4: (count, value) = (4, UInt32(first & 0x07))
        default: return .invalid(first)
        }
        guard index + count <= bytes.count else { return .invalid(first) }
        for next in bytes[(index + 1)..<(index + count)] {
            guard next & 0xC0 == 0x80 else { return .invalid(first) }
            value = value << 6 | UInt32(next & 0x3F)
        }
        switch count {
        case 3 where value < 0x800 || (0xD800...0xDFFF).contains(value): return .invalid(first)
        case 4 where !(0x10000...0x10FFFF).contains(value): return .invalid(first)
        default: return .scalar(value, byteCount: count)
        }
    }

    /// True when all of `bytes` is valid.
    package static func isValid(_ bytes: [UInt8]) -> Bool {
        var index = 0
        while index < bytes.count {
            if bytes[index] < 0x80 {
                index += 1
                continue
            }
            let unit = unit(of: bytes, at: index)
            guard case .scalar(_, let count) = unit else { return false }
            index += count
        }
        return true
    }

    /// True for scalars that steer a terminal or reorder text: C0, DEL, C1, line and paragraph separators, bidirectional
    /// controls, zero-width marks, tags and the byte order mark.
    static func isControl(_ scalar: UInt32) -> Bool {
        switch scalar {
        case 0x00...0x1F, 0x7F...0x9F: true
        case 0x061C, 0x200B...0x200F, 0x2028...0x202E, 0x2060...0x2069, 0xFEFF, 0xFFF9...0xFFFB: true
        case 0xE0000...0xE007F: true
        default: false
        }
    }
}
