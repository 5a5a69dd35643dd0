internal import Glibc
package import Syscalls

/// Memory that a notification group's records are read into, used again and again.
///
/// Shape: `bytes` are whole event records back to back, as read(2) left them. Pages that no reading reaches are never
/// touched, so a large buffer costs what is read into it.
/// Cost: one mmap(2) at `init`, then nothing but the first touch of each page. Thread: one at a time; it can be handed over.
// Sendable: the memory is reached only through its one owner.
@safe
package struct ReadBuffer: ~Copyable, @unchecked Sendable {
    private let storage: UnsafeMutableRawBufferPointer
    /// How many bytes the last read left.
    package private(set) var byteCount: Int

    /// Below this read(2) can refuse a record (EINVAL): a rename with two 255-byte names is near 900 bytes.
    package static let minimumCapacity = 4_096

    /// Makes an empty buffer of `capacity` bytes, at least `minimumCapacity`. Throws: ENOMEM.
    package init(capacity: Int) throws(SyscallError) {
        precondition(capacity >= Self.minimumCapacity, "a read buffer this small loses no events but gets none either")
        // SAFETY: a new private mapping, owned by this value alone until its deinit. Not calloc(3): below its threshold for
        // mappings that writes the zeros itself, and so touches every page.
        let memory = unsafe mmap(nil, capacity, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
        guard let memory = unsafe memory, unsafe memory != MAP_FAILED else {
            throw SyscallError(call: "mmap", errno: errno)
        }
        unsafe storage = UnsafeMutableRawBufferPointer(start: memory, count: capacity)
        byteCount = 0
    }

    deinit {
        // SAFETY: mapped in init with this size, unmapped once.
        unsafe _ = munmap(storage.baseAddress, storage.count)
    }

    package var capacity: Int { unsafe storage.count }

    /// Whether any record would fit behind those of the last read: then that read ended because nothing more waited.
    package var hasRoomForAnyRecord: Bool { capacity - byteCount >= Self.minimumCapacity }

    /// The records of the last read, lent while the buffer is not written.
    package var bytes: RawSpan {
        @_lifetime(borrow self)
        get {
            // SAFETY: the memory is initialized and lives as long as this value, which the span borrows.
            unsafe _overrideLifetime(RawSpan(_unsafeBytes: UnsafeRawBufferPointer(storage)), borrowing: self)
                .extracting(first: byteCount)
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
        // SAFETY: the memory is lent for the call only, and `used` never exceeds its count.
        let count = unsafe fill(UnsafeMutableRawBufferPointer(rebasing: storage[used...]))
        if count > 0 {
            precondition(count <= capacity - used, "read(2) wrote past the memory it was given")
            byteCount = used + count
        }
        return count
    }
}
