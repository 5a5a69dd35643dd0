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

/// Gives every event the number of its group; groups are numbered as they are met, over all blocks.
///
/// A group's name is looked at once a block and dictionary entry, not once an event.
struct GroupKeys {
    private let grouping: Grouping
    private let users: UserDatabase?
    private let containers: ContainerPaths
    private var numbers: [[UInt8]: Int] = [:]
    /// The names by number; nil for events of which it is not known.
    private(set) var names: [[UInt8]?] = []
    /// For `.process`: one of the group's processes.
    private(set) var processes: [ActorProcess?] = []
    private var unknownNumber: Int?

    private var block: BlockView?
    private var paths: DecodedPaths?
    private var actors: [ActorProcess] = []
    /// The group of each entry of the block's dictionary that the grouping is about; -1 until it is asked.
    private var local: [Int] = []

    /// For `.container`: of each path of the block the group of the container whose layer holds it; -1 until it is asked.
    private var layers: [Int] = []

    /// Parameter containers: for `.container`, where containers see the paths of the host.
    init(_ grouping: Grouping, users: UserDatabase?, containers: ContainerPaths = ContainerPaths([])) {
        self.grouping = grouping
        self.users = users
        self.containers = containers
    }

    /// With what the grouping needs to know beside the blocks.
    init(_ grouping: Grouping, for question: borrowing Question) throws(StoreError) {
        self.init(
            grouping, users: grouping == .user ? .system() : nil,
            containers: ContainerPaths(grouping == .container ? try question.reader.containerMounts() : []))
    }

    /// Calls `body` with the group of each selected event and its place in the row group. A merged record stands for
    /// several operations and is counted once for each.
    mutating func forEach(_ view: RowGroupView, _ body: (_ group: Int, _ position: Int) -> Void) throws(BlockError) {
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
        guard let paths, index != .absent, Int(index) < paths.count else { return unknown() }
        if grouping == .path {
            if local[Int(index)] < 0 {
                var name: [UInt8] = []
                paths.appendPath(index, to: &name)
                local[Int(index)] = number(name)
            }
            return local[Int(index)]
        }
        let directory = paths.directory(of: index)
        guard directory != .absent, Int(directory) < local.count else { return unknown() }
        if local[Int(directory)] < 0 {
            var name: [UInt8] = []
            paths.appendDirectory(directory, to: &name)
            local[Int(directory)] = number(name)
        }
        return local[Int(directory)]
    }

    /// The container of the process; of one that none is known of, that whose writable layer holds the path.
    private mutating func container(of process: ProcessIndex, at path: PathIndex) -> Int {
        if Int(process) < actors.count, actors[Int(process)].container != nil { return actor(process) }
        guard let paths, path != .absent, Int(path) < layers.count else { return unknown() }
        if layers[Int(path)] < 0 {
            var name: [UInt8] = []
            paths.appendPath(path, to: &name)
            layers[Int(path)] =
                containers.place(of: name, container: nil).map { number($0.container.bytes) } ?? unknown()
        }
        return layers[Int(path)]
    }

    private mutating func actor(_ index: ProcessIndex) -> Int {
        guard Int(index) < actors.count else { return unknown() }
        if local[Int(index)] < 0 { local[Int(index)] = number(of: actors[Int(index)]) }
        return local[Int(index)]
    }

    private mutating func number(of process: ActorProcess) -> Int {
        switch grouping {
        case .exe: return process.exe.map { number($0.bytes) } ?? unknown()
        case .unit:
            return process.controlGroup.flatMap { ControlGroupName.unit(of: $0) }.map { number($0.bytes) } ?? unknown()
        case .container: return process.container.map { number($0.bytes) } ?? unknown()
        case .user:
            guard let uid = process.uid else { return unknown() }
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

    private mutating func unknown() -> Int {
        if let number = unknownNumber { return number }
        unknownNumber = names.count
        names.append(nil)
        processes.append(nil)
        return names.count - 1
    }
}

extension GroupKeys {
    /// The name of a group for people, before escaping.
    func label(_ group: Int) -> [UInt8] {
        if let process = processes[group] {
            var label = process.comm?.bytes ?? Array("?".utf8)
            label += Array("[\(process.pid)]".utf8)
            if let exe = process.exe { label += Array(" ".utf8) + exe.bytes }
            return label
        }
        return names[group] ?? Array("(unknown)".utf8)
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
        guard let name = names[group] else { return }
        switch grouping {
        case .path: json.path("path", raw: "path_raw", name)
        case .dir: json.path("dir", raw: "dir_raw", name)
        default:
            json.key(dynamic: grouping.rawValue)
            json.string(bytes: name)
        }
    }
}
