extension MutableSpan<UInt8> {
    /// Copies bytes that lie before `target`, a word at a time; what the last word writes behind them is garbage.
    ///
    /// Traps unless a word fits behind the last byte that is copied.
    @inline(__always)
    mutating func copyWords(from source: Int, to target: Int, byteCount: Int) {
        var done = 0
        while done < byteCount {
            // SAFETY: bounds are checked by the call itself; every bit pattern is a UInt64.
            let word = unsafe bytes.unsafeLoadUnaligned(fromByteOffset: source &+ done, as: UInt64.self)
            store(word, at: target &+ done)
            done &+= 8
        }
    }

    /// Writes a word at a place that need not be aligned; traps unless all of it lies within.
    @inline(__always)
    mutating func store(_ word: UInt64, at offset: Int) {
        // SAFETY: bytes may hold any bit pattern.
        var bytes = unsafe mutableBytes
        bytes.storeBytes(of: word, toByteOffset: offset, as: UInt64.self)
    }
}
