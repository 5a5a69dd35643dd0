internal import Block

/// Numbers paths and directories the same over all blocks.
///
/// Cost: two look-ups of a name for a path that is met the first time in a block. Memory: each name once, and some 60 bytes
/// for each path and directory.
struct PathNumbers {
    private var dictionary = PathDictionary()
    /// What paths lie in of which only the name is known.
    private let unplaced: DirectoryIndex
    /// For each directory of the block its number; `absent` until it is asked for.
    private var numbers: [DirectoryIndex] = []

    /// Nothing but a place for what `load` gives.
    private var loaded: UInt32 = 0

    init() {
        unplaced = dictionary.addUnplacedDirectory()
    }

    /// What the numbers take, by an estimate that counts the names and the tables.
    var byteCount: Int {
        dictionary.nameByteCount + (dictionary.pathCount + dictionary.directoryCount) * Self.entryByteCount
    }

    /// An entry, its slots in a table that is half full when it has grown, its count.
    private static let entryByteCount = 60

    /// The indices that are asked for from now on are of this block.
    mutating func use(_ block: DecodedPaths) {
        numbers = Array(repeating: .absent, count: block.directoryCount)
        numbers[0] = 0
    }

    /// The number of a path of the block in use; nil where it has none and `isFull` says that it may get none. Range: below the
    /// block's count of paths.
    mutating func path(_ index: PathIndex, of block: DecodedPaths, isFull: Bool) -> PathIndex? {
        let directory = block.directory(of: index)
        let name = block.name(of: index)
        guard let parent = directory == .absent ? unplaced : self.directory(directory, of: block, isFull: isFull) else {
            return nil
        }
        return isFull
            ? dictionary.findPath(directory: parent, name: name) : dictionary.internPath(directory: parent, name: name)
    }

    /// The number of a whole path, "/a/b", or of a bare name whose directory is not known.
    mutating func path(_ name: [UInt8]) -> PathIndex {
        var components = name.split(separator: UInt8(ascii: "/"))
        let last = components.popLast() ?? []
        guard name.first == UInt8(ascii: "/") else { return dictionary.internPath(directory: unplaced, name: last) }
        var directory: DirectoryIndex = 0
        for component in components { directory = dictionary.internDirectory(parent: directory, name: component) }
        return dictionary.internPath(directory: directory, name: last)
    }

    /// Loads what `path` will look at for some of the block's paths, at most `loadCount`.
    mutating func load(_ indices: Range<Int>, of block: DecodedPaths) {
        loaded &+= dictionary.load(count: indices.count) { offset in
            let index = PathIndex(indices.lowerBound + offset)
            let directory = block.directory(of: index)
            let parent = directory == .absent ? unplaced : numbers[Int(directory)]
            return (parent, block.name(of: index))
        }
    }

    static var loadCount: Int { PathDictionary.loadCount }

    /// The same for a directory. Range: below the block's count of directories.
    mutating func directory(_ index: DirectoryIndex, of block: DecodedPaths, isFull: Bool) -> DirectoryIndex? {
        let known = numbers[Int(index)]
        if known != .absent { return known }
        var chain: [DirectoryIndex] = []
        var current = index
        while numbers[Int(current)] == .absent {
            chain.append(current)
            current = block.parent(of: current)
        }
        var number = numbers[Int(current)]
        for directory in chain.reversed() {
            let name = block.name(ofDirectory: directory)
            if isFull {
                guard let found = dictionary.findDirectory(parent: number, name: name) else { return nil }
                number = found
            } else {
                number = dictionary.internDirectory(parent: number, name: name)
            }
            numbers[Int(directory)] = number
        }
        return number
    }

    /// The whole path with that number; only the name where the directory is not known.
    func name(ofPath number: PathIndex) -> [UInt8] {
        var name: [UInt8] = []
        dictionary.appendPath(number, to: &name)
        return name
    }

    /// The directory's whole path.
    func name(ofDirectory number: DirectoryIndex) -> [UInt8] {
        var name: [UInt8] = []
        dictionary.appendDirectory(number, to: &name)
        return name
    }
}
