/// User names by number, from passwd(5) text.
///
/// The file is read directly: getpwnam(3) would load name service modules, which a static program cannot.
package struct UserDatabase: Sendable {
    private var names: [UInt32: [UInt8]] = [:]
    private var numbers: [[UInt8]: UInt32] = [:]

    /// Reads the lines of `text`; lines that are none are passed over, of several entries the first counts.
    package init(_ text: [UInt8]) {
        for line in text.split(separator: UInt8(ascii: "\n")) {
            let fields = line.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false)
            guard fields.count >= 3, !fields[0].isEmpty, let number = Self.number(fields[2]) else { continue }
            if names[number] == nil { names[number] = Array(fields[0]) }
            if numbers[Array(fields[0])] == nil { numbers[Array(fields[0])] = number }
        }
    }

    /// The number of a user given by name or by number.
    package func number(of user: [UInt8]) -> UInt32? {
        numbers[user] ?? Self.number(user[...])
    }

    package func name(of number: UInt32) -> [UInt8]? {
        names[number]
    }

    private static func number(_ digits: ArraySlice<UInt8>) -> UInt32? {
        UInt32(String(decoding: digits, as: UTF8.self))
    }
}
