/// The secret of a store that keys its filters, so that nobody can choose paths that fill them.
package struct FilterKey: Hashable, Sendable {
    package var high: UInt64
    package var low: UInt64

    package init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }
}

/// A Bloom filter over a block's paths and all their ancestor directories.
///
/// Shape: one byte 2 (the version), then 5 bits for each distinct path and directory, in whole bytes; 3 of them are set
/// for each, at ((low 32 + i × (high 32 | 1)) mod 2^32 × bit count) >> 32 for i = 0...2, where low and high are the halves
/// of XXH3-64, seeded with the key's low word, of: hash of the path (low, high), the key's high word; little-endian.
/// About 1 in 11 paths that are not there is not told apart. Last come 8 bytes, XXH3-64 of all before them, little-endian:
/// a damaged filter would otherwise hide a block, and an answer would be wrong without a word.
package enum PathFilter {
    private static let probeCount: UInt32 = 3
    private static let bitsPerEntry = 5
    private static let version: UInt8 = 2
    static let checksumByteCount = 8

    /// What a filter says of a path.
    package enum Finding: Hashable, Sendable {
        /// The block surely knows neither the path nor anything below it.
        case absent
        /// It may know the path; of the block's path groups only that one may hold it, nil where the filter does not say.
        case possible(pathGroup: Int?)
    }

    /// False only when the block surely knows neither such a path nor anything below it; see `PathFilterReader`.
    package static func mayContain(_ path: [UInt8], in filter: [UInt8], key: FilterKey) -> Bool {
        PathFilterReader(filter, key: key).find(path) != .absent
    }

    /// The same of an intact filter of this version.
    fileprivate static func mayContain(_ path: EventsHash, inIntact filter: [UInt8], key: FilterKey) -> Bool {
        let bitCount = UInt64(filter.count - 1 - checksumByteCount) * 8
        let hash = hash(of: path, key: key)
        for probe in 0..<probeCount {
            let bit = position(hash, probe, bitCount)
            if filter[1 + bit >> 3] >> UInt8(bit & 7) & 1 == 0 { return false }
        }
        return true
    }

    /// True for a filter of this version that is not damaged.
    fileprivate static func isReadable(_ filter: [UInt8]) -> Bool {
        filter.count > 1 + checksumByteCount && filter[0] == version && isIntact(filter)
    }

    /// The filter over all these hashes.
    static func make(_ directories: [EventsHash], _ paths: [EventsHash], key: FilterKey) -> [UInt8] {
        var filter = [UInt8](repeating: 0, count: 1 + ((directories.count + paths.count) * bitsPerEntry + 7) / 8)
        filter[0] = version
        set(directories.span, in: &filter, key: key)
        set(paths.span, in: &filter, key: key)
        seal(&filter)
        return filter
    }

    /// Appends the checksum.
    static func seal(_ filter: inout [UInt8]) {
        filter.appendLittleEndian(XXH3.hash64(filter))
    }

    static func isIntact(_ filter: [UInt8]) -> Bool {
        let end = filter.count - checksumByteCount
        // SAFETY: bytes are initialised memory without padding; the span does not outlive the array.
        let checksum = unsafe XXH3.hash64(filter.span.bytes.extracting(0..<end))
        return (0..<checksumByteCount).allSatisfy {
            filter[end + $0] == UInt8(truncatingIfNeeded: checksum >> UInt64($0 * 8))
        }
    }

    private static func set(_ entries: Span<EventsHash>, in filter: inout [UInt8], key: FilterKey) {
        let bitCount = UInt64(filter.count - 1) * 8
        var span = filter.mutableSpan
        for index in entries.indices {
            let hash = hash(of: entries[index], key: key)
            for probe in 0..<probeCount {
                let bit = position(hash, probe, bitCount)
                span[1 &+ bit >> 3] |= 1 << UInt8(bit & 7)
            }
        }
    }

    @inline(__always)
    private static func position(_ hash: UInt64, _ probe: UInt32, _ bitCount: UInt64) -> Int {
        let low = UInt32(truncatingIfNeeded: hash)
        let high = UInt32(truncatingIfNeeded: hash >> 32) | 1
        return Int(truncatingIfNeeded: (UInt64(low &+ probe &* high) &* bitCount) >> 32)
    }

    @inline(__always)
    static func hash(of path: EventsHash, key: FilterKey, salt: UInt64 = 0) -> UInt64 {
        let words: InlineArray<3, UInt64> = [path.low.littleEndian, path.high.littleEndian, key.high.littleEndian]
        // SAFETY: the words are initialised memory without padding; the span does not outlive them.
        return unsafe XXH3.hash64(words.span.bytes, seed: key.low ^ salt)
    }
}

/// A block's filter, checked once and asked about paths.
package struct PathFilterReader: Sendable {
    private enum Form {
        case bloom([UInt8])
        case groups(PathGroupFilter)
        /// Empty, damaged, or of another version: it says nothing.
        case unreadable
    }

    private let form: Form
    private let key: FilterKey

    package init(_ filter: [UInt8], key: FilterKey) {
        self.key = key
        if PathFilter.isReadable(filter) {
            form = .bloom(filter)
        } else if let groups = PathGroupFilter(filter) {
            form = .groups(groups)
        } else {
            form = .unreadable
        }
    }

    /// What the filter says of a path.
    ///
    /// `path` is absolute and has no empty, "." or ".." components ("/a/b", no slash at the end but for the root), or a
    /// bare name for paths whose directory was never known. A group is named only of a block with `pathGroupCount` groups:
    /// else the filter is another block's.
    package func find(_ path: [UInt8], pathGroupCount: Int? = nil) -> PathFilter.Finding {
        switch form {
        case .bloom(let filter):
            return PathFilter.mayContain(PathHash.whole(path), inIntact: filter, key: key)
                ? .possible(pathGroup: nil) : .absent
        case .groups(let groups):
            guard let group = groups.group(of: PathHash.whole(path), key: key) else { return .absent }
            return .possible(pathGroup: groups.groupCount == pathGroupCount ? group : nil)
        case .unreadable:
            return .possible(pathGroup: nil)
        }
    }
}
