internal import Model
internal import Query

extension SQLValue {
    /// Bytes of a path or a name: TEXT where they are valid UTF-8, else BLOB, so that no byte is lost.
    static func bytes(_ value: [UInt8]) -> SQLValue {
        UTF8Scanner.isValid(value) ? .text(value) : .blob(value)
    }

    static func bytes(_ value: [UInt8]?) -> SQLValue {
        value.map { bytes($0) } ?? .null
    }

    static func path(_ value: RawPath?) -> SQLValue {
        bytes(value?.bytes)
    }

    static func moment(_ value: Instant, _ writer: inout TimestampWriter) -> SQLValue {
        var text: [UInt8] = []
        text.reserveCapacity(30)
        writer.append(value, to: &text)
        return .text(text)
    }

    static func moment(_ value: Instant?, _ writer: inout TimestampWriter) -> SQLValue {
        value.map { moment($0, &writer) } ?? .null
    }
}
