internal import Model

/// Writes a process for people: who it was, its family as a tree, its programs and its files.
struct ProcessTextWriter {
    private let users: UserDatabase
    private var time: TimestampWriter
    private let terminal: Terminal?

    init(_ context: QueryContext) {
        users = .system()
        time = TimestampWriter(zone: context.zone)
        terminal = context.output.terminal
    }

    mutating func write(_ record: ProcessRecord, fileLimit: Int, to bytes: inout [UInt8]) {
        guard let process = record.last else { return }
        bytes.append(string: "Process \(process.pid) (instance \(record.instance))\n")
        line("started", record.programs.compactMap(\.process.start).min().map { text($0) }, to: &bytes)
        if let ended = record.ended {
            let how = record.status.map { status in
                let end = ProcessEnd(status: status)
                return end.signal.map { ", killed by signal \($0)" } ?? ", exit code \(end.code)"
            }
            line("ended", text(ended) + (how ?? ""), to: &bytes)
        } else {
            line("gone by", record.goneBy.map { text($0) }, to: &bytes)
        }
        line("user", user(process.uid, real: process.realUID), to: &bytes)
        line("group", group(process), to: &bytes)
        line(
            "login", process.loginUID.map { name($0) + (process.auditSession.map { ", session \($0)" } ?? "") },
            to: &bytes)
        line(
            "terminal", process.terminal.map { TerminalText.escaped(TerminalName.path(ofDevice: $0).bytes) },
            to: &bytes)
        line(
            "unit", process.controlGroup.flatMap { ControlGroupName.unit(of: $0) }.map { escaped($0) }, to: &bytes)
        line("cgroup", process.controlGroup.map { escaped($0) }, to: &bytes)
        line("container", process.container.map { escaped($0) }, to: &bytes)
        line("sources", sources(process), to: &bytes)
        writeFamily(record, process, to: &bytes)
        writePrograms(record, to: &bytes)
        writeFiles(record, limit: fileLimit, to: &bytes)
    }

    private func writeFamily(_ record: ProcessRecord, _ process: ActorProcess, to bytes: inout [UInt8]) {
        guard !record.ancestors.isEmpty || !record.children.isEmpty else {
            line("parent", process.parentPID.map { "\($0)" }, to: &bytes)
            return
        }
        heading("Family", to: &bytes)
        var depth = 0
        for ancestor in record.ancestors {
            member(ancestor, depth: depth, remark: "", to: &bytes)
            depth += 1
        }
        member(process, depth: depth, remark: "  <", to: &bytes)
        let shown = 20
        for child in record.children.prefix(shown) { member(child, depth: depth + 1, remark: "", to: &bytes) }
        if record.children.count > shown {
            bytes.append(string: indent(depth + 1) + "\(record.children.count - shown) more\n")
        }
    }

    private func heading(_ text: StaticString, to bytes: inout [UInt8]) {
        bytes.append(UInt8(ascii: "\n"))
        TextStyle.heading.append(to: &bytes, on: terminal) { $0.append(text: text) }
        bytes.append(UInt8(ascii: "\n"))
    }

    private func indent(_ depth: Int) -> String {
        let branch = terminal?.isUTF8 ?? true ? "└ " : "` "
        return "  " + (depth == 0 ? "" : String(repeating: "  ", count: depth - 1) + branch)
    }

    private func member(_ process: ActorProcess, depth: Int, remark: String, to bytes: inout [UInt8]) {
        let what = process.commandLine ?? process.exe ?? process.comm
        let text = what.map { TerminalText.escaped(Array($0.bytes.prefix(200))) } ?? "?"
        bytes.append(string: "\(indent(depth))\(process.pid) \(text)\(remark)\n")
    }

    private mutating func writePrograms(_ record: ProcessRecord, to bytes: inout [UInt8]) {
        heading("Programs", to: &bytes)
        var table = TextTable([("FIRST EVENT", .left), ("EVENTS", .right), ("EXE", .left), ("COMMAND", .left)])
        for program in record.programs {
            let exe = program.process.exe?.bytes ?? Array("?".utf8)
            let script = program.process.script.map { Array(" (".utf8) + $0.bytes + Array(")".utf8) } ?? []
            let command = program.process.commandLine ?? program.process.comm
            table.append([
                Array((program.first.map { text($0) } ?? "-").utf8), Array("\(program.eventCount)".utf8),
                exe + script, command?.bytes ?? Array("-".utf8),
            ])
        }
        table.write(to: &bytes, on: terminal)
    }

    private mutating func writeFiles(_ record: ProcessRecord, limit: Int, to bytes: inout [UInt8]) {
        guard !record.files.isEmpty else { return }
        heading("Files", to: &bytes)
        var table = TextTable([
            (time.title("FIRST"), .left), ("LAST", .left), ("EVENTS", .right), ("OP", .left), ("PATH", .left),
        ])
        for file in record.files.prefix(limit) {
            table.append([
                Array(text(file.first).utf8), Array(text(file.last).utf8), Array("\(file.eventCount)".utf8),
                Array(file.operations.operationNames.joined(separator: ",").utf8), file.path,
            ])
        }
        table.write(to: &bytes, on: terminal)
        if record.files.count > limit {
            bytes.append(string: "\(record.files.count - limit) more; --limit shows more\n")
        }
    }

    private func line(_ name: String, _ value: String?, to bytes: inout [UInt8]) {
        guard let value else { return }
        bytes.append(string: "  " + name + String(repeating: " ", count: max(1, 11 - name.utf8.count)) + value + "\n")
    }

    private mutating func text(_ instant: Instant) -> String {
        var bytes: [UInt8] = []
        time.appendForPeople(instant, to: &bytes)
        return String(decoding: bytes, as: UTF8.self)
    }

    private func escaped(_ path: RawPath) -> String { TerminalText.escaped(path.bytes) }

    private func name(_ uid: UInt32) -> String {
        users.name(of: uid).map { "\(TerminalText.escaped($0)) (\(uid))" } ?? "\(uid)"
    }

    private func user(_ uid: UInt32?, real: UInt32?) -> String? {
        guard let uid else { return nil }
        guard let real, real != uid else { return name(uid) }
        return name(uid) + ", started by " + name(real)
    }

    private func group(_ process: ActorProcess) -> String? {
        guard let gid = process.gid else { return nil }
        guard let real = process.realGID, real != gid else { return "\(gid)" }
        return "\(gid), started with \(real)"
    }

    /// Where what is shown was learned.
    private func sources(_ process: ActorProcess) -> String? {
        let known: [(String, FactSource?)] = [
            ("program", process.exeSource), ("command", process.detailSource), ("parent", process.parentSource),
            ("ids", process.identitySource),
        ]
        let words = known.compactMap { name, source in source.map { "\(name): \($0.name)" } }
        return words.isEmpty ? nil : words.joined(separator: ", ")
    }
}
