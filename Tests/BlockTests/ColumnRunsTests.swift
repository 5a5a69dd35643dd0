import TestSupport
import Testing

@testable import Block

/// Columns as runs of equal values.
@Suite struct ColumnRunsTests {
    @Test func runsWithinARangeAreWhatTheEventsAre() throws {
        let seed = UInt64.random(in: 0...UInt64.max)
        print("ColumnRunsTests seed \(seed)")
        var generator = SeededGenerator(seed: seed)
        for _ in 0..<200 {
            var values: [UInt32] = []
            for _ in 0..<Int.random(in: 0...12, using: &generator) {
                let isKnown = Bool.random(using: &generator)
                let value = isKnown ? UInt32.random(in: 0..<50, using: &generator) : .absent
                values += Array(repeating: value, count: Int.random(in: 1...9, using: &generator))
            }
            var (symbols, lengths): ([UInt8], [UInt8]) = ([], [])
            RunColumn.encode(values, firstNew: 0, symbols: &symbols, lengths: &lengths)
            let runs = try RunColumn.decodeRuns(symbols, lengths, count: values.count, limit: 50)
            #expect(runs.expanded == values, "seed \(seed)")
            let low = Int.random(in: 0...values.count, using: &generator)
            let range = low..<Int.random(in: low...values.count, using: &generator)
            var met: [UInt32] = []
            runs.forEach(in: range) { value, places in
                #expect(places.lowerBound == range.lowerBound + met.count, "seed \(seed)")
                met += Array(repeating: value, count: places.count)
            }
            #expect(met == Array(values[range]), "seed \(seed)")
        }
    }

    /// Its index would lie far beyond the table of windows.
    @Test func anEventWithoutAWindowIsRefused() throws {
        let table = [StoredWindow(earliest: 0, time: 8, clockOffset: 0)]
        let whole = try WindowColumn([0, 0, 0], table: table, origin: 0).decode(count: 3, origin: 0)
        #expect(whole.indices.expanded == [0, 0, 0])
        #expect(throws: PartError.self) {
            try WindowColumn([0, .absent, 0], table: table, origin: 0).decode(count: 3, origin: 0)
        }
    }
}
