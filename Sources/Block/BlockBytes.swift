/// Where the bytes of a block come from when they are read as they are needed.
package protocol BlockSource: AnyObject {
    /// Of the whole block.
    var byteCount: Int { get }

    /// The bytes of a range within the block. Throws: `gone` where the block is no longer what it was at the first call.
    func bytes(_ range: Range<Int>) throws(BlockError) -> [UInt8]
}

/// The bytes of a block: all of them, or a source that is asked for stretches of them.
///
/// Of a source the last stretches are kept, since parts that belong together are asked for one after the other.
struct BlockBytes {
    private enum Origin {
        case whole([UInt8])
        case source(any BlockSource)
    }

    /// Some bytes of a block and where they begin in it.
    struct Stretch {
        var start: Int
        var bytes: [UInt8]

        var range: Range<Int> { start..<start + bytes.count }
    }

    private static let keptCount = 4

    private let origin: Origin
    private var kept: [Stretch] = []

    init(_ bytes: [UInt8]) {
        origin = .whole(bytes)
    }

    /// The first stretch is kept as if it had just been read.
    init(_ source: any BlockSource, first: Stretch) {
        origin = .source(source)
        kept = [first]
    }

    /// A stretch that holds `range`, and `together` where that holds it: what is to be read at once. Both lie within the
    /// block.
    mutating func stretch(_ range: Range<Int>, together: Range<Int>) throws(BlockError) -> Stretch {
        switch origin {
        case .whole(let bytes):
            return Stretch(start: 0, bytes: bytes)
        case .source(let source):
            if let found = kept.first(where: { $0.range.contains(range) }) { return found }
            let wanted = together.contains(range) ? together : range
            let read = Stretch(start: wanted.lowerBound, bytes: try source.bytes(wanted))
            guard read.bytes.count == wanted.count else { throw BlockError(.truncated, "its source ended") }
            if kept.count == Self.keptCount { kept.removeFirst() }
            kept.append(read)
            return read
        }
    }
}
