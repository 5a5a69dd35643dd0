/// A path or a name as the kernel has it: any bytes but NUL; not necessarily UTF-8.
package struct RawPath: Hashable, Sendable, Comparable {
    package var bytes: [UInt8]

    package init(_ bytes: [UInt8]) {
        self.bytes = bytes
    }

    package init(_ text: String) {
        bytes = Array(text.utf8)
    }

    /// The text, or nil where the bytes are not valid UTF-8.
    package var text: String? {
        String(validating: bytes, as: UTF8.self)
    }

    /// The text with U+FFFD for every invalid sequence. For people, never for comparing.
    package var lossyText: String {
        String(decoding: bytes, as: UTF8.self)
    }

    package static func < (lhs: RawPath, rhs: RawPath) -> Bool {
        lhs.bytes.lexicographicallyPrecedes(rhs.bytes)
    }

    /// This path with one more component, separated by exactly one slash.
    package func appending(_ name: some Collection<UInt8>) -> RawPath {
        var joined = bytes
        if joined.last != UInt8(ascii: "/") { joined.append(UInt8(ascii: "/")) }
        joined.append(contentsOf: name)
        return RawPath(joined)
    }

    /// The directories above it, the nearest first and `/` left out; for a path from the root.
    package var ancestors: [RawPath] {
        var found: [RawPath] = []
        var rest = bytes[...]
        while let slash = rest.lastIndex(of: UInt8(ascii: "/")), slash > 0 {
            rest = rest[..<slash]
            found.append(RawPath(Array(rest)))
        }
        return found
    }

    /// What follows the last slash; the path itself where nothing does.
    package static func lastName(of path: [UInt8]) -> [UInt8] {
        guard let slash = path.lastIndex(of: UInt8(ascii: "/")), slash + 1 < path.count else { return path }
        return Array(path[(slash + 1)...])
    }

    /// True for the directory itself and all below it, by whole components.
    package func isAtOrUnder(_ directory: RawPath) -> Bool {
        let prefix = directory.bytes.last == UInt8(ascii: "/") ? directory.bytes.dropLast() : directory.bytes[...]
        guard bytes.starts(with: prefix) else { return false }
        return bytes.count == prefix.count || bytes[prefix.count] == UInt8(ascii: "/")
    }
}
