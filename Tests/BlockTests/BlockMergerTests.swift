import Block
import Model
import TestSupport
import Testing

@Suite struct BlockMergerTests {
    @Test(arguments: 0..<20 as Range<UInt64>) func aMergedBlockSaysWhatItsSourcesSaid(seed: UInt64) throws {
        var samples = Samples(seed: seed)
        var encoder = BlockEncoder(filterKey: Samples.key)
        var merger = BlockMerger(filterKey: Samples.key, rowGroupEventCount: 100)
        var expected = PlainBlock()
        var sequence: UInt64 = 1000
        for _ in 0..<8 {
            let batch = samples.batch(1 + samples.random.below(150))
            let block = try encoder.encode(batch, firstSequence: sequence, run: Samples.run, origin: Samples.origin)
            let reader = try BlockReader(block.bytes)
            expected.append(try PlainBlock(reader))
            try merger.append(reader)
            sequence = block.endSequence
        }
        let merged = try merger.finish()
        let reader = try BlockReader(merged.bytes)
        let decoded = try PlainBlock(reader)
        #expect(decoded.events == expected.events, "seed \(seed)")
        #expect(decoded == expected)
        #expect(reader.header.rowGroups.dropLast().allSatisfy { $0.count == 100 })
        try reader.verify()

        // Merging what was merged changes nothing either, and the merger can be used again.
        try merger.append(reader)
        let again = try BlockReader(merger.finish().bytes)
        #expect(try PlainBlock(again) == expected)
        try again.verify()
    }

    @Test func equalProcessesOfTwoBlocksBecomeOne() throws {
        var process = ActorProcess(instance: 3, pid: 9, firstSeen: Instant(nanosecondsSinceEpoch: 1_000_000))
        process.comm = RawPath("sh")
        var encoder = BlockEncoder(filterKey: Samples.key)
        var merger = BlockMerger(filterKey: Samples.key)
        for sequence in 1...2 as ClosedRange<UInt64> {
            var batch = Batch()
            batch.windows = [
                TimeWindow(
                    earliest: Instant(nanosecondsSinceEpoch: 0), time: Instant(nanosecondsSinceEpoch: 5_000),
                    clockOffsetNanoseconds: 0)
            ]
            batch.processes = [process]
            batch.append(window: 0, process: 0, path: .absent, target: .absent, object: nil, mask: .modify, flags: [])
            let block = try encoder.encode(batch, firstSequence: sequence, run: Samples.run, origin: Samples.origin)
            try merger.append(try BlockReader(block.bytes))
        }
        #expect(try merger.finish().processCount == 1)
    }

    @Test func finishingInStepsIsFinishing() throws {
        // Names enough for several pieces of one frame.
        var batch = Batch()
        batch.windows = [
            TimeWindow(
                earliest: Instant(nanosecondsSinceEpoch: 0), time: Instant(nanosecondsSinceEpoch: 5_000),
                clockOffsetNanoseconds: 0)
        ]
        var random = SeededGenerator(seed: 11)
        for _ in 0..<25_000 {
            let name = (0..<30).map { _ in UInt8(ascii: "a") + UInt8(random.below(20)) }
            batch.append(
                window: 0, process: .absent, path: batch.internPath(0, name), target: .absent, object: nil,
                mask: .create,
                flags: [])
        }
        var encoder = BlockEncoder(filterKey: Samples.key)
        let source = try BlockReader(
            encoder.encode(batch, firstSequence: 1, run: Samples.run, origin: Samples.origin).bytes)
        var merger = BlockMerger(filterKey: Samples.key)
        try merger.append(source)
        var stepCount = 1
        var merged = try merger.finishStep()
        while merged == nil {
            merged = try merger.finishStep()
            stepCount += 1
        }
        #expect(stepCount > 10)
        let reader = try BlockReader(#require(merged).bytes)
        #expect(try PlainBlock(reader).events == PlainBlock(source).events)
        try reader.verify()
        try merger.append(source)
        #expect(try merger.finish().bytes == merged?.bytes)
    }

    @Test func blocksThatDoNotFollowAreRefused() throws {
        var samples = Samples(seed: 1)
        var encoder = BlockEncoder(filterKey: Samples.key)
        let batch = samples.batch(5)
        let first = try encoder.encode(batch, firstSequence: 1, run: Samples.run, origin: Samples.origin)
        let far = try encoder.encode(batch, firstSequence: 100, run: Samples.run, origin: Samples.origin)
        var merger = BlockMerger(filterKey: Samples.key)
        try merger.append(BlockReader(first.bytes))
        let error = #expect(throws: BlockError.self) { try merger.append(BlockReader(far.bytes)) }
        #expect(error?.code == .notConsecutive)
    }
}
