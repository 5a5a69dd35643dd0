/// Which paths of a block occur somewhere, in chunks of 64 by their numbers: a bit for each chunk.
///
/// Kept of each row group, so that one that has none of the paths that are asked for is passed over before its columns are
/// read. Paths are numbered as events first name them, so that those that belong together mostly share their chunks.
/// Cost: a bit for each row group and 64 paths of the block.
package struct PathChunks: Sendable {
    /// How many paths make a chunk.
    package static let pathCount = 64

    /// Chunk i is bit i mod 8 of byte i / 8; no zeros at the end.
    private(set) var bytes: [UInt8] = []
    /// The least path; nil when there is none.
    package private(set) var first: PathIndex?

    package init() {}

    /// Adds a path that is not `absent`.
    @inline(__always)
    package mutating func insert(_ path: PathIndex) {
        first = min(first ?? path, path)
        let chunk = Int(path) / Self.pathCount
        if chunk / 8 >= bytes.count {
            bytes.append(contentsOf: repeatElement(0, count: chunk / 8 &+ 1 &- bytes.count))
        }
        bytes[chunk / 8] |= 1 &<< UInt8(truncatingIfNeeded: chunk & 7)
    }

    /// Whether a chunk is also among those of a row group, given as they are stored.
    func intersects(_ stored: [UInt8]) -> Bool {
        zip(bytes, stored).contains { $0 & $1 != 0 }
    }
}

extension RowGroupEvents {
    /// Which paths the events have, be it as path or as target.
    var pathChunks: PathChunks {
        var chunks = PathChunks()
        var last = PathIndex.absent
        for column in [paths, targets] {
            // Events of one path often follow one another.
            for path in column where path != last {
                last = path
                if path != .absent { chunks.insert(path) }
            }
        }
        return chunks
    }

    /// The same as they are stored; never empty, for what is left out says nothing.
    var encodedPathChunks: [UInt8] {
        let bytes = pathChunks.bytes
        return bytes.isEmpty ? [0] : bytes
    }
}
