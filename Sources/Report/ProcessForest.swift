internal import Block
internal import Model

/// The processes that a report shows as trees: those with the most events and the ancestors that are known of them.
///
/// The recorder names a process's ancestors in each block that names the process, so whoever meets the blocks of its events
/// meets them. Memory: `maximumCount` processes.
struct ProcessForest {
    static let maximumCount = 1_000
    /// So many generations above a process are taken in.
    static let maximumDepth = 32

    /// By instance, as far as they were met.
    private(set) var processes: [UInt64: ActorProcess] = [:]
    private let wanted: Set<UInt64>

    /// Parameter wanted: instances that have events.
    init(wanted: Set<UInt64>) {
        self.wanted = wanted
    }

    /// Takes what a block knows of them. Blocks come in the order of time.
    mutating func take(_ block: BlockReader) throws(BlockError) {
        let known = try block.processes()
        guard known.contains(where: { wanted.contains($0.instance) }) else { return }
        let byInstance = Dictionary(known.map { ($0.instance, $0) }, uniquingKeysWith: Self.joined)
        for instance in byInstance.keys where wanted.contains(instance) {
            var next: UInt64? = instance
            var depth = 0
            // Damaged records may lead round in a circle.
            while let instance = next, depth <= Self.maximumDepth, let process = byInstance[instance] {
                add(process)
                depth += 1
                next = processes[instance]?.parentInstance
            }
        }
    }

    private mutating func add(_ process: ActorProcess) {
        guard let held = processes[process.instance] else {
            if processes.count < Self.maximumCount { processes[process.instance] = process }
            return
        }
        processes[process.instance] = Self.joined(held, process)
    }

    /// One image of a process and a later one: what it was started for says more than what it was forked from, the image after
    /// an exec more than the one before; what only one of them tells holds for both.
    private static func joined(_ earlier: ActorProcess, _ later: ActorProcess) -> ActorProcess {
        let (shown, other) = later.exeSource == .inherited ? (earlier, later) : (later, earlier)
        var joined = shown
        joined.parentInstance = shown.parentInstance ?? other.parentInstance
        joined.start = shown.start ?? other.start
        if shown.exe == other.exe {
            joined.comm = shown.comm ?? other.comm
            joined.script = shown.script ?? other.script
            joined.commandLine = shown.commandLine ?? other.commandLine
        }
        return joined
    }

    /// Some of the wanted ones and their ancestors, parents before their children, and in the order in which they were first
    /// seen. A process whose parent is not among them, or is its own descendant by damaged records, is a root.
    func ordered(of instances: Set<UInt64>) -> [(process: ActorProcess, parent: UInt64?)] {
        var shown: Set<UInt64> = []
        for instance in instances {
            var next: UInt64? = instance
            while let instance = next, let process = processes[instance], shown.insert(instance).inserted {
                next = process.parentInstance
            }
        }
        var children: [UInt64?: [ActorProcess]] = [:]
        for instance in shown {
            guard let process = processes[instance] else { continue }
            let parent = process.parentInstance.flatMap { processes[$0] == nil ? nil : $0 }
            children[isRoot(process) ? nil : parent, default: []].append(process)
        }
        var ordered: [(process: ActorProcess, parent: UInt64?)] = []
        var pending: [(process: ActorProcess, parent: UInt64?)] = []
        func push(_ parent: UInt64?) {
            let list = (children[parent] ?? []).sorted { ($0.instance) > ($1.instance) }
            pending += list.map { ($0, parent) }
        }
        push(nil)
        while let next = pending.popLast() {
            ordered.append(next)
            push(next.process.instance)
        }
        return ordered
    }

    /// True where the way up ends here, or leads round in a circle of which this is the oldest.
    private func isRoot(_ process: ActorProcess) -> Bool {
        guard let parent = process.parentInstance, processes[parent] != nil else { return true }
        var seen: Set<UInt64> = []
        var next: UInt64? = process.instance
        var least = UInt64.max
        while let instance = next, let current = processes[instance] {
            guard seen.insert(instance).inserted else { return instance == process.instance && least == instance }
            least = min(least, instance)
            next = current.parentInstance
        }
        return false
    }
}
