package import Model

/// Writes one JSON value into bytes, field by field.
///
/// Strings are written from bytes: valid UTF-8 passes, control characters (of a terminal too, see
/// `UTF8Scanner.isControl`) are written as `\uNNNN`, which every reader takes back as they were.
package struct JSONWriter {
    /// What was written so far. May be taken and emptied between top-level values.
    package var bytes: [UInt8] = []
    private var needsComma = false

    package init() {}

    package mutating func beginObject() {
        separate()
        bytes.append(UInt8(ascii: "{"))
        needsComma = false
    }

    package mutating func endObject() {
        bytes.append(UInt8(ascii: "}"))
        needsComma = true
    }

    package mutating func beginArray() {
        separate()
        bytes.append(UInt8(ascii: "["))
        needsComma = false
    }

    package mutating func endArray() {
        bytes.append(UInt8(ascii: "]"))
        needsComma = true
    }

    /// Ends a line of JSON lines.
    package mutating func endLine() {
        bytes.append(UInt8(ascii: "\n"))
        needsComma = false
    }

    /// Ends a value whose separator the caller writes.
    mutating func endElement() {
        needsComma = false
    }

    /// The name of the next value. Range: a name without characters that need escapes.
    package mutating func key(_ name: StaticString) {
        separate()
        bytes.append(UInt8(ascii: "\""))
        bytes.append(text: name)
        bytes.append(text: "\":")
        needsComma = false
    }

    /// A name that is made at run time.
    package mutating func key(dynamic name: String) {
        separate()
        appendQuoted(Array(name.utf8))
        bytes.append(UInt8(ascii: ":"))
        needsComma = false
    }

    package mutating func integer(_ value: some FixedWidthInteger) {
        separate()
        bytes.append(decimal: value)
        needsComma = true
    }

    package mutating func number(_ value: Double) {
        separate()
        bytes.append(string: value.isFinite ? "\(value)" : "null")
        needsComma = true
    }

    package mutating func boolean(_ value: Bool) {
        separate()
        if value { bytes.append(text: "true") } else { bytes.append(text: "false") }
        needsComma = true
    }

    package mutating func null() {
        separate()
        bytes.append(text: "null")
        needsComma = true
    }

    package mutating func string(_ value: String) {
        string(bytes: Array(value.utf8))
    }

    /// A string that needs no escapes.
    package mutating func string(static value: StaticString) {
        separate()
        bytes.append(UInt8(ascii: "\""))
        bytes.append(text: value)
        bytes.append(UInt8(ascii: "\""))
        needsComma = true
    }

    /// A string of any bytes; what is not UTF-8 becomes U+FFFD.
    package mutating func string(bytes value: [UInt8]) {
        separate()
        appendQuoted(value)
        needsComma = true
    }

    package mutating func base64(_ value: [UInt8]) {
        separate()
        bytes.append(UInt8(ascii: "\""))
        bytes.append(base64: value)
        bytes.append(UInt8(ascii: "\""))
        needsComma = true
    }

    /// A moment as RFC 3339 with nanoseconds.
    package mutating func time(_ value: Instant, _ writer: inout TimestampWriter) {
        separate()
        bytes.append(UInt8(ascii: "\""))
        writer.append(value, to: &bytes)
        bytes.append(UInt8(ascii: "\""))
        needsComma = true
    }

    /// `"path":"…"`, and where the bytes are not UTF-8 `"path_raw":"BASE64"` beside it: the text for people (U+FFFD for
    /// what cannot be shown), the raw form for programs.
    package mutating func path(_ name: StaticString, raw rawName: StaticString, _ value: [UInt8]) {
        key(name)
        string(bytes: value)
        guard !UTF8Scanner.isValid(value) else { return }
        key(rawName)
        base64(value)
    }

    /// Members of an object that were written before by a `JSONWriter`, `"key":value,…`.
    package mutating func members(_ text: [UInt8]) {
        separate()
        bytes.append(contentsOf: text)
        needsComma = true
    }

    /// A value that is JSON already.
    package mutating func raw(_ text: [UInt8]) {
        separate()
        bytes.append(contentsOf: text)
        needsComma = true
    }

    private mutating func separate() {
        if needsComma { bytes.append(UInt8(ascii: ",")) }
    }

    private mutating func appendQuoted(_ value: [UInt8]) {
        bytes.append(UInt8(ascii: "\""))
        var index = 0
        while index < value.count {
            // Nearly all bytes need no look of their own, so they are copied in runs.
            let first = index
            while index < value.count, Self.isPlain(value[index]) { index += 1 }
            if first < index { bytes.append(contentsOf: value[first..<index]) }
            guard index < value.count else { break }
            let unit = UTF8Scanner.unit(of: value, at: index)
            switch unit {
            case .invalid: bytes.append(text: "\u{FFFD}")
            case .scalar(UInt32(UInt8(ascii: "\"")), _): bytes.append(text: "\\\"")
            case .scalar(UInt32(UInt8(ascii: "\\")), _): bytes.append(text: "\\\\")
            case .scalar(0x0A, _): bytes.append(text: "\\n")
            case .scalar(0x09, _): bytes.append(text: "\\t")
            case .scalar(let scalar, let count):
                if UTF8Scanner.isControl(scalar) {
                    appendEscape(scalar)
                } else {
                    bytes.append(contentsOf: value[index..<(index + count)])
                }
            }
            index += unit.byteCount
        }
        bytes.append(UInt8(ascii: "\""))
    }

    /// Printable ASCII without quote and backslash.
    private static func isPlain(_ byte: UInt8) -> Bool {
        byte >= 0x20 && byte < 0x7F && byte != UInt8(ascii: "\"") && byte != UInt8(ascii: "\\")
    }

    /// `\uNNNN`, beyond U+FFFF as two surrogates.
    private mutating func appendEscape(_ scalar: UInt32) {
        var units = [UInt16(truncatingIfNeeded: scalar)]
        if scalar > 0xFFFF {
            let rest = scalar - 0x10000
            units = [0xD800 | UInt16(rest >> 10), 0xDC00 | UInt16(rest & 0x3FF)]
        }
        for unit in units {
            bytes.append(text: "\\u")
            bytes.append(hexadecimal: UInt8(unit >> 8))
            bytes.append(hexadecimal: UInt8(unit & 0xFF))
        }
    }
}
