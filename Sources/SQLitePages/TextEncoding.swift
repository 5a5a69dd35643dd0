/// How a database stores its text.
package enum TextEncoding: UInt32, Sendable {
    case utf8 = 1
    case utf16LittleEndian = 2
    case utf16BigEndian = 3

    /// The same text in UTF-8, without loss.
    ///
    /// UTF-8 is handed on as it is, valid or not. A lone UTF-16 surrogate becomes the three bytes that UTF-8 would have
    /// for it, which is not valid UTF-8, so that different texts stay different. An odd last byte is dropped, as SQLite
    /// does.
    package func utf8Bytes(of stored: [UInt8]) -> [UInt8] {
        guard self != .utf8 else { return stored }
        var result: [UInt8] = []
        result.reserveCapacity(stored.count)
        var offset = 0
        while let unit = codeUnit(of: stored, at: offset) {
            offset += 2
            var scalar = UInt32(unit)
            if (0xD800..<0xDC00).contains(unit), let low = codeUnit(of: stored, at: offset),
                (0xDC00..<0xE000).contains(low)
            {
                scalar = 0x1_0000 + (UInt32(unit) - 0xD800) << 10 + UInt32(low) - 0xDC00
                offset += 2
            }
            Self.append(scalar, to: &result)
        }
        return result
    }

    private func codeUnit(of stored: [UInt8], at offset: Int) -> UInt16? {
        guard offset <= stored.count - 2 else { return nil }
        let (first, second) = (UInt16(stored[offset]), UInt16(stored[offset + 1]))
        return self == .utf16LittleEndian ? second << 8 | first : first << 8 | second
    }

    private static func append(_ scalar: UInt32, to bytes: inout [UInt8]) {
        func tail(_ shift: UInt32) -> UInt8 { UInt8(truncatingIfNeeded: 0x80 | scalar >> shift & 0x3F) }
        switch scalar {
        case ..<0x80:
            bytes.append(UInt8(truncatingIfNeeded: scalar))
        case ..<0x800:
            bytes.append(UInt8(truncatingIfNeeded: 0xC0 | scalar >> 6))
            bytes.append(tail(0))
        case ..<0x1_0000:
            bytes.append(UInt8(truncatingIfNeeded: 0xE0 | scalar >> 12))
            bytes.append(tail(6))
            bytes.append(tail(0))
        default:
            bytes.append(UInt8(truncatingIfNeeded: 0xF0 | scalar >> 18))
            bytes.append(tail(12))
            bytes.append(tail(6))
            bytes.append(tail(0))
        }
    }
}
