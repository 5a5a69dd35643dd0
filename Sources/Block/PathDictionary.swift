/// Directories as a tree and names below them, each pair interned once.
///
/// Shape: entries and name bytes lie in arenas, two open-addressing tables find them; nothing is allocated per entry,
/// and nothing at all once the arenas have grown to a batch's size. Hashes are seeded per dictionary.
/// Cost: about 30 ns a call for a known name.
/// Names are single components: neither NUL nor "/" may occur in them.
package struct PathDictionary: Sendable {
    /// A (directory, name) pair; for a directory the first is its parent.
    struct Entry {
        var directory: UInt32
        var nameOffset: UInt32
        var nameByteCount: UInt32
    }

    private(set) var directories: [Entry]
    private(set) var paths: [Entry]
    private(set) var names: [UInt8]
    private var directoryTable: NameTable
    private var pathTable: NameTable
    private let hash: NameHash

    /// A parent of no directory: of the root, and of a directory whose place is not known.
    static let noParent = UInt32.max

    package init() {
        directories = [Entry(directory: Self.noParent, nameOffset: 0, nameByteCount: 0)]
        paths = []
        names = []
        directoryTable = NameTable(minimumCapacity: 64)
        pathTable = NameTable(minimumCapacity: 64)
        hash = NameHash()
    }

    /// How many directories there are, the root and unplaced ones included.
    package var directoryCount: Int { directories.count }
    package var pathCount: Int { paths.count }
    /// The bytes all names take; a batch ends when they reach 8 MiB.
    package var nameByteCount: Int { names.count }

    /// What entries and names take in memory.
    var entryMemoryByteCount: Int {
        (directories.capacity + paths.capacity) * MemoryLayout<Entry>.stride + names.capacity
    }
    /// What the tables that find them take.
    var tableMemoryByteCount: Int { directoryTable.memoryByteCount + pathTable.memoryByteCount }

    /// Forgets everything but the root.
    package mutating func removeAll(keepingCapacity: Bool) {
        guard keepingCapacity else {
            self = PathDictionary()
            return
        }
        directories.removeSubrange(1...)
        paths.removeAll(keepingCapacity: true)
        names.removeAll(keepingCapacity: true)
        directoryTable.removeAll()
        pathTable.removeAll()
    }

    /// The directory `name` in `parent`; made when it is new.
    package mutating func internDirectory(parent: DirectoryIndex, name: RawSpan) -> DirectoryIndex {
        precondition(parent < directories.count, "no such directory in this dictionary")
        let tag = hash(parent, name)
        if let found = directoryTable.find(tag, parent, name, in: directories, names) { return found }
        let index = UInt32(directories.count)
        directories.append(addEntry(parent, name))
        directoryTable.insert(tag, index)
        return index
    }

    /// The path `name` in `directory`; made when it is new. An empty name or "." is the directory itself.
    package mutating func internPath(directory: DirectoryIndex, name: RawSpan) -> PathIndex {
        precondition(directory < directories.count, "no such directory in this dictionary")
        if name.byteCount == 0 || (name.byteCount == 1 && name.byte(at: 0) == UInt8(ascii: ".")) {
            return internDirectoryAsPath(directory)
        }
        let tag = hash(directory, name)
        if let found = pathTable.find(tag, directory, name, in: paths, names) { return found }
        let index = UInt32(paths.count)
        paths.append(addEntry(directory, name))
        pathTable.insert(tag, index)
        return index
    }

    /// As `internPath`, but takes an entry as a block has it: the directory may be `absent`, the name empty.
    mutating func internMerged(directory: DirectoryIndex, name: ArraySlice<UInt8>) -> PathIndex {
        // SAFETY: bytes are initialised memory without padding; the span does not outlive the slice.
        let name = unsafe name.span.bytes
        let tag = hash(directory, name)
        if let found = pathTable.find(tag, directory, name, in: paths, names) { return found }
        let index = UInt32(paths.count)
        paths.append(addEntry(directory, name))
        pathTable.insert(tag, index)
        return index
    }

    /// How many paths `load` takes at once.
    package static var loadCount: Int { 32 }

    /// Loads what finding some paths will look at. In tables larger than the cache each look-up waits for memory three times,
    /// for itself; here the loads of all of them go on side by side.
    ///
    /// Parameters: `count` is at most `loadCount`; `path` gives the directory and the name of each. Gives a number that
    /// means nothing, so that no load is left out.
    package func load(count: Int, _ path: (Int) -> (directory: DirectoryIndex, name: ArraySlice<UInt8>)) -> UInt32 {
        precondition(count <= Self.loadCount)
        var found = InlineArray<32, Int>(repeating: -1)
        for index in 0..<count {
            let (directory, name) = path(index)
            // SAFETY: bytes are initialised memory without padding; the span does not outlive the slice.
            found[index] = pathTable.first(hash(directory, unsafe name.span.bytes)) ?? -1
        }
        for index in 0..<count where found[index] >= 0 { found[index] = Int(paths[found[index]].nameOffset) }
        var sum: UInt32 = 0
        for index in 0..<count where found[index] >= 0 && found[index] < names.count {
            sum &+= UInt32(names[found[index]])
        }
        return sum
    }

    /// A directory whose place is not known: it has no name until `place` gives it one.
    package mutating func addUnplacedDirectory() -> DirectoryIndex {
        directories.append(Entry(directory: Self.noParent, nameOffset: 0, nameByteCount: 0))
        return UInt32(directories.count - 1)
    }

    /// Gives an unplaced directory its place. What would make a directory its own ancestor leaves it unplaced.
    package mutating func place(_ directory: DirectoryIndex, parent: DirectoryIndex, name: RawSpan) {
        precondition(directory != 0 && directories[Int(directory)].directory == Self.noParent, "already placed")
        var ancestor = parent
        while ancestor != Self.noParent {
            if ancestor == directory { return }
            ancestor = directories[Int(ancestor)].directory
        }
        let tag = hash(parent, name)
        directories[Int(directory)] = addEntry(parent, name)
        if directoryTable.find(tag, parent, name, in: directories, names) == nil {
            directoryTable.insert(tag, directory)
        }
    }

    /// True when the directory or one above it has no known place.
    package func isUnplaced(_ directory: DirectoryIndex) -> Bool {
        var current = directory
        while directories[Int(current)].directory != Self.noParent { current = directories[Int(current)].directory }
        return current != 0
    }

    /// The directory a path lies in.
    package func directory(of path: PathIndex) -> DirectoryIndex {
        paths[Int(path)].directory
    }

    /// Appends the whole path, "/a/b"; where the directory is unplaced only the name.
    package func appendPath(_ path: PathIndex, to bytes: inout [UInt8]) {
        let entry = paths[Int(path)]
        if entry.nameByteCount == 0 {
            appendDirectory(entry.directory, to: &bytes)
            return
        }
        if !isUnplaced(entry.directory) {
            if entry.directory != 0 { appendDirectory(entry.directory, to: &bytes) }
            bytes.append(UInt8(ascii: "/"))
        }
        bytes.append(contentsOf: name(of: entry))
    }

    /// Appends the directory's whole path; nothing where it is unplaced.
    package func appendDirectory(_ directory: DirectoryIndex, to bytes: inout [UInt8]) {
        if directory == 0 {
            bytes.append(UInt8(ascii: "/"))
            return
        }
        guard !isUnplaced(directory) else { return }
        var chain: [UInt32] = []
        var current = directory
        while current != 0 {
            chain.append(current)
            current = directories[Int(current)].directory
        }
        for index in chain.reversed() {
            bytes.append(UInt8(ascii: "/"))
            bytes.append(contentsOf: name(of: directories[Int(index)]))
        }
    }

    func name(of entry: Entry) -> ArraySlice<UInt8> {
        names[Int(entry.nameOffset)..<Int(entry.nameOffset) + Int(entry.nameByteCount)]
    }

    func find(directory parent: DirectoryIndex, name: RawSpan) -> DirectoryIndex? {
        directoryTable.find(hash(parent, name), parent, name, in: directories, names)
    }

    func find(pathIn directory: DirectoryIndex, name: RawSpan) -> PathIndex? {
        guard name.byteCount == 0 || (name.byteCount == 1 && name.byte(at: 0) == UInt8(ascii: ".")) else {
            return pathTable.find(hash(directory, name), directory, name, in: paths, names)
        }
        let entry = directories[Int(directory)]
        let parent = entry.directory != Self.noParent ? entry.directory : directory
        // SAFETY: bytes are initialised memory without padding; the span does not outlive this borrow of `names`.
        let name = unsafe self.name(of: entry).span.bytes
        return pathTable.find(hash(parent, name), parent, name, in: paths, names)
    }

    /// A directory is a path too: its name in its parent. Only the root and unplaced ones have no name to go by.
    private mutating func internDirectoryAsPath(_ directory: DirectoryIndex) -> PathIndex {
        let entry = directories[Int(directory)]
        let isNamed = entry.directory != Self.noParent
        let parent = isNamed ? entry.directory : directory
        let tag: UInt32
        do {
            let start = Int(entry.nameOffset)
            // SAFETY: bytes are initialised memory without padding; the span does not outlive this borrow of `names`.
            let name = unsafe names.span.bytes.extracting(start..<start + Int(entry.nameByteCount))
            tag = hash(parent, name)
            if let found = pathTable.find(tag, parent, name, in: paths, names) { return found }
        }
        let index = UInt32(paths.count)
        // The path's name is the directory's: they share the bytes.
        paths.append(Entry(directory: parent, nameOffset: entry.nameOffset, nameByteCount: entry.nameByteCount))
        pathTable.insert(tag, index)
        return index
    }

    private mutating func addEntry(_ directory: UInt32, _ name: RawSpan) -> Entry {
        let offset = names.count
        names.append(contentsOf: name)
        return Entry(directory: directory, nameOffset: UInt32(offset), nameByteCount: UInt32(name.byteCount))
    }
}
