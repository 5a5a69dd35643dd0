internal import Block
internal import Model

/// Writes events as lines of a bodyfile, which mactime(1) sorts into a timeline.
///
/// Shape: `MD5|name|inode|mode|UID|GID|size|atime|mtime|ctime|crtime`, eleven fields, one line an event with the times
/// that its operations set. What is not known is 0. An operation that sets no time has no line.
/// Source: The Sleuth Kit, body file 3.x; mactime drops a line that has another number of fields.
struct BodyfileWriter: EventWriter {
    private let messages: Messages
    private var dictionaries: EventDictionaries?
    private var leftOutCount = 0

    /// The operations behind each of the four times, in their order in the line.
    private static let accesses: EventMask = [.access, .openExec]
    private static let modifications: EventMask = [.modify, .closeWrite]
    private static let changes: EventMask = [.attrib, .delete, .deleteSelf, .rename, .moveSelf]
    private static let births: EventMask = .create
    /// `(uid_t) -1`, which chown(2) and the kernel's audit take for no user.
    private static let unknownID = UInt32.max

    init(messages: Messages) {
        self.messages = messages
    }

    mutating func begin(into bytes: inout [UInt8]) {}

    mutating func use(_ block: BlockView) throws(BlockError) {
        dictionaries = try EventDictionaries(block)
    }

    mutating func leaveBlock() {
        dictionaries = nil
    }

    mutating func write(_ event: EventView, into bytes: inout [UInt8]) {
        let mask = event.mask
        let timed = Self.accesses.union(Self.modifications).union(Self.changes).union(Self.births)
        guard !mask.isDisjoint(with: timed) else {
            leftOutCount += 1
            return
        }
        let process = dictionaries?.process(event.process)
        bytes.append(text: "0|")
        appendName(of: event, process, to: &bytes)
        bytes.append(text: "|")
        // A hash that stands for the file is no inode.
        let inode = event.object.map { $0.root == FileIdentity.opaqueRoot ? 0 : $0.inode } ?? 0
        bytes.append(decimal: inode)
        bytes.append(text: mask.contains(.onDirectory) ? "|d/d---------|" : "|r/r---------|")
        bytes.append(decimal: process?.uid ?? Self.unknownID)
        bytes.append(text: "|")
        bytes.append(decimal: process?.gid ?? Self.unknownID)
        bytes.append(text: "|0")
        for operations in [Self.accesses, Self.modifications, Self.changes, Self.births] {
            bytes.append(text: "|")
            Self.append(mask.isDisjoint(with: operations) ? nil : event.window.time, to: &bytes)
        }
        bytes.append(text: "\n")
    }

    /// The gap's beginning stands as birth, its end as change.
    mutating func write(_ gap: Gap, into bytes: inout [UInt8]) {
        bytes.append(text: "0|")
        Self.append(name: gap.sentence, to: &bytes)
        bytes.append(text: "|0|-/----------|")
        bytes.append(decimal: Self.unknownID)
        bytes.append(text: "|")
        bytes.append(decimal: Self.unknownID)
        bytes.append(text: "|0|0|0|")
        Self.append(gap.to, to: &bytes)
        bytes.append(text: "|")
        Self.append(gap.from, to: &bytes)
        bytes.append(text: "\n")
    }

    mutating func end(into bytes: inout [UInt8]) {
        guard leftOutCount > 0 else { return }
        messages.say("\(leftOutCount) events (open, close, fs_error) set no time that a bodyfile has and are left out")
    }

    private func appendName(of event: EventView, _ process: ActorProcess?, to bytes: inout [UInt8]) {
        let path = event.pathText(dictionaries)
        let target = event.targetText(dictionaries)
        if let first = path ?? target {
            Self.append(name: first, to: &bytes)
        } else {
            bytes.append(text: "(no name known)")
        }
        if path != nil, let target {
            bytes.append(text: " -> ")
            Self.append(name: target, to: &bytes)
        }
        if !event.mask.isDisjoint(with: [.delete, .deleteSelf]) { bytes.append(text: " (deleted)") }
        if event.mask.contains(.openExec) { bytes.append(text: " (executed)") }
        for word in event.flags.uncertainties {
            bytes.append(text: " (")
            bytes.append(text: word)
            bytes.append(text: " uncertain)")
        }
        if let process {
            bytes.append(text: " (")
            Self.append(name: process.label, to: &bytes)
            bytes.append(text: ")")
        }
    }

    /// Escapes `|` as `\x7c`, since mactime drops lines with one too many; the rest is escaped as `TerminalText` does.
    private static func append(name: [UInt8], to bytes: inout [UInt8]) {
        for byte in name {
            if byte == UInt8(ascii: "|") { bytes.append(text: "\\x7c") } else { bytes.append(byte) }
        }
    }

    /// Seconds since 1970 with nine digits behind the point: mactime cuts them off, plaso keeps them. 0 where there is no
    /// such time, or where it is one that the field cannot hold.
    private static func append(_ moment: Instant?, to bytes: inout [UInt8]) {
        guard let moment, moment > Instant(nanosecondsSinceEpoch: 0), moment < .distantFuture else {
            bytes.append(text: "0")
            return
        }
        bytes.append(decimal: moment.secondsRoundedDown)
        bytes.append(text: ".")
        bytes.append(decimal: moment.nanosecondOfSecond, width: 9)
    }
}
