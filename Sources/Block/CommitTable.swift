import Model

/// The commits of a block in order.
///
/// Shape: `numbers` holds for each: count, zigzag difference of its earliest to the latest of the commit before (the
/// first to the block's base), latest - earliest, index of its run in the header; in microseconds. `hashes` holds
/// sixteen bytes each, low then high, little-endian.
struct CommitTable {
    var numbers: [UInt8] = []
    var hashes: [UInt8] = []

    init(numbers: [UInt8], hashes: [UInt8]) {
        self.numbers = numbers
        self.hashes = hashes
    }

    init(_ commits: [CommitRecord], runs: [RunIdentity], origin: Int64) {
        var last = origin
        for commit in commits {
            let earliest = commit.earliest.microsecondsRoundedDown
            let latest = commit.latest.microsecondsRoundedDown
            numbers.appendVarint(UInt64(commit.count))
            numbers.appendZigzag(earliest &- last)
            numbers.appendVarint(UInt64(bitPattern: latest &- earliest))
            numbers.appendVarint(runs.firstIndex { $0.run == commit.run } ?? 0)
            last = latest
            hashes.appendLittleEndian(commit.hash.low)
            hashes.appendLittleEndian(commit.hash.high)
        }
    }

    func decode(
        count: Int, eventCount: Int, firstSequence: UInt64, runs: [RunIdentity], origin: Int64
    ) throws(PartError) -> [CommitRecord] {
        // SAFETY: bytes are initialised memory without padding; the spans do not outlive the arrays.
        var numbers = unsafe ByteCursor(self.numbers.span.bytes)
        var hashes = unsafe ByteCursor(self.hashes.span.bytes)
        guard count <= numbers.remainingByteCount, !runs.isEmpty else { throw .truncated }
        var commits: [CommitRecord] = []
        commits.reserveCapacity(count)
        var last = origin
        var used = 0
        for _ in 0..<count {
            let events = try numbers.count(atMost: eventCount - used)
            guard events > 0 else { throw .malformed("empty commit") }
            let earliest = last &+ (try numbers.zigzag())
            last = earliest &+ Int64(bitPattern: try numbers.varint())
            let run = runs[try numbers.count(atMost: runs.count - 1)].run
            let low = try hashes.littleEndian64()
            commits.append(
                CommitRecord(
                    firstSequence: firstSequence &+ UInt64(used), count: UInt32(events),
                    earliest: Instant(microsecondsSinceEpoch: earliest), latest: Instant(microsecondsSinceEpoch: last),
                    run: run, hash: EventsHash(high: try hashes.littleEndian64(), low: low)))
            used += events
        }
        guard used == eventCount else { throw .malformed("commits do not sum to the block's events") }
        try numbers.expectEnd()
        try hashes.expectEnd()
        return commits
    }
}
