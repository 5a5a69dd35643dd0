import Block
import Model

/// Who is behind a pid: process instances with the programs they run, looked up once and named in batch after batch.
///
/// A pid alone names nobody: it may be used again. Where the process connector is heard, an instance is one *life* of the
/// pid, and the window of an event tells whose life it belongs to. Where it is not, an instance is trusted in a later
/// batch only when its start time is still the same, or when it has ended and too few processes were started since it was
/// last seen for its pid to have come round. Otherwise the event is marked and no name is borrowed.
///
/// Which program an instance runs follows from exec events of the same notification group, in queue order: an event is
/// done by the image of the last exec record before it. Before the first one it is the image its parent had at the fork,
/// which stays true when all of them are dead.
///
/// Bounded: `maximumEntryCount` processes, the longest unused go first. Thread: the resolve thread only.
struct ProcessTable<Source: ProcessSource> {
    static var maximumEntryCount: Int { 4_096 }
    /// A start time later than the event by more than the clock's grain belongs to another process.
    static var startGrainNanoseconds: Int64 { 20_000_000 }
    /// More generations than this are not followed.
    static var maximumDepth: Int { 32 }
    /// Programs that an instance ran before, kept for the children it had then.
    static var maximumImageCount: Int { 4 }

    /// A program as an instance ran it.
    struct Image {
        /// When it began, in nanoseconds of CLOCK_MONOTONIC; nil while the exec was announced but not heard to be done.
        var began: Int64?
        /// No exec that this one is can be older.
        var announcedAfter: Int64 = .min
        var exe: RawPath?
        var script: RawPath?
        var comm: RawPath?
        var commandLine: RawPath?
        var exeSource: FactSource?
        var detailSource: FactSource?
        var exeInode: UInt64?
        var expectedInterpreter: ExpectedInterpreter?
    }

    struct Entry {
        var process: ActorProcess
        /// The life it is, 0 where lives are not known.
        var life: UInt64 = 0
        var parent: UInt64?
        var startTicks: UInt64?
        var forksAtCheck: UInt64?
        var hasEnded = false
        /// The image changed by an exec event, and what `/proc` says of the new one was not read yet.
        var awaitsDescription = false
        /// `/proc` was not asked at all, for the first that was heard of the life was an exec.
        var isUnseen = false
        var exeInode: UInt64?
        /// The program that the kernel will open next to run this image: its ELF interpreter or its `#!` line.
        var expectedInterpreter: ExpectedInterpreter?
        /// When the image began; see `Image`.
        var imageBegan: Int64?
        var announcedAfter: Int64 = .min
        /// The last exec that an image accounts for.
        var lastExec: Int64 = .min
        var earlierImages: [Image] = []
        /// The ids that its life began with, nil where they are not known.
        var firstUserIDs: ProcessIDs?
        var firstGroupIDs: ProcessIDs?
        /// The last changes of ids that the entry is surely behind.
        var userIDsMoment: Int64 = .min
        var groupIDsMoment: Int64 = .min
        /// Where the image stands in the batch with serial `batchSerial`.
        var batchIndex: UInt32 = 0
        var batchSerial: UInt64 = 0
        var isUncertain = false
        /// An exec record may be of this life or of another of its pid, so the next ones may not begin with the program.
        var hasDoubtfulExec = false
        /// The pid had another life when records were still unread, into which the kernel may have merged an exec record.
        var mayMissExec = false
        /// The last exec whose program is not known: a record from before it may be of its interpreter.
        var unknownExec: Int64 = .min
        /// Of an entry that may stand for several processes, the window it is for.
        var window: Instant?
        /// The check of the table that it passed last.
        var checkSerial: UInt64 = 0
        /// The last batch in which the process did anything.
        var usedSerial: UInt64 = 0
        /// The batch in which `/proc` was asked for the image.
        var describedInBatch: UInt64 = 0
    }

    /// What an executed file is.
    enum Executed {
        case program(interpreter: ExpectedInterpreter?)
        /// Neither an ELF file nor a script with `#!`: the kernel refuses it, or opens the interpreter that is registered
        /// for it, whose record then tells of the new image.
        case noProgram
    }

    var entries: [UInt64: Entry] = [:]
    /// The entry that a pid had last.
    var keys: [Int32: UInt64] = [:]
    var recentPIDs = [Int32](repeating: -1, count: 256)
    private var recentEntries = [(index: UInt32, serial: UInt64, isUncertain: Bool)](
        repeating: (0, 0, false), count: 256)
    private(set) var nextInstance: UInt64
    private(set) var seenCount = 0
    var serial: UInt64 = 1
    /// Processes that run a new image which `/proc` was not yet asked about, with the number of tries left.
    var awaiting: [(key: UInt64, triesLeft: Int)] = []
    var forksNow: UInt64?
    var forksWereRead = false
    /// The forks that were counted last, the latest at the end.
    var forkCounts: [ForkCount] = []
    /// The latest count from before the operations of the reading: records may have waited long when they are resolved, and
    /// what has been started meanwhile may stand behind them. Nil where that is not known.
    var forksBeforeReading: UInt64?
    /// Ends that belong into the next batch that is written.
    var pendingFacts: [ProcessFact] = []
    /// CLOCK_REALTIME − CLOCK_MONOTONIC of the last reading.
    var clockOffset: Int64 = 0
    /// Raised by each reading in which a process was started, where pids come round so fast that a batch is too long.
    var checkSerial: UInt64 = 0
    /// So many processes were started since the reading before that pids may have come round in it.
    var mayHaveComeRound = false
    /// When the last two readings began, in nanoseconds of CLOCK_MONOTONIC.
    var readingBegan: Int64 = .min
    var readingBeforeBegan: Int64 = .min
    let witness: ProcessWitness?
    var source: Source

    init(source: Source, nextInstance: UInt64, witness: ProcessWitness? = nil) {
        self.source = source
        self.nextInstance = nextInstance
        self.witness = witness
        // The recording began a moment ago: what the first readings tell of has happened since.
        if let first = self.source.forkCount() { forkCounts.append(ForkCount(count: first.count, moment: .min)) }
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
    /// Parameter isChange: it changed something, which the kernel does not do while it executes a program.
    mutating func index(
        of pid: Int32, at window: TimeWindow, isChange: Bool = true, in batch: inout Batch
    ) -> (index: UInt32, isUncertain: Bool) {
        let way = Int(UInt32(bitPattern: pid) & 255)
        if recentPIDs[way] == pid, recentEntries[way].serial == serial {
            return (recentEntries[way].index, recentEntries[way].isUncertain)
        }
        let (key, isSettled) = key(of: pid, at: window, isExec: false, isChange: isChange, in: &batch)
        let index = place(key, in: &batch)
        let isUncertain = entries[key]?.isUncertain ?? true
        if isSettled {
            recentPIDs[way] = pid
            recentEntries[way] = (index, serial, isUncertain)
        }
        return (index, isUncertain)
    }

    /// Takes notice of a process that executes a file, without naming it in the batch: no event that is kept is its own
    /// yet. False when it may be several, so that nobody's image is known to change: 0 stands for all outside the
    /// recorder's pid namespace.
    @discardableResult
    mutating func meet(_ pid: Int32, at window: TimeWindow, in batch: inout Batch) -> Bool {
        guard pid > 0 else { return false }
        let (key, _) = key(of: pid, at: window, isExec: true, in: &batch)
        entries[key]?.usedSerial = serial
        return key & Self.ambiguousBit == 0
    }

    /// The entry for `pid` in this window, checked for this batch.
    ///
    /// `isSettled` says that it is the entry of later events as well, until something else is heard of the pid: what was
    /// heard reaches beyond the window.
    mutating func key(
        of pid: Int32, at window: TimeWindow, isExec: Bool, isChange: Bool = false, in batch: inout Batch
    ) -> (key: UInt64, isSettled: Bool) {
        if pid > 0, let witness {
            let earliest = window.earliest.nanosecondsSinceEpoch &- window.clockOffsetNanoseconds
            let latest = window.time.nanosecondsSinceEpoch &- window.clockOffsetNanoseconds
            let last = keys[pid] ?? 0
            let finding = witness.find(
                pid, from: earliest, to: latest, notBefore: last & (Self.ambiguousBit | 1 << 62) == 0 ? last : 0)
            switch finding {
            case .life(let life, let isNewest):
                meet(
                    life, seen: window.time, from: earliest, to: latest, isExec: isExec, isChange: isChange, in: &batch)
                return (life.serial, isNewest && isSettled(life))
            case .several(let lives):
                if isExec, let life = lives.first, lives.dropFirst().allSatisfy({ hasNoMoreExec($0, from: earliest) }) {
                    meet(life, seen: window.time, from: earliest, to: latest, isExec: true, in: &batch)
                    return (life.serial, false)
                }
                if isExec {
                    // The others have no events in later windows.
                    for life in lives where life.ended ?? .max >= latest {
                        let last = keys[pid]
                        meet(life, seen: window.time, from: earliest, to: latest, isExec: false, in: &batch)
                        keys[pid] = last
                        entries[life.serial]?.hasDoubtfulExec = true
                    }
                }
                let key = Self.ambiguousBit | Self.pidKey(pid)
                if entries[key]?.window != window.time {
                    var entry = Entry(process: Self.unknown(pid, seen: window.time))
                    entry.isUncertain = true
                    entry.window = window.time
                    entry.hasEnded = true
                    entries[key] = entry
                }
                // The life of the last certain event stays the earliest that later ones can belong to.
                if keys[pid] == nil { keys[pid] = key }
                return (key, false)
            case .unknown: break
            }
        }
        let key = Self.pidKey(pid)
        entries[key] = current(pid, at: window, in: &batch)
        keys[pid] = key
        return (key, true)
    }

    /// Brings the entry of a life up to date, making it where it is missing.
    ///
    /// Parameter isExec: a program is about to run that will be looked at; the one before it need not be.
    private mutating func meet(
        _ life: ProcessLife, seen: Instant, from earliest: Int64, to latest: Int64, isExec: Bool,
        isChange: Bool = false, in batch: inout Batch
    ) {
        if entries[life.serial] != nil {
            refresh(life, from: earliest, to: latest, isExec: isExec, isChange: isChange, in: &batch)
        } else if carryOver(to: life) {
            if var entry = entries[life.serial] {
                apply(idsOf: life, from: earliest, to: latest, to: &entry)
                entries[life.serial] = entry
            }
        } else {
            let mayMissExec = witness?.life(life.previous).map { $0.ended ?? .max >= readingBeforeBegan } ?? false
            var entry = newEntry(
                life, seen: seen, at: mayMissExec ? latest &+ 1 : earliest, isExec: isExec, depth: 0)
            entry.mayMissExec = mayMissExec
            apply(idsOf: life, from: earliest, to: latest, to: &entry)
            entries[life.serial] = entry
        }
        keys[life.pid] = life.serial
    }

    /// True when all that was heard of the life is in its entry.
    private func isSettled(_ life: ProcessLife) -> Bool {
        guard let entry = entries[life.serial], entry.imageBegan != nil else { return false }
        return life.execs.last ?? .min <= entry.lastExec && life.userIDs.lastMoment <= entry.userIDsMoment
            && life.groupIDs.lastMoment <= entry.groupIDsMoment
    }

    /// True when every exec of a life that could lie at or behind a moment is accounted for by an image. A life that ended
    /// may have tried one more in vain; such a record names a program that nothing else is said of.
    private mutating func hasNoMoreExec(_ life: ProcessLife, from moment: Int64) -> Bool {
        guard var entry = entries[life.serial] else { return life.execs.last ?? .min < moment }
        claim(&entry, life)
        entries[life.serial] = entry
        return !entry.hasDoubtfulExec && life.execs.last ?? .min <= entry.lastExec
    }

    /// Above all serial numbers of lives.
    static func pidKey(_ pid: Int32) -> UInt64 { 1 << 62 | UInt64(UInt32(bitPattern: pid)) }
    static var ambiguousBit: UInt64 { 1 << 61 }

    static func unknown(_ pid: Int32, seen: Instant) -> ActorProcess {
        var process = ActorProcess(instance: 0, pid: pid, firstSeen: seen)
        process.detailSource = .event
        return process
    }

    /// Puts an entry into the batch's dictionary, its ancestors before it, and gives its place.
    private mutating func place(_ key: UInt64, in batch: inout Batch, depth: Int = 0) -> UInt32 {
        guard var entry = entries[key] else { return .absent }
        entry.usedSerial = serial
        if entry.batchSerial == serial {
            entries[key]?.usedSerial = serial
            return entry.batchIndex
        }
        if entry.process.instance == 0 {
            entry.process.instance = nextInstance
            nextInstance &+= 1
            seenCount &+= 1
            if entry.life != 0, let exit = witness?.setInstance(entry.process.instance, of: entry.life) { note(exit) }
        }
        // In the table before its parent is looked at: two entries that name each other must come to an end.
        entry.batchSerial = serial
        entry.batchIndex = UInt32(truncatingIfNeeded: batch.processes.count)
        batch.processes.append(entry.process)
        entries[key] = entry
        if let parent = entry.parent, parent != key, depth < Self.maximumDepth {
            if entries[parent] == nil, let life = witness?.life(parent) {
                entries[parent] = newEntry(life, seen: entry.process.firstSeen, at: .max, depth: 0)
            }
            _ = place(parent, in: &batch, depth: depth + 1)
            if let instance = entries[parent]?.process.instance, instance != entry.process.parentInstance {
                entry.process.parentInstance = instance
                batch.processes[Int(entry.batchIndex)].parentInstance = instance
                entries[key] = entry
            }
        }
        return entry.batchIndex
    }

    /// Where the present image of a pid stands in the batch; nil while it is not in it.
    func indexInBatch(of pid: Int32) -> UInt32? {
        guard let key = keys[pid], let entry = entries[key], entry.batchSerial == serial else { return nil }
        return entry.batchIndex
    }

    // MARK: Bounds

    /// Drops what was not used in the last batches; processes that ended first.
    private mutating func evict() {
        let recent = serial > 16 ? serial &- 16 : 0
        let last = serial > 2 ? serial &- 2 : 0
        // The children of those that ended just now may still come.
        entries = entries.filter { $0.value.usedSerial >= last || !hasEnded($0.value) }
        if entries.count > Self.maximumEntryCount / 2 {
            entries = entries.filter { $0.value.usedSerial >= recent }
        }
        if entries.count > Self.maximumEntryCount { entries.removeAll(keepingCapacity: true) }
        keys = keys.filter { entries[$0.value] != nil }
    }

    func hasEnded(_ entry: Entry) -> Bool {
        guard entry.life != 0, let witness else { return entry.hasEnded }
        return witness.life(entry.life)?.ended != nil
    }
}
