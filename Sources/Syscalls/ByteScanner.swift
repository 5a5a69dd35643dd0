/// Walks words and numbers of a text file of the kernel, without making strings.
struct ByteScanner {
    private let bytes: [UInt8]
    private(set) var position: Int

    init(_ bytes: [UInt8], from position: Int = 0) {
        self.bytes = bytes
        self.position = position
    }

    /// The next run of bytes that are neither blank nor newline; nil at the end of the line or of the bytes.
    mutating func nextWord() -> Range<Int>? {
        while position < bytes.count, bytes[position] == UInt8(ascii: " ") || bytes[position] == UInt8(ascii: "\t") {
            position += 1
        }
        let start = position
        while position < bytes.count, !Self.isBlank(bytes[position]) { position += 1 }
        return start == position ? nil : start..<position
    }

    /// The next word as a decimal number; nil where it is none or does not fit.
    mutating func nextNumber() -> UInt64? {
        nextWord().flatMap { Self.decimal(bytes[$0]) }
    }

    /// Goes to the start of the next line; false at the end of the bytes.
    mutating func nextLine() -> Bool {
        while position < bytes.count, bytes[position] != UInt8(ascii: "\n") { position += 1 }
        position = min(position + 1, bytes.count)
        return position < bytes.count
    }

    private static func isBlank(_ byte: UInt8) -> Bool {
        byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") || byte == UInt8(ascii: "\n")
    }

    /// Decimal digits, with one newline after them at most; nil for anything else and for what exceeds 64 bits.
    static func decimal(_ digits: ArraySlice<UInt8>) -> UInt64? {
        var digits = digits
        if digits.last == UInt8(ascii: "\n") { digits.removeLast() }
        guard !digits.isEmpty else { return nil }
        var value: UInt64 = 0
        for byte in digits {
            guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) else { return nil }
            let (shifted, overflow) = value.multipliedReportingOverflow(by: 10)
            let (sum, carry) = shifted.addingReportingOverflow(UInt64(byte - UInt8(ascii: "0")))
            if overflow || carry { return nil }
            value = sum
        }
        return value
    }

    /// The index behind the first occurrence of `needle`.
    static func find(_ needle: StaticString, in bytes: [UInt8]) -> Int? {
        let count = needle.utf8CodeUnitCount
        guard count > 0, bytes.count >= count else { return nil }
        return needle.withUTF8Buffer { needle in
            // SAFETY: the indices of both stay below their counts.
            for start in 0...(bytes.count - count) {
                var length = 0
                while length < count, unsafe bytes[start + length] == needle[length] { length += 1 }
                if length == count { return start + count }
            }
            return nil
        }
    }
}
