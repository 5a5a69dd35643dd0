/// Sixteen identifying bytes: a store's uuid, a machine id, a boot id.
///
/// Shape: `high` holds the first eight bytes as text would write them, big-endian; `low` the last eight.
package struct UUIDBytes: Hashable, Sendable {
    package var high: UInt64
    package var low: UInt64

    package static let zero = UUIDBytes(high: 0, low: 0)

    package init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    /// Reads 32 hexadecimal digits; dashes are skipped. Nil for anything else.
    package init?(hexadecimal text: some Sequence<UInt8>) {
        var high: UInt64 = 0
        var low: UInt64 = 0
        var digitCount = 0
        for byte in text where byte != UInt8(ascii: "-") {
            let digit: UInt8
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): digit = byte - UInt8(ascii: "0")
            case UInt8(ascii: "a")...UInt8(ascii: "f"): digit = byte - UInt8(ascii: "a") + 10
            case UInt8(ascii: "A")...UInt8(ascii: "F"): digit = byte - UInt8(ascii: "A") + 10
            default: return nil
            }
            guard digitCount < 32 else { return nil }
            if digitCount < 16 { high = high << 4 | UInt64(digit) } else { low = low << 4 | UInt64(digit) }
            digitCount += 1
        }
        guard digitCount == 32 else { return nil }
        self.init(high: high, low: low)
    }

    /// The sixteen bytes in the order text writes them.
    package var bytes: [UInt8] {
        (0..<16).map { index in
            let word = index < 8 ? high : low
            return UInt8(truncatingIfNeeded: word >> UInt64(56 - 8 * (index % 8)))
        }
    }

    /// Thirty-two lower-case hexadecimal digits.
    package var hexadecimalText: String {
        bytes.reduce(into: "") { text, byte in
            text += byte < 16 ? "0" + String(byte, radix: 16) : String(byte, radix: 16)
        }
    }
}
