extension RawSpan {
    /// The eight bytes at `offset` as a little-endian number; traps when they are not all inside.
    @inline(__always)
    func word(at offset: Int) -> UInt64 {
        // SAFETY: bounds are checked by the call itself; every bit pattern is a UInt64.
        unsafe UInt64(littleEndian: unsafeLoadUnaligned(fromByteOffset: offset, as: UInt64.self))
    }

    /// The four bytes at `offset` as a little-endian number; traps when they are not all inside.
    @inline(__always)
    func halfWord(at offset: Int) -> UInt32 {
        // SAFETY: bounds are checked by the call itself; every bit pattern is a UInt32.
        unsafe UInt32(littleEndian: unsafeLoadUnaligned(fromByteOffset: offset, as: UInt32.self))
    }

    /// The byte at `offset`; traps when it is not inside.
    @inline(__always)
    func byte(at offset: Int) -> UInt8 {
        // SAFETY: bounds are checked by the call itself; every bit pattern is a UInt8.
        unsafe unsafeLoadUnaligned(fromByteOffset: offset, as: UInt8.self)
    }

    /// True when both hold the same bytes.
    @inline(__always)
    func isEqual(to other: RawSpan) -> Bool {
        let count = byteCount
        guard other.byteCount == count else { return false }
        if count >= 8 {
            var offset = 0
            while offset &+ 8 <= count {
                guard word(at: offset) == other.word(at: offset) else { return false }
                offset &+= 8
            }
            return word(at: count &- 8) == other.word(at: count &- 8)
        }
        var offset = 0
        while offset < count {
            guard byte(at: offset) == other.byte(at: offset) else { return false }
            offset &+= 1
        }
        return true
    }
}

extension [UInt8] {
    /// Appends the bytes of a span.
    @inline(__always)
    mutating func append(contentsOf span: RawSpan) {
        // SAFETY: the buffer is only read, within the call and within its bounds.
        unsafe span.withUnsafeBytes { unsafe append(contentsOf: $0) }
    }
}
