internal import Block
package import Model

/// Writes events as JSON objects: one a line, or as the elements of one array.
///
/// Shape: docs/output.md. Processes, hosts and operations repeat, so their text is made once a block and copied.
struct EventJSONWriter: MarkingEventWriter, RowWriter {
    private let isArray: Bool
    private let containers: ContainerPaths
    private var isFirst = true
    var markedSequence: UInt64?
    private var time = TimestampWriter()
    private var dictionaries: EventDictionaries?
    private var host: [UInt8] = []
    /// `"pid":…,"process":{…}` by process index.
    private var processText = BlockTexts(count: 0)
    private var operationText: [UInt32: [UInt8]] = [:]

    init(isArray: Bool, containers: ContainerPaths = ContainerPaths([])) {
        self.isArray = isArray
        self.containers = containers
    }

    mutating func begin(into bytes: inout [UInt8]) {
        if isArray { bytes.append(text: "[") }
    }

    mutating func use(_ block: BlockView) throws(BlockError) {
        let dictionaries = try EventDictionaries(block)
        self.dictionaries = dictionaries
        processText = BlockTexts(count: dictionaries.processes.count)
        var json = JSONWriter()
        json.key("host")
        json.string(bytes: dictionaries.hostName)
        host = json.bytes
    }

    mutating func leaveBlock() {
        dictionaries = nil
        processText = BlockTexts(count: 0)
    }

    mutating func end(into bytes: inout [UInt8]) {
        if isArray { bytes.append(text: isFirst ? "]\n" : "\n]\n") }
    }

    mutating func write(_ event: EventView, into bytes: inout [UInt8]) {
        separate(&bytes)
        var json = JSONWriter()
        swap(&json.bytes, &bytes)
        json.beginObject()
        json.key("seq")
        json.integer(event.sequence)
        if event.sequence == markedSequence {
            json.key("marked")
            json.boolean(true)
        }
        json.key("time")
        json.time(event.window.time, &time)
        json.key("earliest")
        json.time(event.window.earliest, &time)
        json.members(host)
        json.members(operations(event.mask))
        if event.mask.isMerged {
            json.key("merged")
            json.boolean(true)
        }
        writePaths(event, &json)
        if !containers.isEmpty { writeContainerPaths(event, &json) }
        writeObject(event, &json)
        if let dictionaries, Int(event.process) < dictionaries.processes.count {
            let index = Int(event.process)
            json.members(processText.text(index) { Self.text(of: dictionaries.processes[index]) })
        }
        if let last = dictionaries?.process(event.lastProcess) {
            json.text("exe_last", last.exe)
            json.text("comm_last", last.comm)
        }
        writeFlags(event, &json)
        json.endObject()
        swap(&json.bytes, &bytes)
        if !isArray { bytes.append(UInt8(ascii: "\n")) }
    }

    mutating func write(_ gap: Gap, into bytes: inout [UInt8]) {
        separate(&bytes)
        var json = JSONWriter()
        swap(&json.bytes, &bytes)
        json.beginObject()
        json.members(of: gap, &time)
        json.endObject()
        swap(&json.bytes, &bytes)
        if !isArray { bytes.append(UInt8(ascii: "\n")) }
    }

    private mutating func separate(_ bytes: inout [UInt8]) {
        guard isArray else { return }
        bytes.append(text: isFirst ? "\n" : ",\n")
        isFirst = false
    }

    private mutating func operations(_ mask: EventMask) -> [UInt8] {
        if let text = operationText[mask.rawValue] { return text }
        var json = JSONWriter()
        json.key("op")
        json.beginArray()
        for name in mask.operationNames { json.string(name) }
        json.endArray()
        operationText[mask.rawValue] = json.bytes
        return json.bytes
    }

    private func writePaths(_ event: EventView, _ json: inout JSONWriter) {
        if let path = dictionaries?.path(event.path) {
            json.path("path", raw: "path_raw", path)
        }
        if let target = dictionaries?.path(event.target) {
            json.path("target", raw: "target_raw", target)
        }
        if event.mask.contains(.onDirectory) {
            json.key("dir")
            json.boolean(true)
        }
    }

    /// What a container sees; absent for what none does.
    private func writeContainerPaths(_ event: EventView, _ json: inout JSONWriter) {
        let container = dictionaries?.process(event.process)?.container
        let path = dictionaries?.path(event.path).flatMap { containers.place(of: $0, container: container) }
        let target = dictionaries?.path(event.target).flatMap { containers.place(of: $0, container: container) }
        guard let seen = path ?? target else { return }
        json.key("container")
        json.string(bytes: seen.container.bytes)
        if let path { json.path("container_path", raw: "container_path_raw", path.path) }
        if let target { json.path("container_target", raw: "container_target_raw", target.path) }
    }

    private func writeObject(_ event: EventView, _ json: inout JSONWriter) {
        guard let object = event.object else { return }
        json.key("fs")
        json.string(object.filesystem.text)
        if object.root == FileIdentity.opaqueRoot {
            json.key("object")
            json.string(String(object.inode, radix: 16))
            return
        }
        json.key("inode")
        json.integer(object.inode)
        if object.root != 0 {
            json.key("root")
            json.integer(object.root)
        }
        json.key("generation")
        json.integer(object.generation)
    }

    private func writeFlags(_ event: EventView, _ json: inout JSONWriter) {
        let words = event.flags.uncertainties
        if !words.isEmpty {
            json.key("uncertain")
            json.beginArray()
            for word in words { json.string(static: word) }
            json.endArray()
        }
        if event.flags.isNameOnly {
            json.key("name_only")
            json.boolean(true)
        }
        if event.flags.contains(.scanned) {
            json.key("scanned")
            json.boolean(true)
        }
    }

    private static func text(of process: ActorProcess) -> [UInt8] {
        var time = TimestampWriter()
        var json = JSONWriter()
        json.key("pid")
        json.integer(process.pid)
        json.key("process")
        json.beginObject()
        json.members(of: process, &time)
        json.endObject()
        return json.bytes
    }
}

extension FilesystemID {
    /// As stat(1) prints it (`stat -f -c %i`): the first word of the identity is the more significant.
    package var text: String {
        String(rawValue << 32 | rawValue >> 32, radix: 16)
    }
}
