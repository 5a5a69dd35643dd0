extension RawSpan {
    /// The four bytes at `offset` as a big-endian number, the order of SQLite's files; traps when they are not all inside.
    @inline(__always)
    func bigEndian(at offset: Int) -> UInt32 {
        // SAFETY: bounds are checked by the call itself; every bit pattern is a UInt32.
        unsafe UInt32(bigEndian: unsafeLoadUnaligned(fromByteOffset: offset, as: UInt32.self))
    }

    /// The four bytes at `offset` in this machine's order, the order of `-shm`; traps when they are not all inside.
    @inline(__always)
    func native(at offset: Int) -> UInt32 {
        // SAFETY: bounds are checked by the call itself; every bit pattern is a UInt32.
        unsafe unsafeLoadUnaligned(fromByteOffset: offset, as: UInt32.self)
    }

    /// The two bytes at `offset` in this machine's order; traps when they are not both inside.
    @inline(__always)
    func nativeHalf(at offset: Int) -> UInt16 {
        // SAFETY: bounds are checked by the call itself; every bit pattern is a UInt16.
        unsafe unsafeLoadUnaligned(fromByteOffset: offset, as: UInt16.self)
    }

    /// The byte at `offset`; traps when it is not inside.
    @inline(__always)
    func byte(at offset: Int) -> UInt8 {
        // SAFETY: bounds are checked by the call itself; every bit pattern is a UInt8.
        unsafe unsafeLoadUnaligned(fromByteOffset: offset, as: UInt8.self)
    }

    /// The eight bytes at `offset`, the first in the low part; traps when they are not all inside.
    @inline(__always)
    func littleWord(at offset: Int) -> UInt64 {
        // SAFETY: bounds are checked by the call itself; every bit pattern is a UInt64.
        unsafe UInt64(littleEndian: unsafeLoadUnaligned(fromByteOffset: offset, as: UInt64.self))
    }

    /// True when both hold the same bytes.
    func isEqual(to other: RawSpan) -> Bool {
        guard byteCount == other.byteCount else { return false }
        var offset = 0
        // Four words at a time: mostly they are the same.
        while offset &+ 32 <= byteCount {
            let first = littleWord(at: offset) ^ other.littleWord(at: offset)
            let second = littleWord(at: offset &+ 8) ^ other.littleWord(at: offset &+ 8)
            let third = littleWord(at: offset &+ 16) ^ other.littleWord(at: offset &+ 16)
            let fourth = littleWord(at: offset &+ 24) ^ other.littleWord(at: offset &+ 24)
            guard first | second | third | fourth == 0 else { return false }
            offset &+= 32
        }
        while offset < byteCount {
            guard byte(at: offset) == other.byte(at: offset) else { return false }
            offset &+= 1
        }
        return true
    }
}

extension [UInt8] {
    /// Appends the bytes of a span.
    mutating func append(contentsOf span: RawSpan) {
        // SAFETY: the buffer is only read, within the call and within its bounds.
        unsafe span.withUnsafeBytes { unsafe append(contentsOf: $0) }
    }
}
