internal import Model

/// The paths that a selection asks for by name.
package struct AskedPlaces: Sendable {
    private let paths: [Glob]
    private let directories: [Glob]

    package init(_ selection: Selection) {
        paths = selection.paths
        directories = selection.directories
    }

    /// Every path there is, each by name.
    package static let everywhere = AskedPlaces(paths: [Glob(under: RawPath("/"))])

    private init(paths: [Glob]) {
        self.paths = paths
        directories = []
    }

    /// True when a path that is asked for may match `pattern` or lie below what does.
    func touch(_ pattern: Glob) -> Bool {
        let found = [paths, directories].map { globs in globs.filter { $0.meetsSubtree(of: pattern) } }
        if directories.isEmpty { return !found[0].isEmpty }
        if paths.isEmpty { return !found[1].isEmpty }
        // Both keys narrow: what has no path with the other asks for nothing.
        return found[0].contains { path in found[1].contains { path.meetsSubtree(of: $0) } }
    }
}
