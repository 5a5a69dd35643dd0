extension String {
    /// The same with control characters but the end of line written as `\xNN`: nothing that an argument or a name brought
    /// in may steer a terminal.
    package var withoutControls: String {
        var safe = UnicodeScalarView()
        for scalar in unicodeScalars {
            let isControl = scalar.value < 0x20 && scalar != "\n" || (0x7F..<0xA0).contains(scalar.value)
            if isControl {
                safe.append(
                    contentsOf: "\\x\(scalar.value < 16 ? "0" : "")\(String(scalar.value, radix: 16))".unicodeScalars)
            } else {
                safe.append(scalar)
            }
        }
        return String(safe)
    }
}
