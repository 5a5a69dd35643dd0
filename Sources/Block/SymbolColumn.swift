/// Values of which few are distinct: event masks and flags.
///
/// Shape: the count of the table, its values in order of first appearance, then one symbol an event. A table of at most
/// 256 values makes symbols of one byte (transform 1); a larger one makes them numbers (transform 2).
enum SymbolColumn {
    static let byteTransform: UInt8 = 1
    static let numberTransform: UInt8 = 2

    /// Appends the stream and gives its transform.
    static func encode(_ values: [UInt32], to bytes: inout [UInt8]) -> UInt8 {
        var table: [UInt32] = []
        var known: [UInt32: UInt32] = [:]
        var symbols: [UInt32] = []
        symbols.reserveCapacity(values.count)
        var lastValue: UInt32 = 0
        var lastSymbol = UInt32.absent
        for value in values {
            if value != lastValue || lastSymbol == .absent {
                lastValue = value
                if let symbol = find(value, in: table) ?? known[value] {
                    lastSymbol = symbol
                } else {
                    lastSymbol = UInt32(table.count)
                    known[value] = lastSymbol
                    table.append(value)
                }
            }
            symbols.append(lastSymbol)
        }
        bytes.appendVarint(table.count)
        for value in table { bytes.appendVarint(UInt64(value)) }
        guard table.count <= 256 else {
            for symbol in symbols { bytes.appendVarint(UInt64(symbol)) }
            return numberTransform
        }
        bytes.reserveCapacity(bytes.count + symbols.count)
        for symbol in symbols { bytes.append(UInt8(truncatingIfNeeded: symbol)) }
        return byteTransform
    }

    /// `count` values; none above `maximum`. With `positions`, each below `count`, only those.
    static func decode(
        _ bytes: [UInt8], transform: UInt8, count: Int, maximum: UInt32, at positions: [Int]? = nil
    ) throws(PartError) -> [UInt32] {
        // SAFETY: bytes are initialised memory without padding; the span does not outlive the array.
        var cursor = unsafe ByteCursor(bytes.span.bytes)
        let tableCount = try cursor.count(atMost: count)
        var table: [UInt32] = []
        table.reserveCapacity(tableCount)
        for _ in 0..<tableCount {
            table.append(UInt32(truncatingIfNeeded: try cursor.count(atMost: Int(maximum))))
        }
        var values: [UInt32] = []
        if transform == byteTransform {
            guard cursor.remainingByteCount == count else { throw .truncated }
            if let positions {
                values.reserveCapacity(positions.count)
                for position in positions {
                    let symbol = Int(bytes[cursor.offset + position])
                    guard symbol < table.count else { throw .malformed("symbol beyond its table") }
                    values.append(table[symbol])
                }
                return values
            }
            // A table of 256 entries needs no bounds check per event.
            let validCount = table.count
            table.append(contentsOf: repeatElement(0, count: max(0, 256 - table.count)))
            let symbols = bytes.span.extracting(droppingFirst: cursor.offset)
            let tableSpan = table.span
            var greatest: UInt8 = 0
            values = Array(unwrittenCount: count)
            var target = values.mutableSpan
            for index in 0..<count {
                // SAFETY: symbols and values are `count` each, and the table has an entry for each byte.
                let symbol = unsafe symbols[unchecked: index]
                greatest = max(greatest, symbol)
                unsafe target[unchecked: index] = tableSpan[unchecked: Int(symbol)]
            }
            guard count == 0 || Int(greatest) < validCount else { throw .malformed("symbol beyond its table") }
        } else if transform == numberTransform {
            values.reserveCapacity(count)
            for _ in 0..<count {
                let symbol = try cursor.count(atMost: max(0, table.count - 1))
                guard symbol < table.count else { throw .malformed("symbol beyond its table") }
                values.append(table[symbol])
            }
            try cursor.expectEnd()
            if let positions { return positions.map { values[$0] } }
        } else {
            throw .malformed("unknown transform")
        }
        return values
    }

    /// Real tables have some thirty values, the frequent ones at the front.
    @inline(__always)
    private static func find(_ value: UInt32, in table: [UInt32]) -> UInt32? {
        for index in 0..<min(table.count, 24) where table[index] == value { return UInt32(index) }
        return nil
    }
}
