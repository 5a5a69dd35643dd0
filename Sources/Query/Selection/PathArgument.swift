package import Model

/// Paths as they are typed, made comparable with paths as they are recorded.
package enum PathArgument {
    /// An absolute path without empty, `.` and `..` components. Symbolic links are not followed.
    package static func absolute(_ text: [UInt8], workingDirectory: RawPath) -> RawPath {
        let slash = UInt8(ascii: "/")
        let joined = text.first == slash ? text : workingDirectory.bytes + [slash] + text
        var components: [ArraySlice<UInt8>] = []
        for component in joined.split(separator: slash) {
            if component.elementsEqual(".".utf8) { continue }
            if component.elementsEqual("..".utf8) {
                _ = components.popLast()
            } else {
                components.append(component)
            }
        }
        guard !components.isEmpty else { return RawPath("/") }
        return RawPath(components.reduce(into: []) { $0 += [slash] + $1 })
    }

    /// A pattern from the command line. One that starts with `./` or `../` is read from the working directory; a slash at
    /// the end is dropped and several side by side are one, since recorded paths have none of either. One that no path
    /// matches is refused.
    package static func glob(_ text: [UInt8], workingDirectory: RawPath) throws(GlobError) -> Glob {
        var pattern = Glob.spelled(text)
        if pattern.starts(with: "./".utf8) || pattern.starts(with: "../".utf8) || pattern.elementsEqual(".".utf8)
            || pattern.elementsEqual("..".utf8)
        {
            pattern = absolute(pattern, workingDirectory: RawPath(escaped(workingDirectory.bytes))).bytes
        }
        let glob = try Glob(pattern)
        try glob.expectMatches()
        return glob
    }

    /// The bytes with a backslash before every one that a pattern gives a meaning.
    package static func escaped(_ bytes: [UInt8]) -> [UInt8] {
        var result: [UInt8] = []
        for byte in bytes {
            if "*?[\\".utf8.contains(byte) { result.append(UInt8(ascii: "\\")) }
            result.append(byte)
        }
        return result
    }
}
