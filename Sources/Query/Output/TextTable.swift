/// A small table for people: all rows are held, columns are as wide as their widest cell.
///
/// Cells are escaped for a terminal here, so callers hand over raw bytes.
package struct TextTable {
    package enum Alignment: Sendable {
        case left
        case right
    }

    /// How many columns of a terminal part two columns of a table.
    static let gutter = 2

    private let titles: [String]
    private let alignments: [Alignment]
    private var rows: [[[UInt8]]] = []
    private var columnStyles: [Int: TextStyle] = [:]
    private var rowStyles: [Int: TextStyle] = [:]

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

    /// How the cells of a column look on a terminal with colours.
    mutating func style(column: Int, _ style: TextStyle) { columnStyles[column] = style }

    /// The same for those of the last row.
    mutating func styleLastRow(_ style: TextStyle) { rowStyles[rows.count - 1] = style }

    /// Writes the table into the output.
    package func write(to output: AnswerOutput) {
        write(to: &output.bytes, on: output.terminal)
    }

    /// Appends the table; the last column is not padded. Parameter terminal: where it is shown, nil for none.
    package func write(to bytes: inout [UInt8], on terminal: Terminal? = nil) {
        let header = titles.map { Array($0.utf8) }
        var widths = header.map { TerminalText.columnCount($0) }
        for row in rows {
            for (column, cell) in row.enumerated() where column < widths.count {
                widths[column] = max(widths[column], TerminalText.columnCount(cell))
            }
        }
        write(header, widths, to: &bytes, on: terminal) { _ in .heading }
        for (number, row) in rows.enumerated() {
            write(row, widths, to: &bytes, on: terminal) { rowStyles[number] ?? columnStyles[$0] }
        }
    }

    private func write(
        _ row: [[UInt8]], _ widths: [Int], to bytes: inout [UInt8], on terminal: Terminal?, _ style: (Int) -> TextStyle?
    ) {
        for (column, cell) in row.enumerated() where column < widths.count {
            if column > 0 { bytes.append(contentsOf: repeatElement(UInt8(ascii: " "), count: Self.gutter)) }
            let padding = repeatElement(
                UInt8(ascii: " "), count: max(0, widths[column] - TerminalText.columnCount(cell)))
            if alignments[column] == .right { bytes.append(contentsOf: padding) }
            if let style = style(column), !cell.isEmpty {
                style.append(to: &bytes, on: terminal) { $0.append(contentsOf: cell) }
            } else {
                bytes.append(contentsOf: cell)
            }
            if alignments[column] == .left, column + 1 < row.count { bytes.append(contentsOf: padding) }
        }
        bytes.append(UInt8(ascii: "\n"))
    }
}
