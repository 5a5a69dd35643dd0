import Block
import Model

/// Who is behind a pid: process instances, looked up once and checked before they name events of a later batch.
///
/// A pid alone names nobody: it may be used again. An instance is trusted in a later batch only when its start time is
/// still the same, or when it has ended and too few processes were started since it was last seen for its pid to have
/// come round. Otherwise the event is marked and no name is borrowed.
///
/// Exec events of the same notification group, in queue order, tell when an instance changes its image.
///
/// Bounded: `maximumEntryCount` processes, the longest unused go first. Thread: the resolve thread only.
struct ProcessTable<Source: ProcessSource> {
    static var maximumEntryCount: Int { 4_096 }
    /// A start time later than the event by more than the clock's grain belongs to another process.
    static var startGrainNanoseconds: Int64 { 20_000_000 }

    struct Entry {
        var process: ActorProcess
        var startTicks: UInt64?
        var forksAtCheck: UInt64?
        var hasEnded = false
        /// The image changed by an exec event, and what `/proc` says of the new one was not read yet.
        var awaitsDescription = false
        var exeInode: UInt64?
        /// The program that the kernel will open next to run this image: its ELF interpreter or its `#!` line.
        var expectedInterpreter: ExpectedInterpreter?
        /// Where the image stands in the batch with serial `batchSerial`.
        var batchIndex: UInt32 = 0
        var batchSerial: UInt64 = 0
        var isUncertain = false
        /// The last batch in which the process did anything.
        var usedSerial: UInt64 = 0
        /// The batch in which `/proc` was asked for the image.
        var describedInBatch: UInt64 = 0
    }

    struct ExpectedInterpreter {
        var identity: FileIdentity
        /// The image is a script: the interpreter becomes `exe`, and the script `script`.
        var isForScript: Bool
    }

    private(set) var entries: [Int32: Entry] = [:]
    private var recentPIDs = [Int32](repeating: -1, count: 256)
    private var recentEntries = [(index: UInt32, serial: UInt64, isUncertain: Bool)](
        repeating: (0, 0, false), count: 256)
    private(set) var nextInstance: UInt64
    private(set) var seenCount = 0
    private var serial: UInt64 = 1
    /// Processes that run a new image which `/proc` was not yet asked about, with the number of tries left.
    private var awaiting: [(pid: Int32, triesLeft: Int)] = []
    private var forksNow: UInt64?
    private var forksWereRead = false
    var source: Source

    init(source: Source, nextInstance: UInt64) {
        self.source = source
        self.nextInstance = nextInstance
    }

    /// Begins a new batch: every process is checked again before it names an event of it.
    mutating func beginBatch() {
        serial &+= 1
        forksWereRead = false
        if entries.count > Self.maximumEntryCount { evict() }
    }

    /// The process behind `pid`, put into the batch's dictionary when it is not there yet.
    ///
    /// Cost: a table look-up once the process is known in this batch.
    mutating func index(
        of pid: Int32, at window: TimeWindow, in batch: inout Batch
    ) -> (index: UInt32, isUncertain: Bool) {
        let way = Int(UInt32(bitPattern: pid) & 255)
        if recentPIDs[way] == pid, recentEntries[way].serial == serial {
            return (recentEntries[way].index, recentEntries[way].isUncertain)
        }
        var entry = current(pid, at: window, in: &batch)
        if entry.batchSerial != serial {
            entry.batchIndex = UInt32(truncatingIfNeeded: batch.processes.count)
            entry.batchSerial = serial
            batch.processes.append(entry.process)
        }
        entry.usedSerial = serial
        entries[pid] = entry
        recentPIDs[way] = pid
        recentEntries[way] = (entry.batchIndex, serial, entry.isUncertain)
        return (entry.batchIndex, entry.isUncertain)
    }

    /// Takes notice of a process without naming it in the batch: no event that is kept is its own yet.
    mutating func meet(_ pid: Int32, at window: TimeWindow, in batch: inout Batch) {
        var entry = current(pid, at: window, in: &batch)
        entry.usedSerial = serial
        entries[pid] = entry
    }

    /// The entry for `pid`, checked for this batch.
    private mutating func current(_ pid: Int32, at window: TimeWindow, in batch: inout Batch) -> Entry {
        guard var entry = entries[pid] else { return newEntry(pid, at: window, isUncertain: false) }
        guard entry.batchSerial != serial else { return entry }
        if pid <= 0 { return entry }
        let forks = forkCountOfBatch()
        if let identity = source.identity(of: pid) {
            if identity.startTicks == entry.startTicks {
                entry.forksAtCheck = forks
                if entry.awaitsDescription { describeNewImage(&entry) }
                return entry
            }
            // Another process has the pid now. The event is the old one's if the new one started after it.
            let startedLater =
                identity.start.nanosecondsSinceEpoch
                > window.time.nanosecondsSinceEpoch &+ Self.startGrainNanoseconds
            if !startedLater { return newEntry(pid, at: window, isUncertain: false) }
        }
        if !entry.hasEnded, entry.startTicks != nil {
            entry.hasEnded = true
            batch.facts.append(ProcessFact(instance: entry.process.instance, kind: .exitSeen, moment: window.time))
        }
        if isReusePossible(since: entry.forksAtCheck, now: forks) {
            return newEntry(pid, at: window, isUncertain: true)
        }
        return entry
    }

    private func isReusePossible(since before: UInt64?, now: UInt64?) -> Bool {
        guard let before, let now, now >= before else { return true }
        return now - before >= source.forksUntilReuse
    }

    private mutating func forkCountOfBatch() -> UInt64? {
        if !forksWereRead {
            forksNow = source.forkCount()
            forksWereRead = true
        }
        return forksNow
    }

    private mutating func newEntry(_ pid: Int32, at window: TimeWindow, isUncertain: Bool) -> Entry {
        var process = ActorProcess(instance: nextInstance, pid: pid, firstSeen: window.time)
        nextInstance &+= 1
        seenCount &+= 1
        process.detailSource = .event
        var entry = Entry(process: process)
        entry.isUncertain = isUncertain
        entry.forksAtCheck = forkCountOfBatch()
        guard pid > 0, let identity = source.identity(of: pid),
            identity.start.nanosecondsSinceEpoch
                <= window.time.nanosecondsSinceEpoch &+ Self.startGrainNanoseconds
        else {
            entry.hasEnded = true
            return entry
        }
        entry.isUncertain = false
        entry.startTicks = identity.startTicks
        entry.process.start = identity.start
        entry.process.parentPID = identity.parentPID
        entry.process.detailSource = .proc
        entry.describedInBatch = serial
        if source.describe(&entry.process, including: !identity.isZombie) {
            entry.exeInode = identity.isZombie ? nil : source.exeInode(of: pid)
            if entry.process.exe != nil { entry.process.exeSource = .proc }
        }
        return entry
    }

    /// True while some new image has not been looked at: the exec record comes before the exec itself is done, and a
    /// short-lived program is gone soon after.
    var hasNewImages: Bool { !awaiting.isEmpty }

    /// Looks at the new images; each gets a few tries.
    mutating func describeNewImages(in batch: inout Batch) {
        for index in awaiting.indices {
            awaiting[index].triesLeft -= 1
            let pid = awaiting[index].pid
            guard var entry = entries[pid], entry.awaitsDescription else {
                awaiting[index].triesLeft = 0
                continue
            }
            guard describeNewImage(&entry) else { continue }
            awaiting[index].triesLeft = 0
            if entry.batchSerial == serial { batch.processes[Int(entry.batchIndex)] = entry.process }
            entries[pid] = entry
        }
        awaiting.removeAll { $0.triesLeft <= 0 }
    }

    private static var descriptionTries: Int { 4 }
    private static var maximumAwaitingCount: Int { 256 }

    /// What `/proc` says of an image that an exec event announced, taken only when it still runs that image. False when
    /// it does not run it, yet or any more.
    @discardableResult
    private mutating func describeNewImage(_ entry: inout Entry) -> Bool {
        guard let expected = entry.exeInode, source.exeInode(of: entry.process.pid) == expected else { return false }
        entry.awaitsDescription = false
        let before = entry.process
        let needsExe = before.exe == nil
        guard source.describe(&entry.process, including: needsExe) else {
            entry.process = before
            return false
        }
        if needsExe, entry.process.exe != nil { entry.process.exeSource = .proc }
        entry.process.detailSource = .proc
        return true
    }
}

// MARK: - Exec events

extension ProcessTable {
    enum ExecOutcome: Equatable {
        /// The instance runs a new image from here on.
        case newImage
        /// The interpreter of the image that the record before announced: no operation of its own.
        case interpreter
    }

    /// Takes in an exec record of `pid` on the file `path` with identity `object`.
    ///
    /// Call it after the record itself was given its process: an exec is done by the image before it.
    /// `interpreter` tells what the file asks the kernel to open next.
    mutating func noteExec(
        pid: Int32, path: RawPath?, object: FileIdentity?, in batch: inout Batch,
        interpreter: (FileIdentity) -> ExpectedInterpreter?
    ) -> ExecOutcome {
        guard var entry = entries[pid] else { return .newImage }
        if let expected = entry.expectedInterpreter, let object, expected.identity == object {
            if expected.isForScript {
                entry.process.script = entry.process.exe
                entry.process.exe = path
                entry.exeInode = object.inode
                entry.expectedInterpreter = interpreter(object)
                changeImage(&entry)
            } else {
                entry.expectedInterpreter = nil
            }
            entries[pid] = entry
            return .interpreter
        }
        withdrawImageFromTheFuture(entry, object: object, in: &batch)
        entry.process.exe = path
        entry.process.script = nil
        entry.process.exeSource = path == nil ? nil : .exec
        entry.process.comm = nil
        entry.process.commandLine = nil
        entry.exeInode = object?.inode
        entry.expectedInterpreter = object.flatMap(interpreter)
        changeImage(&entry)
        entries[pid] = entry
        return .newImage
    }

    private mutating func changeImage(_ entry: inout Entry) {
        entry.awaitsDescription = true
        if awaiting.count < Self.maximumAwaitingCount {
            awaiting.append((pid: entry.process.pid, triesLeft: Self.descriptionTries))
        }
        entry.batchSerial = 0
        recentPIDs[Int(UInt32(bitPattern: entry.process.pid) & 255)] = -1
    }

    /// `/proc` was asked after the exec had happened, so the name it gave to the records before the exec belongs to the
    /// image after it. They were the forking parent's image; it is put in their place where it is known.
    private func withdrawImageFromTheFuture(_ entry: Entry, object: FileIdentity?, in batch: inout Batch) {
        guard entry.batchSerial == serial, entry.describedInBatch == serial, entry.process.exeSource == .proc,
            let object, entry.exeInode == object.inode, Int(entry.batchIndex) < batch.processes.count
        else { return }
        let parent = entry.process.parentPID.flatMap { entries[$0] }
        let index = Int(entry.batchIndex)
        batch.processes[index].exe = parent?.process.exe
        batch.processes[index].exeSource = parent?.process.exe == nil ? nil : .inherited
        batch.processes[index].script = parent?.process.script
        batch.processes[index].comm = nil
        batch.processes[index].commandLine = nil
    }

    /// Drops what was not used in the last batches; processes that ended first.
    private mutating func evict() {
        let recent = serial > 16 ? serial &- 16 : 0
        entries = entries.filter { $0.value.usedSerial >= recent }
        if entries.count > Self.maximumEntryCount / 2 {
            entries = entries.filter { !$0.value.hasEnded }
        }
        if entries.count > Self.maximumEntryCount { entries.removeAll(keepingCapacity: true) }
    }
}
