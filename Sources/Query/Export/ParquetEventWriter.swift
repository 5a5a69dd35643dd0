internal import Block
internal import Model
internal import Parquet

/// Writes events as a Parquet file of one table; a gap is a row that has a `gap`. Columns: docs/export.md.
///
/// A class, because rows are gathered until a row group is full. Thread: one.
final class ParquetEventWriter: EventWriter {
    /// The columns in the order of the file.
    private enum Column: Int, CaseIterable {
        case seq, tsNs, time, earliestNs, earliest, host, op, mask, merged, path, pathRaw, target, targetRaw, dir
        case fs, inode, root, generation, object
        case pid, instance, start, exe, exeRaw, script, scriptRaw, comm, commRaw, cmdline, cmdlineRaw, ppid, parent
        case uid, gid, ruid, rgid, loginuid, session, tty, cgroup, unit, container
        case exeLast, commLast, uncertain, nameOnly, scanned, containerPath, containerTarget
        case gap, gapCount, gapCause

        /// The name in the file: `ts_ns` for `tsNs`.
        var name: String {
            "\(self)".reduce(into: "") { name, letter in
                name += letter.isUppercase ? "_\(letter.lowercased())" : "\(letter)"
            }
        }

        var definition: ParquetColumn {
            switch self {
            case .seq: .number(name, isRising: true)
            case .tsNs, .earliestNs: .number(name, isRising: true, isOptional: false)
            case .time, .earliest: .moment(name, isRising: true, isOptional: false)
            case .start: .moment(name)
            case .merged, .dir, .nameOnly, .scanned: .flag(name)
            case .inode, .root: .unsigned(name)
            case .pathRaw, .targetRaw, .exeRaw, .scriptRaw, .commRaw, .cmdlineRaw: .bytes(name)
            case .mask, .generation, .pid, .instance, .ppid, .parent, .uid, .gid, .ruid, .rgid, .loginuid, .session,
                .gapCount:
                .number(name)
            case .host, .op, .path, .target, .fs, .object, .exe, .script, .comm, .cmdline, .tty, .cgroup, .unit,
                .container, .exeLast, .commLast, .uncertain, .containerPath, .containerTarget, .gap, .gapCause:
                .text(name)
            }
        }

        static let ofProcess = Column.pid.rawValue...Column.container.rawValue
    }

    /// The places of a path and of its bytes where those are no text, in the dictionaries of a column and its neighbour.
    private struct PathPlaces {
        var text: UInt32?
        var raw: UInt32?
    }

    private let writer: ParquetWriter
    private let containers: ContainerPaths
    private var dictionaries: EventDictionaries?
    private var host: UInt32 = 0
    // What repeats within a block is put into the dictionaries once; a new row group has new ones.
    private var processPlaces: [[UInt32?]?] = []
    private var pathPlaces: [PathIndex: PathPlaces] = [:]
    private var targetPlaces: [PathIndex: PathPlaces] = [:]
    private var operationPlaces: [UInt32: UInt32] = [:]

    /// `metadata` is kept in the file's footer. Throws: `ParquetError`.
    init(containers: ContainerPaths, metadata: [(key: String, value: String)]) throws(ParquetError) {
        self.containers = containers
        writer = try ParquetWriter(Column.allCases.map(\.definition), metadata: metadata, createdBy: "varve")
    }

    func begin(into bytes: inout [UInt8]) {
        writer.begin(into: &bytes)
    }

    func use(_ block: BlockView) throws(BlockError) {
        dictionaries = try EventDictionaries(block)
        forgetPlaces()
    }

    func leaveBlock() {
        dictionaries = nil
        forgetPlaces()
    }

    func end(into bytes: inout [UInt8]) throws {
        try writer.finish(into: &bytes)
    }

    func write(_ event: EventView, into bytes: inout [UInt8]) throws {
        guard let dictionaries else { return }
        put(Int64(clamping: event.sequence), .seq)
        put(event.window)
        writer.append(place: host, to: Column.host.rawValue)
        writer.append(place: operations(event.mask), to: Column.op.rawValue)
        put(Int64(event.mask.rawValue), .mask)
        put(event.mask.isMerged, .merged)
        put(event.path, .path, &pathPlaces, dictionaries)
        put(event.target, .target, &targetPlaces, dictionaries)
        put(event.mask.contains(.onDirectory), .dir)
        put(event.object)
        let places = places(ofProcess: event.process, dictionaries)
        for column in Column.ofProcess { writer.append(place: places?[column - Column.pid.rawValue], to: column) }
        let last = dictionaries.process(event.lastProcess)
        put(last?.exe?.bytes, .exeLast)
        put(last?.comm?.bytes, .commLast)
        let words = event.flags.uncertainties.map { "\($0)" }.joined(separator: " ")
        put(words.isEmpty ? nil : Array(words.utf8), .uncertain)
        put(event.flags.isNameOnly, .nameOnly)
        put(event.flags.contains(.scanned), .scanned)
        let container = containers.isEmpty ? nil : dictionaries.process(event.process)?.container
        for (path, column) in [(event.path, Column.containerPath), (event.target, .containerTarget)] {
            let seen = containers.isEmpty ? nil : dictionaries.path(path)
            put(seen.flatMap { containers.place(of: $0, container: container)?.path }, column)
        }
        for column in [Column.gap, .gapCount, .gapCause] { writer.append(place: nil, to: column.rawValue) }
        try endRow(into: &bytes)
    }

    func write(_ gap: Gap, into bytes: inout [UInt8]) throws {
        for column in Column.allCases {
            switch column {
            case .tsNs: put(gap.to.nanosecondsSinceEpoch, column)
            case .time: put(gap.to.microsecondsRoundedDown, column)
            case .earliestNs: put(gap.from.nanosecondsSinceEpoch, column)
            case .earliest: put(gap.from.microsecondsRoundedDown, column)
            case .path: put(gap.scope?.bytes, column)
            case .pathRaw: putRaw(gap.scope?.bytes, column)
            case .merged, .dir, .nameOnly, .scanned: put(false, column)
            case .gap: put(Array(gap.kind.rawValue.utf8), column)
            case .gapCount: put(gap.count.map { Int64(clamping: $0) }, column)
            case .gapCause: put(Array(gap.cause.utf8), column)
            default: put(nil as Int64?, column)
            }
        }
        try endRow(into: &bytes)
    }

    private func endRow(into bytes: inout [UInt8]) throws {
        writer.endRow()
        guard writer.isGroupFull else { return }
        try writer.endGroup(into: &bytes)
        forgetPlaces()
    }

    private func forgetPlaces() {
        processPlaces = Array(repeating: nil, count: dictionaries?.processes.count ?? 0)
        pathPlaces.removeAll(keepingCapacity: true)
        targetPlaces.removeAll(keepingCapacity: true)
        operationPlaces.removeAll(keepingCapacity: true)
        if let name = dictionaries?.hostName { host = writer.place(of: Self.text(name), in: Column.host.rawValue) }
    }

    // MARK: Values

    private func put(_ number: Int64?, _ column: Column) {
        writer.append(number, to: column.rawValue)
    }

    private func put(_ flag: Bool, _ column: Column) {
        writer.append(flag ? 1 : 0, to: column.rawValue)
    }

    private func put(_ text: [UInt8]?, _ column: Column) {
        writer.append(text.map(Self.text), to: column.rawValue)
    }

    private func putRaw(_ bytes: [UInt8]?, _ column: Column) {
        writer.append(bytes.flatMap { UTF8Scanner.isValid($0) ? nil : $0 }, to: column.rawValue)
    }

    private func put(_ window: TimeWindow) {
        put(window.time.nanosecondsSinceEpoch, .tsNs)
        put(window.time.microsecondsRoundedDown, .time)
        put(window.earliest.nanosecondsSinceEpoch, .earliestNs)
        put(window.earliest.microsecondsRoundedDown, .earliest)
    }

    private func put(_ object: FileIdentity?) {
        let isOpaque = object?.root == FileIdentity.opaqueRoot
        put(object.map { Array($0.filesystem.text.utf8) }, .fs)
        put(isOpaque ? nil : object.map { Int64(bitPattern: $0.inode) }, .inode)
        put(isOpaque || object?.root == 0 ? nil : object.map { Int64(bitPattern: $0.root) }, .root)
        put(isOpaque ? nil : object.map { Int64($0.generation) }, .generation)
        put(isOpaque ? object.map { Array(String($0.inode, radix: 16).utf8) } : nil, .object)
    }

    private func put(
        _ index: PathIndex, _ column: Column, _ known: inout [PathIndex: PathPlaces], _ dictionaries: EventDictionaries
    ) {
        let raw = column.rawValue + 1
        var places = PathPlaces()
        if let met = known[index] {
            places = met
        } else if let path = dictionaries.path(index) {
            places.text = writer.place(of: Self.text(path), in: column.rawValue)
            if !UTF8Scanner.isValid(path) { places.raw = writer.place(of: path, in: raw) }
            known[index] = places
        }
        writer.append(place: places.text, to: column.rawValue)
        writer.append(place: places.raw, to: raw)
    }

    private func operations(_ mask: EventMask) -> UInt32 {
        if let place = operationPlaces[mask.rawValue] { return place }
        let place = writer.place(of: Array(mask.operationNames.joined(separator: " ").utf8), in: Column.op.rawValue)
        operationPlaces[mask.rawValue] = place
        return place
    }

    /// The places of what is known of a process, in the order of `Column.ofProcess`.
    private func places(ofProcess index: UInt32, _ dictionaries: EventDictionaries) -> [UInt32?]? {
        guard let process = dictionaries.process(index) else { return nil }
        if let places = processPlaces[Int(index)] { return places }
        let places = Column.ofProcess.map { column -> UInt32? in
            guard let known = Column(rawValue: column) else { return nil }
            if let number = Self.number(known, of: process) { return writer.place(of: number, in: column) }
            return Self.bytes(known, of: process).map { writer.place(of: $0, in: column) }
        }
        processPlaces[Int(index)] = places
        return places
    }

    private static func number(_ column: Column, of process: ActorProcess) -> Int64? {
        switch column {
        case .pid: Int64(process.pid)
        case .instance: Int64(clamping: process.instance)
        case .start: process.start?.microsecondsRoundedDown
        case .ppid: process.parentPID.map { Int64($0) }
        case .parent: process.parentInstance.map { Int64(clamping: $0) }
        case .uid: process.uid.map { Int64($0) }
        case .gid: process.gid.map { Int64($0) }
        case .ruid: process.realUID.map { Int64($0) }
        case .rgid: process.realGID.map { Int64($0) }
        case .loginuid: process.loginUID.map { Int64($0) }
        case .session: process.auditSession.map { Int64($0) }
        default: nil
        }
    }

    private static func bytes(_ column: Column, of process: ActorProcess) -> [UInt8]? {
        switch column {
        case .exe: text(process.exe)
        case .exeRaw: raw(process.exe)
        case .script: text(process.script)
        case .scriptRaw: raw(process.script)
        case .comm: text(process.comm)
        case .commRaw: raw(process.comm)
        case .cmdline: text(process.commandLine)
        case .cmdlineRaw: raw(process.commandLine)
        case .tty: text(process.terminal.map { TerminalName.path(ofDevice: $0) })
        case .cgroup: text(process.controlGroup)
        case .unit: text(process.controlGroup.flatMap { ControlGroupName.unit(of: $0) })
        case .container: text(process.container)
        default: nil
        }
    }

    private static func text(_ path: RawPath?) -> [UInt8]? { path.map { text($0.bytes) } }

    private static func raw(_ path: RawPath?) -> [UInt8]? {
        path.flatMap { UTF8Scanner.isValid($0.bytes) ? nil : $0.bytes }
    }

    /// The bytes with U+FFFD for what is not UTF-8: readers refuse a text that is none.
    private static func text(_ bytes: [UInt8]) -> [UInt8] {
        UTF8Scanner.isValid(bytes) ? bytes : Array(String(decoding: bytes, as: UTF8.self).utf8)
    }
}
