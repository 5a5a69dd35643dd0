/// Paths as a block holds them, of one path group or of several one after the other.
struct StoredPaths: Sendable {
    /// For each path its directory, `absent` where it is not known.
    private(set) var directories: [UInt32] = []
    /// As in `NameArena`: a name is the beginning of the one before it and a rest.
    private(set) var prefixes: [UInt8] = []
    private(set) var rests: [UInt8] = []

    init() {}

    /// Throws: `malformed` where the names are not as many as the paths, or the first builds on one before it: then groups
    /// would not be what they are when they are read one by one.
    init(directories: [UInt32], prefixes: [UInt8], rests: [UInt8]) throws(PartError) {
        guard prefixes.isEmpty || prefixes.count == directories.count else { throw .malformed("count of prefixes") }
        guard prefixes.first ?? 0 == 0 else { throw .malformed("prefix longer than the name before") }
        guard rests.last ?? 0 == 0 else { throw .truncated }
        // SAFETY: bytes are initialised memory without padding; the span does not outlive the array.
        guard unsafe rests.span.bytes.zeroCount == directories.count else { throw .malformed("count of names") }
        self.directories = directories
        self.prefixes = prefixes
        self.rests = rests
    }

    mutating func append(_ other: StoredPaths) {
        if directories.isEmpty {
            self = other
            return
        }
        if !prefixes.isEmpty || !other.prefixes.isEmpty {
            prefixes.append(contentsOf: repeatElement(0, count: directories.count - prefixes.count))
            prefixes.append(contentsOf: other.prefixes)
            prefixes.append(
                contentsOf: repeatElement(0, count: other.directories.count - other.prefixes.count))
        }
        directories.append(contentsOf: other.directories)
        rests.append(contentsOf: other.rests)
    }
}

/// A path group with the names of its paths as they are stored, which is enough to look up a few.
///
/// Of the names only every sixteenth is found out where it stands, so that those which nobody looks up take hardly any time. Whether
/// a name is what it can be is checked when it is looked up.
struct PathParts: Sendable {
    private let directories: DirectoryNames
    /// The index of the group's first path; below, places count from it.
    private let first: Int
    private let pathDirectories: [UInt32]
    private let prefixes: [UInt8]
    private let rests: [UInt8]
    /// Where the rest of the first name of each stretch begins.
    private let stretchStarts: [UInt32]

    /// Cost: one pass over the bytes of the names, eight at a time.
    init(directories: DirectoryNames, _ paths: StoredPaths, first: Int) throws(PartError) {
        guard paths.rests.count <= BlockLimits.partByteCount else { throw .truncated }
        self.directories = directories
        self.first = first
        pathDirectories = paths.directories
        prefixes = paths.prefixes
        rests = paths.rests
        // SAFETY: bytes are initialised memory without padding; the span does not outlive the array.
        stretchStarts = unsafe NameStretch.starts(paths.rests.span.bytes)
    }

    /// The last name of the path at a place.
    private func name(at index: Int, _ stretch: inout NameStretch) throws(PartError) -> [UInt8] {
        let rest = rest(index, &stretch)
        var missing = sharedByteCount(index)
        var name = [UInt8](repeating: 0, count: missing) + rests[rest]
        var before = index
        // What is missing is the beginning of the name before, which may itself be that of the one before it.
        while missing > 0, before > 0 {
            before -= 1
            let shared = sharedByteCount(before)
            guard shared < missing else { continue }
            let rest = self.rest(before, &stretch)
            guard shared + rest.count >= missing else { throw .malformed("prefix longer than the name before") }
            let start = rest.lowerBound
            name.replaceSubrange(shared..<missing, with: rests[start..<start + missing - shared])
            missing = shared
        }
        return name
    }

    /// The whole path, as `DecodedPaths.appendPath` gives it. Range: one of the group's.
    func path(_ path: PathIndex) throws(PartError) -> [UInt8] {
        let index = Int(path) - first
        var bytes: [UInt8] = []
        let directory = pathDirectories[index]
        if directory != .absent { directories.appendSlashEnded(directory, to: &bytes) }
        var stretch = NameStretch()
        return bytes + (try name(at: index, &stretch))
    }

    /// The entries for the path with these components, at least one.
    func indices(of components: [ArraySlice<UInt8>]) throws(PartError) -> [PathIndex] {
        guard let name = components.last else { return [] }
        let holders = directories.consisting(of: components.dropLast())
        guard holders.contains(true) else { return [] }
        var found: [PathIndex] = []
        var stretch = NameStretch()
        let places = pathDirectories.span
        for index in places.indices where places[index] != .absent && holders[Int(places[index])] {
            guard sharedByteCount(index) + rest(index, &stretch).count == name.count else { continue }
            if try self.name(at: index, &stretch).elementsEqual(name) { found.append(PathIndex(first + index)) }
        }
        return found
    }

    private func sharedByteCount(_ index: Int) -> Int { prefixes.isEmpty ? 0 : Int(prefixes[index]) }

    /// Where the rest of a name stands, without the NUL behind it.
    private func rest(_ index: Int, _ stretch: inout NameStretch) -> Range<Int> {
        let number = index / NameStretch.nameCount
        // SAFETY: bytes are initialised memory without padding; the span does not outlive the array.
        unsafe stretch.use(number, from: Int(stretchStarts[number]), rests.span.bytes)
        return stretch.rest(index % NameStretch.nameCount)
    }
}

/// Where the rests of a few names in a row stand, of which the last one used is kept.
private struct NameStretch {
    static let nameCount = 16

    private var number = -1
    private var starts = InlineArray<17, Int>(repeating: 0)

    /// Where each stretch begins among rests that end with NUL.
    static func starts(_ rests: RawSpan) -> [UInt32] {
        var starts: [UInt32] = [0]
        var nameCount = 0
        var offset = 0
        while offset &+ 8 <= rests.byteCount {
            var zeros = rests.word(at: offset).zeroBytes
            let count = Int(truncatingIfNeeded: (zeros &>> 7 &* 0x0101_0101_0101_0101) &>> 56)
            let missing = Self.nameCount &- nameCount % Self.nameCount
            if count >= missing {
                for _ in 1..<missing { zeros &= zeros &- 1 }
                starts.append(UInt32(truncatingIfNeeded: offset &+ zeros.trailingZeroBitCount >> 3 &+ 1))
            }
            nameCount &+= count
            offset &+= 8
        }
        while offset < rests.byteCount {
            if rests.byte(at: offset) == 0 {
                nameCount &+= 1
                if nameCount % Self.nameCount == 0 { starts.append(UInt32(truncatingIfNeeded: offset &+ 1)) }
            }
            offset &+= 1
        }
        return starts
    }

    /// Finds the names of a stretch, unless they were the last to be found.
    @inline(__always)
    mutating func use(_ number: Int, from start: Int, _ rests: RawSpan) {
        if number != self.number { find(number, from: start, rests) }
    }

    private mutating func find(_ number: Int, from start: Int, _ rests: RawSpan) {
        self.number = number
        starts[0] = start
        for index in 0..<Self.nameCount {
            // Behind the last name all are empty.
            starts[index &+ 1] = min(rests.first(0, from: starts[index]) &+ 1, rests.byteCount)
        }
    }

    /// Without the NUL. Range: a name that there is.
    func rest(_ index: Int) -> Range<Int> { starts[index]..<starts[index &+ 1] &- 1 }
}

extension DirectoryNames {
    /// For each directory whether its path consists of these components.
    fileprivate func consisting(of components: ArraySlice<ArraySlice<UInt8>>) -> [Bool] {
        // How many components lead to a directory, -1 for one that lies elsewhere. Parents stand before children.
        var depths = [Int](repeating: -1, count: parents.count)
        depths[0] = 0
        for index in 1..<parents.count {
            let depth = depths[Int(parents[index])]
            guard depth >= 0, depth < components.count else { continue }
            if names[index].elementsEqual(components[components.startIndex + depth]) { depths[index] = depth + 1 }
        }
        return depths.map { $0 == components.count }
    }
}
