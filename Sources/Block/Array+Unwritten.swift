extension [UInt32] {
    /// An array whose values are whatever was in memory: for columns of which each value is written before it is read.
    @inline(__always)
    init(unwrittenCount count: Int) {
        // SAFETY: every bit pattern is a number, and callers write each place before they read it, or give the array up.
        self = unsafe [UInt32](unsafeUninitializedCapacity: count) { $1 = count }
    }
}
