/// The same operations for names that are arrays already; where events come by, spans are cheaper.
extension PathDictionary {
    /// The directory `name` in `parent`; made when it is new.
    package mutating func internDirectory(parent: DirectoryIndex, name: [UInt8]) -> DirectoryIndex {
        // SAFETY: bytes are initialised memory without padding; the span does not outlive the array.
        internDirectory(parent: parent, name: unsafe name.span.bytes)
    }

    /// The path `name` in `directory`; made when it is new. An empty name or "." is the directory itself.
    package mutating func internPath(directory: DirectoryIndex, name: [UInt8]) -> PathIndex {
        // SAFETY: bytes are initialised memory without padding; the span does not outlive the array.
        internPath(directory: directory, name: unsafe name.span.bytes)
    }

    /// The same with the name in a part of an array.
    package mutating func internDirectory(parent: DirectoryIndex, name: ArraySlice<UInt8>) -> DirectoryIndex {
        // SAFETY: bytes are initialised memory without padding; the span does not outlive the slice.
        internDirectory(parent: parent, name: unsafe name.span.bytes)
    }

    /// The same with the name in a part of an array.
    package mutating func internPath(directory: DirectoryIndex, name: ArraySlice<UInt8>) -> PathIndex {
        // SAFETY: bytes are initialised memory without padding; the span does not outlive the slice.
        internPath(directory: directory, name: unsafe name.span.bytes)
    }

    /// The directory `name` in `parent`; nil where it is not here.
    package func findDirectory(parent: DirectoryIndex, name: ArraySlice<UInt8>) -> DirectoryIndex? {
        // SAFETY: bytes are initialised memory without padding; the span does not outlive the slice.
        find(directory: parent, name: unsafe name.span.bytes)
    }

    /// The path `name` in `directory`, an empty name being the directory itself; nil where it is not here.
    package func findPath(directory: DirectoryIndex, name: ArraySlice<UInt8>) -> PathIndex? {
        // SAFETY: bytes are initialised memory without padding; the span does not outlive the slice.
        find(pathIn: directory, name: unsafe name.span.bytes)
    }

    /// Gives an unplaced directory its place.
    package mutating func place(_ directory: DirectoryIndex, parent: DirectoryIndex, name: [UInt8]) {
        // SAFETY: bytes are initialised memory without padding; the span does not outlive the array.
        place(directory, parent: parent, name: unsafe name.span.bytes)
    }
}
