import Model

/// The content of the part with all texts of processes, made piece by piece: command lines come to tens of megabytes, which
/// the processes hold already.
struct ProcessTexts {
    /// What stands before the command lines.
    private let sections: [UInt8]
    private let processes: [ActorProcess]
    let byteCount: Int
    private var nextProcess: Int?

    /// `sections` is `ProcessTable.texts` of the processes.
    init(_ sections: [UInt8], commandLinesOf processes: [ActorProcess]) {
        self.sections = sections
        self.processes = processes
        byteCount = processes.reduce(sections.count) { $0 + ($1.commandLine.map { $0.bytes.count + 1 } ?? 0) }
    }

    /// The next bytes, whole texts of about `aim` bytes; empty at the end.
    mutating func next(_ aim: Int) -> [UInt8] {
        var bytes: [UInt8] = []
        if nextProcess == nil { bytes = sections }
        var index = nextProcess ?? 0
        while index < processes.count, bytes.count < aim {
            if let commandLine = processes[index].commandLine {
                bytes.append(contentsOf: commandLine.bytes)
                bytes.append(0)
            }
            index += 1
        }
        nextProcess = index
        return bytes
    }

    /// All of it at once.
    var bytes: [UInt8] {
        var whole = ProcessTexts(sections, commandLinesOf: processes)
        return whole.next(.max)
    }
}
