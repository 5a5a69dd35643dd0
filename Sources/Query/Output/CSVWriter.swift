/// Writes rows of comma-separated values (RFC 4180, lines end with LF).
package struct CSVWriter {
    package var bytes: [UInt8] = []
    /// Control characters are escaped as `TerminalText` does. For a terminal; a file gets the bytes as they are.
    private let isForTerminal: Bool
    private var isFirst = true

    package init(isForTerminal: Bool) {
        self.isForTerminal = isForTerminal
    }

    package mutating func field(_ value: [UInt8]) {
        separate()
        var value = value
        if isForTerminal {
            var shown: [UInt8] = []
            TerminalText.append(value, to: &shown)
            value = shown
        }
        let needsQuotes = value.contains { byte in
            byte == UInt8(ascii: ",") || byte == UInt8(ascii: "\"") || byte == 0x0A || byte == 0x0D
        }
        guard needsQuotes else {
            bytes.append(contentsOf: value)
            return
        }
        bytes.append(UInt8(ascii: "\""))
        for byte in value {
            if byte == UInt8(ascii: "\"") { bytes.append(byte) }
            bytes.append(byte)
        }
        bytes.append(UInt8(ascii: "\""))
    }

    package mutating func field(_ value: String) {
        field(Array(value.utf8))
    }

    package mutating func field(integer value: some FixedWidthInteger) {
        separate()
        bytes.append(decimal: value)
    }

    /// A value that is not known.
    package mutating func empty() {
        separate()
    }

    package mutating func endRow() {
        bytes.append(UInt8(ascii: "\n"))
        isFirst = true
    }

    private mutating func separate() {
        if !isFirst { bytes.append(UInt8(ascii: ",")) }
        isFirst = false
    }
}
