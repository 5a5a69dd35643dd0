import CXXHash

/// The hash function of the format: XXH3 of libxxhash 0.8, seed 0 unless said.
package enum XXH3 {
    /// The 64-bit hash of some bytes.
    package static func hash64(_ bytes: RawSpan, seed: UInt64 = 0) -> UInt64 {
        // SAFETY: the function reads `count` bytes at the pointer, within the closure; zero bytes are never read.
        unsafe bytes.withUnsafeBytes { unsafe varve_xxh3_64($0.baseAddress, $0.count, seed) }
    }

    /// The 64-bit hash of an array.
    package static func hash64(_ bytes: [UInt8]) -> UInt64 {
        // SAFETY: bytes are initialised memory without padding; the span does not outlive the array.
        hash64(unsafe bytes.span.bytes)
    }

    /// The 128-bit hash of some bytes.
    package static func hash128(_ bytes: RawSpan) -> EventsHash {
        // SAFETY: the function reads `count` bytes at the pointer, within the closure; zero bytes are never read.
        let hash = unsafe bytes.withUnsafeBytes { unsafe varve_xxh3_128($0.baseAddress, $0.count) }
        return EventsHash(high: hash.high, low: hash.low)
    }

    /// The 128-bit hash of another hash (low, then high, little-endian) followed by some bytes.
    @inline(__always)
    static func hash128(_ bytes: RawSpan, after first: EventsHash) -> EventsHash {
        // SAFETY: the function reads `count` bytes at the pointer, within the closure; zero bytes are never read.
        let hash = unsafe bytes.withUnsafeBytes {
            unsafe varve_xxh3_128_after(first.low, first.high, $0.baseAddress, $0.count)
        }
        return EventsHash(high: hash.high, low: hash.low)
    }
}
