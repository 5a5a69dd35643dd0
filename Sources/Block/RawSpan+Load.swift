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

    /// The two bytes at `offset` as a little-endian number; traps when they are not both inside.
    @inline(__always)
    func quarterWord(at offset: Int) -> UInt16 {
        // SAFETY: bounds are checked by the call itself; every bit pattern is a UInt16.
        unsafe UInt16(littleEndian: unsafeLoadUnaligned(fromByteOffset: offset, as: UInt16.self))
    }

    /// The byte at `offset`; traps when it is not inside.
    @inline(__always)
    func byte(at offset: Int) -> UInt8 {
        // SAFETY: bounds are checked by the call itself; every bit pattern is a UInt8.
        unsafe unsafeLoadUnaligned(fromByteOffset: offset, as: UInt8.self)
    }

    /// Where the next `wanted` byte stands at or after `offset`; the byte count when none does.
    @inline(__always)
    func first(_ wanted: UInt8, from offset: Int) -> Int {
        let pattern = UInt64(wanted) &* 0x0101_0101_0101_0101
        var offset = offset
        while offset &+ 8 <= byteCount {
            let length = (word(at: offset) ^ pattern).byteCountBeforeZero
            offset &+= length
            if length < 8 { return offset }
        }
        while offset < byteCount, byte(at: offset) != wanted { offset &+= 1 }
        return offset
    }

    /// How many bytes are 0.
    var zeroCount: Int {
        var (total, offset) = (0, 0)
        let end = byteCount & ~7
        while offset < end {
            // A byte counts to 255.
            let stop = min(end, offset &+ 255 &* 8)
            var counts: UInt64 = 0
            while offset < stop {
                counts &+= word(at: offset).zeroBytes &>> 7
                offset &+= 8
            }
            let pairs = (counts & 0x00FF_00FF_00FF_00FF) &+ (counts &>> 8 & 0x00FF_00FF_00FF_00FF)
            total &+= Int(truncatingIfNeeded: (pairs &* 0x0001_0001_0001_0001) &>> 48)
        }
        while offset < byteCount {
            if byte(at: offset) == 0 { total &+= 1 }
            offset &+= 1
        }
        return total
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
    /// As ==, but in words: the comparison of the standard library takes a byte at a time.
    package func isEqualInWords(to other: [UInt8]) -> Bool {
        // SAFETY: bytes are initialised memory without padding; the spans do not outlive the arrays.
        unsafe span.bytes.isEqual(to: other.span.bytes)
    }

    /// Appends the bytes of a span.
    @inline(__always)
    package mutating func append(contentsOf span: RawSpan) {
        // SAFETY: the buffer is only read, within the call and within its bounds.
        unsafe span.withUnsafeBytes { unsafe append(contentsOf: $0) }
    }
}

extension UInt64 {
    /// The top bit of each byte that is zero.
    @inline(__always)
    var zeroBytes: UInt64 {
        ~((((self & 0x7F7F_7F7F_7F7F_7F7F) &+ 0x7F7F_7F7F_7F7F_7F7F) | self) | 0x7F7F_7F7F_7F7F_7F7F)
    }

    /// How many of the eight bytes, the lowest first, come before one that is zero; 8 when none is.
    @inline(__always)
    var byteCountBeforeZero: Int {
        // The lowest byte whose top bit stays set is the first zero: borrows only reach bytes above it.
        let zeros = (self &- 0x0101_0101_0101_0101) & ~self & 0x8080_8080_8080_8080
        return zeros.trailingZeroBitCount >> 3
    }
}
