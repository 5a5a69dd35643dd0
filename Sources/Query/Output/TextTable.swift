/// A small table for people: all rows are held, columns are as wide as their widest cell.
///
/// Cells are escaped for a terminal here, so callers hand over raw bytes.
package struct TextTable {
    package enum Alignment: Sendable {
        case left
        case right
    }

    private let titles: [String]
    private let alignments: [Alignment]
    private var rows: [[[UInt8]]] = []

    package init(_ columns: [(title: String, alignment: Alignment)]) {
        titles = columns.map(\.title)
        alignments = columns.map(\.alignment)
    }

    package mutating func append(_ cells: [[UInt8]]) {
        rows.append(
            cells.map { cell in
                var shown: [UInt8] = []
                TerminalText.append(cell, to: &shown)
                return shown
            })
    }

    package mutating func append(_ cells: [String]) {
        append(cells.map { Array($0.utf8) })
    }

    /// Appends the table; the last column is not padded.
    package func write(to bytes: inout [UInt8]) {
        let header = titles.map { Array($0.utf8) }
        var widths = header.map { TerminalText.columnCount($0) }
        for row in rows {
            for (column, cell) in row.enumerated() where column < widths.count {
                widths[column] = max(widths[column], TerminalText.columnCount(cell))
            }
        }
        for row in [header] + rows {
            for (column, cell) in row.enumerated() where column < widths.count {
                if column > 0 { bytes.append(text: "  ") }
                let padding = [UInt8](
                    repeating: UInt8(ascii: " "), count: max(0, widths[column] - TerminalText.columnCount(cell)))
                if alignments[column] == .right { bytes.append(contentsOf: padding) }
                bytes.append(contentsOf: cell)
                if alignments[column] == .left, column + 1 < row.count { bytes.append(contentsOf: padding) }
            }
            bytes.append(UInt8(ascii: "\n"))
        }
    }
}

/// A horizontal bar in eighths of a column.
package enum Bar {
    /// Appends a bar of `value` in proportion to `maximum`, at most `columnCount` wide; anything above zero shows.
    package static func append(_ value: UInt64, of maximum: UInt64, columnCount: Int, to bytes: inout [UInt8]) {
        guard value > 0, maximum > 0, columnCount > 0 else { return }
        let share = min(1, Double(value) / Double(maximum))
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
}
