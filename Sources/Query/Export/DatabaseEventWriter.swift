internal import Block
internal import Model
internal import Store

/// Writes events into a new SQLite database of ordinary tables: `event`, `process`, `gap`, `coverage` and `export`, and
/// the view `timeline`, which has the columns of `varve sql`. Columns: docs/export.md.
///
/// Thread: one.
final class DatabaseEventWriter: EventWriter {
    private static let processColumns = [
        "instance", "pid", "start", "exe", "script", "comm", "cmdline", "ppid", "parent", "uid", "gid", "ruid", "rgid",
        "loginuid", "session", "tty", "cgroup", "unit", "container",
    ]

    private let database: NewDatabase
    private let insertEvent: NewDatabase.Command
    private let insertGap: NewDatabase.Command
    private let insertProcess: NewDatabase.Command
    private let findProcess: NewDatabase.Command
    private let containers: ContainerPaths
    private var dictionaries: EventDictionaries?
    private var time = TimestampWriter()
    /// Rows of the block's processes, 0 for those not met yet.
    private var processRows: [Int64] = []
    private var processCount: Int64 = 0

    /// Parameters: `file` is there and empty; `covered` and `facts` are what stands beside the events. Throws: `StoreError`.
    init(
        _ file: RawPath, containers: ContainerPaths, covered: [CoveredSpan], facts: [(key: String, value: String)]
    ) throws(StoreError) {
        self.containers = containers
        database = try NewDatabase(file, schema: Self.schema)
        insertEvent = try database.command("insert event", Self.insertion("event", columnCount: 23))
        insertGap = try database.command("insert gap", Self.insertion("gap", columnCount: 8))
        insertProcess = try database.command(
            "insert process", Self.insertion("process", columnCount: 1 + Self.processColumns.count))
        // IS, unlike =, finds what is not known as well.
        findProcess = try database.command(
            "find process",
            "SELECT id FROM process WHERE instance = ? AND "
                + Self.processColumns.dropFirst().map { "\($0) IS ?" }.joined(separator: " AND "))
        let insertFact = try database.command("insert fact", Self.insertion("export", columnCount: 2))
        for (key, value) in facts { try insertFact.run([.text(key), .text(value)]) }
        let insertCoverage = try database.command("insert coverage", Self.insertion("coverage", columnCount: 5))
        for span in covered {
            try insertCoverage.run(
                [Self.name(span.path.bytes), moment(span.from), moment(span.to)]
                    + [span.from, span.to].map { .integer($0.nanosecondsSinceEpoch) })
        }
    }

    func begin(into bytes: inout [UInt8]) {}

    func use(_ block: BlockView) throws(BlockError) {
        let dictionaries = try EventDictionaries(block)
        self.dictionaries = dictionaries
        processRows = Array(repeating: 0, count: dictionaries.processes.count)
    }

    func leaveBlock() {
        dictionaries = nil
    }

    func write(_ event: EventView, into bytes: inout [UInt8]) throws {
        guard let dictionaries else { return }
        let object = event.object
        let isOpaque = object?.root == FileIdentity.opaqueRoot
        let path = dictionaries.path(event.path)
        let target = dictionaries.path(event.target)
        let words = event.flags.uncertainties.map { "\($0)" }.joined(separator: " ")
        try insertEvent.run([
            .count(event.sequence), moment(event.window.time), .integer(event.window.time.nanosecondsSinceEpoch),
            .integer(event.window.earliest.nanosecondsSinceEpoch), Self.name(dictionaries.hostName),
            .text(event.mask.operationNames.joined(separator: " ")), .integer(Int64(event.mask.rawValue)),
            Self.flag(event.mask.isMerged), Self.name(path), Self.name(target),
            Self.flag(event.mask.contains(.onDirectory)),
            object.map { .text($0.filesystem.text) } ?? .null,
            isOpaque ? .null : .optional(object.map { Int64(bitPattern: $0.inode) }),
            isOpaque || object?.root == 0 ? .null : .optional(object.map { Int64(bitPattern: $0.root) }),
            isOpaque ? .null : .optional(object.map { Int64($0.generation) }),
            isOpaque ? object.map { .text(String($0.inode, radix: 16)) } ?? .null : .null,
            try row(ofProcess: event.process, dictionaries), try row(ofProcess: event.lastProcess, dictionaries),
            words.isEmpty ? .null : .text(words),
            Self.flag(event.flags.isNameOnly),
            Self.flag(event.flags.contains(.scanned)), inContainer(path, event, dictionaries),
            inContainer(target, event, dictionaries),
        ])
    }

    func write(_ gap: Gap, into bytes: inout [UInt8]) throws {
        try insertGap.run([
            .text(gap.kind.rawValue), moment(gap.from), moment(gap.to), .integer(gap.from.nanosecondsSinceEpoch),
            .integer(gap.to.nanosecondsSinceEpoch), .optional(gap.count.map { Int64(clamping: $0) }),
            Self.name(gap.scope?.bytes), .text(gap.cause),
        ])
    }

    func end(into bytes: inout [UInt8]) throws {
        try database.finish(Self.indices)
    }

    // MARK: Values

    private func moment(_ moment: Instant) -> BoundValue {
        var text: [UInt8] = []
        time.append(moment, to: &text)
        return .utf8(text)
    }

    private static func flag(_ value: Bool) -> BoundValue { .integer(value ? 1 : 0) }

    /// Text where the bytes are UTF-8, else a BLOB of them.
    private static func name(_ bytes: [UInt8]?) -> BoundValue {
        guard let bytes else { return .null }
        return UTF8Scanner.isValid(bytes) ? .utf8(bytes) : .bytes(bytes)
    }

    private func inContainer(
        _ path: [UInt8]?, _ event: EventView, _ dictionaries: EventDictionaries
    ) -> BoundValue {
        guard !containers.isEmpty, let path else { return .null }
        return Self.name(containers.place(of: path, container: dictionaries.process(event.process)?.container)?.path)
    }

    /// The number of the row of a process; blocks have dictionaries of their own, so it may be there already.
    private func row(ofProcess index: UInt32, _ dictionaries: EventDictionaries) throws(StoreError) -> BoundValue {
        guard let process = dictionaries.process(index) else { return .null }
        if processRows[Int(index)] > 0 { return .integer(processRows[Int(index)]) }
        let values = values(of: process)
        var row = try findProcess.integer(values)
        if row == nil {
            processCount += 1
            try insertProcess.run([.integer(processCount)] + values)
            row = processCount
        }
        processRows[Int(index)] = row ?? 0
        return .optional(row)
    }

    /// In the order of `processColumns`.
    private func values(of process: ActorProcess) -> [BoundValue] {
        func name(_ path: RawPath?) -> BoundValue { Self.name(path?.bytes) }
        func number(_ value: (some BinaryInteger)?) -> BoundValue { .optional(value.map { Int64(clamping: $0) }) }
        return [
            .count(process.instance), .integer(Int64(process.pid)), process.start.map(moment) ?? .null,
            name(process.exe), name(process.script), name(process.comm), name(process.commandLine),
            number(process.parentPID), number(process.parentInstance), number(process.uid), number(process.gid),
            number(process.realUID), number(process.realGID), number(process.loginUID), number(process.auditSession),
            name(process.terminal.map { TerminalName.path(ofDevice: $0) }), name(process.controlGroup),
            name(process.controlGroup.flatMap { ControlGroupName.unit(of: $0) }), name(process.container),
        ]
    }

    // MARK: SQL

    private static func insertion(_ table: String, columnCount: Int) -> String {
        "INSERT INTO \(table) VALUES (\(repeatElement("?", count: columnCount).joined(separator: ", ")))"
    }

    /// `process_instance` is used while rows are put in.
    private static let schema = """
        CREATE TABLE export(key TEXT PRIMARY KEY, value TEXT NOT NULL);
        CREATE TABLE coverage(
            path TEXT NOT NULL, "from" TEXT NOT NULL, "to" TEXT NOT NULL, from_ns INTEGER NOT NULL,
            to_ns INTEGER NOT NULL);
        CREATE TABLE process(
            id INTEGER PRIMARY KEY, instance INTEGER NOT NULL, pid INTEGER NOT NULL, start TEXT, exe TEXT, script TEXT,
            comm TEXT, cmdline TEXT, ppid INTEGER, parent INTEGER, uid INTEGER, gid INTEGER, ruid INTEGER,
            rgid INTEGER, loginuid INTEGER, session INTEGER, tty TEXT, cgroup TEXT, unit TEXT, container TEXT);
        CREATE INDEX process_instance ON process(instance);
        CREATE TABLE event(
            seq INTEGER PRIMARY KEY, time TEXT NOT NULL, time_ns INTEGER NOT NULL, earliest_ns INTEGER NOT NULL,
            host TEXT NOT NULL, op TEXT NOT NULL, mask INTEGER NOT NULL, merged INTEGER NOT NULL, path TEXT,
            target TEXT, dir INTEGER NOT NULL, fs TEXT, inode INTEGER, root INTEGER, generation INTEGER, object TEXT,
            process INTEGER REFERENCES process(id), last_process INTEGER REFERENCES process(id), uncertain TEXT,
            name_only INTEGER NOT NULL, scanned INTEGER NOT NULL, container_path TEXT, container_target TEXT);
        CREATE TABLE gap(
            type TEXT NOT NULL, "from" TEXT NOT NULL, "to" TEXT NOT NULL, from_ns INTEGER NOT NULL,
            to_ns INTEGER NOT NULL, count INTEGER, scope TEXT, cause TEXT NOT NULL);
        CREATE VIEW timeline AS
            SELECT e.seq, e.time, e.time_ns, e.earliest_ns, e.host, e.op, e.mask, e.merged, e.path, e.target, e.dir,
                e.fs, e.inode, e.root, e.generation, e.object, p.pid, p.instance, p.start, p.exe, p.script, p.comm,
                p.cmdline, p.ppid, p.parent, p.uid, p.gid, p.ruid, p.rgid, p.loginuid, p.session, p.tty, p.cgroup,
                p.unit, p.container, l.exe AS exe_last, l.comm AS comm_last, e.uncertain, e.name_only, e.scanned,
                e.container_path, e.container_target
            FROM event AS e LEFT JOIN process AS p ON p.id = e.process LEFT JOIN process AS l ON l.id = e.last_process;
        """

    /// Made at the end: sorting all rows once costs less than putting each into its place.
    private static let indices = """
        CREATE INDEX event_time ON event(time_ns);
        CREATE INDEX event_path ON event(path);
        CREATE INDEX event_target ON event(target) WHERE target IS NOT NULL;
        CREATE INDEX event_process ON event(process);
        CREATE INDEX process_pid ON process(pid);
        CREATE INDEX gap_from ON gap(from_ns);
        """
}
