internal import Block
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
}

/// Gives every event the number of its group, the same over all blocks; 0 is the group of those of which it is not known.
///
/// A group's name is looked at once a block and dictionary entry, not once an event.
package struct GroupKeys {
    private let grouping: Grouping
    private let users: UserDatabase?
    private let containers: ContainerPaths
    /// More groups than these are refused, not cut: what is left out of a part of them would be wrong for all. They take
    /// some 60 bytes each, and as much as their names.
    package static let maximumCount = 4 << 20
    private static let unknown = 0
    private let maximumCount: Int
    /// For `.path` and `.dir`: a group's number is one more than theirs.
    private var pathNumbers = PathNumbers()
    /// For the others: the numbers of the names, and the names.
    private var numbers: [[UInt8]: Int] = [:]
    private var names: [[UInt8]?] = [nil]
    /// For `.process`: one of the group's processes.
    private var processes: [ActorProcess?] = [nil]

    private var block: BlockView?
    private var paths: DecodedPaths?
    private var actors: [ActorProcess] = []
    /// The group of each entry of the block's dictionary that the grouping is about; -1 until it is asked.
    private var local: [Int] = []

    /// For `.container`: of each path of the block the group of the container whose layer holds it; -1 until it is asked.
    private var layers: [Int] = []

    /// Parameter containers: for `.container`, where containers see the paths of the host.
    init(
        _ grouping: Grouping, users: UserDatabase?, containers: ContainerPaths = ContainerPaths([]),
        maximumCount: Int = Self.maximumCount
    ) {
        self.grouping = grouping
        self.maximumCount = maximumCount
        self.users = users
        self.containers = containers
    }

    /// With what the grouping needs to know beside the blocks.
    init(
        _ grouping: Grouping, for question: borrowing Question, maximumCount: Int = Self.maximumCount
    ) throws(StoreError) {
        self.init(
            grouping, users: grouping == .user ? .system() : nil,
            containers: ContainerPaths(grouping == .container ? try question.reader.containerMounts() : []),
            maximumCount: maximumCount)
    }

    /// Calls `body` with the group of each selected event and its place in the row group. A merged record stands for
    /// several operations and is counted once for each.
    ///
    /// Throws: `BlockError`; `UsageError` where there are too many groups.
    mutating func forEach(_ view: RowGroupView, _ body: (_ group: Int, _ position: Int) -> Void) throws {
        try use(view.block)
        switch grouping {
        case .op:
            let masks = try view.column(.mask)
            for position in view.positions {
                var bits = masks[position] & EventMask.operations.rawValue
                while bits != 0 {
                    body(operation(bits.trailingZeroBitCount), position)
                    bits &= bits &- 1
                }
            }
        case .path, .dir:
            let column = try view.column(.path)
            for position in view.positions { body(path(column[position]), position) }
        case .exe, .process, .user, .unit:
            let column = try view.column(.process)
            for position in view.positions { body(actor(column[position]), position) }
        case .container:
            let (processes, paths) = (try view.column(.process), try view.column(.path))
            for position in view.positions {
                body(container(of: processes[position], at: paths[position]), position)
            }
        }
        guard heldCount <= maximumCount else {
            throw UsageError(
                "events of more than \(maximumCount) \(grouping.plural): ask for a shorter range (--since, --until) or fewer "
                    + "of them (--under, --path, --op)")
        }
    }

    private mutating func use(_ view: BlockView) throws(BlockError) {
        guard block !== view else { return }
        block = view
        switch grouping {
        case .op:
            if local.isEmpty { local = Array(repeating: -1, count: 32) }
        case .path, .dir:
            let dictionary = try view.reader.pathDictionary()
            paths = dictionary
            pathNumbers.use(dictionary)
            local = Array(repeating: -1, count: grouping == .path ? dictionary.count : dictionary.directoryCount)
        case .exe, .process, .user, .unit, .container:
            actors = try view.reader.processes()
            local = Array(repeating: -1, count: actors.count)
            guard grouping == .container, !containers.isEmpty else { return }
            let dictionary = try view.reader.pathDictionary()
            paths = dictionary
            layers = Array(repeating: -1, count: dictionary.count)
        }
    }

    private mutating func operation(_ bit: Int) -> Int {
        if local[bit] < 0 {
            let name = EventMask(rawValue: 1 << UInt32(bit)).operationNames.first ?? ""
            local[bit] = number(Array(name.utf8))
        }
        return local[bit]
    }

    private mutating func path(_ index: PathIndex) -> Int {
        guard let paths, index != .absent, Int(index) < paths.count else { return Self.unknown }
        if grouping == .path {
            if local[Int(index)] < 0 { local[Int(index)] = 1 + Int(pathNumbers.path(index)) }
            return local[Int(index)]
        }
        let directory = paths.directory(of: index)
        guard directory != .absent, Int(directory) < local.count else { return Self.unknown }
        if local[Int(directory)] < 0 { local[Int(directory)] = 1 + Int(pathNumbers.directory(directory)) }
        return local[Int(directory)]
    }

    /// The container of the process; of one that none is known of, that whose writable layer holds the path.
    private mutating func container(of process: ProcessIndex, at path: PathIndex) -> Int {
        if Int(process) < actors.count, actors[Int(process)].container != nil { return actor(process) }
        guard let paths, path != .absent, Int(path) < layers.count else { return Self.unknown }
        if layers[Int(path)] < 0 {
            var name: [UInt8] = []
            paths.appendPath(path, to: &name)
            layers[Int(path)] =
                containers.place(of: name, container: nil).map { number($0.container.bytes) } ?? Self.unknown
        }
        return layers[Int(path)]
    }

    private mutating func actor(_ index: ProcessIndex) -> Int {
        guard Int(index) < actors.count else { return Self.unknown }
        if local[Int(index)] < 0 { local[Int(index)] = number(of: actors[Int(index)]) }
        return local[Int(index)]
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
            let group = number(Array("\(process.instance)".utf8))
            // The image after an exec says more than the one before it.
            processes[group] = process
            return group
        }
    }

    private mutating func number(_ name: [UInt8]) -> Int {
        if let number = numbers[name] { return number }
        numbers[name] = names.count
        names.append(name)
        processes.append(nil)
        return names.count - 1
    }
}

extension Grouping {
    /// For people.
    var plural: String {
        switch self {
        case .path: "paths"
        case .dir: "directories"
        case .exe: "programs"
        case .process: "processes"
        case .user: "users"
        case .unit: "units"
        case .container: "containers"
        case .op: "operations"
        }
    }
}

extension GroupKeys {
    /// What is held for the groups: names, and for `.path` the directories too.
    private var heldCount: Int { max(names.count, pathNumbers.pathCount + pathNumbers.directoryCount) }

    /// Numbers of groups are below this; not each of them need have events.
    var numberLimit: Int {
        switch grouping {
        case .path: 1 + pathNumbers.pathCount
        case .dir: 1 + pathNumbers.directoryCount
        default: names.count
        }
    }

    /// The name of a group; nil where it is not known.
    func name(_ group: Int) -> [UInt8]? {
        guard group != Self.unknown else { return nil }
        switch grouping {
        case .path: return pathNumbers.name(ofPath: PathIndex(group - 1))
        case .dir: return pathNumbers.name(ofDirectory: DirectoryIndex(group - 1))
        default: return names[group]
        }
    }

    /// For `.process`: one of the group's processes.
    private func process(_ group: Int) -> ActorProcess? { group < processes.count ? processes[group] : nil }

    /// The name of a group for people, before escaping.
    func label(_ group: Int) -> [UInt8] {
        if let process = process(group) {
            var label = process.comm?.bytes ?? Array("?".utf8)
            label += Array("[\(process.pid)]".utf8)
            if let exe = process.exe { label += Array(" ".utf8) + exe.bytes }
            return label
        }
        return name(group) ?? Array("(unknown)".utf8)
    }

    /// Writes the group as members of a JSON object; none where it is not known.
    func write(_ group: Int, _ json: inout JSONWriter) {
        if let process = process(group) {
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
        default:
            json.key(dynamic: grouping.rawValue)
            json.string(bytes: name)
        }
    }
}
