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
}

/// Gives every event the number of its group, the same over all blocks; 0 is the group of those of which it is not known.
///
/// A group's name is looked at once a block and dictionary entry, not once an event.
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
    private static let processByteCount = 240

    private let grouping: Grouping
    private let users: UserDatabase?
    private let containers: ContainerPaths
    /// For `.path` and `.dir`: a group's number is one more than theirs.
    private var pathNumbers = PathNumbers()
    /// For the others: the numbers of the names, and the names.
    private var numbers: [[UInt8]: Int] = [:]
    private var names: [[UInt8]?] = [nil]
    /// For `.process`: one of the group's processes.
    private var processes: [Int: Process] = [:]
    private var byteCount = 0
    private let maximumByteCount: Int

    private var block: BlockView?
    private var paths: DecodedPaths?
    private var actors: [ActorProcess] = []
    /// The group of each entry of the block's dictionary that the grouping is about; `unasked` until it is asked.
    private var local: [Int] = []

    /// For `.container`: of each path of the block the group of the container whose layer holds it; `unasked` until it is
    /// asked.
    private var layers: [Int] = []

    /// What a group of `.process` is called by.
    private struct Process {
        var instance: UInt64
        var pid: Int32
        var comm: RawPath?
        var exe: RawPath?
    }

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

    /// With what the grouping needs to know beside the blocks.
    init(
        _ grouping: Grouping, for question: borrowing Question, maximumByteCount: Int? = nil
    ) throws(StoreError) {
        self.init(
            grouping, users: grouping == .user ? .system() : nil,
            containers: ContainerPaths(grouping == .container ? try question.reader.containerMounts() : []),
            maximumByteCount: maximumByteCount)
    }

    /// Calls `body` with the group of each selected event, or `beyond`, and its place in the row group. A merged record
    /// stands for several operations and is counted once for each.
    package mutating func forEach(
        _ view: RowGroupView, _ body: (_ group: Int, _ position: Int) -> Void
    ) throws(BlockError) {
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
            if local.isEmpty { local = Array(repeating: Self.unasked, count: 32) }
        case .path, .dir:
            let dictionary = try view.reader.pathDictionary()
            paths = dictionary
            pathNumbers.use(dictionary)
            local = Array(
                repeating: Self.unasked, count: grouping == .path ? dictionary.count : dictionary.directoryCount)
        case .exe, .process, .user, .unit, .container:
            actors = try view.reader.processes()
            local = Array(repeating: Self.unasked, count: actors.count)
            guard grouping == .container, !containers.isEmpty else { return }
            let dictionary = try view.reader.pathDictionary()
            paths = dictionary
            layers = Array(repeating: Self.unasked, count: dictionary.count)
        }
    }

    private mutating func operation(_ bit: Int) -> Int {
        if local[bit] == Self.unasked {
            let name = EventMask(rawValue: 1 << UInt32(bit)).operationNames.first ?? ""
            local[bit] = number(Array(name.utf8))
        }
        return local[bit]
    }

    private mutating func path(_ index: PathIndex) -> Int {
        guard let paths, index != .absent, Int(index) < paths.count else { return Self.unknown }
        let isFull = pathNumbers.byteCount >= maximumByteCount
        if grouping == .path {
            if local[Int(index)] == Self.unasked {
                local[Int(index)] = pathNumbers.path(index, isFull: isFull).map { 1 + Int($0) } ?? Self.beyond
            }
            return local[Int(index)]
        }
        let directory = paths.directory(of: index)
        guard directory != .absent, Int(directory) < local.count else { return Self.unknown }
        if local[Int(directory)] == Self.unasked {
            local[Int(directory)] =
                pathNumbers.directory(directory, isFull: isFull).map { 1 + Int($0) } ?? Self.beyond
        }
        return local[Int(directory)]
    }

    /// The container of the process; of one that none is known of, that whose writable layer holds the path.
    private mutating func container(of process: ProcessIndex, at path: PathIndex) -> Int {
        if Int(process) < actors.count, actors[Int(process)].container != nil { return actor(process) }
        guard let paths, path != .absent, Int(path) < layers.count else { return Self.unknown }
        if layers[Int(path)] == Self.unasked {
            var name: [UInt8] = []
            paths.appendPath(path, to: &name)
            layers[Int(path)] =
                containers.place(of: name, container: nil).map { number($0.container.bytes) } ?? Self.unknown
        }
        return layers[Int(path)]
    }

    private mutating func actor(_ index: ProcessIndex) -> Int {
        guard Int(index) < actors.count else { return Self.unknown }
        if local[Int(index)] == Self.unasked { local[Int(index)] = number(of: actors[Int(index)]) }
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
            guard group >= 0 else { return group }
            // The image after an exec says more than the one before it. A full table stays as it is: one that took less would
            // make room for groups of which events went by.
            guard processes[group] == nil || byteCount < maximumByteCount else { return group }
            let old = processes.updateValue(
                Process(instance: process.instance, pid: process.pid, comm: process.comm, exe: process.exe),
                forKey: group)
            byteCount += Self.byteCount(of: processes[group]) - Self.byteCount(of: old)
            return group
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

    private static func byteCount(of process: Process?) -> Int {
        guard let process else { return 0 }
        return processByteCount + (process.comm?.bytes.count ?? 0) + (process.exe?.bytes.count ?? 0)
    }
}

extension GroupKeys {
    /// The name of a group; nil where it is not known.
    func name(_ group: Int) -> [UInt8]? {
        guard group != Self.unknown else { return nil }
        switch grouping {
        case .path: return pathNumbers.name(ofPath: PathIndex(group - 1))
        case .dir: return pathNumbers.name(ofDirectory: DirectoryIndex(group - 1))
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
        guard beyondCount > 0, least.map({ $0 <= beyondCount }) ?? true else { return nil }
        return .unread(
            "\(beyondCount) events are not told apart by \(grouping.rawValue), since the groups take more than "
                + "\(maximumByteCount) bytes; ask for a shorter range, or narrow it by place, process or operation")
    }

    /// The name of a group for people, before escaping.
    package func label(_ group: Int) -> [UInt8] {
        if let process = processes[group] {
            var label = process.comm?.bytes ?? Array("?".utf8)
            label += Array("[\(process.pid)]".utf8)
            if let exe = process.exe { label += Array(" ".utf8) + exe.bytes }
            return label
        }
        return name(group) ?? Array("(unknown)".utf8)
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
        default:
            json.key(dynamic: grouping.rawValue)
            json.string(bytes: name)
        }
    }
}
