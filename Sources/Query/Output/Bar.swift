/// A horizontal bar in eighths of a column.
package enum Bar {
    /// Appends a bar of `value` in proportion to `maximum`, at most `columnCount` wide; anything above zero shows. In ASCII
    /// it is of whole columns.
    package static func append(
        _ value: UInt64, of maximum: UInt64, columnCount: Int, isUTF8: Bool = true, to bytes: inout [UInt8]
    ) {
        guard value > 0, maximum > 0, columnCount > 0 else { return }
        let share = min(1, Double(value) / Double(maximum))
        guard isUTF8 else {
            let columns = max(1, Int((share * Double(columnCount)).rounded()))
            bytes.append(contentsOf: repeatElement(UInt8(ascii: "#"), count: columns))
            return
        }
        let eighths = max(1, Int((share * Double(columnCount * 8)).rounded()))
        for _ in 0..<(eighths / 8) { bytes.append(text: "█") }
        switch eighths % 8 {
        case 1: bytes.append(text: "▏")
        case 2: bytes.append(text: "▎")
        case 3: bytes.append(text: "▍")
        case 4: bytes.append(text: "▌")
        case 5: bytes.append(text: "▋")
        case 6: bytes.append(text: "▊")
        case 7: bytes.append(text: "▉")
        default: break
        }
    }

    /// How many columns the longest bar may have, so that a row fits the terminal beside columns that hold these texts: at most
    /// `greatest`, which it has where there is no terminal, and not so few that it says nothing.
    static func columnCount(atMost greatest: Int, beside columns: [[[UInt8]]], on terminal: Terminal?) -> Int {
        guard let terminal else { return greatest }
        return min(greatest, max(least, terminal.columnsLeft(beside: columns)))
    }

    private static let least = 4
}

/// Counts as a line of small upright bars, one a column.
enum Sparkline {
    /// Appends one column for each count, in proportion to `maximum`: a space for none, and anything above zero shows.
    static func append(_ counts: [UInt64], of maximum: UInt64, isUTF8: Bool, to bytes: inout [UInt8]) {
        for count in counts {
            guard count > 0, maximum > 0 else {
                bytes.append(UInt8(ascii: " "))
                continue
            }
            let level = min(8, max(1, Int((Double(count) / Double(maximum) * 8).rounded(.up))))
            if isUTF8 {
                // U+2581 to U+2588, in UTF-8.
                bytes.append(contentsOf: [0xE2, 0x96, 0x80 + UInt8(level)])
            } else {
                bytes.append(Array(".:-=+*#@".utf8)[level - 1])
            }
        }
    }
}
