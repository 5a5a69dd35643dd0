private import Glibc
internal import Syscalls

/// What is known of the terminal that an answer is shown on.
package struct Terminal: Hashable, Sendable {
    /// How many columns it has. Range: at least 1.
    package var columnCount: Int
    package var hasColors: Bool
    /// False where its locale has no UTF-8: what is drawn is ASCII then.
    package var isUTF8: Bool

    package init(columnCount: Int = 80, hasColors: Bool = false, isUTF8: Bool = true) {
        self.columnCount = columnCount
        self.hasColors = hasColors
        self.isUTF8 = isUTF8
    }

    /// What the environment says. Parameter measured: how wide the terminal says that it is; `COLUMNS` is a wish for another
    /// width. <https://no-color.org>, locale(7).
    package init(measured: Int?, environment: (String) -> String?) {
        func value(_ name: String) -> String? {
            guard let value = environment(name), !value.isEmpty else { return nil }
            return value
        }
        let wished = value("COLUMNS").flatMap { Int($0) }.flatMap { Self.columnCounts.contains($0) ? $0 : nil }
        columnCount = wished ?? measured.flatMap { $0 > 0 ? $0 : nil } ?? 80
        hasColors = value("NO_COLOR") == nil && value("TERM").map { $0 != "dumb" } ?? false
        let locale = ["LC_ALL", "LC_CTYPE", "LANG"].compactMap(value).first ?? ""
        let codeset = locale.split(separator: "@").first?.split(separator: ".").dropFirst().first ?? ""
        isUTF8 = ["utf-8", "utf8"].contains(codeset.lowercased())
    }

    private static let columnCounts = 1...10_000

    /// The terminal that a stream leads to, as it is now: its window may be another size the next time. Nil where there is none.
    package init?(at descriptor: Int32) {
        guard isatty(descriptor) == 1 else { return nil }
        self.init(measured: WindowSize.columnCount(of: descriptor)) { name in
            // SAFETY: the name is a C string for the call; the value is copied at once.
            unsafe getenv(name).map { unsafe String(cString: $0) }
        }
    }

    /// How many columns are left in a line beside those of a table that hold these texts, and what parts them.
    func columnsLeft(beside columns: [[[UInt8]]]) -> Int {
        columns.reduce(columnCount) { left, texts in
            let widths = texts.map { text in
                var escaped: [UInt8] = []
                TerminalText.append(text, to: &escaped)
                return TerminalText.columnCount(escaped)
            }
            return left - (widths.max() ?? 0) - TextTable.gutter
        }
    }
}

/// What a text on a terminal with colours is, for its looks: ECMA-48, "Select Graphic Rendition".
package enum TextStyle: Sendable {
    /// A title of a column.
    case heading
    /// A bar, a sparkline.
    case figure
    /// Something is known to be missing.
    case warning

    /// Appends what `body` appends, in this style where the terminal has colours.
    package func append(to bytes: inout [UInt8], on terminal: Terminal?, _ body: (inout [UInt8]) -> Void) {
        guard terminal?.hasColors ?? false else { return body(&bytes) }
        switch self {
        case .heading: bytes.append(text: "\u{1B}[1m")
        case .figure: bytes.append(text: "\u{1B}[36m")
        case .warning: bytes.append(text: "\u{1B}[33m")
        }
        body(&bytes)
        bytes.append(text: "\u{1B}[0m")
    }
}
