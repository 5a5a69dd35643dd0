import FoundationEssentials

/// The repository's own files, as the tidy tests read them.
struct SourceTree {
    /// The repository's top directory, found from this file's own place in it.
    static let root = #filePath.split(separator: "/", omittingEmptySubsequences: false).dropLast(3).joined(
        separator: "/")

    /// A text file: its path from the top of the repository, and its lines.
    struct File: Sendable, CustomStringConvertible {
        var path: String
        var lines: [String]

        var description: String { path }
        /// The target a Swift file belongs to: `Block` for `Sources/Block/Encode/Column.swift`.
        var room: String {
            let parts = path.split(separator: "/")
            return parts.first == "schema" ? "Schema" : String(parts.dropFirst().first ?? "")
        }
    }

    /// Every text file below the given places whose name ends in one of `suffixes`, in path order.
    static func files(in places: [String], suffixes: [String]) throws -> [File] {
        try places.flatMap { try paths(at: $0) }.sorted()
            .filter { path in suffixes.contains { path.hasSuffix($0) } }
            .map { File(path: $0, lines: try lines(of: $0)) }
    }

    static func swiftFiles(in places: [String]) throws -> [File] {
        try files(in: places, suffixes: [".swift"])
    }

    static func lines(of path: String) throws -> [String] {
        try String(contentsOfFile: "\(root)/\(path)", encoding: .utf8)
            .split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    }

    private static func paths(at place: String) throws -> [String] {
        var isDirectory = false
        guard FileManager.default.fileExists(atPath: "\(root)/\(place)", isDirectory: &isDirectory) else { return [] }
        guard isDirectory else { return [place] }
        return try FileManager.default.contentsOfDirectory(atPath: "\(root)/\(place)")
            .filter { !$0.hasPrefix(".") }
            .flatMap { try paths(at: "\(place)/\($0)") }
    }
}
