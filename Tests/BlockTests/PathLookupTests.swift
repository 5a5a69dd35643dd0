import Block
import Model
import TestSupport
import Testing

/// What looks up a few entries must say what decoding all of them says.
@Suite struct PathLookupTests {
    /// A block of several row groups; by seed its paths come in groups or not.
    private static func block(seed: UInt64) throws -> BlockReader {
        try BlockReader(
            Samples.mergedBlock(seed: seed, pathGroupSize: seed % 2 == 0 ? 16_384 : 1 + Int(seed) * 7))
    }

    @Test(arguments: 0..<20 as Range<UInt64>) func aPathIsFoundWhereTheDictionaryHasIt(seed: UInt64) throws {
        let reader = try Self.block(seed: seed)
        let dictionary = try reader.pathDictionary()
        for index in 0..<PathIndex(dictionary.count) {
            var path: [UInt8] = []
            dictionary.appendPath(index, to: &path)
            #expect(try reader.path(at: index) == path, "seed \(seed)")
            guard path.first == UInt8(ascii: "/"), path.count > 1 else { continue }
            #expect(try reader.pathIndices(of: RawPath(path)) == [index], "seed \(seed)")
            #expect(try reader.pathIndices(of: RawPath(path + [UInt8(ascii: "~")])).isEmpty, "seed \(seed)")
            #expect(try reader.pathIndices(of: RawPath(path.dropLast() + [0xFF, 0xFE])).isEmpty, "seed \(seed)")
        }
    }

    @Test func masksAndFlagsOfAFewEventsAreThoseOfAll() throws {
        let reader = try Self.block(seed: 4)
        for group in reader.header.rowGroups.indices {
            let masks = try reader.column(.mask, rowGroup: group)
            let flags = try reader.column(.flags, rowGroup: group)
            let positions = Array(stride(from: 1, to: masks.count, by: 17))
            #expect(try reader.masks(rowGroup: group, at: positions) == positions.map { masks[$0] })
            #expect(try reader.flags(rowGroup: group, at: positions) == positions.map { flags[$0] })
        }
    }

    @Test(arguments: 0..<20 as Range<UInt64>) func aRowGroupIsOnlyRuledOutForPathsItDoesNotHave(seed: UInt64) throws {
        let reader = try Self.block(seed: seed)
        #expect(reader.header.rowGroups.count > 3)
        var ruledOutCount = 0
        for group in reader.header.rowGroups.indices {
            let paths = try reader.column(.path, rowGroup: group) + reader.column(.target, rowGroup: group)
            let greatest = paths.filter { $0 != .absent }.max() ?? 0
            for index in 0..<PathIndex(reader.header.pathCount) {
                guard try !reader.mayHavePath(atOrAbove: index, rowGroup: group) else { continue }
                ruledOutCount += 1
                #expect(greatest < index, "seed \(seed), row group \(group)")
            }
        }
        #expect(ruledOutCount > 0)
    }

    @Test(arguments: 0..<20 as Range<UInt64>) func objectsOfAFewEventsAreThoseOfAll(seed: UInt64) throws {
        let reader = try Self.block(seed: seed)
        var random = SeededGenerator(seed: seed)
        for group in reader.header.rowGroups.indices {
            let all = try reader.objects(rowGroup: group)
            // Few with paths, few with and without, and more than are looked up one by one.
            let paths = try reader.column(.path, rowGroup: group)
            let withPath = paths.indices.filter { paths[$0] != .absent }
            for count in [1, 2, 7, all.count / 2] {
                for candidates in [withPath, Array(all.indices)] {
                    let chosen = Set((0..<count).map { _ in candidates[random.below(candidates.count)] }).sorted()
                    let few = try reader.objects(rowGroup: group, at: chosen)
                    #expect(few == chosen.map { all[$0] }, "seed \(seed), row group \(group), positions \(chosen)")
                }
            }
            #expect(try reader.objects(rowGroup: group, at: []).isEmpty)
        }
    }
}
