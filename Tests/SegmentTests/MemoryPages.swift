import Block
import Model
import Segment
import Testing

/// A database in memory, as segments are played into it.
struct MemoryPages: PageStore {
    var bytes: [UInt8]
    let pageSize: Int

    func page(_ number: UInt32) -> [UInt8]? {
        let end = Int(number) * pageSize
        return end <= bytes.count ? Array(bytes[end - pageSize..<end]) : nil
    }

    mutating func write(_ number: UInt32, _ page: ArraySlice<UInt8>) {
        let end = Int(number) * pageSize
        if bytes.count < end { bytes.append(contentsOf: [UInt8](repeating: 0, count: end - bytes.count)) }
        bytes.replaceSubrange(end - pageSize..<end, with: page)
    }

    mutating func resize(to count: UInt32) {
        bytes.removeSubrange(min(bytes.count, Int(count) * pageSize)...)
    }

    func hashes(stream: UUIDBytes) -> PageHashes {
        var hashes = PageHashes(stream: stream)
        for number in 1...UInt32(bytes.count / pageSize) {
            let page = page(number) ?? []
            // SAFETY: bytes are initialised memory without padding; the span does not outlive the array.
            hashes.set(number, hashes.hash(of: number, unsafe page.span.bytes))
        }
        return hashes
    }
}

extension MemoryPages {
    mutating func apply(_ commit: CapturedCommit) {
        for (index, page) in commit.pages.enumerated() {
            write(page, commit.bytes[index * pageSize..<(index + 1) * pageSize])
        }
        resize(to: commit.databasePageCount)
    }
}

extension SegmentEncoder {
    /// Ends the segment, in which there must be something.
    mutating func finished() throws -> EncodedSegment {
        let segment = try finish()
        return try #require(segment)
    }
}

extension EncodedSegment {
    /// A block as the file has it.
    func block(_ number: Int, _ index: SegmentIndex) -> [UInt8] {
        let offset = index.blockOffsets[number]
        return Array(bytes[offset..<offset + index.table.blocks[number].byteCount])
    }
}

extension CapturedCommit {
    /// A commit of no particular time.
    static func sample(_ number: UInt64, pages: [UInt32], of count: UInt32, _ bytes: [UInt8]) -> CapturedCommit {
        let time = Instant(nanosecondsSinceEpoch: 1_790_000_000_000_000_000 + Int64(number))
        return CapturedCommit(
            number: number, low: time, high: time, databasePageCount: count, frame: UInt32(number), salts: 9,
            changeCounter: nil, status: .logged, attribution: .unknown, writers: [], checkpointer: [], pages: pages,
            bytes: bytes)
    }
}

let testStream = UUIDBytes(high: 0x0123_4567_89AB_4CDE, low: 0x8123_4567_89AB_CDEF)
