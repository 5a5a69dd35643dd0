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
        try decodeRuns(symbols, lengths, count: count, limit: limit).expanded
    }

    /// The same as runs.
    static func decodeRuns(
        _ symbols: [UInt8], _ lengths: [UInt8], count: Int, limit: Int
    ) throws(PartError) -> ColumnRuns {
        // SAFETY: bytes are initialised memory without padding; the spans do not outlive the arrays.
        var symbols = unsafe ByteCursor(symbols.span.bytes)
        var lengths = unsafe ByteCursor(lengths.span.bytes)
        var recent = RecentValues()
        let isPlain = symbols.remainingByteCount == 0
        let isOneRun = lengths.remainingByteCount == 0
        var next = isPlain ? 0 : try symbols.varint()
        // A run has at least a byte of its length, and an event.
        let runLimit = isOneRun ? min(1, count) : min(lengths.remainingByteCount, count)
        var values = [UInt32](unwrittenCount: runLimit)
        var ends = [UInt32](unwrittenCount: runLimit)
        var valueSpan = values.mutableSpan
        var endSpan = ends.mutableSpan
        var runCount = 0
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
            filled &+= 1 &+ Int(truncatingIfNeeded: extra)
            // Each run took a byte of the lengths, of which there are `runLimit` at least.
            valueSpan[runCount] = value
            endSpan[runCount] = UInt32(truncatingIfNeeded: filled)
            runCount &+= 1
        }
        try symbols.expectEnd()
        try lengths.expectEnd()
        values.removeLast(runLimit &- runCount)
        ends.removeLast(runLimit &- runCount)
        return ColumnRuns(values: values, ends: ends)
    }

    /// The last distinct values, the most recent first.
    ///
    /// A value keeps its slot and only the order of the slots changes: four words, a byte a slot, so that all before one that is
    /// brought forward move at once, wherever it stands. Of eight programs that take turns each is brought forward from
    /// another place than the one before: a loop over those places took as long as all else.
    private struct RecentValues {
        private var values = InlineArray<32, UInt32>(repeating: .absent)
        /// The slots of the eight most recent, the most recent in the lowest byte.
        private var first: UInt64 = 0x0706_0504_0302_0100
        /// Those behind them.
        private var rest: InlineArray<3, UInt64> = [
            0x0F0E_0D0C_0B0A_0908, 0x1716_1514_1312_1110, 0x1F1E_1D1C_1B1A_1918,
        ]
        /// How many of the values end in each byte: most that are not there are told so at once.
        private var counts = InlineArray<256, UInt8>(repeating: 0)

        init() { counts[Self.byte(.absent)] = UInt8(recentCount) }

        @inline(__always)
        private static func byte(_ value: UInt32) -> Int { Int(value & 0xFF) }

        /// Puts a value that is none of these to the front; the oldest goes.
        @inline(__always)
        mutating func push(_ value: UInt32) {
            let slot = rest[2] &>> 56
            // SAFETY: the bytes of the words are those that they began with, each below `recentCount`; so below.
            let oldest = unsafe values[unchecked: Int(truncatingIfNeeded: slot)]
            counts[Self.byte(oldest)] &-= 1
            counts[Self.byte(value)] &+= 1
            unsafe values[unchecked: Int(truncatingIfNeeded: slot)] = value
            rest[2] = rest[2] &<< 8 | rest[1] &>> 56
            rest[1] = rest[1] &<< 8 | rest[0] &>> 56
            rest[0] = rest[0] &<< 8 | first &>> 56
            first = first &<< 8 | slot
        }

        /// Brings the value of that rank to the front and gives it; `absent` when there is none yet. Range: below
        /// `recentCount`.
        @inline(__always)
        mutating func bringForward(rank: Int) -> UInt32 {
            let shift = UInt64(truncatingIfNeeded: rank & 7) &<< 3
            // The bytes up to the one that is brought forward.
            let moved = UInt64.max &>> (56 &- shift)
            let slot: UInt64
            if rank < 8 {
                slot = first &>> shift & 0xFF
                first = first & ~moved | (first &<< 8 | slot) & moved
            } else {
                slot = bringForward(word: rank &>> 3 &- 1, shift, moved)
            }
            // SAFETY: as in `push`.
            return unsafe values[unchecked: Int(truncatingIfNeeded: slot)]
        }

        /// The same of one of `rest`; gives its slot.
        @inline(never)
        private mutating func bringForward(word: Int, _ shift: UInt64, _ moved: UInt64) -> UInt64 {
            let old = rest[word]
            let slot = old &>> shift & 0xFF
            var carry = first &>> 56
            first = first &<< 8 | slot
            for index in 0..<word {
                let before = rest[index]
                rest[index] = before &<< 8 | carry
                carry = before &>> 56
            }
            rest[word] = old & ~moved | (old &<< 8 | carry) & moved
            return slot
        }

        /// Brings the value to the front and says where it was; nil when it was not there.
        @inline(__always)
        mutating func use(_ value: UInt32) -> Int? {
            if counts[Self.byte(value)] > 0, let rank = rank(of: value) {
                _ = bringForward(rank: rank)
                return rank
            }
            push(value)
            return nil
        }

        @inline(__always)
        private func rank(of value: UInt32) -> Int? {
            var slots = first
            var rank = 0
            while true {
                // SAFETY: as in `push`.
                if unsafe values[unchecked: Int(truncatingIfNeeded: slots & 0xFF)] == value { return rank }
                rank &+= 1
                if rank & 7 != 0 {
                    slots &>>= 8
                } else if rank < recentCount {
                    slots = rest[rank &>> 3 &- 1]
                } else {
                    return nil
                }
            }
        }
    }
}

/// A column as runs of equal values: a value for each, and the place behind its last event.
package struct ColumnRuns: Sendable {
    package let values: [UInt32]
    /// They rise to the count of events.
    package let ends: [UInt32]

    /// One value an event.
    package var expanded: [UInt32] {
        var expanded = [UInt32](unwrittenCount: Int(ends.last ?? 0))
        var target = expanded.mutableSpan
        let (values, ends) = (values.span, ends.span)
        var filled = 0
        for run in values.indices {
            let value = values[run]
            let end = Int(ends[run])
            while filled < end {
                // SAFETY: ends rise to the last one.
                unsafe target[unchecked: filled] = value
                filled &+= 1
            }
        }
        return expanded
    }

    /// The run that holds a place, or the first behind it.
    package func firstRun(behind place: Int) -> Int {
        var (low, high) = (0, ends.count)
        while low < high {
            let middle = (low + high) / 2
            if Int(ends[middle]) <= place { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
