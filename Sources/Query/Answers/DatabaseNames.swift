internal import Block
internal import Model
internal import Segment
internal import Store

/// Which files belong to which database, for `Grouping.database`.
///
/// SQLite keeps what belongs to a database beside it, as NAME-wal, NAME-shm and NAME-journal. So NAME is a database where one
/// of these, which is no directory, is the path or the target of an event in the asked range of time, whatever else is asked
/// for; and where it was watched. That is found out before events are counted: in which order they lie in which blocks does
/// not matter.
struct DatabaseNames {
    private static let suffixes = ["-wal", "-shm", "-journal"].map { Array($0.utf8) }
    private static let patterns = suffixes.compactMap { try? Glob([UInt8(ascii: "*")] + $0) }

    /// By a hash of their last names, which files may belong to one: most do not, and need no whole path then.
    private var mayBelong = Array(repeating: UInt64(0), count: 1 << 10)
    /// False where there are more than are held.
    private(set) var isWhole = true
    /// Blocks that could not be looked through for names.
    private(set) var damages: [Scan.Damage] = []
    /// Events from this number on came later, and are not counted: of their databases nothing is known.
    private(set) var endSequence = UInt64.max

    init() {}

    /// Looks for those of the range that `scan` is over. `take` is given each once or several times, and says whether it had
    /// room for it.
    init(of scan: Scan, in reader: StoreReader, _ take: ([UInt8]) -> Bool) throws(StoreError) {
        endSequence = (try reader.lastSequence() ?? 0) &+ 1
        for path in try reader.streams().flatMap(\.paths) { add(path.bytes, take) }
        let files = scan.ofSameTime(Self.patterns, before: endSequence)
        try files.reduce(
            begin: { _ in BlockFiles() },
            visit: { (part: inout BlockFiles, view) throws(BlockError) in try part.add(view) },
            end: { (part: inout BlockFiles, block) throws(BlockError) in try part.finish(block.reader) },
            fold: { part in
                for name in part.databases { add(name, take) }
                return isWhole ? .proceed : .stop
            })
        damages = files.damages
    }

    private mutating func add(_ name: [UInt8], _ take: ([UInt8]) -> Bool) {
        guard take(name) else {
            isWhole = false
            return
        }
        let last = name.suffix(from: name.lastIndex(of: UInt8(ascii: "/")).map { $0 + 1 } ?? 0)
        for suffix in [[]] + Self.suffixes {
            let hash = Self.hash(last + suffix)
            mayBelong[hash >> 6] |= 1 << UInt64(hash & 63)
        }
    }

    /// False for a file that belongs to none, by its last name.
    func mayBelong(_ lastName: ArraySlice<UInt8>) -> Bool {
        let hash = Self.hash(lastName)
        return mayBelong[hash >> 6] >> UInt64(hash & 63) & 1 == 1
    }

    /// FNV-1a, folded to 16 bits. Names that are made to collide cost what all would without it.
    private static func hash(_ name: ArraySlice<UInt8>) -> Int {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for byte in name { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
        return Int((hash ^ hash >> 16 ^ hash >> 32 ^ hash >> 48) & 0xFFFF)
    }

    /// The database whose file a path would be by its ending; nil where it has none of these, or nothing before it.
    static func database(ofFile path: [UInt8]) -> [UInt8]? {
        for suffix in suffixes where path.count > suffix.count && path.suffix(suffix.count).elementsEqual(suffix) {
            let name = path.dropLast(suffix.count)
            return name.last == UInt8(ascii: "/") ? nil : Array(name)
        }
        return nil
    }
}

/// The files of databases that the events of one block name.
private struct BlockFiles: Sendable {
    private var paths: Set<PathIndex> = []
    private(set) var databases: [[UInt8]] = []

    mutating func add(_ view: RowGroupView) throws(BlockError) {
        let path = try view.column(.path)
        let target = view.group.maskUnion.contains(.rename) ? try view.column(.target) : path
        let mask = try view.column(.mask)
        guard case .flags(let isAsked) = view.block.selectedPaths else { return }
        for place in view.positions where mask[place] & EventMask.onDirectory.rawValue == 0 {
            for index in [path[place], target[place]] where Int(index) < isAsked.count && isAsked[Int(index)] {
                paths.insert(index)
            }
        }
    }

    mutating func finish(_ block: BlockReader) throws(BlockError) {
        let dictionary = try block.pathDictionary()
        for index in paths {
            var name: [UInt8] = []
            dictionary.appendPath(index, to: &name)
            if let database = DatabaseNames.database(ofFile: name) { databases.append(database) }
        }
        paths = []
    }
}
