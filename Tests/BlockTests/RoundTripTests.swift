import Block
import Model
import Testing

@Suite struct RoundTripTests {
    @Test(arguments: 0..<40 as Range<UInt64>) func aBlockSaysWhatItsBatchSaid(seed: UInt64) throws {
        var samples = Samples(seed: seed)
        var encoder = BlockEncoder(filterKey: Samples.key)
        var sequence: UInt64 = 1
        for count in [1, 2, 30, 700] {
            let batch = samples.batch(count)
            let block = try encoder.encode(batch, firstSequence: sequence, run: Samples.run, origin: Samples.origin)
            let reader = try BlockReader(block.bytes)
            let decoded = try PlainBlock(reader)
            let expected = PlainBlock(batch, firstSequence: sequence)
            #expect(decoded.events == expected.events, "seed \(seed)")
            #expect(decoded.facts == expected.facts)
            #expect(decoded.processes == expected.processes)
            #expect(decoded.commits.map(\.count) == [UInt32(batch.keptCount)])
            #expect(reader.header.origin == Samples.origin)
            #expect(reader.header.runs == [Samples.run])
            #expect(reader.header.firstSequence == sequence && reader.header.count == block.count)
            #expect(reader.header.earliest == decoded.events.map(\.window.earliest).min())
            #expect(reader.header.latest == decoded.events.map(\.window.time).max())
            try reader.verify()
            sequence = block.endSequence
        }
    }

    @Test func oneEventTakesLittleMoreThanItself() throws {
        var batch = Batch()
        batch.windows = [
            TimeWindow(
                earliest: Instant(nanosecondsSinceEpoch: 1_700_000_000_000_000_000),
                time: Instant(nanosecondsSinceEpoch: 1_700_000_000_001_000_000),
                clockOffsetNanoseconds: 1_690_000_000_000)
        ]
        let directory = batch.internDirectory(0, Array("tmp".utf8))
        batch.append(
            window: 0, process: .absent, path: batch.internPath(directory, Array("a".utf8)), target: .absent,
            object: nil,
            mask: .create, flags: [])
        var encoder = BlockEncoder(filterKey: Samples.key)
        let block = try encoder.encode(batch, firstSequence: 1, run: Samples.run, origin: Samples.origin)
        #expect(block.bytes.count <= 200)
        #expect(block.filter.isEmpty)
    }

    @Test func theHashKnowsNeitherDictionaryNorCodec() throws {
        var first = Samples(seed: 5)
        var second = Samples(seed: 5)
        let batch = first.batch(300)
        // The same events, with other paths interned before and another level.
        var other = second.batch(300)
        _ = other.internPath(0, Array("unused".utf8))
        var fast = BlockEncoder(level: 1, filterKey: Samples.key)
        var slow = BlockEncoder(level: 9, filterKey: FilterKey(high: 9, low: 9))
        let a = try fast.encode(batch, firstSequence: 10, run: Samples.run, origin: Samples.origin)
        let b = try slow.encode(other, firstSequence: 10, run: Samples.run, origin: Samples.origin)
        #expect(try BlockReader(a.bytes).commits() == BlockReader(b.bytes).commits())
        let c = try slow.encode(other, firstSequence: 11, run: Samples.run, origin: Samples.origin)
        #expect(try BlockReader(a.bytes).commits().map(\.hash) != BlockReader(c.bytes).commits().map(\.hash))
    }
}
