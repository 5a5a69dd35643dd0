/// Writes rows as JSON objects: one a line, or as the elements of one array.
package struct JSONRows {
    private let isArray: Bool
    private var isFirst = true
    /// Takes the members of the row begun.
    package var json = JSONWriter()

    package init(isArray: Bool) {
        self.isArray = isArray
        if isArray { json.bytes.append(text: "[") }
    }

    package mutating func begin() {
        if isArray { json.bytes.append(text: isFirst ? "\n" : ",\n") }
        isFirst = false
        json.beginObject()
    }

    package mutating func end() {
        json.endObject()
        if isArray { json.endElement() } else { json.endLine() }
    }

    /// All that was written, with the end of the array.
    package mutating func finish() -> [UInt8] {
        if isArray { json.bytes.append(text: isFirst ? "]\n" : "\n]\n") }
        return json.bytes
    }
}
