import FuzzTargets
import Model
import TestSupport
import Testing

@testable import Block

/// Merged blocks say which of their paths have the most events.
@Suite struct BusiestPathsTests {
    private static let counts = [40_000, 35_000]

    @Test(arguments: [1, 3] as [UInt64]) func listsSayWhatCountingSays(seed: UInt64) throws {
        let reader = try BlockReader(Samples.mergedBlock(seed: seed, counts: Self.counts, pathCount: 60))
        try reader.verify()
        let directories = try reader.names().pathDirectories
        var events: [(path: UInt32, mask: UInt32)] = []
        for group in reader.header.rowGroups.indices {
            let (paths, masks) = (
                try reader.column(.path, rowGroup: group), try reader.column(.mask, rowGroup: group)
            )
            events += zip(paths, masks).map { (path: $0, mask: $1) }
        }
        var (listCount, cutCount) = (0, 0)
        for bit in 0...UInt32.bitWidth {
            let operation = EventMask(rawValue: bit == 0 ? 0 : 1 << UInt32(bit - 1))
            let asked = events.filter { operation.isEmpty || $0.mask & operation.rawValue != 0 }
            var counts: [UInt32: UInt32] = [:]
            for event in asked { counts[event.path, default: 0] += 1 }
            guard let list = try reader.busiestPaths(of: operation) else {
                #expect(asked.isEmpty || !EventMask.operations.contains(operation), "seed \(seed), bit \(bit)")
                continue
            }
            listCount += 1
            #expect(list.eventCount == asked.count)
            #expect(list.pathlessCount == Int(counts.removeValue(forKey: .absent) ?? 0))
            let (placed, nameOnly) = (
                counts.filter { directories[Int($0.key)] != .absent },
                counts.filter { directories[Int($0.key)] == .absent }
            )
            #expect(list.nameOnly.map(\.path) == nameOnly.keys.sorted())
            #expect(list.nameOnly.allSatisfy { $0.count == nameOnly[$0.path] })
            #expect(list.entries.count == min(placed.count, reader.header.count / 4_096))
            #expect(list.entries.allSatisfy { $0.count == placed[$0.path] && $0.count >= list.mostBeside })
            let listed = Set(list.entries.map(\.path))
            #expect(list.mostBeside == placed.filter { !listed.contains($0.key) }.values.max() ?? 0)
            if list.mostBeside > 0 { cutCount += 1 }
        }
        #expect(listCount > 3 && cutCount > 3, "seed \(seed)")
    }

    /// More events of one path than two bytes count.
    @Test func aPathMayHaveMostOfTheEvents() throws {
        var tally = PathTally()
        var events = RowGroupEvents()
        events.paths = Array(repeating: 2, count: 70_000) + [0, .absent, 2]
        events.masks = Array(repeating: EventMask.modify.rawValue, count: 70_002) + [EventMask.delete.rawValue]
        for _ in 0..<2 { tally.add(events, pathCount: 3) }
        let list = try #require(tally.list(0, limit: 1, isNameOnly: { _ in false }))
        #expect(list.entries == [.init(path: 2, count: 140_002)])
        #expect((list.eventCount, list.pathlessCount, list.mostBeside) == (140_006, 2, 2))
        #expect(tally.agrees(with: list, 0, isNameOnly: { _ in false }))
        #expect(tally.list(0, limit: 1, isNameOnly: { $0 != 2 })?.nameOnly.map(\.path) == [0])
        #expect(tally.list(0, limit: 1, isNameOnly: { _ in true }) == nil)
    }

    /// An answer would be wrong where a block claimed other counts.
    @Test func listsThatAreNotThoseOfTheEventsAreDamage() throws {
        // Without compression the bundle's parts stand in the block as they are.
        let block = try Samples.mergedBlock(seed: 3, counts: Self.counts, pathCount: 60, level: 0)
        let layout = try BlockReader(block).layout
        let part = try #require(layout.parts(of: .block).first { $0.kind == .busiestPaths })
        var random = SeededGenerator(seed: 4)
        for _ in 0..<8 {
            var bytes = block
            let place = layout.bundle.offset + part.offset + random.below(part.byteCount)
            bytes[place] ^= 1 << UInt8(random.below(8))
            BlockBytes.sign(&bytes)
            let reader = try BlockReader(bytes)
            #expect(throws: BlockError.self, "byte \(place)") { try reader.verify() }
        }
    }

    @Test func aBlockOfFewEventsHasNone() throws {
        let reader = try BlockReader(Samples.mergedBlock(seed: 5))
        #expect(try reader.busiestPaths() == nil)
    }
}
