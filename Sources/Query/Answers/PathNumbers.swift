internal import Block

/// Numbers paths and directories the same over all blocks.
///
/// Cost: two look-ups of a name for a path that is met the first time in a block. Memory: each name once.
struct PathNumbers {
    private var dictionary = PathDictionary()
    /// What paths lie in of which only the name is known.
    private let unplaced: DirectoryIndex
    private var block: DecodedPaths?
    /// For each directory of the block its number; `absent` until it is asked for.
    private var numbers: [DirectoryIndex] = []

    init() {
        unplaced = dictionary.addUnplacedDirectory()
    }

    var pathCount: Int { dictionary.pathCount }
    var directoryCount: Int { dictionary.directoryCount }

    /// The indices that are asked for from now on are of this block.
    mutating func use(_ block: DecodedPaths) {
        self.block = block
        numbers = Array(repeating: .absent, count: block.directoryCount)
        numbers[0] = 0
    }

    /// The number of a path of the block. Range: below the block's count of paths.
    mutating func path(_ index: PathIndex) -> PathIndex {
        guard let block else { return .absent }
        let directory = block.directory(of: index)
        return dictionary.internPath(
            directory: directory == .absent ? unplaced : self.directory(directory), name: block.name(of: index))
    }

    /// The number of a directory of the block. Range: below the block's count of directories.
    mutating func directory(_ index: DirectoryIndex) -> DirectoryIndex {
        guard let block else { return .absent }
        var chain: [DirectoryIndex] = []
        var current = index
        while numbers[Int(current)] == .absent {
            chain.append(current)
            current = block.parent(of: current)
        }
        var number = numbers[Int(current)]
        for directory in chain.reversed() {
            number = dictionary.internDirectory(parent: number, name: block.name(ofDirectory: directory))
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
