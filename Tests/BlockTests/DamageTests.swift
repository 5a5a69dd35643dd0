import Block
import FuzzTargets
import Model
import TestSupport
import Testing

/// Bytes that no encoder wrote: whatever they are, a reader throws or answers, and never traps.
@Suite struct DamageTests {
    private func sampleBlocks(_ seed: UInt64, level: Int32 = 3) throws -> [[UInt8]] {
        var samples = Samples(seed: seed)
        var encoder = BlockEncoder(level: level, filterKey: Samples.key)
        var merger = BlockMerger(level: level, filterKey: Samples.key, rowGroupEventCount: 50)
        var divider = BlockMerger(level: level, filterKey: Samples.key, rowGroupEventCount: 200, pathGroupSize: 9)
        var blocks: [[UInt8]] = []
        var sequence: UInt64 = 1
        for count in [3, 12, 40, 300] {
            let block = try encoder.encode(
                samples.batch(count, pathCount: 20), firstSequence: sequence, run: Samples.run, origin: Samples.origin)
            sequence = block.endSequence
            blocks.append(block.bytes)
            try merger.append(BlockReader(block.bytes))
            try divider.append(BlockReader(block.bytes))
        }
        return blocks + [try merger.finish().bytes, try divider.finish().bytes]
    }

    @Test(arguments: 0..<6 as Range<UInt64>) func everyFlippedBitIsNoticed(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        for block in try sampleBlocks(seed) {
            try BlockBytes.readEverything(block)
            for _ in 0..<30 {
                var bytes = block
                let position = random.below(bytes.count)
                bytes[position] ^= 1 << UInt8(random.below(8))
                #expect(throws: BlockError.self, "seed \(seed), byte \(position)") {
                    try BlockBytes.readEverything(bytes)
                }
            }
        }
    }

    @Test(arguments: 0..<6 as Range<UInt64>) func everyShorteningIsNoticed(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        for block in try sampleBlocks(seed) {
            for _ in 0..<15 {
                let count = random.below(block.count)
                #expect(throws: BlockError.self, "seed \(seed), \(count) bytes") {
                    try BlockBytes.readEverything(Array(block[..<count]))
                }
            }
            #expect(throws: BlockError.self) { try BlockBytes.readEverything(block + [0]) }
        }
    }

    @Test(arguments: 0..<20 as Range<UInt64>) func signedNonsenseNeverTraps(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed &+ 1000)
        // Without compression every content can be hit; most of it lies in the bundle behind the header.
        for block in try sampleBlocks(seed % 6, level: 0) {
            let end = BlockBytes.headerEnd(block)
            let bundleEnd = end + 8 + BlockBytes.bundleByteCount(block, headerEnd: end)
            for _ in 0..<40 {
                var bytes = block
                for _ in 0...random.below(3) {
                    let position = 6 + random.below((random.chance(1, of: 4) ? end : bundleEnd) - 6)
                    switch random.below(4) {
                    case 0: bytes[position] ^= 1 << UInt8(random.below(8))
                    case 1: bytes[position] = UInt8(truncatingIfNeeded: random.next())
                    case 2: bytes[position] = random.chance(1, of: 2) ? 0xFF : 0
                    default: bytes[position] = bytes[6 + random.below(end - 6)]
                    }
                }
                BlockBytes.sign(&bytes)
                do throws(BlockError) {
                    try BlockBytes.readEverything(bytes)
                } catch {
                    #expect(!error.description.isEmpty)
                }
            }
        }
    }

    @Test(arguments: 0..<10 as Range<UInt64>) func splicedBlocksNeverTrap(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let blocks = try sampleBlocks(seed)
        for _ in 0..<40 {
            let first = blocks[random.below(blocks.count)]
            let second = blocks[random.below(blocks.count)]
            var bytes = Array(first[..<random.below(first.count)] + second[random.below(second.count)...])
            if random.chance(1, of: 2) && bytes.count > 16 { BlockBytes.sign(&bytes) }
            _ = try? BlockBytes.readEverything(bytes)
        }
    }

    @Test func whatIsNotABlockIsNamed() throws {
        #expect(throws: BlockError(.notABlock, "no magic number")) { try BlockReader(Array("SQLite format 3".utf8)) }
        #expect(throws: BlockError(.truncated, "header")) { try BlockReader([]) }
        var bytes = try sampleBlocks(1)[0]
        bytes[4] = 200
        #expect(throws: BlockError(.newerVersion(200), "cannot read it")) { try BlockReader(bytes) }
    }

    @Test func damageIsNamedByItsPart() throws {
        var bytes = try sampleBlocks(3)[3]
        bytes[bytes.count - 6] ^= 0x10
        let error = #expect(throws: BlockError.self) { try BlockBytes.readEverything(bytes) }
        #expect(error?.code == .damaged)
        #expect(error?.detail.contains("checksum does not match") == true)
    }
}
