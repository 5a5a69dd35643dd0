package import Block
internal import Model
internal import Store

/// What events are counted by.
package enum Grouping: String, CaseIterable, Sendable {
    case path
    case dir
    case exe
    case process
    case user
    case unit
    case container
    case op
    case database
}

/// Gives every event the number of its group, the same over all blocks; 0 is the group of those of which it is not known.
///
/// A group's name is looked at once a block and key, not once an event.
///
/// Memory: the groups that take `maximumByteCount`, by an estimate of their names and the tables they are in. Events of
/// groups met after that are given as `beyond`.
package struct GroupKeys {
    /// In place of a group's number: the event is of one of those that are not held.
    package static let beyond = -2
    private static let unasked = -1
    /// Some 1,750,000 paths with names of 25 bytes.
    static let maximumByteCount = 144 << 20
    static let unknown = 0
    /// What a group takes beside its name: array headers, and its share of hash tables that are half full when they grow.
    private static let groupByteCount = 136

    let grouping: Grouping
    private let users: UserDatabase?
    private let containers: ContainerPaths
    /// For `.path` and `.dir`: a group's number is one more than theirs.
    private var pathNumbers = PathNumbers()
    /// For `.process`.
    private var processes = ProcessGroups()
    /// For the others: the numbers of the names, and the names.
    private var numbers: [[UInt8]: Int] = [:]
    private var names: [[UInt8]?] = [nil]
    /// For `.database`: their files.
    private var databases = DatabaseNames()
    private var byteCount = 0
    private let maximumByteCount: Int

    /// Where rows are looked at one after the other: the block of the last one, and its keys.
    private var block: BlockView?
    private var keys: BlockKeys?
    /// The group of each key; `unasked` until it is asked.
    private var local: [Int] = []

    /// Parameter containers: for `.container`, where containers see the paths of the host.
    init(
        _ grouping: Grouping, users: UserDatabase?, containers: ContainerPaths = ContainerPaths([]),
        maximumByteCount: Int? = nil
    ) {
        self.maximumByteCount = maximumByteCount ?? Self.maximumByteCount
        self.grouping = grouping
        self.users = users
        self.containers = containers
    }

    /// With what the grouping needs to know beside the blocks. Parameter scan: the one that the events come from, which
    /// `.database` needs.
    init(
        _ grouping: Grouping, in reader: StoreReader, for scan: Scan? = nil, maximumByteCount: Int? = nil
    ) throws(StoreError) {
        self.init(
            grouping, users: grouping == .user ? .system() : nil,
            containers: ContainerPaths(grouping == .container ? try reader.containerMounts() : []),
            maximumByteCount: maximumByteCount)
        guard grouping == .database, let scan else { return }
        databases = try DatabaseNames(of: scan, in: reader) { number($0) != Self.beyond }
    }

    /// Has the scan look at no more events than the groups are known of.
    func bound(_ scan: Scan) { scan.stop(before: databases.endSequence) }

    /// To be called after the scan: adds the blocks that could not be looked through for groups to those that it could not read.
    func noteDamages(to scan: Scan) { scan.note(databases.damages) }

    /// Whether the path of an event may tell its group; for `BlockKeys`.
    var looksAtLayers: Bool { !containers.isEmpty }

    /// Calls `body` with the group of each selected event, or `beyond`, and its place in the row group. A merged record
    /// stands for several operations and is counted once for each.
    package mutating func forEach(
        _ view: RowGroupView, _ body: (_ group: Int, _ position: Int) -> Void
    ) throws(BlockError) {
        if block !== view.block {
            let made = try BlockKeys(grouping, view.block, looksAtLayers: looksAtLayers)
            use(made)
            (block, keys) = (view.block, made)
        }
        guard let keys else { return }
        try keys.forEach(view, in: 0..<view.group.count) { key, position in body(group(key, of: keys), position) }
    }

    /// The keys that are asked for from now on are these.
    mutating func use(_ keys: BlockKeys) {
        (block, self.keys) = (nil, nil)
        if let paths = keys.paths { pathNumbers.use(paths) }
        local = Array(repeating: Self.unasked, count: keys.count)
        local[BlockKeys.unknown] = Self.unknown
    }

    /// Calls `body` with the group of each key that has a count, or `beyond`, and the count. Parameter keys: those in use.
    mutating func forEach(
        _ counts: [UInt32], of keys: BlockKeys, _ body: (_ group: Int, _ count: UInt32) -> Void
    ) {
        for start in stride(from: 0, to: counts.count, by: PathNumbers.loadCount) {
            let range = start..<min(start + PathNumbers.loadCount, counts.count)
            if grouping == .path, let paths = keys.paths {
                pathNumbers.load(max(0, range.lowerBound - 1)..<range.upperBound - 1, of: paths)
            }
            for key in range where counts[key] > 0 { body(group(key, of: keys), counts[key]) }
        }
    }

    /// The group of a key, or `beyond`. Parameter keys: those in use. Range: below their count.
    mutating func group(_ key: Int, of keys: BlockKeys) -> Int {
        let known = local[key]
        if known != Self.unasked { return known }
        let group = makeGroup(key - 1, keys)
        local[key] = group
        return group
    }

    /// Of `.path`: the group of a whole path, or of those that are not known.
    mutating func group(ofPath name: [UInt8]?) -> Int {
        name.map { 1 + Int(pathNumbers.path($0)) } ?? Self.unknown
    }

    private mutating func makeGroup(_ index: Int, _ keys: BlockKeys) -> Int {
        let isFull = pathNumbers.byteCount >= maximumByteCount
        switch grouping {
        case .op:
            return number(Array((EventMask(rawValue: 1 << UInt32(index)).operationNames.first ?? "").utf8))
        case .path:
            return keys.paths.flatMap { pathNumbers.path(PathIndex(index), of: $0, isFull: isFull) }.map { 1 + Int($0) }
                ?? Self.beyond
        case .dir:
            return keys.paths.flatMap { pathNumbers.directory(DirectoryIndex(index), of: $0, isFull: isFull) }.map {
                1 + Int($0)
            } ?? Self.beyond
        case .container where index >= keys.actors.count:
            var name: [UInt8] = []
            keys.paths?.appendPath(PathIndex(index - keys.actors.count), to: &name)
            return containers.place(of: name, container: nil).map { number($0.container.bytes) } ?? Self.unknown
        case .database: return keys.paths.map { database(of: PathIndex(index), $0) } ?? Self.unknown
        case .exe, .process, .user, .unit, .container:
            return number(of: keys.actors[index])
        }
    }

    /// The group of the database that a file is, or belongs to.
    private func database(of path: PathIndex, _ paths: DecodedPaths) -> Int {
        guard databases.mayBelong(paths.name(of: path)) || !databases.isWhole else { return Self.unknown }
        var name: [UInt8] = []
        paths.appendPath(path, to: &name)
        let owner = DatabaseNames.database(ofFile: name)
        if let number = owner.flatMap({ numbers[$0] }) ?? numbers[name] { return number }
        return owner == nil || databases.isWhole ? Self.unknown : Self.beyond
    }

    private mutating func number(of process: ActorProcess) -> Int {
        switch grouping {
        case .exe: return process.exe.map { number($0.bytes) } ?? Self.unknown
        case .unit:
            let unit = process.controlGroup.flatMap { ControlGroupName.unit(of: $0) }
            return unit.map { number($0.bytes) } ?? Self.unknown
        case .container: return process.container.map { number($0.bytes) } ?? Self.unknown
        case .user:
            guard let uid = process.uid else { return Self.unknown }
            return number(users?.name(of: uid) ?? Array("\(uid)".utf8))
        default:
            return processes.group(of: process, isFull: processes.byteCount >= maximumByteCount) ?? Self.beyond
        }
    }

    private mutating func number(_ name: [UInt8]) -> Int {
        if let number = numbers[name] { return number }
        // Once it is full nothing is taken in any more, so that the groups that are held are counted whole.
        guard byteCount < maximumByteCount else { return Self.beyond }
        byteCount += Self.groupByteCount + name.count
        numbers[name] = names.count
        names.append(name)
        return names.count - 1
    }
}

extension GroupKeys {
    /// The name of a group, of a process its instance in digits; nil where it is not known.
    package func name(_ group: Int) -> [UInt8]? {
        guard group != Self.unknown else { return nil }
        switch grouping {
        case .path: return pathNumbers.name(ofPath: PathIndex(group - 1))
        case .dir: return pathNumbers.name(ofDirectory: DirectoryIndex(group - 1))
        case .process: return processes[group].map { Array("\($0.instance)".utf8) }
        default: return names[group]
        }
    }

    /// Of `.process`: the process that a group is; nil where it is not known.
    package func instance(_ group: Int) -> UInt64? {
        processes[group]?.instance
    }

    /// Why an answer may name the wrong groups as those with the most events; nil where it cannot.
    ///
    /// Each group that is held is counted whole, and none of the others has more events than all of those together.
    /// Parameters: `beyondCount` is how many events were `beyond`, `least` the least count of a group that is shown where
    /// as many are shown as were asked for, else nil.
    func reason(beyondCount: UInt64, least: UInt64?) -> Completeness.Reason? {
        guard databases.isWhole else {
            return .unread(
                "the databases take more than \(maximumByteCount) bytes, so that not all of them are told apart from other "
                    + "files; ask for a shorter range")
        }
        guard beyondCount > 0, least.map({ $0 <= beyondCount }) ?? true else { return nil }
        return .unread(
            "\(beyondCount) events are not told apart by \(grouping.rawValue), since the groups take more than "
                + "\(maximumByteCount) bytes; ask for a shorter range, or narrow it by place, process or operation")
    }

    /// The name of a group for people, before escaping.
    package func label(_ group: Int) -> [UInt8] {
        var label: [UInt8] = []
        appendLabel(group, to: &label)
        return label
    }

    /// Appends the name of a group for people, before escaping.
    func appendLabel(_ group: Int, to bytes: inout [UInt8]) {
        if let process = processes[group] {
            process.appendLabel(to: &bytes)
        } else if let name = name(group) {
            bytes.append(contentsOf: name)
        } else {
            bytes.append(text: "(unknown)")
        }
    }

    /// Writes the group as members of a JSON object; none where it is not known.
    func write(_ group: Int, _ json: inout JSONWriter) {
        if let process = processes[group] {
            json.key("instance")
            json.integer(process.instance)
            json.key("pid")
            json.integer(process.pid)
            if let comm = process.comm {
                json.key("comm")
                json.string(bytes: comm.bytes)
            }
            if let exe = process.exe {
                json.key("exe")
                json.string(bytes: exe.bytes)
            }
            return
        }
        guard let name = name(group) else { return }
        switch grouping {
        case .path: json.path("path", raw: "path_raw", name)
        case .dir: json.path("dir", raw: "dir_raw", name)
        case .database: json.path("database", raw: "database_raw", name)
        default:
            json.key(dynamic: grouping.rawValue)
            json.string(bytes: name)
        }
    }
}
