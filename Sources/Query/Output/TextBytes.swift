/// Small pieces of text appended to bytes, without a `String` on the way.
extension [UInt8] {
    /// Appends the UTF-8 of a literal or other text.
    package mutating func append(text: StaticString) {
        // SAFETY: a StaticString's storage lives as long as the program.
        unsafe append(contentsOf: UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }

    /// Appends the UTF-8 of `text`.
    package mutating func append(string text: String) {
        append(contentsOf: text.utf8)
    }

    /// Appends `value` in decimal.
    package mutating func append(decimal value: some FixedWidthInteger) {
        if value < 0 { append(UInt8(ascii: "-")) }
        var rest = UInt64(value.magnitude)
        let first = count
        repeat {
            append(UInt8(ascii: "0") &+ UInt8(truncatingIfNeeded: rest % 10))
            rest /= 10
        } while rest > 0
        self[first...].reverse()
    }

    /// Appends `value` in decimal with at least `width` digits. Range: `value` ≥ 0.
    package mutating func append(decimal value: Int, width: Int) {
        let first = count
        var rest = value
        for _ in 0..<width {
            append(UInt8(ascii: "0") &+ UInt8(truncatingIfNeeded: rest % 10))
            rest /= 10
        }
        while rest > 0 {
            append(UInt8(ascii: "0") &+ UInt8(truncatingIfNeeded: rest % 10))
            rest /= 10
        }
        self[first...].reverse()
    }

    /// Appends the two digits of `byte` in lower-case hexadecimal.
    package mutating func append(hexadecimal byte: UInt8) {
        let digits: StaticString = "0123456789abcdef"
        // SAFETY: both nibbles are below 16, the length of the literal.
        unsafe append(digits.utf8Start[Int(byte >> 4)])
        unsafe append(digits.utf8Start[Int(byte & 15)])
    }

    /// Appends `bytes` in base64 (RFC 4648 §4, padded).
    package mutating func append(base64 bytes: some Collection<UInt8>) {
        let digits = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
        var group: UInt32 = 0
        var held = 0
        for byte in bytes {
            group = group << 8 | UInt32(byte)
            held += 1
            if held == 3 {
                for shift in [18, 12, 6, 0] { append(digits[Int(group >> UInt32(shift)) & 63]) }
                group = 0
                held = 0
            }
        }
        guard held > 0 else { return }
        group <<= UInt32(8 * (3 - held))
        append(digits[Int(group >> 18) & 63])
        append(digits[Int(group >> 12) & 63])
        append(held == 2 ? digits[Int(group >> 6) & 63] : UInt8(ascii: "="))
        append(UInt8(ascii: "="))
    }
}
