/// One JSON object on a line, for the control socket. Every text in it is the recorder's own or checked UTF-8.
struct JSONLine {
    private var members: [String] = []

    init(ok: Bool) {
        members = ["\"ok\":\(ok)"]
    }

    init(error: String) {
        self.init(ok: false)
        add("error", text: error)
    }

    mutating func add(_ key: String, number: some FixedWidthInteger) {
        members.append("\"\(key)\":\(number)")
    }

    mutating func add(_ key: String, boolean: Bool) {
        members.append("\"\(key)\":\(boolean)")
    }

    mutating func add(_ key: String, text: String) {
        members.append("\"\(key)\":\(Self.quoted(text))")
    }

    mutating func add(_ key: String, texts: [String]) {
        members.append("\"\(key)\":[\(texts.map(Self.quoted).joined(separator: ","))]")
    }

    var text: String { "{\(members.joined(separator: ","))}\n" }

    /// RFC 8259 §7.
    private static func quoted(_ text: String) -> String {
        var quoted = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": quoted += "\\\""
            case "\\": quoted += "\\\\"
            case "\n": quoted += "\\n"
            case _ where scalar.value < 0x20 || scalar.value == 0x7F:
                let digits = String(scalar.value, radix: 16)
                quoted += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: quoted.unicodeScalars.append(scalar)
            }
        }
        return quoted + "\""
    }
}
