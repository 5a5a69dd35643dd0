import TestSupport
import Testing

@testable import Block

@Suite struct PathGroupFilterTests {
    private static let key = FilterKey(high: 0x1234, low: 0x5678)

    private static func hashes(_ count: Int, _ random: inout SeededGenerator) -> [EventsHash] {
        (0..<count).map { _ in EventsHash(high: random.next(), low: random.next()) }
    }

    @Test(arguments: [2, 3, 100, 5_000, 20_000]) func eachPathHasItsGroupAndMostOthersHaveNone(count: Int) throws {
        var random = SeededGenerator(seed: UInt64(count))
        let paths = Self.hashes(count, &random)
        // Some directories are paths as well.
        let directories = Self.hashes(count / 5, &random) + paths.prefix(count / 7)
        let size = max(1, count / 11)
        let bytes = try #require(PathGroupFilter.make(directories, paths, groupSize: size, key: Self.key))
        let filter = try #require(PathGroupFilter(bytes))
        for (index, path) in paths.enumerated() {
            #expect(filter.group(of: path, key: Self.key) == index / size, "count \(count), path \(index)")
        }
        for directory in directories { #expect(filter.group(of: directory, key: Self.key) != nil, "count \(count)") }
        let admitted = Self.hashes(10_000, &random).filter { filter.group(of: $0, key: Self.key) != nil }.count
        #expect(count < 100 || admitted < 2_800, "at most 1 in 4 is expected")
        // 6 bits, and a twentieth more numbers than keys.
        if count == 20_000 { #expect(bytes.count * 8 < (paths.count + directories.count) * 64 / 10) }
    }

    @Test func aPathInTwoGroupsHasNoTable() {
        var random = SeededGenerator(seed: 5)
        var paths = Self.hashes(100, &random)
        paths[99] = paths[0]
        #expect(PathGroupFilter.make([], paths, groupSize: 10, key: Self.key) == nil)
    }

    /// A damaged filter says nothing; one whose checksum was made right again says anything, without a trap.
    @Test(arguments: 0..<8 as Range<UInt64>) func nonsenseNeverTraps(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let paths = Self.hashes(300, &random)
        let bytes = try #require(PathGroupFilter.make([], paths, groupSize: 40, key: Self.key))
        for _ in 0..<300 {
            var damaged = bytes
            let position = random.chance(1, of: 2) ? random.below(11) : random.below(bytes.count - 8)
            damaged[position] ^= 1 << UInt8(random.below(8))
            #expect(PathGroupFilter(damaged) == nil, "seed \(seed), byte \(position)")
            damaged.removeLast(8 + (random.chance(1, of: 3) ? random.below(damaged.count - 8) : 0))
            PathFilter.seal(&damaged)
            let reader = PathFilterReader(damaged, key: Self.key)
            for path in ["/", "/a", "b"] { _ = reader.find(Array(path.utf8), pathGroupCount: 8) }
            if let filter = PathGroupFilter(damaged) {
                for path in paths { _ = filter.group(of: path, key: Self.key) }
            }
        }
    }
}
