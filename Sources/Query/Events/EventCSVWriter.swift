internal import Block
internal import Model

/// Writes events as comma-separated values; a field is empty where its value is not known.
struct EventCSVWriter: MarkingEventWriter, RowWriter {
    private static let columns = [
        "seq", "time", "earliest", "host", "op", "merged", "path", "path_raw", "target", "target_raw", "dir", "fs",
        "inode", "root", "generation", "pid", "instance", "start", "exe", "script", "comm", "cmdline", "ppid", "uid",
        "gid", "loginuid", "container", "uncertain", "container_path", "container_target",
        "parent", "ruid", "rgid", "session", "tty", "cgroup", "unit", "exe_last", "name_only",
    ]

    private var csv: CSVWriter
    /// One like it that holds no output, for texts of their own.
    private let maker: CSVWriter
    /// Adds the columns `gap`, `gap_count` and `gap_cause`, and a row for each gap.
    private let includesGaps: Bool
    /// Adds the column `marked`.
    var markedSequence: UInt64?
    private var time = TimestampWriter()
    private var dictionaries: EventDictionaries?
    private let containers: ContainerPaths

    // Fields that rows have in common are made once a block, or for as long as they stay the same.
    private var host: [UInt8] = []
    private var window: (value: TimeWindow, text: [UInt8])?
    /// By mask: the operations, and whether it is of several records.
    private var operations: [UInt32: [UInt8]] = [:]
    private var mask: (value: UInt32, text: [UInt8])?
    private var path: (index: PathIndex, text: [UInt8])?
    private var filesystem: (value: FilesystemID, text: [UInt8])?
    /// By process.
    private var processText = BlockTexts(count: 0)
    private var linkText = BlockTexts(count: 0)
    private let unknownProcess: [UInt8]
    private let unknownLinks: [UInt8]

    init(isForTerminal: Bool, containers: ContainerPaths = ContainerPaths([]), includesGaps: Bool = false) {
        self.containers = containers
        self.includesGaps = includesGaps
        let csv = CSVWriter(isForTerminal: isForTerminal)
        self.csv = csv
        maker = csv
        unknownProcess = csv.text { Self.write(nil, to: &$0) }
        unknownLinks = csv.text { Self.writeLinks(nil, to: &$0) }
    }

    mutating func begin(into bytes: inout [UInt8]) {
        for column in Self.columns { csv.field(column) }
        if includesGaps { for column in ["gap", "gap_count", "gap_cause"] { csv.field(column) } }
        if markedSequence != nil { csv.field("marked") }
        csv.endRow()
        flush(into: &bytes)
    }

    mutating func use(_ block: BlockView) throws(BlockError) {
        let dictionaries = try EventDictionaries(block)
        self.dictionaries = dictionaries
        host = csv.text { $0.field(dictionaries.hostName) }
        processText = BlockTexts(count: dictionaries.processes.count)
        linkText = processText
        path = nil
    }

    mutating func leaveBlock() {
        dictionaries = nil
        (processText, linkText) = (BlockTexts(count: 0), BlockTexts(count: 0))
    }

    mutating func end(into bytes: inout [UInt8]) {}

    mutating func write(_ event: EventView, into bytes: inout [UInt8]) {
        swap(&csv.bytes, &bytes)
        csv.field(integer: event.sequence)
        writeWindow(event.window)
        csv.fields(host)
        writeOperations(event.mask)
        writePath(event.path)
        writePath(event.target)
        csv.field(event.mask.contains(.onDirectory) ? "true" : "")
        writeObject(event.object)
        writeProcess(event.process)
        let uncertainties = event.flags.uncertainties
        if uncertainties.isEmpty {
            csv.empty()
        } else {
            csv.field(uncertainties.map { "\($0)" }.joined(separator: " "))
        }
        writeContainerPaths(event)
        writeLinks(event.process)
        if let last = dictionaries?.process(event.lastProcess)?.exe { csv.field(last.bytes) } else { csv.empty() }
        csv.field(event.flags.isNameOnly ? "true" : "")
        if includesGaps { for _ in 0..<3 { csv.empty() } }
        if let markedSequence { csv.field(event.sequence == markedSequence ? "true" : "") }
        csv.endRow()
        swap(&csv.bytes, &bytes)
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

    private mutating func writeWindow(_ window: TimeWindow) {
        if let known = self.window, known.value == window {
            csv.fields(known.text)
            return
        }
        let start = csv.bytes.count
        field(window.time)
        field(window.earliest)
        self.window = (window, Array(csv.bytes[(start + 1)...]))
    }

    private mutating func writeOperations(_ mask: EventMask) {
        if let known = self.mask, known.value == mask.rawValue {
            csv.fields(known.text)
            return
        }
        let text =
            operations[mask.rawValue]
            ?? csv.text {
                $0.field(mask.operationNames.joined(separator: " "))
                $0.field(mask.isMerged ? "true" : "")
            }
        operations[mask.rawValue] = text
        self.mask = (mask.rawValue, text)
        csv.fields(text)
    }

    private mutating func writeObject(_ object: FileIdentity?) {
        guard let object else {
            for _ in 0..<4 { csv.empty() }
            return
        }
        if filesystem?.value != object.filesystem {
            filesystem = (object.filesystem, csv.text { $0.field(object.filesystem.text) })
        }
        csv.fields(filesystem?.text ?? [])
        csv.field(integer: object.inode)
        if object.root == 0 || object.root == FileIdentity.opaqueRoot {
            csv.empty()
        } else {
            csv.field(integer: object.root)
        }
        csv.field(integer: object.generation)
    }

    private mutating func writeProcess(_ index: ProcessIndex) {
        guard let dictionaries, Int(index) < dictionaries.processes.count else { return csv.fields(unknownProcess) }
        let maker = maker
        csv.fields(
            processText.text(Int(index)) { maker.text { Self.write(dictionaries.processes[Int(index)], to: &$0) } })
    }

    private mutating func writeLinks(_ index: ProcessIndex) {
        guard let dictionaries, Int(index) < dictionaries.processes.count else { return csv.fields(unknownLinks) }
        let maker = maker
        csv.fields(
            linkText.text(Int(index)) { maker.text { Self.writeLinks(dictionaries.processes[Int(index)], to: &$0) } })
    }

    private mutating func writeContainerPaths(_ event: EventView) {
        guard !containers.isEmpty else {
            csv.empty()
            csv.empty()
            return
        }
        let container = dictionaries?.process(event.process)?.container
        for path in [event.path, event.target] {
            let seen = dictionaries?.path(path)
            csv.field(seen.flatMap { containers.place(of: $0, container: container)?.path } ?? [])
        }
    }

    private static func write(_ process: ActorProcess?, to csv: inout CSVWriter) {
        guard let process else {
            for _ in 0..<12 { csv.empty() }
            return
        }
        csv.field(integer: process.pid)
        csv.field(integer: process.instance)
        csv.field { bytes in
            var time = TimestampWriter()
            if let start = process.start { time.append(start, to: &bytes) }
        }
        for text in [process.exe, process.script, process.comm, process.commandLine] { csv.field(text?.bytes ?? []) }
        number(process.parentPID, to: &csv)
        for id in [process.uid, process.gid, process.loginUID] { number(id, to: &csv) }
        csv.field(process.container?.bytes ?? [])
    }

    private static func writeLinks(_ process: ActorProcess?, to csv: inout CSVWriter) {
        number(process?.parentInstance, to: &csv)
        for id in [process?.realUID, process?.realGID, process?.auditSession] { number(id, to: &csv) }
        csv.field(process?.terminal.map { TerminalName.path(ofDevice: $0).bytes } ?? [])
        csv.field(process?.controlGroup?.bytes ?? [])
        csv.field(process?.controlGroup.flatMap { ControlGroupName.unit(of: $0) }?.bytes ?? [])
    }

    private static func number(_ value: (some FixedWidthInteger)?, to csv: inout CSVWriter) {
        if let value { csv.field(integer: value) } else { csv.empty() }
    }

    private mutating func field(_ instant: Instant) {
        csv.field { time.append(instant, to: &$0) }
    }

    /// A file is opened, written and closed: paths come several times in a row.
    private mutating func writePath(_ index: PathIndex) {
        guard index != .absent else { return field(path: nil) }
        if let path, path.index == index { return csv.fields(path.text) }
        let start = csv.bytes.count
        field(path: dictionaries?.path(index))
        path = (index, Array(csv.bytes[(start + 1)...]))
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
        csv.field { $0.append(base64: path) }
    }

    private mutating func flush(into bytes: inout [UInt8]) {
        bytes.append(contentsOf: csv.bytes)
        csv.bytes.removeAll(keepingCapacity: true)
    }
}
