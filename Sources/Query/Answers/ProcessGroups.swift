internal import Model

/// The groups of `Grouping.process`: each instance is one, whatever images it ran.
///
/// Numbers count from 1; 0 is what is not known.
struct ProcessGroups {
    /// What a group is called by.
    struct Process {
        var instance: UInt64
        var pid: Int32
        var comm: RawPath?
        var exe: RawPath?

        /// Appends `comm[PID] EXE`.
        func appendLabel(to bytes: inout [UInt8]) {
            if let comm { bytes.append(contentsOf: comm.bytes) } else { bytes.append(UInt8(ascii: "?")) }
            bytes.append(UInt8(ascii: "["))
            bytes.append(decimal: pid)
            bytes.append(UInt8(ascii: "]"))
            guard let exe else { return }
            bytes.append(UInt8(ascii: " "))
            bytes.append(contentsOf: exe.bytes)
        }

        var byteCount: Int { ProcessGroups.processByteCount + (comm?.bytes.count ?? 0) + (exe?.bytes.count ?? 0) }
    }

    /// A process with the headers of its texts, which those of a block share, and its share of a hash table that is half full
    /// when it has grown.
    private static let processByteCount = 240

    private var numbers: [UInt64: Int] = [:]
    /// By number - 1.
    private var processes: [Process] = []
    /// What the groups take, by an estimate.
    private(set) var byteCount = 0

    /// Nil for a number that no group has.
    subscript(_ group: Int) -> Process? {
        processes.indices.contains(group - 1) ? processes[group - 1] : nil
    }

    /// The number of a process; nil where it has none and `isFull` says that it may get none.
    mutating func group(of process: ActorProcess, isFull: Bool) -> Int? {
        let named = Process(instance: process.instance, pid: process.pid, comm: process.comm, exe: process.exe)
        guard let known = numbers[process.instance] else {
            guard !isFull else { return nil }
            processes.append(named)
            numbers[process.instance] = processes.count
            byteCount += named.byteCount
            return processes.count
        }
        // The image after an exec says more than the one before it. A full table stays as it is: one that took less would
        // make room for groups of which events went by.
        if !isFull {
            byteCount += named.byteCount - processes[known - 1].byteCount
            processes[known - 1] = named
        }
        return known
    }
}
