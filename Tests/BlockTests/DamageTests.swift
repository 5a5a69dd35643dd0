import Block
import Model
import Testing

/// Bytes that no encoder wrote: whatever they are, a reader throws or answers, and never traps.
@Suite struct DamageTests {
    /// Asks a block for all it has.
    private func readEverything(_ bytes: [UInt8]) throws(BlockError) {
        let reader = try BlockReader(bytes)
        let paths = try reader.pathDictionary()
        var path: [UInt8] = []
        for index in 0..<paths.count {
            path.removeAll(keepingCapacity: true)
            paths.appendPath(UInt32(index), to: &path)
        }
        for index in 0..<paths.directoryCount { paths.appendDirectory(UInt32(index), to: &path) }
        for index in 0..<PathIndex(min(paths.count, 20)) {
            let path = RawPath(try reader.path(at: index))
            _ = try reader.pathIndices(of: path.bytes.isEmpty ? RawPath("/a") : path)
        }
        _ = try reader.processes()
        _ = try reader.facts()
        _ = try reader.commits()
        for index in reader.header.rowGroups.indices {
            for column in Column.allCases { _ = try reader.column(column, rowGroup: index) }
            _ = try reader.windows(of: index)
            _ = try reader.objects(rowGroup: index)
            let positions = Array(0..<min(3, reader.header.rowGroups[index].count))
            _ = try reader.objects(rowGroup: index, at: positions)
            _ = try reader.masks(rowGroup: index, at: positions)
            _ = try reader.flags(rowGroup: index, at: positions)
        }
        var merger = BlockMerger(level: 1, filterKey: Samples.key, rowGroupEventCount: 64)
        try merger.append(reader)
        _ = try merger.finish()
        try reader.verify()
    }

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

    /// Where the header ends and its checksum stands.
    private func headerEnd(_ bytes: [UInt8]) -> Int {
        var length = 0
        var offset = 5
        var shift = 0
        while offset < bytes.count {
            length |= Int(bytes[offset] & 0x7F) << shift
            shift += 7
            offset += 1
            if bytes[offset - 1] < 0x80 { break }
        }
        return offset + length
    }

    private func number(_ bytes: [UInt8], _ offset: Int) -> Int {
        (0..<4).reduce(0) { $0 | Int(bytes[offset + $1]) << (8 * $1) }
    }

    /// Makes the checksums of bundle and header right again, so that what they say is believed.
    private func sign(_ bytes: inout [UInt8]) {
        let end = headerEnd(bytes)
        guard end >= 18, end + 8 <= bytes.count else { return }
        let bundle = end + 8..<end + 8 + number(bytes, end - 8)
        if bundle.upperBound <= bytes.count { put(XXH3.hash64(Array(bytes[bundle])), 4, in: &bytes, at: end - 4) }
        put(XXH3.hash64(Array(bytes[..<end])), 8, in: &bytes, at: end)
    }

    private func put(_ value: UInt64, _ count: Int, in bytes: inout [UInt8], at offset: Int) {
        for index in 0..<count { bytes[offset + index] = UInt8(truncatingIfNeeded: value >> UInt64(8 * index)) }
    }

    @Test(arguments: 0..<6 as Range<UInt64>) func everyFlippedBitIsNoticed(seed: UInt64) throws {
        var random = SplitMix(seed: seed)
        for block in try sampleBlocks(seed) {
            try readEverything(block)
            for _ in 0..<30 {
                var bytes = block
                let position = random.below(bytes.count)
                bytes[position] ^= 1 << UInt8(random.below(8))
                #expect(throws: BlockError.self, "seed \(seed), byte \(position)") { try readEverything(bytes) }
            }
        }
    }

    @Test(arguments: 0..<6 as Range<UInt64>) func everyShorteningIsNoticed(seed: UInt64) throws {
        var random = SplitMix(seed: seed)
        for block in try sampleBlocks(seed) {
            for _ in 0..<15 {
                let count = random.below(block.count)
                #expect(throws: BlockError.self, "seed \(seed), \(count) bytes") {
                    try readEverything(Array(block[..<count]))
                }
            }
            #expect(throws: BlockError.self) { try readEverything(block + [0]) }
        }
    }

    @Test(arguments: 0..<20 as Range<UInt64>) func signedNonsenseNeverTraps(seed: UInt64) throws {
        var random = SplitMix(seed: seed &+ 1000)
        // Without compression every content can be hit; most of it lies in the bundle behind the header.
        for block in try sampleBlocks(seed % 6, level: 0) {
            let end = headerEnd(block)
            let bundleEnd = end + 8 + number(block, end - 8)
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
                sign(&bytes)
                do throws(BlockError) {
                    try readEverything(bytes)
                } catch {
                    #expect(!error.description.isEmpty)
                }
            }
        }
    }

    @Test(arguments: 0..<10 as Range<UInt64>) func splicedBlocksNeverTrap(seed: UInt64) throws {
        var random = SplitMix(seed: seed)
        let blocks = try sampleBlocks(seed)
        for _ in 0..<40 {
            let first = blocks[random.below(blocks.count)]
            let second = blocks[random.below(blocks.count)]
            var bytes = Array(first[..<random.below(first.count)] + second[random.below(second.count)...])
            if random.chance(1, of: 2) && bytes.count > 16 { sign(&bytes) }
            _ = try? readEverything(bytes)
        }
    }

    @Test func whatIsNotABlockIsNamed() throws {
        #expect(throws: BlockError(.notABlock, "no magic number")) { try BlockReader(Array("SQLite format 3".utf8)) }
        #expect(throws: BlockError(.truncated, "header")) { try BlockReader([]) }
        var bytes = try sampleBlocks(1)[0]
        bytes[4] = 5
        #expect(throws: BlockError(.newerVersion(5), "cannot read it")) { try BlockReader(bytes) }
    }

    @Test func damageIsNamedByItsPart() throws {
        var bytes = try sampleBlocks(3)[3]
        bytes[bytes.count - 6] ^= 0x10
        let error = #expect(throws: BlockError.self) { try readEverything(bytes) }
        #expect(error?.code == .damaged)
        #expect(error?.detail.contains("checksum does not match") == true)
    }
}
