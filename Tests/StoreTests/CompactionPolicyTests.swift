import Store
import TestSupport
import Testing

@Suite struct CompactionPolicyTests {
    static func blocks(_ counts: [(count: UInt64, level: UInt8)]) -> [BlockSummary] {
        var sequence: UInt64 = 1
        return counts.map { item in
            defer { sequence += item.count }
            return BlockSummary(
                firstSequence: sequence, count: item.count, level: item.level, byteCount: item.count * 3)
        }
    }

    @Test func nothingIsMergedBeforeEnoughCameTogether() {
        let policy = CompactionPolicy()
        #expect(policy.next([]) == nil)
        #expect(policy.next(Self.blocks(Array(repeating: (20, 0), count: 127))) == nil)
        #expect(policy.next(Self.blocks(Array(repeating: (60_000, 1), count: 17))) == nil)
    }

    @Test func manySmallCommitsAreMerged() throws {
        let plan = try #require(CompactionPolicy().next(Self.blocks(Array(repeating: (20, 0), count: 130))))
        #expect(plan.level == 1)
        #expect(plan.sources.count == 130)
    }

    @Test func fullGroupsAreMergedAtOnce() throws {
        let fresh = try #require(CompactionPolicy().next(Self.blocks(Array(repeating: (10_000, 0), count: 7))))
        #expect(fresh.level == 1 && fresh.sources.count == 6)
        let merged = try #require(CompactionPolicy().next(Self.blocks(Array(repeating: (60_000, 1), count: 18))))
        #expect(merged.level == 2 && merged.sources.count == 17)
    }

    @Test func aLargeFreshBlockGoesIntoASegmentAsItIs() throws {
        let policy = CompactionPolicy()
        #expect(policy.next(Self.blocks([(65_536, 0), (65_536, 0)])) == nil)
        let plan = try #require(policy.next(Self.blocks(Array(repeating: (65_536, 0), count: 17))))
        #expect(plan.level == 2 && plan.sources.count == 16)
    }

    @Test func smallBlocksBetweenLargeOnesAreMerged() throws {
        let plan = try #require(CompactionPolicy().next(Self.blocks([(65_000, 0), (10, 0), (10, 0), (65_000, 0)])))
        #expect(plan.level == 1)
        #expect(plan.sources.map(\.count) == [10, 10])
    }

    @Test func aSizeLimitKeepsBlocksSmall() throws {
        var policy = CompactionPolicy()
        policy.maximumByteCount = 600_000
        let plan = try #require(policy.next(Self.blocks(Array(repeating: (60_000, 1), count: 10))))
        #expect(plan.sources.count == 3)
    }

    @Test func aFullCompactionLeavesTheFewestBlocksAndThenNothingToDo() {
        var blocks = Self.blocks([(1_000_000, 2), (300_000, 2), (60_000, 1), (10, 0), (10, 0)])
        var merges = 0
        while let plan = CompactionPolicy().nextOfAll(blocks) {
            blocks = Self.replacing(blocks, plan)
            merges += 1
        }
        #expect(merges == 1)
        #expect(blocks.map(\.count) == [1_000_000, 360_020])
    }

    @Test func nothingJoinsAClosedSegment() throws {
        let policy = CompactionPolicy()
        #expect(policy.nextOfAll(Self.blocks([(400_000, 3), (400_000, 3), (100_000, 2)])) == nil)
        let plan = try #require(policy.nextOfAll(Self.blocks([(10, 3), (400_000, 3), (100_000, 2), (10, 0), (10, 3)])))
        #expect(plan.sources.map(\.count) == [100_000, 10])
    }

    /// The sum of what is rewritten is at most twice what was written, whatever sizes commits have.
    @Test(arguments: [1, 2, 3, 4, 5] as [UInt64])
    func eachEventIsRewrittenAtMostTwice(seed: UInt64) {
        print("seed \(seed)")
        var generator = SeededGenerator(seed: seed)
        let largest: UInt64 = [40, 3_000, 20_000, 66_000, 66_000][Int(seed) - 1]
        var tail: [BlockSummary] = []
        var rewrites: [ClosedRange<UInt64>: Int] = [:]
        var sequence: UInt64 = 1
        var most = 0
        for _ in 0..<4_000 {
            let count = UInt64.random(in: 1...largest, using: &generator)
            tail.append(BlockSummary(firstSequence: sequence, count: count, level: 0, byteCount: count * 3))
            rewrites[sequence...(sequence + count - 1)] = 0
            sequence += count
            while let plan = CompactionPolicy().next(tail) {
                let range = plan.sources[0].firstSequence...(plan.sources[plan.sources.count - 1].endSequence - 1)
                #expect(range.upperBound - range.lowerBound < 1 << 20)
                let inside = rewrites.keys.filter { range.overlaps($0) }
                for key in inside {
                    let rewritten = (rewrites[key] ?? 0) + 1
                    most = max(most, rewritten)
                    rewrites[key] = plan.level == 2 ? nil : rewritten
                }
                tail = Self.replacing(tail, plan).filter { $0.level < 2 }
            }
        }
        #expect(most <= 2)
    }

    static func replacing(_ blocks: [BlockSummary], _ plan: MergePlan) -> [BlockSummary] {
        guard let start = blocks.firstIndex(of: plan.sources[0]) else { return blocks }
        var result = blocks
        result.replaceSubrange(
            start..<start + plan.sources.count,
            with: [
                BlockSummary(
                    firstSequence: plan.sources[0].firstSequence, count: plan.sources.reduce(0) { $0 + $1.count },
                    level: plan.level, byteCount: plan.sources.reduce(0) { $0 + $1.byteCount })
            ])
        return result
    }
}
