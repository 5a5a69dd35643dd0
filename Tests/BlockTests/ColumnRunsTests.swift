import TestSupport
import Testing

@testable import Block

/// Columns as runs of equal values.
@Suite struct ColumnRunsTests {
    /// Of few values and of more than are kept as recent.
    @Test(arguments: 0..<200 as Range<UInt64>) func runsAreWhatTheValuesAre(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let limit = 1 + random.below([4, 12, 60, 600][random.below(4)])
        let firstNew = random.chance(1, of: 2) ? 0 : UInt32(random.below(limit))
        var values: [UInt32] = []
        for _ in 0..<random.below(400) {
            let value = random.chance(1, of: 20) ? .absent : UInt32(random.below(limit))
            values += Array(repeating: value, count: random.chance(2, of: 3) ? 1 : 1 + random.below(9))
        }
        var (symbols, lengths): ([UInt8], [UInt8]) = ([], [])
        RunColumn.encode(values, firstNew: firstNew, symbols: &symbols, lengths: &lengths)
        let runs = try RunColumn.decodeRuns(symbols, lengths, count: values.count, limit: limit)
        #expect(runs.expanded == values, "seed \(seed)")
        #expect(zip(runs.values, runs.values.dropFirst()).allSatisfy { $0 != $1 }, "seed \(seed)")
    }

    /// Symbols that no encoder writes, and those it does, against a list in which values are moved one by one.
    @Test(arguments: 0..<400 as Range<UInt64>) func recentValuesAreThoseOfAPlainList(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let limit = 2 + random.below(300)
        let codes = (0..<1 + random.below(300)).map { _ in
            // Most ranks are of values that are there.
            random.chance(1, of: 6) ? random.below(2) : 2 + random.below(random.chance(1, of: 2) ? 10 : 60)
        }
        var symbols: [UInt8] = []
        symbols.appendVarint(random.below(limit / 2))
        for code in codes { symbols.appendVarint(code) }
        let lengths = [UInt8](repeating: 0, count: codes.count)
        let decoded = try? RunColumn.decode(symbols, lengths, count: codes.count, limit: limit)
        #expect(decoded == Self.plain(symbols, count: codes.count, limit: limit), "seed \(seed)")
    }

    /// One value a symbol; nil where the values are not of the table.
    private static func plain(_ symbols: [UInt8], count: Int, limit: Int) -> [UInt32]? {
        // SAFETY: bytes are initialised memory without padding; the span does not outlive the array.
        var cursor = unsafe ByteCursor(symbols.span.bytes)
        guard var next = try? cursor.varint() else { return nil }
        var recent: [UInt64] = []
        var values: [UInt32] = []
        for _ in 0..<count {
            guard let code = try? cursor.varint() else { return nil }
            if code == 1 {
                values.append(.absent)
                continue
            }
            let value: UInt64
            switch code {
            case 0: value = next
            case 2..<34:
                guard Int(code) - 2 < recent.count else { return nil }
                value = recent[Int(code) - 2]
            default: value = Zigzag.decodeDifference(code - 34, from: next)
            }
            guard value < UInt64(limit) else { return nil }
            recent.removeAll { $0 == value }
            recent.insert(value, at: 0)
            if recent.count > 32 { recent.removeLast() }
            next = max(next, value + 1)
            values.append(UInt32(value))
        }
        return values
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
