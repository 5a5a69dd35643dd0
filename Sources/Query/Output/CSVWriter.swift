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
        field { $0.append(contentsOf: value) }
    }

    package mutating func field(_ value: String) {
        field { $0.append(contentsOf: value.utf8) }
    }

    /// A field of what `append` appends.
    @inline(__always)
    package mutating func field(_ append: (inout [UInt8]) -> Void) {
        separate()
        let start = bytes.count
        append(&bytes)
        if isForTerminal || needsQuotes(from: start) { rewrite(from: start) }
    }

    /// Bytes that are not kept: a field without a copy of its own.
    package mutating func field(_ value: UnsafeRawBufferPointer) {
        // SAFETY: the buffer is only read, within the call and within its bounds.
        field { unsafe $0.append(contentsOf: value) }
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

    /// The text of fields that many rows have; for `fields`.
    package func text(_ write: (inout CSVWriter) -> Void) -> [UInt8] {
        var writer = CSVWriter(isForTerminal: isForTerminal)
        write(&writer)
        return writer.bytes
    }

    /// Some fields, made by `text`.
    @inline(__always)
    package mutating func fields(_ text: [UInt8]) {
        separate()
        bytes.append(contentsOf: text)
    }

    @inline(__always)
    private mutating func separate() {
        if !isFirst { bytes.append(UInt8(ascii: ",")) }
        isFirst = false
    }

    /// Command lines are thousands of bytes, so eight are looked at at once.
    @inline(__always)
    private func needsQuotes(from start: Int) -> Bool {
        let span = bytes.span
        // SAFETY: bytes are initialised memory without padding; the span does not outlive the array.
        let memory = unsafe span.bytes
        var index = start
        while index &+ 8 <= span.count {
            // SAFETY: eight bytes are inside; every bit pattern is a UInt64.
            let word = unsafe memory.unsafeLoadUnaligned(fromByteOffset: index, as: UInt64.self)
            let found =
                Self.zeros(word ^ Self.each(",")) | Self.zeros(word ^ Self.each("\""))
                | Self.zeros(word ^ Self.each("\n")) | Self.zeros(word ^ Self.each("\r"))
            if found != 0 { return true }
            index &+= 8
        }
        while index < span.count {
            let byte = span[index]
            if byte == UInt8(ascii: ",") || byte == UInt8(ascii: "\"") || byte == 0x0A || byte == 0x0D { return true }
            index &+= 1
        }
        return false
    }

    /// The character in each of eight bytes.
    @inline(__always)
    private static func each(_ character: Unicode.Scalar) -> UInt64 {
        UInt64(UInt8(ascii: character)) &* 0x0101_0101_0101_0101
    }

    /// Not 0 where one of the bytes is.
    @inline(__always)
    private static func zeros(_ word: UInt64) -> UInt64 {
        (word &- 0x0101_0101_0101_0101) & ~word & 0x8080_8080_8080_8080
    }

    /// Escapes and quotes the field that begins at `start`.
    private mutating func rewrite(from start: Int) {
        var value = Array(bytes[start...])
        bytes.removeSubrange(start...)
        if isForTerminal {
            var shown: [UInt8] = []
            TerminalText.append(value, to: &shown)
            value = shown
        }
        bytes.append(contentsOf: value)
        guard needsQuotes(from: start) else { return }
        bytes.removeSubrange(start...)
        bytes.append(UInt8(ascii: "\""))
        for byte in value {
            if byte == UInt8(ascii: "\"") { bytes.append(byte) }
            bytes.append(byte)
        }
        bytes.append(UInt8(ascii: "\""))
    }
}
