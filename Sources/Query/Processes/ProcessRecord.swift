internal import Model

/// One process as the store knows it: what its entries and facts say together.
struct ProcessRecord {
    /// A program that it ran, with what is known of it.
    struct Program {
        var process: ActorProcess
        var eventCount: UInt64 = 0
        /// The first event that it did as this program.
        var first: Instant?
    }

    /// What it did to one path.
    struct File {
        var path: [UInt8]
        var operations: EventMask = []
        var eventCount: UInt64 = 0
        var first: Instant
        var last: Instant
    }

    let instance: UInt64
    /// In the order they were run, as far as the store tells.
    var programs: [Program] = []
    var ended: Instant?
    /// As wait(2) gives it.
    var status: UInt32?
    /// It was found to be gone then.
    var goneBy: Instant?
    /// From the first ancestor that is known down to the parent.
    var ancestors: [ActorProcess] = []
    var children: [ActorProcess] = []
    var files: [File] = []
    var eventCount: UInt64 = 0
    var firstEvent: Instant?
    var lastEvent: Instant?

    init(instance: UInt64) {
        self.instance = instance
    }

    /// The last program says most.
    var last: ActorProcess? { programs.last?.process }

    /// When it was there at the earliest.
    var began: Instant? {
        let processes = programs.map(\.process)
        return processes.compactMap(\.start).min() ?? processes.map(\.firstSeen).min()
    }

    /// True when nothing that is known keeps it from having lived then.
    func mayHaveLived(at moment: Instant) -> Bool {
        if let began, began > moment { return false }
        if let end = ended ?? goneBy, end < moment { return false }
        return true
    }

    /// A block lists programs that did nothing last; of those the one it was forked with came first.
    ///
    /// A script that is listed as a program of its own, without an event, is what recordings have of the moment before its
    /// interpreter was opened.
    mutating func sortPrograms() {
        let scripts = Set(programs.compactMap(\.process.script))
        programs.removeAll { program in
            program.eventCount == 0 && program.process.script == nil && program.process.exeSource == .exec
                && program.process.exe.map { scripts.contains($0) } ?? false
        }
        let isFirst = { (program: Program) in program.eventCount == 0 && program.process.exeSource == .inherited }
        programs = programs.filter(isFirst) + programs.filter { !isFirst($0) }
    }

    /// Takes in an entry; one that only completes the last program is no new one. Gives the program's place.
    mutating func add(_ process: ActorProcess) -> Int {
        if let index = programs.lastIndex(where: { $0.process.isSameProgram(as: process) }) {
            programs[index].process.complete(with: process)
            return index
        }
        programs.append(Program(process: process))
        return programs.count - 1
    }
}

extension ActorProcess {
    fileprivate func isSameProgram(as other: ActorProcess) -> Bool {
        func agree(_ left: RawPath?, _ right: RawPath?) -> Bool { left == nil || right == nil || left == right }
        return exe == other.exe && script == other.script && uid == other.uid && agree(comm, other.comm)
            && agree(commandLine, other.commandLine)
    }

    fileprivate mutating func complete(with other: ActorProcess) {
        if comm == nil { comm = other.comm }
        if commandLine == nil { commandLine = other.commandLine }
        if start == nil { start = other.start }
        if parentInstance == nil { parentInstance = other.parentInstance }
        if controlGroup == nil { controlGroup = other.controlGroup }
        if detailSource == nil { detailSource = other.detailSource }
    }
}
