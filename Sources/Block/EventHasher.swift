/// Derives a commit's hash from its events, one after the other.
///
/// Shape: each event is fourteen little-endian 64-bit words: `seq`; window start, end and clock offset in microseconds;
/// hash of the path, the target and the process (low, high; zeros where absent); filesystem, inode and root of the
/// object (zeros where absent); mask | flags << 32 | (1 where there is an object) << 40 | generation << 48.
/// 256 events at a time, counted from the commit's first, are hashed by XXH3-128; the commit's hash is XXH3-128 of these
/// hashes (low, high) followed by the count of events.
struct EventHasher {
    private static let wordCount = 14
    private static let chunkEventCount = 256

    private var words: [UInt64]
    private var used = 0
    private var chunkHashes: [UInt64] = []
    private(set) var count = 0

    init() {
        words = Array(repeating: 0, count: Self.wordCount * Self.chunkEventCount)
    }

    @inline(__always)
    mutating func append(
        sequence: UInt64, window: StoredWindow, path: EventsHash, target: EventsHash, process: EventsHash,
        object: StoredObject, volume: Volume, mask: UInt32, flags: UInt32
    ) {
        let hasObject = object.volume != .absent
        let base = used
        var span = words.mutableSpan
        span[base] = sequence.littleEndian
        span[base &+ 1] = UInt64(bitPattern: window.earliest).littleEndian
        span[base &+ 2] = UInt64(bitPattern: window.time).littleEndian
        span[base &+ 3] = UInt64(bitPattern: window.clockOffset).littleEndian
        span[base &+ 4] = path.low.littleEndian
        span[base &+ 5] = path.high.littleEndian
        span[base &+ 6] = target.low.littleEndian
        span[base &+ 7] = target.high.littleEndian
        span[base &+ 8] = process.low.littleEndian
        span[base &+ 9] = process.high.littleEndian
        span[base &+ 10] = volume.filesystem.littleEndian
        span[base &+ 11] = object.inode.littleEndian
        span[base &+ 12] = volume.root.littleEndian
        let last =
            UInt64(mask) | UInt64(flags & 0xFF) << 32 | (hasObject ? 1 << 40 : 0) | UInt64(object.generation) << 48
        span[base &+ 13] = last.littleEndian
        used = base &+ Self.wordCount
        count &+= 1
        if used == words.count { endChunk() }
    }

    /// The hash of what was appended since the last call.
    mutating func finish() -> EventsHash {
        if used > 0 { endChunk() }
        chunkHashes.append(UInt64(count).littleEndian)
        // SAFETY: the words are initialised memory without padding; the span does not outlive the array.
        let hash = unsafe XXH3.hash128(chunkHashes.span.bytes)
        chunkHashes.removeAll(keepingCapacity: true)
        count = 0
        return hash
    }

    private mutating func endChunk() {
        // SAFETY: the words are initialised memory without padding; the span does not outlive the array.
        let hash = unsafe XXH3.hash128(words.span.bytes.extracting(0..<used * 8))
        chunkHashes.append(hash.low.littleEndian)
        chunkHashes.append(hash.high.littleEndian)
        used = 0
    }
}
