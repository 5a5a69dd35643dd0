package import Block

/// The hash of every page of a database, and their XOR: the state.
///
/// Cost: 8 bytes a page; a change costs one hash of a page.
package struct PageHashes: Sendable {
    package let stream: UUIDBytes
    /// Page n at n − 1; 0 for the lock page and for pages that are not known.
    private var hashes: [UInt64] = []
    package private(set) var state: UInt64 = 0

    package init(stream: UUIDBytes) {
        self.stream = stream
    }

    package var pageCount: UInt32 { UInt32(hashes.count) }

    /// The hash of a page, 0 beyond the end.
    package subscript(page: UInt32) -> UInt64 {
        page > 0 && page <= hashes.count ? hashes[Int(page) - 1] : 0
    }

    /// The pages that are not the same in both, ascending; also those that only one has.
    package func differing(from other: PageHashes) -> [UInt32] {
        let count = max(pageCount, other.pageCount)
        guard count > 0 else { return [] }
        return (1...count).filter { self[$0] != other[$0] }
    }

    /// What a page with these bytes would have.
    package func hash(of page: UInt32, _ bytes: borrowing RawSpan) -> UInt64 {
        Self.hash(of: page, bytes, stream: stream)
    }

    /// The same for a part of an array.
    package func hash(of page: UInt32, _ bytes: [UInt8], _ range: Range<Int>) -> UInt64 {
        bytes.withPart(range) { hash(of: page, $0) }
    }

    static func hash(of page: UInt32, _ bytes: borrowing RawSpan, stream: UUIDBytes) -> UInt64 {
        // Assembled as words: the key is hashed for every page that changes.
        let key: [5 of UInt32] = [
            UInt32(truncatingIfNeeded: stream.high >> 32).bigEndian, UInt32(truncatingIfNeeded: stream.high).bigEndian,
            UInt32(truncatingIfNeeded: stream.low >> 32).bigEndian, UInt32(truncatingIfNeeded: stream.low).bigEndian,
            page.littleEndian,
        ]
        // SAFETY: five words without padding; the span does not outlive them.
        let seed = XXH3.hash64(unsafe key.span.bytes)
        return XXH3.hash64(bytes, seed: seed)
    }

    /// Takes over a page's hash; page ≥ 1. A page beyond the end makes the table grow to it.
    package mutating func set(_ page: UInt32, _ hash: UInt64) {
        let index = Int(page) - 1
        if index >= hashes.count {
            hashes.append(contentsOf: [UInt64](repeating: 0, count: index + 1 - hashes.count))
        }
        state ^= hashes[index] ^ hash
        hashes[index] = hash
    }

    /// Drops the pages above `count`; makes room for none.
    package mutating func truncate(to count: UInt32) {
        while hashes.count > count { state ^= hashes.removeLast() }
    }

    /// Sets how many pages there are. The caller has bounded the growth.
    package mutating func resize(to count: UInt32) {
        truncate(to: count)
        if hashes.count < count { hashes.append(contentsOf: [UInt64](repeating: 0, count: Int(count) - hashes.count)) }
    }
}

extension [UInt8] {
    /// A view of a part; bounds are checked.
    func withPart<Value>(_ range: Range<Int>, _ body: (RawSpan) -> Value) -> Value {
        // SAFETY: bytes are initialised memory without padding; the span does not outlive the closure.
        body(unsafe span.bytes.extracting(range))
    }
}
