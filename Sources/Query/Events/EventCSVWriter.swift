internal import Block
internal import Model

/// Writes events as comma-separated values; a field is empty where its value is not known.
struct EventCSVWriter: MarkingEventWriter {
    private static let columns = [
        "seq", "time", "earliest", "host", "op", "merged", "path", "path_raw", "target", "target_raw", "dir", "fs",
        "inode", "root", "generation", "pid", "instance", "start", "exe", "script", "comm", "cmdline", "ppid", "uid",
        "gid", "loginuid", "container", "uncertain", "container_path", "container_target",
        "parent", "ruid", "rgid", "session", "tty", "cgroup", "unit", "exe_last", "name_only",
    ]

    private var csv: CSVWriter
    /// Adds the columns `gap`, `gap_count` and `gap_cause`, and a row for each gap.
    private let includesGaps: Bool
    /// Adds the column `marked`.
    var markedSequence: UInt64?
    private var time = TimestampWriter()
    private var dictionaries: EventDictionaries?

    private let containers: ContainerPaths

    init(isForTerminal: Bool, containers: ContainerPaths = ContainerPaths([]), includesGaps: Bool = false) {
        self.containers = containers
        self.includesGaps = includesGaps
        csv = CSVWriter(isForTerminal: isForTerminal)
    }

    mutating func begin(into bytes: inout [UInt8]) {
        for column in Self.columns { csv.field(column) }
        if includesGaps { for column in ["gap", "gap_count", "gap_cause"] { csv.field(column) } }
        if markedSequence != nil { csv.field("marked") }
        csv.endRow()
        flush(into: &bytes)
    }

    mutating func use(_ block: BlockView) throws(BlockError) {
        dictionaries = try EventDictionaries(block)
    }

    mutating func end(into bytes: inout [UInt8]) {}

    mutating func write(_ event: EventView, into bytes: inout [UInt8]) {
        csv.field(integer: event.sequence)
        field(event.window.time)
        field(event.window.earliest)
        csv.field(dictionaries?.hostName ?? [])
        csv.field(event.mask.operationNames.joined(separator: " "))
        csv.field(event.mask.isMerged ? "true" : "")
        field(path: dictionaries?.path(event.path))
        field(path: dictionaries?.path(event.target))
        csv.field(event.mask.contains(.onDirectory) ? "true" : "")
        writeObject(event.object)
        writeProcess(dictionaries?.process(event.process))
        csv.field(event.flags.uncertainties.map { "\($0)" }.joined(separator: " "))
        let container = containers.isEmpty ? nil : dictionaries?.process(event.process)?.container
        for path in [event.path, event.target] {
            let seen = containers.isEmpty ? nil : dictionaries?.path(path)
            csv.field(seen.flatMap { containers.place(of: $0, container: container)?.path } ?? [])
        }
        writeLinks(dictionaries?.process(event.process))
        csv.field(dictionaries?.process(event.lastProcess)?.exe?.bytes ?? [])
        csv.field(event.flags.isNameOnly ? "true" : "")
        if includesGaps { for _ in 0..<3 { csv.empty() } }
        if let markedSequence { csv.field(event.sequence == markedSequence ? "true" : "") }
        csv.endRow()
        flush(into: &bytes)
    }

    /// Without columns of its own a row of another kind has no place in a table for programs; `varve gaps` has them. With
    /// them `earliest` is the gap's beginning, `time` its end and `path` its scope.
    mutating func write(_ gap: Gap, into bytes: inout [UInt8]) {
        guard includesGaps else { return }
        csv.empty()
        field(gap.to)
        field(gap.from)
        for _ in 0..<3 { csv.empty() }
        field(path: gap.scope?.bytes)
        // Beside those just written: seq, time, earliest, host, op, merged, path and path_raw.
        for _ in 8..<Self.columns.count { csv.empty() }
        csv.field(gap.kind.rawValue)
        if let count = gap.count { csv.field(integer: count) } else { csv.empty() }
        csv.field(gap.cause)
        if markedSequence != nil { csv.empty() }
        csv.endRow()
        flush(into: &bytes)
    }

    private mutating func writeObject(_ object: FileIdentity?) {
        guard let object else {
            for _ in 0..<4 { csv.empty() }
            return
        }
        csv.field(object.filesystem.text)
        csv.field(integer: object.inode)
        if object.root == 0 || object.root == FileIdentity.opaqueRoot {
            csv.empty()
        } else {
            csv.field(integer: object.root)
        }
        csv.field(integer: object.generation)
    }

    private mutating func writeProcess(_ process: ActorProcess?) {
        guard let process else {
            for _ in 0..<12 { csv.empty() }
            return
        }
        csv.field(integer: process.pid)
        csv.field(integer: process.instance)
        if let start = process.start { field(start) } else { csv.empty() }
        csv.field(process.exe?.bytes ?? [])
        csv.field(process.script?.bytes ?? [])
        csv.field(process.comm?.bytes ?? [])
        csv.field(process.commandLine?.bytes ?? [])
        number(process.parentPID)
        number(process.uid)
        number(process.gid)
        number(process.loginUID)
        csv.field(process.container?.bytes ?? [])
    }

    private mutating func writeLinks(_ process: ActorProcess?) {
        number(process?.parentInstance)
        number(process?.realUID)
        number(process?.realGID)
        number(process?.auditSession)
        csv.field(process?.terminal.map { TerminalName.path(ofDevice: $0).bytes } ?? [])
        csv.field(process?.controlGroup?.bytes ?? [])
        csv.field(process?.controlGroup.flatMap { ControlGroupName.unit(of: $0) }?.bytes ?? [])
    }

    private mutating func number(_ value: (some FixedWidthInteger)?) {
        if let value { csv.field(integer: value) } else { csv.empty() }
    }

    private mutating func field(_ instant: Instant) {
        var text: [UInt8] = []
        time.append(instant, to: &text)
        csv.field(text)
    }

    /// The text of a path with U+FFFD for what is not UTF-8, and beside it the raw bytes where that happened.
    private mutating func field(path: [UInt8]?) {
        guard let path else {
            csv.empty()
            csv.empty()
            return
        }
        guard !UTF8Scanner.isValid(path) else {
            csv.field(path)
            csv.empty()
            return
        }
        csv.field(String(decoding: path, as: UTF8.self))
        var raw: [UInt8] = []
        raw.append(base64: path)
        csv.field(raw)
    }

    private mutating func flush(into bytes: inout [UInt8]) {
        bytes.append(contentsOf: csv.bytes)
        csv.bytes.removeAll(keepingCapacity: true)
    }
}
