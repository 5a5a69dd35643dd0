/// Puts numbers of equal width one behind the other, the lowest bit first.
struct BitPacker {
    private let width: Int
    private var held: UInt64 = 0
    private var heldCount = 0

    /// Range: 0 to 64 bits.
    init(width: Int) {
        self.width = width
    }

    /// Range: `value` has at most `width` bits.
    mutating func append(_ value: UInt64, to bytes: inout [UInt8]) {
        held |= value << UInt64(heldCount)
        heldCount += width
        guard heldCount >= 64 else { return }
        bytes.append(littleEndian: held)
        heldCount -= 64
        // What did not fit; a shift by 64 leaves nothing.
        held = value >> UInt64(width - heldCount)
    }

    /// Ends with zeros up to the next byte.
    mutating func finish(into bytes: inout [UInt8]) {
        while heldCount > 0 {
            bytes.append(UInt8(truncatingIfNeeded: held))
            held >>= 8
            heldCount -= 8
        }
        held = 0
        heldCount = 0
    }
}
