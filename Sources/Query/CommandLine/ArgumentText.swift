package import Model

/// Arguments as text for the argument parser, which knows nothing else, and back as the bytes that they were.
///
/// A byte that is no UTF-8 becomes one of the last 128 scalars there are; so does each byte of such a scalar where an
/// argument holds one. No two arguments become the same text, so the order in which the parser reads them does not matter.
package enum ArgumentText {
    private static let offset: UInt32 = 0x10FF00
    private static let scalars: ClosedRange<UInt32> = 0x10FF80...0x10FFFF

    /// The text that stands for `bytes`.
    package static func standing(for bytes: [UInt8]) -> String {
        var text = String.UnicodeScalarView()
        var index = 0
        while index < bytes.count {
            let unit = UTF8Scanner.unit(of: bytes, at: index)
            if case .scalar(let value, _) = unit, !scalars.contains(value), let scalar = Unicode.Scalar(value) {
                text.append(scalar)
            } else {
                text.append(
                    contentsOf: bytes[index..<(index + unit.byteCount)].compactMap {
                        Unicode.Scalar(offset + UInt32($0))
                    })
            }
            index += unit.byteCount
        }
        return String(text)
    }

    /// The bytes for which `text` stands.
    package static func bytes(_ text: String) -> [UInt8] {
        text.unicodeScalars.flatMap {
            byte(of: $0).map { [$0] } ?? Array(UTF8.encode($0) ?? UTF8.encodedReplacementCharacter)
        }
    }

    /// The same for people: a byte that is no text is written as `\xNN`.
    package static func shown(_ text: String) -> String {
        guard text.unicodeScalars.contains(where: { byte(of: $0) != nil }) else { return text }
        return text.unicodeScalars.reduce(into: "") { shown, scalar in
            if let byte = byte(of: scalar) {
                shown += "\\x\(String(byte, radix: 16))"
            } else {
                shown.unicodeScalars.append(scalar)
            }
        }
    }

    private static func byte(of scalar: Unicode.Scalar) -> UInt8? {
        scalars.contains(scalar.value) ? UInt8(scalar.value - offset) : nil
    }
}

extension RawPath {
    /// What was typed, by what the argument parser was given for it.
    package init(typed text: String) {
        self.init(ArgumentText.bytes(text))
    }
}
