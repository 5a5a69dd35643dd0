import Model
import TestSupport
import Testing

@testable import Block

/// Paths in groups: the same content, of which a part can be read alone.
@Suite struct PathGroupTests {
    /// The same sources merged with and without path groups.
    private static func blocks(
        seed: UInt64, size: Int, level: Int32 = 3, counts: [Int] = [700, 30, 900]
    ) throws -> (whole: EncodedBlock, divided: EncodedBlock) {
        var samples = Samples(seed: seed)
        var encoder = BlockEncoder(filterKey: Samples.key)
        var merger = BlockMerger(level: level, filterKey: Samples.key, rowGroupEventCount: 400)
        var divider = BlockMerger(level: level, filterKey: Samples.key, rowGroupEventCount: 400, pathGroupSize: size)
        var sequence: UInt64 = 1
        for count in counts {
            let block = try encoder.encode(
                samples.batch(count), firstSequence: sequence, run: Samples.run, origin: Samples.origin)
            try merger.append(BlockReader(block.bytes))
            try divider.append(BlockReader(block.bytes))
            sequence = block.endSequence
        }
        return (try merger.finish(), try divider.finish())
    }

    @Test(arguments: 0..<20 as Range<UInt64>) func dividedPathsSayWhatUndividedOnesSay(seed: UInt64) throws {
        let (whole, divided) = try Self.blocks(seed: seed, size: 1 + Int(seed) * 11)
        let reader = try BlockReader(divided.bytes)
        #expect(reader.pathGroupCount > 1)
        #expect(try BlockReader(whole.bytes).pathGroupCount == 1)
        try reader.verify()
        #expect(try PlainBlock(reader) == PlainBlock(BlockReader(whole.bytes)), "seed \(seed)")
        // Merged once more, in groups of another size.
        var merger = BlockMerger(level: 1, filterKey: Samples.key, pathGroupSize: 50)
        try merger.append(reader)
        let again = try BlockReader(merger.finish().bytes)
        try again.verify()
        #expect(try PlainBlock(again).events == PlainBlock(reader).events, "seed \(seed)")
    }

    @Test(arguments: 0..<20 as Range<UInt64>) func theFilterNamesTheGroupOfEachPath(seed: UInt64) throws {
        let (_, block) = try Self.blocks(seed: seed, size: 20)
        let reader = try BlockReader(block.bytes)
        let filter = PathFilterReader(block.filter, key: Samples.key)
        let dictionary = try reader.pathDictionary()
        var namedCount = 0
        for index in 0..<PathIndex(dictionary.count) {
            var path: [UInt8] = []
            dictionary.appendPath(index, to: &path)
            guard case .possible(let group) = filter.find(path, pathGroupCount: reader.pathGroupCount) else {
                Issue.record("seed \(seed): the filter does not know path \(index)")
                continue
            }
            guard let group else { continue }
            namedCount += 1
            #expect(group == reader.pathGroup(of: index), "seed \(seed), path \(index)")
            guard path.first == UInt8(ascii: "/"), path.count > 1 else { continue }
            #expect(try reader.pathIndices(of: RawPath(path), inGroup: group) == [index], "seed \(seed)")
        }
        for index in 0..<DirectoryIndex(dictionary.directoryCount) {
            var path: [UInt8] = []
            dictionary.appendDirectory(index, to: &path)
            #expect(filter.find(path) != .absent, "seed \(seed), directory \(index)")
        }
        // Of another block nothing is known but whether it has the path.
        #expect(filter.find(Array("/".utf8), pathGroupCount: reader.pathGroupCount + 1) == .possible(pathGroup: nil))
        #expect(namedCount > 0)
    }

    @Test func manyPathsMakeFewLargeGroups() {
        for (pathCount, size, groupCount) in [
            (0, 16_384, 1), (16_384, 16_384, 1), (16_385, 16_384, 2), (262_144, 16_384, 16), (262_145, 32_769, 8),
            (415_848, 51_981, 8), (BlockLimits.pathCount, BlockLimits.pathCount / 8, 8),
        ] {
            #expect(BlockFormat.pathGroupSize(of: pathCount) == size, "\(pathCount) paths")
            #expect(BlockFormat.pathGroupCount(of: pathCount, size: size) == groupCount, "\(pathCount) paths")
        }
    }

    /// Only what is asked for is read, and it is what the whole block says.
    @Test(arguments: 0..<10 as Range<UInt64>) func aBlockCanBeReadInStretches(seed: UInt64) throws {
        // Without compression it is longer than what is read of it at first.
        let (_, block) = try Self.blocks(seed: seed, size: 20, level: 0, counts: [4_000, 40, 3_000])
        #expect(block.bytes.count > 2 * BlockReader.startByteCount)
        let source = BytesSource(block.bytes)
        #expect(try PlainBlock(BlockReader(source)) == PlainBlock(BlockReader(block.bytes)), "seed \(seed)")
        let gone = BytesSource(block.bytes)
        let reader = try BlockReader(gone)
        gone.isGone = true
        let error = #expect(throws: BlockError.self) { _ = try PlainBlock(reader) }
        #expect(error?.code == .gone)
    }

    @Test func aShortSourceIsNoBlock() throws {
        let (_, block) = try Self.blocks(seed: 1, size: 20)
        for count in stride(from: 0, to: block.bytes.count, by: 97) {
            let source = BytesSource(Array(block.bytes[..<count]))
            #expect(throws: BlockError.self) { _ = try PlainBlock(BlockReader(source)) }
        }
    }

    /// A directory that is met before it is known where it lies comes to have the path of another.
    @Test(arguments: [true, false]) func directoriesOfOnePathAreFound(isRepeated: Bool) throws {
        var batch = Batch()
        batch.windows = [
            TimeWindow(
                earliest: Instant(nanosecondsSinceEpoch: 1_700_000_000_000_000_000),
                time: Instant(nanosecondsSinceEpoch: 1_700_000_000_001_000_000), clockOffsetNanoseconds: 0)
        ]
        var directories = (0..<300).map { batch.paths.internDirectory(parent: 0, name: Array("d\($0)".utf8)) }
        let unplaced = batch.paths.addUnplacedDirectory()
        let name = Array((isRepeated ? "d77" : "e77").utf8)
        // SAFETY: bytes have no padding, and the array outlives the call.
        unsafe batch.paths.place(unplaced, parent: 0, name: name.span.bytes)
        directories.append(unplaced)
        for directory in directories {
            batch.append(
                window: 0, process: .absent, path: batch.paths.internPath(directory: directory, name: Array("f".utf8)),
                target: .absent, object: nil, mask: .create, flags: [])
        }
        var encoder = BlockEncoder(filterKey: Samples.key)
        let block = try encoder.encode(batch, firstSequence: 1, run: Samples.run, origin: Samples.origin)
        #expect(try BlockReader(block.bytes).hasRepeatedDirectories() == isRepeated)
    }

    /// A few names are looked up without looking at the others, and whatever their prefixes say they are those that decoding all
    /// gives, or an error.
    @Test(arguments: 0..<200 as Range<UInt64>) func namesWithAnyPrefixAreThoseOfAllOrAnError(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let isDamaged = random.chance(1, of: 2)
        var (prefixes, rests): ([UInt8], [UInt8]) = ([], [])
        var length = 0
        for _ in 0..<1 + random.below(120) {
            let most = isDamaged && random.chance(1, of: 30) ? 255 : length
            prefixes.append(UInt8(prefixes.isEmpty ? 0 : random.below(min(most, 200) + 1)))
            let rest = (0..<random.below(random.chance(1, of: 4) ? 30 : 4)).map { _ in UInt8(1 + random.below(255)) }
            rests += rest + [0]
            length = Int(prefixes[prefixes.count - 1]) + rest.count
        }
        let directories = try DirectoryNames(parents: [.absent], prefixes: [], rests: [])
        let stored = try StoredPaths(
            directories: Array(repeating: 0, count: prefixes.count), prefixes: prefixes, rests: rests)
        let parts = try PathParts(directories: directories, stored, first: 40)
        let all = try? DecodedPaths(directories: directories, stored)
        #expect(isDamaged || all != nil, "seed \(seed)")
        for index in prefixes.indices {
            let path = try? parts.path(PathIndex(40 + index))
            guard let all else { continue }
            var expected: [UInt8] = []
            all.appendPath(PathIndex(index), to: &expected)
            #expect(path == expected, "seed \(seed)")
            guard expected.count > 1 else { continue }
            let same = prefixes.indices.filter { all.name(of: PathIndex($0)).elementsEqual(expected.dropFirst()) }
            #expect(try parts.indices(of: [expected[1...]]) == same.map { PathIndex(40 + $0) }, "seed \(seed)")
        }
    }
}

/// A source of bytes in memory that can go away.
private final class BytesSource: BlockSource {
    private let content: [UInt8]
    var isGone = false

    init(_ content: [UInt8]) {
        self.content = content
    }

    var byteCount: Int { content.count }

    func bytes(_ range: Range<Int>) throws(BlockError) -> [UInt8] {
        if isGone { throw BlockError(.gone, "for the test") }
        return Array(content[range])
    }
}
