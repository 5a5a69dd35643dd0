/// A block's directories and paths, decoded: arenas, no object per entry.
package struct DecodedPaths: Sendable {
    package let directoryCount: Int
    /// `PathIndex` counts to here.
    package let count: Int

    /// The directory a path lies in; `absent` where it is not known (then the path is only a name).
    package func directory(of path: PathIndex) -> DirectoryIndex { .absent }

    /// The parent of a directory; `absent` for the root, index 0.
    package func parent(of directory: DirectoryIndex) -> DirectoryIndex { .absent }

    /// The last name of a path; empty for the root itself.
    package func name(of path: PathIndex) -> ArraySlice<UInt8> { [] }

    /// The last name of a directory; empty for the root.
    package func name(ofDirectory directory: DirectoryIndex) -> ArraySlice<UInt8> { [] }

    /// Appends the whole path, "/a/b"; only the name where the directory is not known.
    package func appendPath(_ path: PathIndex, to bytes: inout [UInt8]) {}

    /// Appends the directory's whole path; "/" for the root.
    package func appendDirectory(_ directory: DirectoryIndex, to bytes: inout [UInt8]) {}
}
