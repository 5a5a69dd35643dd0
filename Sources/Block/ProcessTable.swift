package import Model

extension ActorProcess {
    /// The process as a block gives it back: moments on the microsecond grid, texts ended at their first NUL.
    package var asStored: ActorProcess {
        var stored = self
        stored.firstSeen = Instant(microsecondsSinceEpoch: firstSeen.microsecondsRoundedDown)
        stored.start = start.map { Instant(microsecondsSinceEpoch: $0.microsecondsRoundedDown) }
        stored.exe = exe?.endedAtNUL
        stored.script = script?.endedAtNUL
        stored.comm = comm?.endedAtNUL
        stored.commandLine = commandLine?.endedAtNUL
        stored.container = container?.endedAtNUL
        stored.controlGroup = controlGroup?.endedAtNUL
        return stored
    }

    /// The bytes of all texts, with the NUL that ends each.
    var textByteCount: Int {
        (exe?.bytes.count ?? 0) + (script?.bytes.count ?? 0) + (comm?.bytes.count ?? 0)
            + (commandLine?.bytes.count ?? 0) + (container?.bytes.count ?? 0) + (controlGroup?.bytes.count ?? 0) + 6
    }

    /// XXH3-128 of all fields in the canonical encoding of schema/README.md. `self` must be `asStored`.
    func canonicalHash(scratch: inout [UInt8]) -> EventsHash {
        scratch.removeAll(keepingCapacity: true)
        scratch.appendLittleEndian(instance)
        scratch.appendLittleEndian(UInt64(bitPattern: Int64(pid)))
        scratch.appendLittleEndian(UInt64(bitPattern: firstSeen.microsecondsRoundedDown))
        scratch.appendLittleEndian(UInt64(ProcessTable.presence(of: self)))
        scratch.appendLittleEndian(UInt64(bitPattern: start?.microsecondsRoundedDown ?? 0))
        scratch.appendLittleEndian(UInt64(bitPattern: Int64(parentPID ?? 0)))
        scratch.appendLittleEndian(UInt64(uid ?? 0))
        scratch.appendLittleEndian(UInt64(gid ?? 0))
        scratch.appendLittleEndian(UInt64(loginUID ?? 0))
        scratch.append(exeSource?.rawValue ?? 0)
        scratch.append(detailSource?.rawValue ?? 0)
        for text in [exe, script, comm, container, commandLine] {
            scratch.appendLittleEndian(UInt64(text?.bytes.count ?? 0))
            if let text { scratch.append(contentsOf: text.bytes) }
        }
        // Left out where there are none, so that processes of version 1 keep their hash.
        let presence = ProcessLinks.presence(of: self)
        let sources = ProcessLinks.sources(of: self)
        if presence != 0 || sources != 0 {
            scratch.appendLittleEndian(UInt64(presence))
            scratch.appendLittleEndian(parentInstance ?? 0)
            for value in [realUID, realGID, auditSession, terminal] {
                scratch.appendLittleEndian(UInt64(value ?? 0))
            }
            scratch.append(sources)
            scratch.appendLittleEndian(UInt64(controlGroup?.bytes.count ?? 0))
            if let controlGroup { scratch.append(contentsOf: controlGroup.bytes) }
        }
        // SAFETY: bytes are initialised memory without padding; the span does not outlive the array.
        return unsafe XXH3.hash128(scratch.span.bytes)
    }
}

extension RawPath {
    fileprivate var endedAtNUL: RawPath {
        let span = bytes.span
        for index in span.indices where span[index] == 0 { return RawPath(Array(bytes[..<index])) }
        return self
    }
}

/// The processes of a block, column after column, columns that are alike in one stream.
///
/// Shape: each column holds a value for all processes that have it. `identities`: instance and pid (zigzag differences to
/// the process before), parent pid (to the last that had one). `times`: first seen (zigzag difference to the process
/// before), start (a unit, then differences in it). `details`: presence bits, sources (exe | detail << 4), uid, gid, login
/// uid (zigzag differences to the last that had one). `references`, for each exe, script, comm and container: 0 the next
/// text of its section, else 1 + how many texts of the section were begun since. `texts` holds the sections exe, script,
/// comm, container and all command lines, each text ended by NUL.
struct ProcessTable {
    var identities: [UInt8] = []
    var times: [UInt8] = []
    var details: [UInt8] = []
    var references: [UInt8] = []
    var texts: [UInt8] = []
    /// See `ProcessLinks`; both empty when no process has any.
    var links: [UInt8] = []
    var controlGroups: [UInt8] = []

    /// The fields whose texts are referred to, in the order of their sections.
    private enum TextField: CaseIterable {
        case exe, script, comm, container

        var bit: UInt16 {
            switch self {
            case .exe: 1 << 5
            case .script: 1 << 6
            case .comm: 1 << 7
            case .container: 1 << 9
            }
        }

        func text(of process: ActorProcess) -> RawPath? {
            switch self {
            case .exe: process.exe
            case .script: process.script
            case .comm: process.comm
            case .container: process.container
            }
        }

        /// A key path would do the same in fewer lines and a hundred times the instructions.
        @inline(__always)
        func set(_ text: RawPath, of process: inout ActorProcess) {
            switch self {
            case .exe: process.exe = text
            case .script: process.script = text
            case .comm: process.comm = text
            case .container: process.container = text
            }
        }
    }
    private static let commandLineBit: UInt16 = 1 << 8
    private static let presenceLimit = 1 << 10

    static func presence(of process: ActorProcess) -> UInt16 {
        var bits: UInt16 = 0
        if process.start != nil { bits |= 1 << 0 }
        if process.parentPID != nil { bits |= 1 << 1 }
        if process.uid != nil { bits |= 1 << 2 }
        if process.gid != nil { bits |= 1 << 3 }
        if process.loginUID != nil { bits |= 1 << 4 }
        if process.exe != nil { bits |= 1 << 5 }
        if process.script != nil { bits |= 1 << 6 }
        if process.comm != nil { bits |= 1 << 7 }
        if process.commandLine != nil { bits |= commandLineBit }
        if process.container != nil { bits |= 1 << 9 }
        return bits
    }

    init() {}

    /// Encodes processes that are `asStored`, but for their command lines, which `ProcessTexts` puts behind the other texts;
    /// `origin` is the block's base in microseconds.
    init(_ processes: [ActorProcess], origin: Int64) {
        Self.append(processes, to: &identities) { Int64(bitPattern: $0.instance) }
        Self.append(processes, to: &identities) { Int64($0.pid) }
        Self.append(processes, to: &identities) { $0.parentPID.map(Int64.init) }
        Self.append(processes, to: &times, from: origin) { $0.firstSeen.microsecondsRoundedDown }
        appendStarts(processes, origin: origin)
        for process in processes { details.appendVarint(UInt64(Self.presence(of: process))) }
        for process in processes {
            details.append((process.exeSource?.rawValue ?? 0) | (process.detailSource?.rawValue ?? 0) << 4)
        }
        Self.append(processes, to: &details) { $0.uid.map(Int64.init) }
        Self.append(processes, to: &details) { $0.gid.map(Int64.init) }
        Self.append(processes, to: &details) { $0.loginUID.map(Int64.init) }
        for field in TextField.allCases {
            var section: [RawPath] = []
            var indices: [UInt64: Int] = [:]
            for process in processes {
                guard let value = field.text(of: process) else { continue }
                // Texts whose hashes collide are only stored once more.
                let hash = XXH3.hash64(value.bytes)
                if let index = indices[hash], section[index] == value {
                    references.appendVarint(section.count - index)
                } else {
                    indices[hash] = section.count
                    section.append(value)
                    references.append(0)
                    texts.append(contentsOf: value.bytes)
                    texts.append(0)
                }
            }
        }
        (links, controlGroups) = ProcessLinks.encode(processes)
    }

    private static func append(
        _ processes: [ActorProcess], to bytes: inout [UInt8], from origin: Int64 = 0, _ value: (ActorProcess) -> Int64?
    ) {
        var last = origin
        for process in processes {
            guard let value = value(process) else { continue }
            bytes.appendZigzag(value &- last)
            last = value
        }
    }

    /// The kernel counts starts in clock ticks, so their differences have a common unit.
    private mutating func appendStarts(_ processes: [ActorProcess], origin: Int64) {
        let starts = processes.compactMap { $0.start?.microsecondsRoundedDown }
        guard let first = starts.first else { return }
        var unit: UInt64 = 0
        for (earlier, later) in zip(starts, starts.dropFirst()) {
            var (a, b) = (unit, (later &- earlier).magnitude)
            while b != 0 { (a, b) = (b, a % b) }
            unit = a
        }
        // A difference of 2^63 has no signed quotient by itself; such moments are stored one by one.
        if unit == 0 || unit > UInt64(Int64.max) { unit = 1 }
        times.appendVarint(unit)
        times.appendZigzag(first &- origin)
        for (earlier, later) in zip(starts, starts.dropFirst()) {
            times.appendZigzag((later &- earlier) / Int64(unit))
        }
    }

    /// `count` processes. Equal texts of one section share their memory, and so do equal command lines that follow one
    /// another: those of processes that were forked from one program.
    func decode(count: Int, origin: Int64, version: UInt8) throws(PartError) -> DecodedProcesses {
        var decoded = DecodedProcesses(processes: [])
        let (commandLines, presence) = try decodeBesideCommandLines(
            count: count, origin: origin, version, into: &decoded)
        try forEachCommandLine(from: commandLines, presence) { index, commandLine, isNew in
            if isNew { decoded.addText(commandLine.bytes.count) }
            decoded.processes[index].commandLine = commandLine
        }
        return decoded
    }

    /// `count` processes without their command lines.
    func decodeBesideCommandLines(count: Int, origin: Int64, version: UInt8) throws(PartError) -> [ActorProcess] {
        var decoded = DecodedProcesses(processes: [])
        _ = try decodeBesideCommandLines(count: count, origin: origin, version, into: &decoded)
        return decoded.processes
    }

    /// Hands over `count` processes, of which only one has its command line in memory at a time.
    func forEach(
        count: Int, origin: Int64, version: UInt8, _ body: (ActorProcess) -> Void
    ) throws(PartError) {
        var decoded = DecodedProcesses(processes: [])
        let (commandLines, presence) = try decodeBesideCommandLines(
            count: count, origin: origin, version, into: &decoded)
        var next = 0
        try forEachCommandLine(from: commandLines, presence) { index, commandLine, _ in
            for process in decoded.processes[next..<index] { body(process) }
            var process = decoded.processes[index]
            process.commandLine = commandLine
            body(process)
            next = index + 1
        }
        for process in decoded.processes[next...] { body(process) }
    }

    /// Returns where the command lines begin in `texts`, and the presence bits of each process.
    private func decodeBesideCommandLines(
        count: Int, origin: Int64, _ version: UInt8, into decoded: inout DecodedProcesses
    ) throws(PartError) -> (Int, [UInt16]) {
        // SAFETY: bytes are initialised memory without padding; the spans do not outlive the arrays.
        var identities = unsafe ByteCursor(self.identities.span.bytes)
        var times = unsafe ByteCursor(self.times.span.bytes)
        var details = unsafe ByteCursor(self.details.span.bytes)
        var references = unsafe ByteCursor(self.references.span.bytes)
        guard count <= times.remainingByteCount else { throw .truncated }
        var presence: [UInt16] = []
        presence.reserveCapacity(count)
        for _ in 0..<count {
            presence.append(UInt16(truncatingIfNeeded: try details.count(atMost: Self.presenceLimit)))
        }
        var processes = Array(
            repeating: ActorProcess(instance: 0, pid: 0, firstSeen: Instant(nanosecondsSinceEpoch: 0)), count: count)
        try Self.differences(&identities, count) { processes[$0].instance = UInt64(bitPattern: $1) }
        try Self.differences(&identities, count) { processes[$0].pid = Int32(truncatingIfNeeded: $1) }
        try Self.differences(&identities, count, presence, 1 << 1) {
            processes[$0].parentPID = Int32(truncatingIfNeeded: $1)
        }
        try Self.differences(&times, count, from: origin) {
            processes[$0].firstSeen = Instant(microsecondsSinceEpoch: $1)
        }
        if presence.contains(where: { $0 & 1 != 0 }) {
            let unit = Int64(bitPattern: try times.varint())
            var isFirst = true
            var last = origin
            for index in 0..<count where presence[index] & 1 != 0 {
                let step = try times.zigzag()
                last &+= isFirst ? step : step &* unit
                isFirst = false
                processes[index].start = Instant(microsecondsSinceEpoch: last)
            }
        }
        for index in 0..<count {
            let sources = try details.byte()
            processes[index].exeSource = try Self.source(sources & 0xF, version)
            processes[index].detailSource = try Self.source(sources >> 4, version)
        }
        try Self.differences(&details, count, presence, 1 << 2) { processes[$0].uid = UInt32(truncatingIfNeeded: $1) }
        try Self.differences(&details, count, presence, 1 << 3) { processes[$0].gid = UInt32(truncatingIfNeeded: $1) }
        try Self.differences(&details, count, presence, 1 << 4) {
            processes[$0].loginUID = UInt32(truncatingIfNeeded: $1)
        }
        var nextText = 0
        for field in TextField.allCases {
            var section: [RawPath] = []
            for index in 0..<count where presence[index] & field.bit != 0 {
                let reference = try references.count(atMost: section.count)
                if reference == 0 {
                    let range = try textRange(&nextText)
                    decoded.addText(range.count)
                    section.append(RawPath(Array(texts[range])))
                }
                field.set(section[section.count - max(1, reference)], of: &processes[index])
            }
        }
        try identities.expectEnd()
        try times.expectEnd()
        try details.expectEnd()
        try references.expectEnd()
        try ProcessLinks.decode(links, controlGroups, into: &processes)
        decoded.addText(controlGroups.count, count: controlGroups.count { $0 == 0 })
        decoded.processes = processes
        return (nextText, presence)
    }

    /// Hands over the command lines from `start` on with the index of the process, and whether it is not the one before.
    private func forEachCommandLine(
        from start: Int, _ presence: [UInt16], _ body: (Int, RawPath, Bool) -> Void
    ) throws(PartError) {
        var next = start
        var last: (range: Range<Int>, text: RawPath)?
        for index in presence.indices where presence[index] & Self.commandLineBit != 0 {
            let range = try textRange(&next)
            if let last, isEqual(range, last.range) {
                body(index, last.text, false)
            } else {
                let text = RawPath(Array(texts[range]))
                body(index, text, true)
                last = (range, text)
            }
        }
        guard next == texts.count else { throw .malformed("text after the last") }
    }

    private static func differences(
        _ cursor: inout ByteCursor, _ count: Int, _ presence: [UInt16] = [], _ bit: UInt16 = 0, from origin: Int64 = 0,
        _ set: (Int, Int64) -> Void
    ) throws(PartError) {
        var last = origin
        for index in 0..<count where bit == 0 || presence[index] & bit != 0 {
            last &+= try cursor.zigzag()
            set(index, last)
        }
    }

    static func source(_ rawValue: UInt8, _ version: UInt8) throws(PartError) -> FactSource? {
        guard rawValue != 0 else { return nil }
        guard let source = FactSource(rawValue: rawValue), version > 1 || source != .connector else {
            throw .malformed("unknown source of a fact")
        }
        return source
    }

    /// Where the text at `next` stands, which is moved behind it.
    private func textRange(_ next: inout Int) throws(PartError) -> Range<Int> {
        // SAFETY: bytes are initialised memory without padding; the span does not outlive the array.
        let end = unsafe texts.span.bytes.first(0, from: next)
        guard end < texts.count else { throw .truncated }
        defer { next = end + 1 }
        return next..<end
    }

    private func isEqual(_ first: Range<Int>, _ second: Range<Int>) -> Bool {
        // SAFETY: bytes are initialised memory without padding; the spans do not outlive the array.
        unsafe texts.span.bytes.extracting(first).isEqual(to: texts.span.bytes.extracting(second))
    }
}

/// The processes of a block.
struct DecodedProcesses {
    /// What a text takes beside its bytes: the array's header and what the allocator adds and rounds up.
    private static let textOverheadByteCount = 48

    var processes: [ActorProcess]
    /// What all texts take in memory; a text that many processes share is counted once.
    private(set) var textMemoryByteCount = 0

    init(processes: [ActorProcess]) {
        self.processes = processes
    }

    mutating func addText(_ byteCount: Int, count: Int = 1) {
        textMemoryByteCount += byteCount + count * Self.textOverheadByteCount
    }
}
