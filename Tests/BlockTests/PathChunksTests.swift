import FuzzTargets
import Model
import TestSupport
import Testing

@testable import Block

/// Row groups say which paths they have, so that those without the ones that are asked for are passed over.
@Suite struct PathChunksTests {
    /// A block of several row groups and some hundred paths, most of which are in few of them.
    private static func block(seed: UInt64, level: Int32 = 3) throws -> [UInt8] {
        try Samples.mergedBlock(seed: seed, pathCount: 1_000, level: level)
    }

    @Test(arguments: 0..<20 as Range<UInt64>) func aRowGroupHasThePathsOfItsChunksAndNoOthers(seed: UInt64) throws {
        let reader = try BlockReader(Self.block(seed: seed))
        var random = SeededGenerator(seed: seed)
        var ruledOutCount = 0
        for group in reader.header.rowGroups.indices {
            let paths = try reader.column(.path, rowGroup: group) + reader.column(.target, rowGroup: group)
            let occurring = Set(paths.filter { $0 != .absent }.map { Int($0) / PathChunks.pathCount })
            for _ in 0..<200 {
                let asked = (0..<1 + random.below(3)).map { _ in PathIndex(random.below(reader.header.pathCount)) }
                var chunks = PathChunks()
                for path in asked { chunks.insert(path) }
                #expect(chunks.first == asked.min())
                let mayHave = try reader.mayHavePath(of: chunks, rowGroup: group)
                let isThere = asked.contains { occurring.contains(Int($0) / PathChunks.pathCount) }
                #expect(mayHave == isThere, "seed \(seed), row group \(group), paths \(asked)")
                if !mayHave { ruledOutCount += 1 }
            }
            #expect(try !reader.mayHavePath(of: PathChunks(), rowGroup: group))
        }
        #expect(ruledOutCount > 0)
    }

    /// Answers would lack events where a row group denied a path that it has.
    @Test func chunksThatAreNotThoseOfTheEventsAreDamage() throws {
        // Without compression the bundle's parts stand in the block as they are.
        let block = try Self.block(seed: 1, level: 0)
        let layout = try BlockReader(block).layout
        for group in layout.header.rowGroups.indices {
            let part = try #require(layout.parts(of: .rowGroup(group)).first { $0.kind == .pathChunks })
            for bit in 0..<UInt8(8) {
                var bytes = block
                bytes[layout.bundle.offset + part.offset] ^= 1 << bit
                BlockBytes.sign(&bytes)
                let reader = try BlockReader(bytes)
                let error = #expect(throws: BlockError.self) { try reader.verify() }
                #expect(error == BlockError(.malformed, "path chunks of row group \(group) do not match its events"))
            }
        }
    }

    /// One row group has all of the block's paths.
    @Test func aFreshBlockHasNone() throws {
        var samples = Samples(seed: 3)
        var encoder = BlockEncoder(filterKey: Samples.key)
        let block = try encoder.encode(
            samples.batch(300), firstSequence: 1, run: Samples.run, origin: Samples.origin)
        let reader = try BlockReader(block.bytes)
        #expect(reader.layout.parts(of: .rowGroup(0)).allSatisfy { $0.kind != .pathChunks })
        var chunks = PathChunks()
        chunks.insert(PathIndex(reader.header.pathCount - 1))
        #expect(try reader.mayHavePath(of: chunks, rowGroup: 0))
    }
}
