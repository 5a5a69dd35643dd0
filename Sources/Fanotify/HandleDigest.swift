/// Hashes for file handles that are too long to be held, and for those of unknown layout.
///
/// Not keyed: an identity made from them must be the same in every run that writes to one store.
enum HandleDigest {
    /// 128 bits over `count` bytes: two different folds of 8 bytes a step.
    static func digest(_ bytes: RawSpan, offset: Int, count: Int) -> (UInt64, UInt64) {
        var first: UInt64 = 0xA076_1D64_78BD_642F ^ UInt64(count)
        var second: UInt64 = 0xE703_7ED1_A0B4_28DB ^ UInt64(count)
        var index = 0
        while index < count {
            var word: UInt64 = 0
            if count &- index >= 8 {
                word = bytes.load(at: offset &+ index, as: UInt64.self)
            } else {
                for rest in index..<count {
                    word |= UInt64(bytes.load(at: offset &+ rest, as: UInt8.self)) &<< UInt64((rest &- index) &* 8)
                }
            }
            first = fold(first ^ word, 0x9E37_79B9_7F4A_7C15)
            second = fold(second &+ word, 0xD6E8_FEB8_6659_FD93)
            index &+= 8
        }
        return (first, second)
    }

    /// One number for the three words of a handle.
    static func identity(_ first: UInt64, _ second: UInt64, _ third: UInt64) -> UInt64 {
        fold(fold(first ^ 0xA076_1D64_78BD_642F, second ^ 0xE703_7ED1_A0B4_28DB), third ^ 0x8EBC_6AF0_9C88_C6E3)
    }

    private static func fold(_ left: UInt64, _ right: UInt64) -> UInt64 {
        let product = left.multipliedFullWidth(by: right)
        return product.high ^ product.low
    }
}
