/// Memory that a notification group's records are read into, used again and again.
///
/// Shape: `bytes` are whole event records back to back, as read(2) left them.
/// Cost: one allocation at `init`, none later. Thread: one at a time; it can be handed over.
package struct ReadBuffer: ~Copyable, Sendable {
    private var storage: [UInt8]
    /// How many bytes the last read left.
    package private(set) var byteCount: Int

    /// Below this read(2) can refuse a record (EINVAL): a rename with two 255-byte names is near 900 bytes.
    package static let minimumCapacity = 4_096

    /// Makes an empty buffer of `capacity` bytes, at least `minimumCapacity`.
    package init(capacity: Int) {
        precondition(capacity >= Self.minimumCapacity, "a read buffer this small loses no events but gets none either")
        storage = [UInt8](repeating: 0, count: capacity)
        byteCount = 0
    }

    package var capacity: Int { storage.count }

    /// The records of the last read, lent while the buffer is not written.
    package var bytes: RawSpan {
        @_lifetime(borrow self)
        get {
            // SAFETY: every byte of the array is initialized, and UInt8 has no padding to expose.
            unsafe storage.span.bytes.extracting(first: byteCount)
        }
    }

    /// Forgets the records.
    package mutating func removeAll() {
        byteCount = 0
    }

    /// Lends the memory behind the records of the last read to `fill`, which says how many bytes it wrote there, or a
    /// negative number that leaves the buffer as it was.
    mutating func append(_ fill: (UnsafeMutableRawBufferPointer) -> Int) -> Int {
        let used = byteCount
        // SAFETY: the array's memory is lent for the call only, and `used` never exceeds its count.
        let count = unsafe storage.withUnsafeMutableBytes { memory in
            unsafe fill(UnsafeMutableRawBufferPointer(rebasing: memory[used...]))
        }
        if count > 0 {
            precondition(count <= storage.count - used, "read(2) wrote past the memory it was given")
            byteCount = used + count
        }
        return count
    }
}
