import Block
import Model
import Segment
import TestSupport
import Testing

/// Base images that hold only what is not the same in an earlier state.
@Suite struct RebaseTests {
    private static func header(_ pages: MemoryPages, commit: UInt64 = 9) -> BaseImageHeader {
        BaseImageHeader(
            stream: testStream, pageSize: UInt32(pages.pageSize), commit: commit,
            low: Instant(nanosecondsSinceEpoch: 1), high: Instant(nanosecondsSinceEpoch: 2),
            pageCount: UInt32(pages.bytes.count / pages.pageSize))
    }

    private static func changes(_ earlier: MemoryPages, _ later: MemoryPages) -> PageChanges {
        PageChanges(since: earlier.hashes(stream: testStream), builtOn: 4, to: later.hashes(stream: testStream))
    }

    /// The file of a rebase on commit 4.
    private static func file(_ earlier: MemoryPages, _ later: MemoryPages) throws -> [UInt8] {
        let changes = changes(earlier, later)
        var encoder = try BaseImageEncoder(header(later), changes: changes)
        var bytes = encoder.start
        var rest = changes.pages[...]
        while !rest.isEmpty {
            let piece = rest.prefix(7)
            try encoder.append(piece.flatMap { later.page($0) ?? [] }, to: &bytes)
            rest = rest.dropFirst(piece.count)
        }
        let end = try encoder.finish()
        #expect(end.state == later.hashes(stream: testStream).state)
        return bytes + end.bytes
    }

    private static func play(
        _ file: [UInt8], over pages: MemoryPages, commit: UInt64 = 4
    ) throws -> MemoryPages {
        let index = try BaseImageTests.index(file)
        var target = pages
        var player = try SegmentPlayer(hashes: pages.hashes(stream: testStream), commit: commit)
        try player.play(index, into: &target) { number in
            let block = index.blocks[number]
            return Array(file[block.offset..<block.offset + block.byteCount])
        }
        #expect(player.commit == index.header.commit)
        #expect(player.hashes.state == target.hashes(stream: testStream).state)
        return target
    }

    private static func pages(_ count: Int, pageSize: Int, _ generator: inout SeededGenerator) -> MemoryPages {
        MemoryPages(
            bytes: (0..<count * pageSize).map { _ in .random(in: 0...9, using: &generator) }, pageSize: pageSize)
    }

    /// Grown, cut and with any pages changed.
    @Test(arguments: [512, 4_096]) func itGivesTheLaterState(pageSize: Int) throws {
        let seed = UInt64.random(in: 1...999_999)
        print("seed \(seed)")
        var generator = SeededGenerator(seed: seed)
        for _ in 0..<20 {
            let earlier = Self.pages(Int.random(in: 1...700, using: &generator), pageSize: pageSize, &generator)
            var later = earlier
            let count = earlier.bytes.count / pageSize
            for _ in 0..<Int.random(in: 0...300, using: &generator) {
                let page = Int.random(in: 1...count, using: &generator)
                later.bytes[page * pageSize - 1] &+= 17
            }
            later.resize(to: UInt32.random(in: 1...UInt32(count), using: &generator))
            let added = Self.pages(Int.random(in: 0...40, using: &generator), pageSize: pageSize, &generator)
            later.bytes += added.bytes
            let file = try Self.file(earlier, later)
            let isSame = try Self.play(file, over: earlier).bytes == later.bytes
            #expect(isSame)
            let index = try BaseImageTests.index(file)
            #expect(index.pages == Self.changes(earlier, later).pages)
            #expect(index.block(of: 1) == nil, "a page of it is not where that of a whole image is")
        }
    }

    @Test func itHoldsNothingWhereNothingChanged() throws {
        var generator = SeededGenerator(seed: 1)
        let pages = Self.pages(50, pageSize: 512, &generator)
        let file = try Self.file(pages, pages)
        #expect(file.count < 200)
        #expect(try Self.play(file, over: pages).bytes == pages.bytes)
    }

    @Test func itIsPlayedOnlyOnTheStateItBuildsOn() throws {
        var generator = SeededGenerator(seed: 2)
        let earlier = Self.pages(9, pageSize: 512, &generator)
        var later = earlier
        later.bytes[700] = 99
        let file = try Self.file(earlier, later)
        #expect(RefusalTests.code { _ = try Self.play(file, over: earlier, commit: 5) } == .notContiguous)
        #expect(RefusalTests.code { _ = try Self.play(file, over: later) } == .stateMismatch)
        let whole = try BaseImageTests.image(later.bytes, pageSize: 512, &generator)
        #expect(RefusalTests.code { _ = try Self.play(whole, over: earlier) } == .notContiguous)
    }

    @Test func aPageWithOtherBytesIsRefused() throws {
        var generator = SeededGenerator(seed: 3)
        let earlier = Self.pages(9, pageSize: 512, &generator)
        var later = earlier
        later.bytes[700] = 99
        var encoder = try BaseImageEncoder(Self.header(later), changes: Self.changes(earlier, later))
        var bytes: [UInt8] = []
        let other = RefusalTests.code { try encoder.append(earlier.page(2) ?? [], to: &bytes) }
        #expect(other == .stateMismatch)
        let tooMany = RefusalTests.code { try encoder.append(later.bytes, to: &bytes) }
        #expect(tooMany == .incomplete)
        let unfinished = RefusalTests.code { _ = try encoder.finish() }
        #expect(unfinished == .incomplete)
    }

    /// A state that is larger than what is stored of it cannot be asked for.
    @Test func pagesThatItAddsMustBeThere() throws {
        var generator = SeededGenerator(seed: 4)
        let earlier = Self.pages(9, pageSize: 512, &generator)
        var header = Self.header(earlier)
        header.pageCount = 1_000_000
        var encoder = try BaseImageEncoder(header, changes: Self.changes(earlier, earlier))
        let bytes = encoder.start + (try encoder.finish().bytes)
        #expect(RefusalTests.code { _ = try BaseImageTests.index(bytes) } == .incomplete)
    }

    @Test func damageIsNoticed() throws {
        let seed = UInt64.random(in: 1...999_999)
        print("seed \(seed)")
        var generator = SeededGenerator(seed: seed)
        let earlier = Self.pages(60, pageSize: 512, &generator)
        var later = earlier
        for page in stride(from: 1, through: 60, by: 3) { later.bytes[page * 512 - 5] = 99 }
        let bytes = try Self.file(earlier, later)
        for _ in 0..<2_000 {
            let damaged = bytes.mutated(&generator)
            guard damaged != bytes else { continue }
            #expect(throws: SegmentError.self) { _ = try Self.play(damaged, over: earlier) }
        }
    }
}
