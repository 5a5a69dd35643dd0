/// Open addressing from the hash of a (directory, name) pair to the index of its entry.
///
/// Shape: a slot holds 32 bits of hash above index + 1, 0 is empty; linear probing from those bits, at most half full.
struct NameTable: Sendable {
    private var slots: [UInt64]
    private var count = 0

    /// `minimumCapacity` is a power of two.
    init(minimumCapacity: Int) {
        slots = Array(repeating: 0, count: minimumCapacity)
    }

    var memoryByteCount: Int { slots.capacity * MemoryLayout<UInt64>.stride }

    mutating func removeAll() {
        guard count > 0 else { return }
        count = 0
        var span = slots.mutableSpan
        span.update(repeating: 0)
    }

    @inline(__always)
    func find(
        _ hash: UInt32, _ directory: UInt32, _ name: RawSpan, in entries: [PathDictionary.Entry], _ names: [UInt8]
    ) -> UInt32? {
        let mask = slots.count &- 1
        var position = Int(hash) & mask
        let tag = UInt64(hash)
        while true {
            let slot = slots[position]
            if slot == 0 { return nil }
            if slot >> 32 == tag {
                let index = UInt32(truncatingIfNeeded: slot) &- 1
                let entry = entries[Int(index)]
                if entry.directory == directory {
                    let start = Int(entry.nameOffset)
                    // SAFETY: bytes are initialised memory without padding; the span does not outlive this borrow.
                    let stored = unsafe names.span.bytes.extracting(start..<start &+ Int(entry.nameByteCount))
                    if stored.isEqual(to: name) { return index }
                }
            }
            position = (position &+ 1) & mask
        }
    }

    /// The entry that is looked at first for a hash, if there is one.
    @inline(__always)
    func first(_ hash: UInt32) -> Int? {
        let slot = slots[Int(hash) & (slots.count &- 1)]
        return slot == 0 ? nil : Int(UInt32(truncatingIfNeeded: slot) &- 1)
    }

    mutating func insert(_ hash: UInt32, _ index: UInt32) {
        if (count + 1) * 2 > slots.count { grow() }
        place(UInt64(hash) << 32 | UInt64(index + 1))
        count += 1
    }

    private mutating func place(_ slot: UInt64) {
        let mask = slots.count &- 1
        var position = Int(slot >> 32) & mask
        while slots[position] != 0 { position = (position &+ 1) & mask }
        slots[position] = slot
    }

    private mutating func grow() {
        let old = slots
        slots = Array(repeating: 0, count: old.count * 2)
        for slot in old where slot != 0 { place(slot) }
    }
}
