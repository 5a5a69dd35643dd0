internal import Block
internal import Model

/// Writes events as JSON lines for Timesketch: a record for each activity, which has the three fields that Timesketch
/// needs (`message`, `datetime`, `timestamp_desc`) and the event's own.
///
/// Source: Timesketch, "Import and search"; the words of `timestamp_desc` are plaso's.
struct TimesketchWriter: EventWriter {
    private let containers: ContainerPaths
    private var dictionaries: EventDictionaries?
    private var time = TimestampWriter()
    private var host: [UInt8] = []
    /// The members that tell of a process, by its index; empty until they are needed.
    private var processText = BlockTexts(count: 0)

    init(containers: ContainerPaths) {
        self.containers = containers
    }

    mutating func begin(into bytes: inout [UInt8]) {}
    mutating func end(into bytes: inout [UInt8]) {}

    mutating func use(_ block: BlockView) throws(BlockError) {
        let dictionaries = try EventDictionaries(block)
        self.dictionaries = dictionaries
        host = dictionaries.hostName
        processText = BlockTexts(count: dictionaries.processes.count)
    }

    mutating func leaveBlock() {
        dictionaries = nil
        processText = BlockTexts(count: 0)
    }

    mutating func write(_ event: EventView, into bytes: inout [UInt8]) {
        for activity in FileActivity.all(in: event.mask) { write(event, activity, into: &bytes) }
    }

    /// A record at the gap's beginning and one at its end.
    mutating func write(_ gap: Gap, into bytes: inout [UInt8]) {
        let ends: [(Instant, StaticString)] = [(gap.from, "Recording Gap Start"), (gap.to, "Recording Gap End")]
        for (moment, description) in ends {
            var json = JSONWriter()
            swap(&json.bytes, &bytes)
            json.beginObject()
            begin(gap.sentence, moment, description, "varve:gap", &json)
            json.members(of: gap, &time)
            json.endObject()
            json.endLine()
            swap(&json.bytes, &bytes)
        }
    }

    private mutating func write(_ event: EventView, _ activity: FileActivity, into bytes: inout [UInt8]) {
        var json = JSONWriter()
        swap(&json.bytes, &bytes)
        json.beginObject()
        begin(
            event.sentence(activity, dictionaries), event.window.time, activity.timestampDescription,
            "linux:fanotify:event", &json)
        json.key("ts_ns")
        json.integer(event.window.time.nanosecondsSinceEpoch)
        json.key("earliest")
        json.time(event.window.earliest, &time)
        json.key("hostname")
        json.string(bytes: host)
        json.key("seq")
        json.integer(event.sequence)
        json.key("event_action")
        json.string(static: activity.action)
        json.key("op")
        json.beginArray()
        for name in event.mask.operationNames { json.string(name) }
        json.endArray()
        json.key("mask")
        json.integer(event.mask.rawValue)
        writePaths(event, &json)
        if let process = dictionaries?.process(event.process) {
            let index = Int(event.process)
            json.members(processText.text(index) { Self.text(of: process) })
        }
        writeDoubts(event, &json)
        json.endObject()
        json.endLine()
        swap(&json.bytes, &bytes)
    }

    /// What every record begins with. `timestamp` is the moment in microseconds.
    private mutating func begin(
        _ message: [UInt8], _ moment: Instant, _ description: StaticString, _ type: StaticString,
        _ json: inout JSONWriter
    ) {
        json.key("message")
        json.string(bytes: message)
        json.key("datetime")
        json.time(moment, &time)
        json.key("timestamp")
        json.integer(moment.microsecondsRoundedDown)
        json.key("timestamp_desc")
        json.string(static: description)
        json.key("data_type")
        json.string(static: type)
    }

    private func writePaths(_ event: EventView, _ json: inout JSONWriter) {
        let path = dictionaries?.path(event.path)
        let target = dictionaries?.path(event.target)
        if let path { json.path("path", raw: "path_raw", path) }
        if let target { json.path("target_path", raw: "target_path_raw", target) }
        json.key("is_directory")
        json.boolean(event.mask.contains(.onDirectory))
        if !containers.isEmpty {
            let container = dictionaries?.process(event.process)?.container
            if let place = path.flatMap({ containers.place(of: $0, container: container) }) {
                json.path("container_path", raw: "container_path_raw", place.path)
            }
        }
        guard let object = event.object else { return }
        json.key("filesystem")
        json.string(object.filesystem.text)
        guard object.root != FileIdentity.opaqueRoot else { return }
        json.key("inode")
        json.integer(object.inode)
    }

    /// `tag` is the field that Timesketch shows beside a record.
    private func writeDoubts(_ event: EventView, _ json: inout JSONWriter) {
        var tags = event.flags.uncertainties.map { "uncertain-\($0)" }
        if event.mask.isMerged { tags.append("merged") }
        if event.flags.contains(.scanned) { tags.append("scanned") }
        if event.flags.isNameOnly { tags.append("name-only") }
        guard !tags.isEmpty else { return }
        json.key("tag")
        json.beginArray()
        for tag in tags { json.string(tag) }
        json.endArray()
    }

    private static func text(of process: ActorProcess) -> [UInt8] {
        var time = TimestampWriter()
        var json = JSONWriter()
        json.key("pid")
        json.integer(process.pid)
        json.key("process_instance")
        json.integer(process.instance)
        json.text("process_name", process.comm)
        json.text("executable", process.exe)
        json.text("script", process.script)
        json.text("command_line", process.commandLine)
        if let start = process.start {
            json.key("process_start")
            json.time(start, &time)
        }
        json.number("ppid", process.parentPID)
        json.number("uid", process.uid)
        json.number("gid", process.gid)
        json.number("login_uid", process.loginUID)
        json.number("audit_session", process.auditSession)
        json.text("container", process.container)
        json.text("systemd_unit", process.controlGroup.flatMap { ControlGroupName.unit(of: $0) })
        return json.bytes
    }
}

extension FileActivity {
    /// What the time of a record is the time of.
    fileprivate var timestampDescription: StaticString {
        switch self {
        case .create: "Creation Time"
        case .read: "Last Access Time"
        case .update: "Content Modification Time"
        case .delete: "Content Deletion Time"
        case .rename, .setAttributes: "Metadata Modification Time"
        case .open: "Open Time"
        case .execute: "Last Time Executed"
        case .close: "Close Time"
        case .filesystemError: "Filesystem Error Time"
        }
    }

    /// Source: the Elastic Common Schema's examples of `event.action` for files.
    fileprivate var action: StaticString {
        switch self {
        case .create: "file-created"
        case .read: "file-read"
        case .update: "file-modified"
        case .delete: "file-deleted"
        case .rename: "file-renamed"
        case .setAttributes: "file-attributes-changed"
        case .open: "file-opened"
        case .execute: "file-executed"
        case .close: "file-closed"
        case .filesystemError: "filesystem-error"
        }
    }
}
