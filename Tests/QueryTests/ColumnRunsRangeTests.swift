import TestSupport
import Testing

@testable import Block
@testable import Query

/// Stretches of columns that are runs of equal values.
@Suite struct ColumnRunsRangeTests {
    @Test(arguments: 0..<200 as Range<UInt64>) func runsWithinARangeAreWhatTheEventsAre(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        var values: [UInt32] = []
        var ends: [UInt32] = []
        var expanded: [UInt32] = []
        for _ in 0..<random.below(12) {
            values.append(random.chance(1, of: 3) ? .absent : UInt32(random.below(50)))
            expanded += Array(repeating: values[values.count - 1], count: 1 + random.below(9))
            ends.append(UInt32(expanded.count))
        }
        let runs = ColumnRuns(values: values, ends: ends)
        #expect(runs.expanded == expanded, "seed \(seed)")
        let low = random.below(expanded.count + 1)
        let range = low..<low + random.below(expanded.count - low + 1)
        var met: [UInt32] = []
        runs.forEach(in: range) { value, places in
            #expect(places.lowerBound == range.lowerBound + met.count, "seed \(seed)")
            met += Array(repeating: value, count: places.count)
        }
        #expect(met == Array(expanded[range]), "seed \(seed)")
    }
}
