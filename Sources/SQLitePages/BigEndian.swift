/// The numbers of the format: big-endian, and variable-length ones of one to nine bytes. Nil where they do not fit.
extension [UInt8] {
    func bigEndian16(at offset: Int) -> Int? {
        guard offset >= 0, offset <= count - 2 else { return nil }
        return Int(self[offset]) << 8 | Int(self[offset + 1])
    }

    func bigEndian32(at offset: Int) -> UInt32? {
        guard offset >= 0, offset <= count - 4 else { return nil }
        return UInt32(self[offset]) << 24 | UInt32(self[offset + 1]) << 16 | UInt32(self[offset + 2]) << 8
            | UInt32(self[offset + 3])
    }

    /// A varint: seven bits a byte, the most significant first, the ninth byte with all of its eight.
    ///
    /// Source: fileformat2.html §1.6, "A variable-length integer".
    func sqliteVarint(at offset: Int) -> (value: UInt64, byteCount: Int)? {
        guard offset >= 0 else { return nil }
        var value: UInt64 = 0
        var length = 0
        while length < 9 {
            guard offset + length < count else { return nil }
            let byte = self[offset + length]
            length += 1
            if length == 9 { return (value << 8 | UInt64(byte), 9) }
            value = value << 7 | UInt64(byte & 0x7F)
            if byte < 0x80 { return (value, length) }
        }
        return nil
    }

    /// `byteCount` bytes (at most 8) as a signed two's-complement number.
    func bigEndianSigned(at offset: Int, byteCount: Int) -> Int64? {
        guard offset >= 0, byteCount > 0, byteCount <= 8, offset <= count - byteCount else { return nil }
        var value = Int64(Int8(bitPattern: self[offset]))
        for index in 1..<Swift.max(1, byteCount) { value = value << 8 | Int64(self[offset + index]) }
        return value
    }
}
