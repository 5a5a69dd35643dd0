internal import Block
internal import Model

/// Writes events as lines for people: local time, operations, process, path. Rows come out as they are found, so the
/// columns have fixed widths.
struct EventTableWriter: MarkingEventWriter {
    private var time: TimestampWriter
    private let users: UserDatabase?
    private let terminal: Terminal?
    private var dictionaries: EventDictionaries?
    var markedSequence: UInt64?

    /// Parameter terminal: where the lines are shown; nil for none.
    init(zone: TimeZoneRule, users: UserDatabase?, on terminal: Terminal? = nil) {
        self.terminal = terminal
        time = TimestampWriter(zone: zone)
        self.users = users
    }

    mutating func begin(into bytes: inout [UInt8]) {
        if markedSequence != nil { bytes.append(text: "  ") }
        TextStyle.heading.append(to: &bytes, on: terminal) { bytes in
            appendPadded(time.title("TIME"), 26, to: &bytes)
            appendPadded("OP", 25, to: &bytes)
            appendPadded("PID", 7, to: &bytes)
            appendPadded("USER", 8, to: &bytes)
            appendPadded("COMM", 15, to: &bytes)
            bytes.append(text: "PATH")
        }
        bytes.append(UInt8(ascii: "\n"))
    }

    mutating func use(_ block: BlockView) throws(BlockError) {
        dictionaries = try EventDictionaries(block)
    }

    mutating func leaveBlock() {
        dictionaries = nil
    }

    mutating func end(into bytes: inout [UInt8]) {}

    mutating func write(_ event: EventView, into bytes: inout [UInt8]) {
        if let markedSequence {
            bytes.append(text: event.sequence == markedSequence ? "> " : "  ")
        }
        time.appendForPeople(event.window.time, to: &bytes)
        bytes.append(text: "  ")
        appendPadded(event.mask.operationNames.joined(separator: ","), 25, to: &bytes)
        let process = dictionaries?.process(event.process)
        appendPadded(process.map { "\($0.pid)" } ?? "-", 7, to: &bytes)
        appendPadded(userText(process), 8, to: &bytes)
        appendPadded(nameText(process), 15, to: &bytes)
        if let path = event.pathText(dictionaries) { bytes += path } else { bytes.append(text: "-") }
        if let target = event.targetText(dictionaries) {
            bytes.append(text: " -> ")
            bytes += target
        }
        bytes.append(UInt8(ascii: "\n"))
    }

    mutating func write(_ gap: Gap, into bytes: inout [UInt8]) {
        TextStyle.warning.append(to: &bytes, on: terminal) { appendText(gap, to: &$0) }
        bytes.append(UInt8(ascii: "\n"))
    }

    private mutating func appendText(_ gap: Gap, to bytes: inout [UInt8]) {
        bytes.append(text: "! ")
        time.appendForPeople(gap.from, to: &bytes)
        bytes.append(text: "  gap ")
        bytes.append(string: gap.kind.rawValue)
        if gap.to > gap.from {
            bytes.append(text: " up to ")
            time.appendForPeople(gap.to, to: &bytes)
        }
        gap.appendParticulars(to: &bytes)
    }

    /// A process that was gone before its name could be asked is called by its program.
    private func nameText(_ process: ActorProcess?) -> String {
        // The kernel numbers whoever the recorder's pid namespace does not hold 0.
        process?.name.map { TerminalText.escaped($0) } ?? (process?.pid == 0 ? "(outside)" : "-")
    }

    private func userText(_ process: ActorProcess?) -> String {
        guard let uid = process?.uid else { return "-" }
        return users?.name(of: uid).map { TerminalText.escaped($0) } ?? "\(uid)"
    }

    private func appendPadded(_ text: String, _ width: Int, to bytes: inout [UInt8]) {
        let first = bytes.count
        bytes.append(string: text)
        let columns = TerminalText.columnCount(bytes[first...])
        for _ in 0..<max(0, width - columns) { bytes.append(UInt8(ascii: " ")) }
        bytes.append(text: "  ")
    }
}
