/// A filter over the paths of a block whose paths come in groups, and all their ancestor directories, that also says in
/// which group a path is.
///
/// A ribbon retrieval structure (Dillinger and Walzer, "Ribbon filter: practically smaller than Bloom and Xor", 2021,
/// https://arxiv.org/abs/2103.02515): a table of numbers of r bits, such that the XOR of those that a key's hash chooses
/// among 128 in a row is the key's group, masked with a fingerprint of the key. A key that is not there gives any number, and
/// is told apart when that is no group's: r is two bits more than the groups need, so 3 in 4 to 7 in 8 are. Without the
/// fingerprint the bits above the groups' would be zero for every key. A Bloom filter of about the same size leaves
/// 1 in 11, but says nothing of the group, and looking into one group costs a tenth of looking into all.
///
/// Shape: one byte 3 (the version), one byte the salt s, one byte r, 4 bytes the count of groups, 4 bytes the count m of
/// numbers, a multiple of 8; then for each of the r bits, the lowest first, that bit of all numbers, m / 8 bytes, bit n
/// being bit n mod 8 of byte n / 8; 8 bytes, XXH3-64 of all before them. Little-endian.
struct PathGroupFilter: Sendable {
    static let version: UInt8 = 3
    private static let headerByteCount = 11
    private static let checkBitCount = 2
    /// With so many numbers more than keys a table is found at the first or second attempt.
    private static let spareShares = [20, 16, 12, 8]
    private static let saltsPerShare = 3
    /// How many numbers in a row a key may choose from.
    fileprivate static let width = 128

    private let bytes: [UInt8]
    private let salt: UInt8
    private let bitCount: Int
    let groupCount: Int
    private let slotCount: Int

    /// Nil where the bytes are no such filter, or damaged.
    init?(_ bytes: [UInt8]) {
        guard bytes.count > Self.headerByteCount + PathFilter.checksumByteCount, bytes[0] == Self.version,
            PathFilter.isIntact(bytes)
        else { return nil }
        // SAFETY: bytes are initialised memory without padding; the span does not outlive the array.
        let span = unsafe bytes.span.bytes
        salt = span.byte(at: 1)
        bitCount = Int(span.byte(at: 2))
        groupCount = Int(span.halfWord(at: 3))
        slotCount = Int(span.halfWord(at: 7))
        guard bitCount <= 32, slotCount >= Self.width, slotCount % 8 == 0, groupCount <= BlockLimits.pathGroupCount,
            bytes.count == Self.headerByteCount + slotCount / 8 * bitCount + PathFilter.checksumByteCount
        else { return nil }
        self.bytes = bytes
    }

    /// The only group that may hold the path, or that stands for a directory; nil when the block knows neither.
    func group(of path: EventsHash, key: FilterKey) -> Int? {
        let row = Row(path, key, salt: salt, slotCount: slotCount)
        var value: UInt64 = 0
        for bit in 0..<bitCount {
            let column = Self.headerByteCount + bit * (slotCount / 8)
            if row.parity({ bytes[column + $0] }) { value |= 1 << UInt64(bit) }
        }
        value ^= UInt64(row.fingerprint(bitCount))
        return value < UInt64(groupCount) ? Int(value) : nil
    }

    /// The filter over all these hashes, of paths in the order of their indices; nil where no table is found, as when one
    /// path stands in two groups.
    static func make(_ directories: [EventsHash], _ paths: [EventsHash], groupSize: Int, key: FilterKey) -> [UInt8]? {
        let groupCount = BlockFormat.pathGroupCount(of: paths.count, size: groupSize)
        let bitCount = Int.bitWidth - max(1, groupCount - 1).leadingZeroBitCount + checkBitCount
        let keyCount = directories.count + paths.count
        for (attempt, share) in spareShares.flatMap({ Array(repeating: $0, count: saltsPerShare) }).enumerated() {
            let slotCount = (keyCount + keyCount / share + 2 * width + 7) / 8 * 8
            let salt = UInt8(attempt)
            var bands = Bands(slotCount: slotCount)
            let isFilled =
                paths.indices.allSatisfy { index in
                    let row = Row(paths[index], key, salt: salt, slotCount: slotCount)
                    return bands.add(row, UInt32(index / groupSize) ^ row.fingerprint(bitCount))
                }
                && directories.allSatisfy { directory in
                    // Any group will do for a directory; one that is a path as well has its own already.
                    let row = Row(directory, key, salt: salt, slotCount: slotCount)
                    return bands.add(row, masked: row.fingerprint(bitCount), below: UInt32(groupCount))
                }
            guard isFilled else { continue }
            var filter: [UInt8] = [version, salt, UInt8(bitCount)]
            filter.appendLittleEndian32(UInt32(groupCount))
            filter.appendLittleEndian32(UInt32(slotCount))
            bands.appendSolution(bitCount: bitCount, to: &filter)
            PathFilter.seal(&filter)
            return filter
        }
        return nil
    }
}

/// Which numbers of the table a key chooses: the first, and of the 128 from there those whose bit is set.
private struct Row {
    var start: Int
    /// Bit n stands for the number `start` + n; the lowest is set.
    var low: UInt64
    var high: UInt64
    /// As many bits as there may be.
    private var wholeFingerprint: UInt32 = 0

    /// What the number of the key is masked with: its low `bitCount` bits, at most 32.
    func fingerprint(_ bitCount: Int) -> UInt32 {
        wholeFingerprint & (bitCount < 32 ? 1 << UInt32(bitCount) &- 1 : .max)
    }

    /// The start is the upper half of the second hash of the key, scaled to the table, the fingerprint the lower half; the
    /// bits are the first hash, of which bit 0 is set, and the product of both.
    init(_ path: EventsHash, _ key: FilterKey, salt: UInt8, slotCount: Int) {
        let first = PathFilter.hash(of: path, key: key, salt: UInt64(salt) << 1)
        let second = PathFilter.hash(of: path, key: key, salt: UInt64(salt) << 1 | 1)
        let startCount = UInt64(slotCount - PathGroupFilter.width + 1)
        start = Int(truncatingIfNeeded: ((second >> 32) &* startCount) >> 32)
        low = first | 1
        let mixed = (first ^ second) &* 0x9E37_79B9_7F4A_7C15
        high = mixed ^ mixed >> 32
        wholeFingerprint = UInt32(truncatingIfNeeded: second)
    }

    init(start: Int, low: UInt64, high: UInt64) {
        self.start = start
        self.low = low
        self.high = high
    }

    /// The XOR of the chosen bits of a column; `byte` gives its bytes.
    func parity(_ byte: (Int) -> UInt8) -> Bool {
        let offset = start & 7
        let first = start >> 3
        // Bit n of the window is bit `offset` + n of the bytes from `first` on.
        var sum: UInt64 = 0
        for index in 0...PathGroupFilter.width / 8 {
            let position = index * 8 - offset
            let chosen = chosenByte(at: position)
            if chosen != 0 { sum ^= UInt64(byte(first + index) & chosen) }
        }
        return sum.nonzeroBitCount & 1 == 1
    }

    /// Eight of the row's bits from `position` on, which may be outside.
    private func chosenByte(at position: Int) -> UInt8 {
        let bits: UInt64
        switch position {
        case ..<0: bits = low << UInt64(-position)
        case 0..<57: bits = low >> UInt64(position)
        case 57..<64: bits = low >> UInt64(position) | high << UInt64(64 - position)
        default: bits = position < PathGroupFilter.width ? high >> UInt64(position - 64) : 0
        }
        return UInt8(truncatingIfNeeded: bits)
    }
}

/// A system of equations in echelon form: at most one row for each number of the table, which is the first it chooses.
private struct Bands {
    private var lows: [UInt64]
    private var highs: [UInt64]
    private var values: [UInt32]

    init(slotCount: Int) {
        lows = Array(repeating: 0, count: slotCount)
        highs = Array(repeating: 0, count: slotCount)
        values = Array(repeating: 0, count: slotCount)
    }

    /// Adds an equation; false where it contradicts those before.
    mutating func add(_ row: Row, _ value: UInt32) -> Bool {
        reduce(row, value) == 0
    }

    /// Adds an equation whose value under the mask is free below `limit`; false where those before want another.
    mutating func add(_ row: Row, masked mask: UInt32, below limit: UInt32) -> Bool {
        reduce(row, mask) < limit
    }

    /// Subtracts the rows that are there until one is left, which is added, or none: then returns what its value differs by
    /// from what the others say, else 0.
    private mutating func reduce(_ row: Row, _ value: UInt32) -> UInt32 {
        var row = row
        var value = value
        while true {
            if row.low == 0 {
                if row.high == 0 { return value }
                row = Row(start: row.start &+ 64, low: row.high, high: 0)
            }
            let zeros = UInt64(row.low.trailingZeroBitCount)
            if zeros > 0 {
                row.low = row.low >> zeros | row.high << (64 &- zeros)
                row.high >>= zeros
                row.start &+= Int(zeros)
            }
            guard lows[row.start] != 0 else {
                lows[row.start] = row.low
                highs[row.start] = row.high
                values[row.start] = value
                return 0
            }
            row.low ^= lows[row.start]
            row.high ^= highs[row.start]
            value ^= values[row.start]
        }
    }

    /// Solves from the last number backwards; one that no row is about is 0.
    func appendSolution(bitCount: Int, to bytes: inout [UInt8]) {
        let slotCount = lows.count
        for bit in 0..<bitCount {
            let start = bytes.count
            bytes.append(contentsOf: repeatElement(0, count: slotCount / 8))
            // The numbers from the current one on.
            var low: UInt64 = 0
            var high: UInt64 = 0
            for slot in stride(from: slotCount - 1, through: 0, by: -1) {
                high = high << 1 | low >> 63
                low <<= 1
                guard lows[slot] != 0 else { continue }
                let sum = (low & lows[slot]) ^ (high & highs[slot])
                if (sum.nonzeroBitCount & 1) ^ Int(values[slot] >> UInt32(bit) & 1) == 1 {
                    low |= 1
                    bytes[start + slot / 8] |= 1 << UInt8(slot & 7)
                }
            }
        }
    }
}
