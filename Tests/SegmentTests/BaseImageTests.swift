import Block
import Model
import Segment
import TestSupport
import Testing

@Suite struct BaseImageTests {
    /// A base image of these pages, taken in pieces of any size.
    static func image(_ pages: [UInt8], pageSize: Int, _ generator: inout SeededGenerator) throws -> [UInt8] {
        let header = BaseImageHeader(
            stream: testStream, pageSize: UInt32(pageSize), commit: 3, low: Instant(nanosecondsSinceEpoch: 1),
            high: Instant(nanosecondsSinceEpoch: 2), pageCount: UInt32(pages.count / pageSize))
        var encoder = try BaseImageEncoder(header)
        var bytes = encoder.start
        var page = 0
        while page * pageSize < pages.count {
            let next = min(pages.count / pageSize, page + Int.random(in: 1...700, using: &generator))
            try encoder.append(Array(pages[page * pageSize..<next * pageSize]), to: &bytes)
            page = next
        }
        let end = try encoder.finish()
        bytes += end.bytes
        #expect(end.state == MemoryPages(bytes: pages, pageSize: pageSize).hashes(stream: testStream).state)
        return bytes
    }

    static func index(_ bytes: [UInt8]) throws -> BaseImageIndex {
        let header = try BaseImageHeader(bytes)
        let footer = Array(bytes.suffix(BaseImageHeader.footerByteCount))
        guard let count = BaseImageIndex.indexByteCount(footer: footer, fileByteCount: bytes.count) else {
            throw SegmentError(.damaged, "footer")
        }
        return try BaseImageIndex(
            header: header, tail: Array(bytes.suffix(count + BaseImageHeader.footerByteCount)),
            fileByteCount: bytes.count)
    }

    @Test(arguments: [(512, 5_000), (4_096, 700), (65_536, 40)])
    func everyPageComesBack(pageSize: Int, pageCount: Int) throws {
        var generator = SeededGenerator(seed: UInt64(pageSize))
        var pages = [UInt8](repeating: 0, count: pageSize * pageCount)
        for position in stride(from: 0, to: pages.count, by: 97) {
            pages[position] = UInt8.random(in: .min ... .max, using: &generator)
        }
        // A stretch that does not compress.
        for position in 0..<min(pages.count, 2 << 20) {
            pages[position] = UInt8.random(in: .min ... .max, using: &generator)
        }
        let bytes = try Self.image(pages, pageSize: pageSize, &generator)
        let index = try Self.index(bytes)
        #expect(Set(index.blocks.map(\.isCompressed)) == [true, false])
        var unpacker = try BlockUnpacker()
        for number in [1, 2, UInt32(pageCount) / 2, UInt32(pageCount)] {
            let block = index.blocks[try #require(index.block(of: number))]
            let content = try unpacker.unpack(
                block, stored: Array(bytes[block.offset..<block.offset + block.byteCount]), pageSize: pageSize)
            let start = index.position(of: number) * pageSize
            let end = Int(number) * pageSize
            #expect(content[start..<start + pageSize] == pages[end - pageSize..<end])
        }
        #expect(index.block(of: 0) == nil && index.block(of: UInt32(pageCount) + 1) == nil)
    }

    @Test func theLockPageIsLeftOut() throws {
        let header = BaseImageHeader(
            stream: testStream, pageSize: 65_536, commit: 0, low: Instant(nanosecondsSinceEpoch: 1),
            high: Instant(nanosecondsSinceEpoch: 2), pageCount: 16_390)
        var encoder = try BaseImageEncoder(header)
        var bytes = encoder.start
        for first in stride(from: 1, through: 16_390, by: 10) {
            try encoder.append([UInt8](repeating: UInt8(first / 10 % 256), count: 65_536 * 10), to: &bytes)
        }
        bytes += try encoder.finish().bytes
        let index = try Self.index(bytes)
        #expect(index.block(of: 16_385) == nil)
        #expect(index.blocks.reduce(0) { $0 + $1.pageCount } == 16_389)
        var unpacker = try BlockUnpacker()
        for number in [16_384, 16_386, 16_390] as [UInt32] {
            let block = index.blocks[try #require(index.block(of: number))]
            let content = try unpacker.unpack(
                block, stored: Array(bytes[block.offset..<block.offset + block.byteCount]), pageSize: 65_536)
            #expect(content[index.position(of: number) * 65_536] == UInt8((Int(number) - 1) / 10 % 256))
        }
    }

    @Test func damageIsNoticed() throws {
        let seed = UInt64.random(in: 1...999_999)
        print("seed \(seed)")
        var generator = SeededGenerator(seed: seed)
        let pages = (0..<512 * 300).map { UInt8(truncatingIfNeeded: $0 / 100) }
        let bytes = try Self.image(pages, pageSize: 512, &generator)
        for _ in 0..<2_000 {
            let damaged = bytes.mutated(&generator)
            guard damaged != bytes else { continue }
            #expect(throws: SegmentError.self) {
                let index = try Self.index(damaged)
                var unpacker = try BlockUnpacker()
                for block in index.blocks {
                    let stored = Array(damaged[block.offset..<block.offset + block.byteCount])
                    _ = try unpacker.unpack(block, stored: stored, pageSize: 512)
                }
            }
        }
    }

    @Test func anImageThatLacksPagesIsNotFinished() throws {
        let header = BaseImageHeader(
            stream: testStream, pageSize: 512, commit: 0, low: Instant(nanosecondsSinceEpoch: 1),
            high: Instant(nanosecondsSinceEpoch: 2), pageCount: 3)
        var encoder = try BaseImageEncoder(header)
        var bytes: [UInt8] = []
        try encoder.append([UInt8](repeating: 1, count: 1_024), to: &bytes)
        let tooMany = RefusalTests.code { try encoder.append([UInt8](repeating: 1, count: 1_024), to: &bytes) }
        #expect(tooMany == .incomplete)
        let unfinished = RefusalTests.code { _ = try encoder.finish() }
        #expect(unfinished == .incomplete)
    }
}
