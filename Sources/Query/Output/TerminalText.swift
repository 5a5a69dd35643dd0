/// Bytes made safe for a terminal.
package enum TerminalText {
    /// Appends `source` with everything that could steer a terminal written as `\xNN`, byte by byte; a backslash becomes
    /// `\\`, so that the text can be read back without doubt.
    ///
    /// Escaped are control characters (C0, DEL, C1), bidirectional and invisible controls, and bytes that are not UTF-8.
    package static func append(_ source: [UInt8], to bytes: inout [UInt8]) {
        var index = 0
        while index < source.count {
            let byte = source[index]
            if byte >= 0x20, byte < 0x7F, byte != UInt8(ascii: "\\") {
                bytes.append(byte)
                index += 1
                continue
            }
            if byte == UInt8(ascii: "\\") {
                bytes.append(text: "\\\\")
                index += 1
                continue
            }
            let unit = UTF8Scanner.unit(of: source, at: index)
            let isShown =
                switch unit {
                case .scalar(let scalar, _): !UTF8Scanner.isControl(scalar)
                case .invalid: false
                }
            for part in source[index..<(index + unit.byteCount)] {
                if isShown {
                    bytes.append(part)
                } else {
                    bytes.append(text: "\\x")
                    bytes.append(hexadecimal: part)
                }
            }
            index += unit.byteCount
        }
    }

    /// `source` made safe, as text for a message.
    package static func escaped(_ source: [UInt8]) -> String {
        var bytes: [UInt8] = []
        append(source, to: &bytes)
        return String(decoding: bytes, as: UTF8.self)
    }

    /// How many columns a terminal uses for `escaped`, counting one for each scalar.
    ///
    /// Wide and combining characters are counted as one: columns may shift, nothing else.
    package static func columnCount(_ escaped: some Sequence<UInt8>) -> Int {
        escaped.reduce(0) { $0 + ($1 & 0xC0 == 0x80 ? 0 : 1) }
    }
}
