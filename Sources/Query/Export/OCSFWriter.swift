internal import Block
internal import Model

/// Writes events as JSON lines of the Open Cybersecurity Schema Framework: class 1001, File System Activity, a record for
/// each activity; gaps are of class 0, Base Event, because nothing happened to a file.
///
/// What the classes have no attribute for is in `unmapped`. Source: https://schema.ocsf.io/1.8.0/classes/file_activity
struct OCSFWriter: EventWriter {
    private static let schemaVersion: StaticString = "1.8.0"

    private let containers: ContainerPaths
    private let origin: BlockOrigin
    private var dictionaries: EventDictionaries?
    private var time = TimestampWriter()
    /// `"actor":{…}` by process index; empty until it is needed.
    private var actorText = BlockTexts(count: 0)
    private var deviceText: [UInt8]

    init(containers: ContainerPaths, origin: BlockOrigin) {
        self.containers = containers
        self.origin = origin
        deviceText = Self.device(hostName: origin.hostName.bytes, origin)
    }

    mutating func begin(into bytes: inout [UInt8]) {}
    mutating func end(into bytes: inout [UInt8]) {}

    mutating func use(_ block: BlockView) throws(BlockError) {
        let dictionaries = try EventDictionaries(block)
        self.dictionaries = dictionaries
        actorText = BlockTexts(count: dictionaries.processes.count)
        deviceText = Self.device(hostName: dictionaries.hostName, block.reader.header.origin)
    }

    mutating func leaveBlock() {
        dictionaries = nil
        actorText = BlockTexts(count: 0)
    }

    mutating func write(_ event: EventView, into bytes: inout [UInt8]) {
        for activity in FileActivity.all(in: event.mask) { write(event, activity, into: &bytes) }
    }

    mutating func write(_ gap: Gap, into bytes: inout [UInt8]) {
        var json = JSONWriter()
        swap(&json.bytes, &bytes)
        json.beginObject()
        json.key("activity_id")
        json.integer(99)
        json.key("activity_name")
        json.string(static: "Recording Gap")
        json.key("category_uid")
        json.integer(0)
        json.key("class_uid")
        json.integer(0)
        json.key("class_name")
        json.string(static: "Base Event")
        json.key("type_uid")
        json.integer(99)
        json.key("severity_id")
        json.integer(4)
        json.key("severity")
        json.string(static: "High")
        json.key("time")
        json.integer(gap.from.milliseconds)
        json.key("start_time")
        json.integer(gap.from.milliseconds)
        json.key("end_time")
        json.integer(gap.to.milliseconds)
        json.key("message")
        json.string(bytes: gap.sentence)
        metadata(sequence: nil, gap.from, &json)
        json.members(deviceText)
        json.key("unmapped")
        json.beginObject()
        json.members(of: gap, &time)
        json.endObject()
        json.endObject()
        json.endLine()
        swap(&json.bytes, &bytes)
    }

    private mutating func write(_ event: EventView, _ activity: FileActivity, into bytes: inout [UInt8]) {
        var json = JSONWriter()
        swap(&json.bytes, &bytes)
        json.beginObject()
        json.key("activity_id")
        json.integer(activity.ocsfID)
        json.key("activity_name")
        json.string(static: activity.ocsfName)
        json.key("category_uid")
        json.integer(1)
        json.key("category_name")
        json.string(static: "System Activity")
        json.key("class_uid")
        json.integer(1001)
        json.key("class_name")
        json.string(static: "File System Activity")
        json.key("type_uid")
        json.integer(100_100 + activity.ocsfID)
        let isError = activity == .filesystemError
        json.key("severity_id")
        json.integer(isError ? 3 : 1)
        json.key("severity")
        json.string(static: isError ? "Medium" : "Informational")
        json.key("time")
        json.integer(event.window.time.milliseconds)
        json.key("start_time")
        json.integer(event.window.earliest.milliseconds)
        json.key("message")
        json.string(bytes: event.sentence(activity, dictionaries))
        metadata(sequence: event.sequence, event.window.time, &json)
        json.members(deviceText)
        actor(event.process, &json)
        json.key("access_mask")
        json.integer(event.mask.rawValue)
        files(event, activity, &json)
        unmapped(event, &json)
        json.endObject()
        json.endLine()
        swap(&json.bytes, &bytes)
    }

    /// `original_time` keeps the nanoseconds that `time` has no room for.
    private mutating func metadata(sequence: UInt64?, _ moment: Instant, _ json: inout JSONWriter) {
        json.key("metadata")
        json.beginObject()
        json.key("version")
        json.string(static: Self.schemaVersion)
        json.key("product")
        json.beginObject()
        json.key("name")
        json.string(static: "Varve")
        json.key("vendor_name")
        json.string(static: "Varve")
        json.endObject()
        json.key("log_name")
        json.string(origin.store.hexadecimalText)
        if let sequence {
            json.key("sequence")
            json.integer(sequence)
        } else {
            // A Base Event has a device only with this profile.
            json.key("profiles")
            json.beginArray()
            json.string(static: "host")
            json.endArray()
        }
        json.key("original_time")
        json.time(moment, &time)
        json.endObject()
    }

    private static func device(hostName: [UInt8], _ origin: BlockOrigin) -> [UInt8] {
        var json = JSONWriter()
        json.key("device")
        json.beginObject()
        json.key("type_id")
        json.integer(0)
        json.key("hostname")
        json.string(bytes: hostName)
        if origin.machineID != .zero {
            json.key("uid")
            json.string(origin.machineID.hexadecimalText)
        }
        json.endObject()
        return json.bytes
    }

    private mutating func actor(_ index: UInt32, _ json: inout JSONWriter) {
        guard let process = dictionaries?.process(index) else {
            json.key("actor")
            json.beginObject()
            // The class wants somebody.
            json.key("app_name")
            json.string(static: "unknown")
            json.endObject()
            return
        }
        json.members(actorText.text(Int(index)) { Self.text(of: process) })
    }

    private static func text(of process: ActorProcess) -> [UInt8] {
        var json = JSONWriter()
        json.key("actor")
        json.beginObject()
        json.key("process")
        json.beginObject()
        json.key("pid")
        json.integer(process.pid)
        json.key("uid")
        json.string("\(process.instance)")
        // Texts without keys beside them: the class allows only its own. Raw bytes are in `unmapped`.
        for (name, text) in [("name" as StaticString, process.comm), ("cmd_line", process.commandLine)] {
            guard let text else { continue }
            json.key(name)
            json.string(bytes: text.bytes)
        }
        if let start = process.start {
            json.key("created_time")
            json.integer(start.milliseconds)
        }
        if let exe = process.exe?.bytes {
            json.key("path")
            json.string(bytes: exe)
            json.key("file")
            json.beginObject()
            json.key("name")
            json.string(bytes: RawPath.lastName(of: exe))
            json.key("path")
            json.string(bytes: exe)
            json.key("type_id")
            json.integer(1)
            json.endObject()
        }
        if let uid = process.uid {
            json.key("user")
            json.beginObject()
            json.key("uid")
            json.string("\(uid)")
            json.endObject()
        }
        if let parent = process.parentPID {
            json.key("parent_process")
            json.beginObject()
            json.key("pid")
            json.integer(parent)
            json.endObject()
        }
        json.endObject()
        json.endObject()
        return json.bytes
    }

    /// `file` is the old name of a rename, `file_result` the new one.
    private func files(_ event: EventView, _ activity: FileActivity, _ json: inout JSONWriter) {
        let path = dictionaries?.path(event.path)
        let target = dictionaries?.path(event.target)
        // fanotify tells directories from the rest, and what is executed is a regular file.
        let type = event.mask.contains(.onDirectory) ? 2 : activity == .execute ? 1 : 0
        json.key("file")
        file(path ?? target, event.object, type: type, isDeleted: activity == .delete, &json)
        guard activity == .rename, path != nil, let target else { return }
        json.key("file_result")
        file(target, event.object, type: type, isDeleted: false, &json)
    }

    private func file(
        _ path: [UInt8]?, _ object: FileIdentity?, type: Int, isDeleted: Bool, _ json: inout JSONWriter
    ) {
        json.beginObject()
        json.key("name")
        if let path { json.string(bytes: RawPath.lastName(of: path)) } else { json.string(static: "unknown") }
        if let path {
            json.key("path")
            json.string(bytes: path)
        }
        json.key("type_id")
        json.integer(type)
        if let object, object.root != FileIdentity.opaqueRoot {
            json.key("uid")
            json.string("\(object.inode)")
        }
        if isDeleted {
            json.key("is_deleted")
            json.boolean(true)
        }
        json.endObject()
    }

    /// What tells more than the class can hold, by the names of `varve events -o jsonl`.
    private mutating func unmapped(_ event: EventView, _ json: inout JSONWriter) {
        json.key("unmapped")
        json.beginObject()
        json.key("op")
        json.beginArray()
        for name in event.mask.operationNames { json.string(name) }
        json.endArray()
        if event.mask.isMerged {
            json.key("merged")
            json.boolean(true)
        }
        json.key("earliest")
        json.time(event.window.earliest, &time)
        for (name, path) in [("path_raw" as StaticString, event.path), ("target_raw", event.target)] {
            guard let path = dictionaries?.path(path), !UTF8Scanner.isValid(path) else { continue }
            json.key(name)
            json.base64(path)
        }
        if let object = event.object {
            json.key("fs")
            json.string(object.filesystem.text)
            if object.root != FileIdentity.opaqueRoot { json.number("generation", object.generation) }
        }
        let words = event.flags.uncertainties
        if !words.isEmpty {
            json.key("uncertain")
            json.beginArray()
            for word in words { json.string(static: word) }
            json.endArray()
        }
        for (name, isSet) in [
            ("name_only" as StaticString, event.flags.isNameOnly), ("scanned", event.flags.contains(.scanned)),
        ] where isSet {
            json.key(name)
            json.boolean(true)
        }
        if let process = dictionaries?.process(event.process) {
            let names: [(StaticString, RawPath?)] = [
                ("exe_raw", process.exe), ("comm_raw", process.comm), ("cmdline_raw", process.commandLine),
            ]
            for (name, text) in names {
                guard let text, !UTF8Scanner.isValid(text.bytes) else { continue }
                json.key(name)
                json.base64(text.bytes)
            }
            json.text("script", process.script)
            json.number("loginuid", process.loginUID)
            json.number("gid", process.gid)
            json.text("container", process.container)
            json.text("unit", process.controlGroup.flatMap { ControlGroupName.unit(of: $0) })
            if let path = dictionaries?.path(event.path),
                let place = containers.isEmpty ? nil : containers.place(of: path, container: process.container)
            {
                json.path("container_path", raw: "container_path_raw", place.path)
            }
        }
        json.endObject()
    }
}

extension FileActivity {
    /// `activity_id` of class 1001. fanotify does not tell a change of rights from other attributes, so never 7.
    fileprivate var ocsfID: Int {
        switch self {
        case .create: 1
        case .read: 2
        case .update: 3
        case .delete: 4
        case .rename: 5
        case .setAttributes: 6
        case .open, .execute: 14
        case .close, .filesystemError: 99
        }
    }

    /// `activity_name`: the schema's caption, or where it has none (99) our own word.
    fileprivate var ocsfName: StaticString {
        switch self {
        case .create: "Create"
        case .read: "Read"
        case .update: "Update"
        case .delete: "Delete"
        case .rename: "Rename"
        case .setAttributes: "Set Attributes"
        case .open, .execute: "Open"
        case .close: "Close"
        case .filesystemError: "Filesystem Error"
        }
    }
}

extension Instant {
    /// The millisecond at or before this moment, as OCSF counts time.
    fileprivate var milliseconds: Int64 {
        let (quotient, remainder) = nanosecondsSinceEpoch.quotientAndRemainder(dividingBy: 1_000_000)
        return remainder < 0 ? quotient - 1 : quotient
    }
}
