/// What is wrong with the content of one part; the reader adds which part it was.
package enum PartError: Error {
    case truncated
    case malformed(StaticString)
}

/// The numbers of the format: unsigned LEB128 of at most ten bytes, signed ones zigzag first.
package enum Zigzag {
    @inline(__always)
    package static func encode(_ value: Int64) -> UInt64 {
        UInt64(bitPattern: (value << 1) ^ (value >> 63))
    }

    @inline(__always)
    package static func decode(_ value: UInt64) -> Int64 {
        Int64(bitPattern: value >> 1) ^ -Int64(bitPattern: value & 1)
    }

    /// The difference of two unsigned numbers, modulo 2^64.
    @inline(__always)
    static func encodeDifference(_ value: UInt64, from reference: UInt64) -> UInt64 {
        encode(Int64(bitPattern: value &- reference))
    }

    /// The number that `encodeDifference` took.
    @inline(__always)
    static func decodeDifference(_ code: UInt64, from reference: UInt64) -> UInt64 {
        reference &+ UInt64(bitPattern: decode(code))
    }
}

extension [UInt8] {
    @inline(__always)
    package mutating func appendVarint(_ value: UInt64) {
        var rest = value
        while rest >= 0x80 {
            append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        append(UInt8(truncatingIfNeeded: rest))
    }

    package mutating func appendVarint(_ value: Int) {
        appendVarint(UInt64(value))
    }

    @inline(__always)
    package mutating func appendZigzag(_ value: Int64) {
        appendVarint(Zigzag.encode(value))
    }

    package mutating func appendLittleEndian(_ value: UInt64) {
        var rest = value
        for _ in 0..<8 {
            append(UInt8(truncatingIfNeeded: rest))
            rest >>= 8
        }
    }

    package mutating func appendLittleEndian32(_ value: UInt32) {
        for shift in stride(from: 0, to: 32, by: 8) { append(UInt8(truncatingIfNeeded: value >> UInt32(shift))) }
    }

    package mutating func append(_ uuid: UUIDBytes) {
        append(contentsOf: uuid.bytes)
    }
}

/// Reads numbers off the front of some bytes; never past their end.
package struct ByteCursor: ~Escapable {
    private let bytes: RawSpan
    package private(set) var offset: Int

    @_lifetime(copy bytes)
    package init(_ bytes: RawSpan) {
        self.bytes = bytes
        offset = 0
    }

    package var remainingByteCount: Int { bytes.byteCount &- offset }

    @inline(__always)
    @_lifetime(self: copy self)
    package mutating func byte() throws(PartError) -> UInt8 {
        guard offset < bytes.byteCount else { throw .truncated }
        let value = bytes.byte(at: offset)
        offset &+= 1
        return value
    }

    /// Cost: one bounds check for numbers of one and two bytes, which are nearly all.
    @inline(__always)
    @_lifetime(self: copy self)
    package mutating func varint() throws(PartError) -> UInt64 {
        if offset &+ 2 <= bytes.byteCount {
            let pair = bytes.quarterWord(at: offset)
            if pair & 0x80 == 0 {
                offset &+= 1
                return UInt64(pair & 0x7F)
            }
            if pair & 0x8000 == 0 {
                offset &+= 2
                return UInt64(pair & 0x7F | (pair >> 8) << 7)
            }
        }
        return try longVarint()
    }

    @_lifetime(self: copy self)
    private mutating func longVarint() throws(PartError) -> UInt64 {
        if offset &+ 8 <= bytes.byteCount {
            let word = bytes.word(at: offset)
            let ends = ~word & 0x8080_8080_8080_8080
            if ends != 0 {
                offset &+= (ends.trailingZeroBitCount &+ 1) >> 3
                // All up to the first byte that ends a number, then sevens of bits pushed together, by two, four, eight.
                var value = word & (ends ^ (ends &- 1)) & 0x7F7F_7F7F_7F7F_7F7F
                value = value & 0x007F_007F_007F_007F | (value & 0x7F00_7F00_7F00_7F00) >> 1
                value = value & 0x0000_3FFF_0000_3FFF | (value & 0x3FFF_0000_3FFF_0000) >> 2
                return value & 0x0FFF_FFFF | (value & 0x0FFF_FFFF_0000_0000) >> 4
            }
        }
        var value: UInt64 = 0
        var shift: UInt64 = 0
        while true {
            let next = try byte()
            guard shift < 63 || next <= 1 else { throw .malformed("number of more than 64 bits") }
            value |= UInt64(next & 0x7F) << shift
            if next < 0x80 { return value }
            shift += 7
        }
    }

    @inline(__always)
    @_lifetime(self: copy self)
    package mutating func zigzag() throws(PartError) -> Int64 {
        Zigzag.decode(try varint())
    }

    /// A number that counts or indexes something of which there are at most `limit`.
    @inline(__always)
    @_lifetime(self: copy self)
    package mutating func count(atMost limit: Int) throws(PartError) -> Int {
        let value = try varint()
        guard value <= UInt64(limit) else { throw .malformed("count beyond its limit") }
        return Int(truncatingIfNeeded: value)
    }

    @_lifetime(self: copy self)
    package mutating func littleEndian64() throws(PartError) -> UInt64 {
        guard remainingByteCount >= 8 else { throw .truncated }
        let value = bytes.word(at: offset)
        offset &+= 8
        return value
    }

    @_lifetime(self: copy self)
    package mutating func littleEndian32() throws(PartError) -> UInt32 {
        guard remainingByteCount >= 4 else { throw .truncated }
        let value = bytes.halfWord(at: offset)
        offset &+= 4
        return value
    }

    @_lifetime(self: copy self)
    package mutating func uuid() throws(PartError) -> UUIDBytes {
        let high = try littleEndian64().byteSwapped
        return UUIDBytes(high: high, low: try littleEndian64().byteSwapped)
    }

    @_lifetime(self: copy self)
    package mutating func array(_ count: Int) throws(PartError) -> [UInt8] {
        guard count <= remainingByteCount else { throw .truncated }
        let slice = bytes.extracting(offset..<offset &+ count)
        offset &+= count
        var result: [UInt8] = []
        result.reserveCapacity(count)
        result.append(contentsOf: slice)
        return result
    }

    /// Nothing may follow what a part is declared to hold.
    package func expectEnd() throws(PartError) {
        guard remainingByteCount == 0 else { throw .malformed("bytes after the end") }
    }
}
