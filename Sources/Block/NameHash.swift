/// A keyed hash over a directory index and a name, for tables that hostile names must not fill with collisions.
///
/// Two multiplications per 16 bytes, as in wyhash; not stored anywhere, so it may change at will.
struct NameHash: Sendable {
    private let seed0: UInt64
    private let seed1: UInt64

    /// A hash no other process and no other value of this one has.
    init() {
        var generator = SystemRandomNumberGenerator()
        seed0 = generator.next() | 1
        seed1 = generator.next() | 1
    }

    @inline(__always)
    private static func mix(_ a: UInt64, _ b: UInt64) -> UInt64 {
        let product = a.multipliedFullWidth(by: b)
        return product.high ^ product.low
    }

    @inline(__always)
    func callAsFunction(_ directory: UInt32, _ name: RawSpan) -> UInt32 {
        let count = name.byteCount
        var state = seed0 ^ UInt64(directory) &* 0x9E37_79B9_7F4A_7C15
        var offset = 0
        while count &- offset > 16 {
            state = Self.mix(name.word(at: offset) ^ seed1, name.word(at: offset &+ 8) ^ state)
            offset &+= 16
        }
        let first: UInt64
        let second: UInt64
        if count >= 16 {
            first = name.word(at: count &- 16)
            second = name.word(at: count &- 8)
        } else if count >= 8 {
            first = name.word(at: 0)
            second = name.word(at: count &- 8)
        } else if count >= 4 {
            first = UInt64(name.halfWord(at: 0))
            second = UInt64(name.halfWord(at: count &- 4))
        } else if count > 0 {
            first = UInt64(name.byte(at: 0)) << 16 | UInt64(name.byte(at: count >> 1)) << 8
            second = UInt64(name.byte(at: count &- 1))
        } else {
            first = 0
            second = 0
        }
        state = Self.mix(first ^ seed1, second ^ state)
        return UInt32(truncatingIfNeeded: Self.mix(state ^ UInt64(count), seed0))
    }
}
