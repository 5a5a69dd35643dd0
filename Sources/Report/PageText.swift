internal import Query

/// Bytes of the store as text of a page, where none of them is ever markup or script.
///
/// Text goes two ways into a page: into HTML, where `<` and its like become character references, and into the JSON that
/// the page's script reads, where they become escapes of JSON and never end the element that holds it. The script gives
/// every text to the document as text, never as markup.
enum PageText {
    /// Longer texts are shown by their beginning and their end.
    static let maximumScalarCount = 480

    /// Bytes for people: as in a terminal, what steers (control characters, bidirectional marks, …) and what is not UTF-8
    /// is written as `\xNN`. At most `maximumScalarCount` scalars and a sign for what was left out.
    static func shown(_ bytes: [UInt8]) -> String {
        // Of the part that is left out nothing is looked at.
        let escaped =
            bytes.count <= 4 * maximumScalarCount
            ? TerminalText.escaped(bytes)
            : TerminalText.escaped(Array(bytes.prefix(2 * maximumScalarCount)))
                + TerminalText.escaped(Array(bytes.suffix(2 * maximumScalarCount)))
        return shortened(escaped)
    }

    /// Text for people, cut in the middle where it is long.
    static func shortened(_ text: String) -> String {
        let scalars = text.unicodeScalars
        guard scalars.count > maximumScalarCount else { return text }
        let half = maximumScalarCount / 2
        return String(scalars.prefix(half)) + " … " + String(scalars.suffix(half))
    }

    /// Text as content of an HTML element or as a quoted attribute.
    static func html(_ text: String) -> [UInt8] {
        var bytes: [UInt8] = []
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "<"): bytes.append(text: "&lt;")
            case UInt8(ascii: ">"): bytes.append(text: "&gt;")
            case UInt8(ascii: "&"): bytes.append(text: "&amp;")
            case UInt8(ascii: "\""): bytes.append(text: "&quot;")
            case UInt8(ascii: "'"): bytes.append(text: "&#39;")
            default: bytes.append(byte)
            }
        }
        return bytes
    }

    /// JSON as content of a `script` element: the characters of tags and comments occur only in strings, and there as
    /// escapes.
    static func script(_ json: [UInt8]) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(json.count + json.count / 16)
        for byte in json {
            switch byte {
            case UInt8(ascii: "<"), UInt8(ascii: ">"), UInt8(ascii: "&"):
                bytes.append(text: "\\u00")
                bytes.append(hexadecimal: byte)
            default: bytes.append(byte)
            }
        }
        return bytes
    }
}
