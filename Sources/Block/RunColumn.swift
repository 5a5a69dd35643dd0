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
            if UInt64(value) == next {
                recent.push(value)
                symbols.append(0)
                next += 1
                continue
            }
            isPlain = false
            if value == .absent {
                symbols.append(1)
            } else if let rank = recent.use(value) {
                symbols.append(UInt8(truncatingIfNeeded: 2 &+ rank))
            } else {
                symbols.appendVarint(firstDifferenceSymbol + Zigzag.encodeDifference(UInt64(value), from: next))
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
        var values = [UInt32](repeating: .absent, count: count)
        var target = values.mutableSpan
        var filled = 0
        while filled < count {
            var value = UInt32.absent
            let symbol = isPlain ? 0 : try symbols.varint()
            switch symbol {
            case 0:
                // Above all values so far, so it is none of the recent ones.
                guard next < UInt64(limit) else { throw .malformed("index beyond its table") }
                value = UInt32(truncatingIfNeeded: next)
                recent.push(value)
                next &+= 1
            case 1:
                break
            case 2..<firstDifferenceSymbol:
                value = recent.bringForward(rank: Int(symbol) &- 2)
                guard UInt64(value) < UInt64(limit) else { throw .malformed("no such recent value") }
                next = max(next, UInt64(value) &+ 1)
            default:
                let difference = Zigzag.decodeDifference(symbol &- firstDifferenceSymbol, from: next)
                guard difference < UInt64(limit) else { throw .malformed("index beyond its table") }
                value = UInt32(truncatingIfNeeded: difference)
                _ = recent.use(value)
                next = max(next, difference &+ 1)
            }
            let extra = isOneRun ? UInt64(count &- 1) : try lengths.varint()
            guard extra < UInt64(count &- filled) else { throw .malformed("run beyond the end") }
            let end = filled &+ 1 &+ Int(truncatingIfNeeded: extra)
            while filled < end {
                // SAFETY: `end` is at most `count`, which the run's length was just held against.
                unsafe target[unchecked: filled] = value
                filled &+= 1
            }
        }
        try symbols.expectEnd()
        try lengths.expectEnd()
        return values
    }

    /// The last distinct values, the most recent first: a ring, so that a new one moves none of the others.
    private struct RecentValues {
        private var ring = InlineArray<32, UInt32>(repeating: .absent)
        /// Where the most recent stands.
        private var head = 0
        /// How many of the values end in each byte: most that are not there are told so at once.
        private var counts = InlineArray<256, UInt8>(repeating: 0)

        init() { counts[Self.byte(.absent)] = UInt8(recentCount) }

        @inline(__always)
        private static func byte(_ value: UInt32) -> Int { Int(value & 0xFF) }

        @inline(__always)
        private func place(_ rank: Int) -> Int { (head &+ rank) & (recentCount &- 1) }

        /// Puts a value that is none of these to the front; the oldest goes.
        @inline(__always)
        mutating func push(_ value: UInt32) {
            head = (head &- 1) & (recentCount &- 1)
            counts[Self.byte(ring[head])] &-= 1
            counts[Self.byte(value)] &+= 1
            ring[head] = value
        }

        /// Brings the value of that rank to the front and gives it; `absent` when there is none yet.
        @inline(__always)
        mutating func bringForward(rank: Int) -> UInt32 {
            var to = place(rank)
            // SAFETY: places are below 32 by their mask.
            let value = unsafe ring[unchecked: to]
            while to != head {
                let from = (to &- 1) & (recentCount &- 1)
                unsafe ring[unchecked: to] = ring[unchecked: from]
                to = from
            }
            unsafe ring[unchecked: head] = value
            return value
        }

        /// Brings the value to the front and says where it was; nil when it was not there.
        @inline(__always)
        mutating func use(_ value: UInt32) -> Int? {
            if counts[Self.byte(value)] > 0 {
                for rank in 0..<recentCount where ring[place(rank)] == value {
                    _ = bringForward(rank: rank)
                    return rank
                }
            }
            push(value)
            return nil
        }
    }
}
