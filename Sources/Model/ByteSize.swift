/// Sizes such as `512M`, `1.5GiB`, `4096`; K, M, G, T are powers of 1,024 with or without `iB` or `B`.
package enum ByteSize {
    /// The number of bytes that `text` names; nil where it names none or more than an `Int64` holds.
    package static func parse(_ text: String) -> Int64? {
        let number = text.prefix { $0.isASCII && ($0.isNumber || $0 == ".") }
        guard !number.isEmpty, let value = Double(String(number)), value.isFinite else { return nil }
        let factor: Double
        switch text.dropFirst(number.count).lowercased() {
        case "", "b": factor = 1
        case "k", "kb", "kib": factor = 1_024
        case "m", "mb", "mib": factor = 1_048_576
        case "g", "gb", "gib": factor = 1_073_741_824
        case "t", "tb", "tib": factor = 1_099_511_627_776
        default: return nil
        }
        let bytes = value * factor
        guard bytes >= 0, bytes < 9.2e18 else { return nil }
        return Int64(bytes)
    }

    /// `count` for people: `312 B`, `1.4 MiB`.
    package static func text(_ count: Int64) -> String {
        let units = ["B", "KiB", "MiB", "GiB", "TiB"]
        var value = Double(count)
        var unit = 0
        while abs(value) >= 1_024, unit < units.count - 1 {
            value /= 1_024
            unit += 1
        }
        guard unit > 0 else { return "\(count) B" }
        let tenths = Int((value * 10).rounded())
        return "\(tenths / 10).\(abs(tenths % 10)) \(units[unit])"
    }
}
