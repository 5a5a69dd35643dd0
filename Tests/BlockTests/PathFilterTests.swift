import Block
import Model
import Testing

@Suite struct PathFilterTests {
    private func block(pathCount: Int) throws -> EncodedBlock {
        var batch = Batch()
        batch.windows = [
            TimeWindow(
                earliest: Instant(nanosecondsSinceEpoch: 0), time: Instant(nanosecondsSinceEpoch: 1000),
                clockOffsetNanoseconds: 0)
        ]
        let lost = batch.paths.addUnplacedDirectory()
        for number in 0..<pathCount {
            let directory = batch.internDirectory(0, Array("directory\(number % 10)".utf8))
            let path = batch.internPath(number == 5 ? lost : directory, Array("file\(number)".utf8))
            batch.append(
                window: 0, process: .absent, path: path, target: .absent, object: nil, mask: .modify, flags: [])
        }
        var encoder = BlockEncoder(filterKey: Samples.key)
        return try encoder.encode(batch, firstSequence: 1, run: Samples.run, origin: Samples.origin)
    }

    private func mayContain(_ path: String, _ filter: [UInt8], key: FilterKey = Samples.key) -> Bool {
        PathFilter.mayContain(Array(path.utf8), in: filter, key: key)
    }

    @Test func whatIsInItIsNeverDenied() throws {
        let block = try block(pathCount: 2_000)
        for number in 0..<2_000 where number != 5 {
            #expect(mayContain("/directory\(number % 10)/file\(number)", block.filter))
        }
        #expect(mayContain("/", block.filter))
        #expect(mayContain("/directory3", block.filter))
        #expect(mayContain("file5", block.filter), "a bare name, as its directory was never known")
    }

    @Test func mostOthersAreDenied() throws {
        let block = try block(pathCount: 2_000)
        let admitted = (0..<10_000).filter { mayContain("/directory1/other\($0)", block.filter) }.count
        #expect(admitted < 1_400, "about 1 in 11 is expected")
        #expect(block.filter.count <= 2_020)
    }

    @Test func anotherKeyMakesAnotherFilter() throws {
        let block = try block(pathCount: 2_000)
        let other = FilterKey(high: Samples.key.high, low: Samples.key.low + 1)
        let admitted = (0..<2_000).filter {
            mayContain("/directory\($0 % 10)/file\($0)", block.filter, key: other)
        }
        #expect(admitted.count < 400)
    }

    /// A damaged filter must not hide the block it stands beside.
    @Test func aDamagedFilterDeniesNothing() throws {
        let block = try block(pathCount: 200)
        for position in stride(from: 0, to: block.filter.count, by: 7) {
            var damaged = block.filter
            damaged[position] = 0
            guard damaged != block.filter else { continue }
            #expect(mayContain("/directory3/file3", damaged))
            #expect(mayContain("/nowhere", damaged))
        }
    }

    @Test func anEmptyFilterMayKnowAnything() {
        #expect(mayContain("/a", []))
    }

    @Test func aMergedFilterKnowsAllSources() throws {
        let first = try block(pathCount: 40)
        var merger = BlockMerger(filterKey: Samples.key)
        try merger.append(BlockReader(first.bytes))
        let merged = try merger.finish()
        for number in 0..<40 where number != 5 {
            #expect(mayContain("/directory\(number % 10)/file\(number)", merged.filter))
        }
    }
}
