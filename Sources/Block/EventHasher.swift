/// Derives a commit's hash from its events, one after the other.
///
/// Shape: each event is fourteen little-endian 64-bit words: `seq`; window start, end and clock offset in microseconds;
/// hash of the path, the target and the process (low, high; zeros where absent; of an event with a last process the hash
/// of both hashes); filesystem, inode and root of the
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

    /// Appends the events of a range; `firstSequence` is that of the row group's first event.
    mutating func append(
        _ events: borrowing RowGroupEvents, firstSequence: UInt64, range: Range<Int>, paths: [EventsHash],
        processes: [EventsHash], volumes: [Volume]
    ) {
        var next = range.lowerBound
        while next < range.upperBound {
            let end = min(range.upperBound, next + (words.count - used) / Self.wordCount)
            fill(events, firstSequence, next..<end, paths, processes, volumes)
            next = end
            if used == words.count { endChunk() }
        }
    }

    /// Writes the words of events that fit.
    private mutating func fill(
        _ events: borrowing RowGroupEvents, _ firstSequence: UInt64, _ range: Range<Int>, _ paths: [EventsHash],
        _ processes: [EventsHash], _ volumes: [Volume]
    ) {
        let none = EventsHash(high: 0, low: 0)
        let table = events.table.span
        let windowColumn = events.windows.span
        let pathColumn = events.paths.span
        let targetColumn = events.targets.span
        let processColumn = events.processes.span
        let objectColumn = events.objects.span
        let maskColumn = events.masks.span
        let flagsColumn = events.flags.span
        let paths = paths.span
        let lastColumn = events.lastProcesses.span
        let processes = processes.span
        let volumes = volumes.span
        var base = used
        var span = words.mutableSpan
        for index in range {
            let window = table[Int(windowColumn[index])]
            let pathIndex = pathColumn[index]
            let path = pathIndex == .absent ? none : paths[Int(pathIndex)]
            let targetIndex = targetColumn[index]
            let target = targetIndex == .absent ? none : paths[Int(targetIndex)]
            let processIndex = processColumn[index]
            var process = processIndex == .absent ? none : processes[Int(processIndex)]
            if !lastColumn.isEmpty, lastColumn[index] != .absent {
                process = EventsHash.combined(process, processes[Int(lastColumn[index])])
            }
            let object = objectColumn[index]
            let hasObject = object.volume != .absent
            let volume = hasObject ? volumes[Int(object.volume)] : Volume(filesystem: 0, root: 0)
            span[base] = (firstSequence &+ UInt64(index)).littleEndian
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
                UInt64(maskColumn[index]) | UInt64(flagsColumn[index] & 0xFF) << 32 | (hasObject ? 1 << 40 : 0)
                | UInt64(object.generation) << 48
            span[base &+ 13] = last.littleEndian
            base &+= Self.wordCount
        }
        used = base
        count &+= range.count
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

extension EventsHash {
    /// XXH3-128 of two hashes (low, high, low, high).
    fileprivate static func combined(_ first: EventsHash, _ second: EventsHash) -> EventsHash {
        let words = [
            first.low.littleEndian, first.high.littleEndian, second.low.littleEndian, second.high.littleEndian,
        ]
        // SAFETY: the words are initialised memory without padding; the span does not outlive the array.
        return unsafe XXH3.hash128(words.span.bytes)
    }
}
