/// The hash by which paths enter commit hashes and filters: of the whole path, built component by component.
///
/// Shape: the root is XXH3-128 of "/"; a path is XXH3-128 of its directory's hash (low, then high, little-endian)
/// followed by its last name; where the directory is not known sixteen zero bytes take its place. So it depends on
/// nothing but the path's bytes, and an entry costs one short hash however deep it lies.
enum PathHash {
    static let root = hash(ofRootName: [UInt8(ascii: "/")])
    static let unknown = EventsHash(high: 0, low: 0)

    /// The hash of `name` in a directory.
    @inline(__always)
    static func child(of directory: EventsHash, name: RawSpan) -> EventsHash {
        XXH3.hash128(name, after: directory)
    }

    /// The hash of a whole path, or of a bare name where it does not begin with "/".
    static func whole(_ path: [UInt8]) -> EventsHash {
        let isAbsolute = path.first == UInt8(ascii: "/")
        var hash = isAbsolute ? root : unknown
        for name in path.split(separator: UInt8(ascii: "/")) {
            // SAFETY: bytes are initialised memory without padding; the span does not outlive the slice.
            hash = child(of: hash, name: unsafe name.span.bytes)
        }
        return hash
    }

    private static func hash(ofRootName name: [UInt8]) -> EventsHash {
        // SAFETY: bytes are initialised memory without padding; the span does not outlive the array.
        unsafe XXH3.hash128(name.span.bytes)
    }
}
