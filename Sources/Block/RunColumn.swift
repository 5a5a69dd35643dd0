/// Values that come in runs and often return: process indices of events, directory indices of paths.
///
/// Shape: two streams. `symbols` holds the number that counts as new at first, then one number a run: 0 the new value,
/// 1 `absent`, 2...33 the value used 1...32 distinct values ago (2 is the most recent), from 34 on the zigzag difference
/// to the new value. After each value v the new value is at least v + 1. `lengths` holds run length - 1 for each run.
/// An empty `symbols` counts from 0 and means the new value at every run; an empty `lengths` means one run.
enum RunColumn {
    private static let recentCount = 32
    private static let firstDifferenceSymbol = UInt64(2 + recentCount)

    /// Appends both streams; `firstNew` is the least value that did not occur before.
    static func encode(
        _ values: [UInt32], firstNew: UInt32, symbols: inout [UInt8], lengths: inout [UInt8]
    ) {
        var recent = RecentValues()
        var next = UInt64(firstNew)
        var isPlain = firstNew == 0
        symbols.appendVarint(next)
        let values = values.span
        var start = 0
        while start < values.count {
            let value = values[start]
            var end = start &+ 1
            while end < values.count && values[end] == value { end &+= 1 }
            lengths.appendVarint(UInt64(end &- start &- 1))
            start = end
            if UInt64(value) != next { isPlain = false }
            if value == .absent {
                symbols.append(1)
            } else if let rank = recent.use(value) {
                symbols.append(UInt8(truncatingIfNeeded: 2 &+ rank))
            } else {
                if UInt64(value) == next {
                    symbols.append(0)
                } else {
                    symbols.appendVarint(firstDifferenceSymbol + Zigzag.encodeDifference(UInt64(value), from: next))
                }
                next = max(next, UInt64(value) + 1)
            }
        }
        if isPlain { symbols.removeAll(keepingCapacity: true) }
        if values.count > 0 && UInt64(values.count - 1) == Self.onlyNumber(lengths) {
            lengths.removeAll(keepingCapacity: true)
        }
    }

    /// The number some bytes are, nil when they are more than one.
    private static func onlyNumber(_ bytes: [UInt8]) -> UInt64? {
        guard bytes.count <= 10 else { return nil }
        // SAFETY: bytes are initialised memory without padding; the span does not outlive the array.
        var cursor = unsafe ByteCursor(bytes.span.bytes)
        guard let number = try? cursor.varint(), cursor.remainingByteCount == 0 else { return nil }
        return number
    }

    /// `count` values, each below `limit` or `absent`.
    static func decode(_ symbols: [UInt8], _ lengths: [UInt8], count: Int, limit: Int) throws(PartError) -> [UInt32] {
        // SAFETY: bytes are initialised memory without padding; the spans do not outlive the arrays.
        var symbols = unsafe ByteCursor(symbols.span.bytes)
        var lengths = unsafe ByteCursor(lengths.span.bytes)
        var recent = RecentValues()
        let isPlain = symbols.remainingByteCount == 0
        let isOneRun = lengths.remainingByteCount == 0
        var next = isPlain ? 0 : try symbols.varint()
        var values: [UInt32] = []
        values.reserveCapacity(count)
        while values.count < count {
            let value: UInt64
            let symbol = isPlain ? 0 : try symbols.varint()
            switch symbol {
            case 0:
                value = next
            case 1:
                value = UInt64(UInt32.absent)
            case 2..<firstDifferenceSymbol:
                guard let found = recent.value(atRank: Int(symbol) &- 2) else {
                    throw .malformed("no such recent value")
                }
                value = UInt64(found)
            default:
                value = Zigzag.decodeDifference(symbol &- firstDifferenceSymbol, from: next)
            }
            if symbol != 1 {
                guard value < UInt64(limit) else { throw .malformed("index beyond its table") }
                _ = recent.use(UInt32(truncatingIfNeeded: value))
                next = max(next, value &+ 1)
            }
            let extra = isOneRun ? UInt64(count &- 1) : try lengths.varint()
            guard extra < UInt64(count &- values.count) else { throw .malformed("run beyond the end") }
            values.append(
                contentsOf: repeatElement(UInt32(truncatingIfNeeded: value), count: Int(truncatingIfNeeded: extra) &+ 1)
            )
        }
        try symbols.expectEnd()
        try lengths.expectEnd()
        return values
    }

    /// The last distinct values, the most recent first.
    private struct RecentValues {
        private var values = [UInt32](repeating: .absent, count: recentCount)

        /// Brings the value to the front and says where it was; nil when it was not there.
        mutating func use(_ value: UInt32) -> Int? {
            var span = values.mutableSpan
            var carried = value
            for rank in 0..<recentCount {
                let here = span[rank]
                span[rank] = carried
                if here == value { return rank }
                carried = here
            }
            return nil
        }

        func value(atRank rank: Int) -> UInt32? {
            values[rank] == .absent ? nil : values[rank]
        }
    }
}
