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
        var exeInode: UInt64?
        /// The program that the kernel will open next to run this image: its ELF interpreter or its `#!` line.
        var expectedInterpreter: ExpectedInterpreter?
        /// When the image began; see `Image`.
        var imageBegan: Int64?
        var announcedAfter: Int64 = .min
        /// The last exec that an image accounts for.
        var lastExec: Int64 = .min
        var earlierImages: [Image] = []
        /// The changes of ids that are in the entry.
        var userIDsMoment: Int64 = .min
        var groupIDsMoment: Int64 = .min
        /// Where the image stands in the batch with serial `batchSerial`.
        var batchIndex: UInt32 = 0
        var batchSerial: UInt64 = 0
        var isUncertain = false
        /// Of an entry that may stand for several processes, the window it is for.
        var window: Instant?
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

    /// What an executed file is.
    enum Executed {
        case program(interpreter: ExpectedInterpreter?)
        /// Neither an ELF file nor a script with `#!`: the kernel refuses it, or opens the interpreter that is registered
        /// for it, whose record then tells of the new image.
        case noProgram
    }

    private(set) var entries: [UInt64: Entry] = [:]
    /// The entry that a pid had last.
    private var keys: [Int32: UInt64] = [:]
    private var recentPIDs = [Int32](repeating: -1, count: 256)
    private var recentEntries = [(index: UInt32, serial: UInt64, isUncertain: Bool)](
        repeating: (0, 0, false), count: 256)
    private(set) var nextInstance: UInt64
    private(set) var seenCount = 0
    private var serial: UInt64 = 1
    /// Processes that run a new image which `/proc` was not yet asked about, with the number of tries left.
    private var awaiting: [(key: UInt64, triesLeft: Int)] = []
    private var forksNow: UInt64?
    private var forksWereRead = false
    /// Ends that belong into the next batch that is written.
    private var pendingFacts: [ProcessFact] = []
    /// CLOCK_REALTIME − CLOCK_MONOTONIC of the last reading.
    private var clockOffset: Int64 = 0
    private let witness: ProcessWitness?
    var source: Source

    init(source: Source, nextInstance: UInt64, witness: ProcessWitness? = nil) {
        self.source = source
        self.nextInstance = nextInstance
        self.witness = witness
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
        let key = key(of: pid, at: window, in: &batch)
        let index = place(key, in: &batch)
        let isUncertain = entries[key]?.isUncertain ?? true
        // What may be several processes in this window may be one of them in the next.
        if key & Self.ambiguousBit == 0 {
            recentPIDs[way] = pid
            recentEntries[way] = (index, serial, isUncertain)
        }
        return (index, isUncertain)
    }

    /// Takes notice of a process without naming it in the batch: no event that is kept is its own yet.
    mutating func meet(_ pid: Int32, at window: TimeWindow, in batch: inout Batch) {
        let key = key(of: pid, at: window, in: &batch)
        entries[key]?.usedSerial = serial
    }

    /// The entry for `pid` in this window, checked for this batch.
    private mutating func key(of pid: Int32, at window: TimeWindow, in batch: inout Batch) -> UInt64 {
        if pid > 0, let witness {
            let earliest = window.earliest.nanosecondsSinceEpoch &- window.clockOffsetNanoseconds
            let latest = window.time.nanosecondsSinceEpoch &- window.clockOffsetNanoseconds
            switch witness.find(pid, from: earliest, to: latest) {
            case .life(let life):
                if entries[life.serial] != nil {
                    refresh(life, at: earliest, in: &batch)
                } else if !carryOver(to: life) {
                    entries[life.serial] = newEntry(life, seen: window.time, at: earliest, depth: 0)
                }
                keys[pid] = life.serial
                return life.serial
            case .several:
                let key = Self.ambiguousBit | Self.pidKey(pid)
                if entries[key]?.window != window.time {
                    var entry = Entry(process: Self.unknown(pid, seen: window.time))
                    entry.isUncertain = true
                    entry.window = window.time
                    entry.hasEnded = true
                    entries[key] = entry
                }
                keys[pid] = key
                return key
            case .unknown: break
            }
        }
        let key = Self.pidKey(pid)
        entries[key] = current(pid, at: window, in: &batch)
        keys[pid] = key
        return key
    }

    /// Above all serial numbers of lives.
    private static func pidKey(_ pid: Int32) -> UInt64 { 1 << 62 | UInt64(UInt32(bitPattern: pid)) }
    private static var ambiguousBit: UInt64 { 1 << 61 }

    private static func unknown(_ pid: Int32, seen: Instant) -> ActorProcess {
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

    // MARK: Without lives

    /// The entry for a pid whose lives are not known, checked for this batch.
    private mutating func current(_ pid: Int32, at window: TimeWindow, in batch: inout Batch) -> Entry {
        guard var entry = entries[Self.pidKey(pid)] else { return newEntry(pid, at: window, isUncertain: false) }
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
            if entry.process.instance != 0 {
                batch.facts.append(
                    ProcessFact(instance: entry.process.instance, kind: .exitSeen, moment: window.time))
            }
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
        var entry = Entry(process: Self.unknown(pid, seen: window.time))
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

    // MARK: New images

    /// True while some new image has not been looked at: the exec record comes before the exec itself is done, and a
    /// short-lived program is gone soon after.
    var hasNewImages: Bool { !awaiting.isEmpty }

    /// Looks at the new images; each gets a few tries.
    mutating func describeNewImages(in batch: inout Batch) {
        for index in awaiting.indices {
            awaiting[index].triesLeft -= 1
            let key = awaiting[index].key
            guard var entry = entries[key], entry.awaitsDescription else {
                awaiting[index].triesLeft = 0
                continue
            }
            guard describeNewImage(&entry) else {
                if hasEnded(entry) { awaiting[index].triesLeft = 0 }
                continue
            }
            awaiting[index].triesLeft = 0
            if entry.batchSerial == serial { batch.processes[Int(entry.batchIndex)] = entry.process }
            entries[key] = entry
        }
        awaiting.removeAll { $0.triesLeft <= 0 }
    }

    private static var descriptionTries: Int { 4 }
    private static var maximumAwaitingCount: Int { 256 }

    /// What `/proc` says of an image that an exec event announced, taken only when it still runs that image. False when
    /// it does not run it, yet or any more.
    @discardableResult
    private mutating func describeNewImage(_ entry: inout Entry) -> Bool {
        guard let expected = entry.exeInode else { return false }
        let inode = source.exeInode(of: entry.process.pid)
        // A zombie has no image any more, but still the name of its last one.
        guard inode == expected || inode == nil && isDone(&entry) else { return false }
        let before = entry.process
        let needsExe = before.exe == nil
        guard source.describe(&entry.process, including: needsExe), isStillThatImage(&entry) else {
            entry.process = before
            return false
        }
        entry.awaitsDescription = false
        if needsExe, entry.process.exe != nil { entry.process.exeSource = .proc }
        entry.process.detailSource = .proc
        if entry.life != 0 { settleSources(&entry, from: before) }
        return true
    }

    /// Whether the exec that announced the image is known to be done.
    private func isDone(_ entry: inout Entry) -> Bool {
        guard entry.life != 0, let life = witness?.life(entry.life) else { return false }
        claim(&entry, life)
        return entry.imageBegan != nil
    }

    /// Whether what was just read from `/proc` belongs to this life and to its present image.
    private func isStillThatImage(_ entry: inout Entry) -> Bool {
        guard entry.life != 0, let witness else { return true }
        witness.hear()
        guard let life = witness.newestLife(of: entry.process.pid), life.serial == entry.life else { return false }
        claim(&entry, life)
        return entry.imageBegan != nil && life.execs.last ?? .min <= entry.lastExec
    }

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

    private func hasEnded(_ entry: Entry) -> Bool {
        guard entry.life != 0, let witness else { return entry.hasEnded }
        return witness.life(entry.life)?.ended != nil
    }
}

// MARK: - Lives

extension ProcessTable {
    /// Takes in what was said of processes up to the end of a reading; call it before the reading's records are resolved.
    ///
    /// Returns the interval in which messages were lost, in nanoseconds of CLOCK_MONOTONIC.
    mutating func hear(upTo window: TimeWindow) -> (from: Int64, to: Int64)? {
        guard let witness else { return nil }
        clockOffset = window.clockOffsetNanoseconds
        witness.hear()
        let hearing = witness.takeHearing()
        if hearing.hasMoreChanges || hearing.loss != nil {
            for way in recentPIDs.indices { recentPIDs[way] = -1 }
        }
        for pid in hearing.changedPIDs {
            let way = Int(UInt32(bitPattern: pid) & 255)
            if recentPIDs[way] == pid { recentPIDs[way] = -1 }
        }
        for exit in hearing.exits { note(exit) }
        if hearing.loss != nil { forgetLives() }
        return hearing.loss
    }

    /// Puts the ends that were heard of into a batch that will be written.
    mutating func addFacts(to batch: inout Batch) {
        batch.facts.append(contentsOf: pendingFacts)
        pendingFacts.removeAll(keepingCapacity: true)
    }

    private mutating func note(_ exit: ProcessWitness.Exit) {
        // Nothing may be written for a long time; what is known of the end is then the least loss.
        guard let status = exit.status, pendingFacts.count < ProcessWitness.maximumWaitingCount else { return }
        pendingFacts.append(
            ProcessFact(
                instance: exit.instance, kind: .exited,
                moment: Instant(nanosecondsSinceEpoch: exit.moment &+ clockOffset), status: UInt32(bitPattern: status)))
    }

    /// After a loss lives begin anew; an entry stays for whoever still is that process by its start time.
    private mutating func forgetLives() {
        var kept: [UInt64: Entry] = [:]
        for (key, var entry) in entries where key & Self.ambiguousBit == 0 {
            guard entry.life != 0 else {
                kept[key] = entry
                continue
            }
            guard keys[entry.process.pid] == key, entry.startTicks != nil else { continue }
            entry.life = 0
            entry.parent = nil
            entry.forksAtCheck = forkCountOfBatch()
            kept[Self.pidKey(entry.process.pid)] = entry
        }
        entries = kept
        keys = keys.filter { kept[$0.value] != nil }
        awaiting.removeAll()
    }

    /// Gives a life the entry that its process had before lives were known, if it surely is the same process.
    private mutating func carryOver(to life: ProcessLife) -> Bool {
        let key = Self.pidKey(life.pid)
        guard life.began == .min, var entry = entries[key], let ticks = entry.startTicks,
            source.identity(of: life.pid)?.startTicks == ticks
        else { return false }
        entries[key] = nil
        entry.life = life.serial
        entry.imageBegan = life.execs.last ?? .min
        entry.lastExec = entry.imageBegan ?? .min
        entry.earlierImages = []
        entries[life.serial] = entry
        if entry.process.instance != 0, let exit = witness?.setInstance(entry.process.instance, of: life.serial) {
            note(exit)
        }
        return true
    }

    /// The entry of a life that no record has told of.
    ///
    /// Parameter moment: when it did something, in nanoseconds of CLOCK_MONOTONIC, or `Int64.max` for what it is now.
    private mutating func newEntry(_ life: ProcessLife, seen: Instant, at moment: Int64, depth: Int) -> Entry {
        var entry = Entry(process: Self.unknown(life.pid, seen: seen))
        entry.life = life.serial
        entry.process.instance = life.instance
        let before = life.execs.last { $0 < moment }
        entry.imageBegan = before ?? life.began
        entry.lastExec = before ?? .min
        if life.began != .min {
            entry.process.start = source.startMoment(monotonic: life.began)
            if life.parentPID > 0 {
                entry.process.parentPID = life.parentPID
                entry.process.parentSource = .connector
            }
        }
        if life.parent != 0, depth < Self.maximumDepth {
            entry.parent = life.parent
            inherit(&entry, from: life.parent, life, isImage: before == nil, depth: depth)
        }
        lookAt(&entry, life, before: before, depth: depth)
        apply(idsOf: life, upTo: moment, to: &entry)
        return entry
    }

    /// Takes over what a fork copies. The image is that which the parent had then, and only where no exec followed.
    private mutating func inherit(
        _ entry: inout Entry, from parent: UInt64, _ life: ProcessLife, isImage: Bool, depth: Int
    ) {
        guard let parentLife = witness?.life(parent) else { return }
        if entries[parent] == nil {
            entries[parent] = newEntry(parentLife, seen: entry.process.firstSeen, at: .max, depth: depth + 1)
        }
        guard let known = entries[parent] else { return }
        entries[parent]?.usedSerial = serial
        let process = known.process
        let ids = Self.ids(of: parentLife, process, at: life.began)
        entry.process.uid = ids.user?.effective
        entry.process.realUID = ids.user?.real
        entry.process.gid = ids.group?.effective
        entry.process.realGID = ids.group?.real
        entry.process.loginUID = process.loginUID
        entry.process.auditSession = process.auditSession
        entry.process.terminal = process.terminal
        entry.process.controlGroup = process.controlGroup
        entry.process.container = process.container
        if entry.process.uid != nil || process.controlGroup != nil { entry.process.identitySource = .inherited }
        guard isImage, let image = image(of: parent, parentLife, at: life.began) else { return }
        entry.process.exe = image.exe
        entry.process.script = image.script
        entry.process.exeSource = image.exe == nil ? nil : .inherited
        entry.process.comm = image.comm
        entry.process.commandLine = image.commandLine
        if image.comm != nil || image.commandLine != nil { entry.process.detailSource = .inherited }
    }

    /// The user and group ids that a process had at a moment of its life; nil where a later change hides them.
    private static func ids(
        of life: ProcessLife, _ process: ActorProcess, at moment: Int64
    ) -> (user: (real: UInt32, effective: UInt32)?, group: (real: UInt32, effective: UInt32)?) {
        func pair(
            _ change: ProcessLife.Change?, _ real: UInt32?, _ effective: UInt32?
        ) -> (real: UInt32, effective: UInt32)? {
            if let change { return change.moment <= moment ? (change.real, change.effective) : nil }
            guard let effective else { return nil }
            return (real ?? effective, effective)
        }
        return (
            pair(life.userIDs, process.realUID, process.uid), pair(life.groupIDs, process.realGID, process.gid)
        )
    }

    /// The image that a life had at a moment, nil where that is not certain.
    private mutating func image(of key: UInt64, _ life: ProcessLife, at moment: Int64) -> Image? {
        guard var entry = entries[key] else { return nil }
        claim(&entry, life)
        entries[key] = entry
        let process = entry.process
        let present = Image(
            began: entry.imageBegan, announcedAfter: entry.announcedAfter, exe: process.exe, script: process.script,
            comm: process.comm, commandLine: process.commandLine, exeSource: process.exeSource)
        for image in [present] + entry.earlierImages.reversed() {
            guard let began = image.began else {
                // Announced before that moment, and not heard to be done: it may have failed.
                if image.announcedAfter <= moment { return nil }
                continue
            }
            guard began <= moment else { continue }
            // A program that no record tells of may have run in between.
            return life.execs.contains { $0 > began && $0 <= moment } ? nil : image
        }
        return nil
    }

    /// Asks `/proc` about a process that may still live, and takes what it says of this life.
    private mutating func lookAt(_ entry: inout Entry, _ life: ProcessLife, before: Int64?, depth: Int) {
        guard life.ended == nil, let witness, let identity = source.identity(of: life.pid) else { return }
        let known = entry.process
        var found = known
        guard source.describe(&found, including: !identity.isZombie) else { return }
        let inode = identity.isZombie ? nil : source.exeInode(of: life.pid)
        witness.hear()
        // What was read is of this life unless the pid has been given out again.
        guard let now = witness.newestLife(of: life.pid), now.serial == life.serial else { return }
        entry.startTicks = identity.startTicks
        entry.process = found
        entry.process.start = identity.start
        entry.process.identitySource = .proc
        if life.parent == 0 {
            entry.process.parentSource = .proc
            if depth < Self.maximumDepth, identity.parentPID > 0, identity.parentPID != life.pid,
                let parent = witness.livingNow(identity.parentPID)
            {
                entry.parent = parent.serial
            }
        } else {
            entry.process.parentPID = known.parentPID
        }
        // The image of now is that of the event unless a program was started since; what the parent had is surer, for an
        // exec is done a little before it is told.
        let isImage = now.execs.last == before && known.exe == nil
        if isImage {
            entry.exeInode = inode
            entry.process.exeSource = found.exe == nil ? nil : .proc
            entry.process.detailSource = .proc
            entry.describedInBatch = serial
        } else {
            entry.process.exe = known.exe
            entry.process.comm = known.comm
            entry.process.commandLine = known.commandLine
        }
    }

    /// After a look at `/proc`: which source holds for what.
    private func settleSources(_ entry: inout Entry, from before: ActorProcess) {
        entry.process.identitySource = .proc
        if before.parentSource == .connector {
            entry.process.parentPID = before.parentPID
        } else {
            entry.process.parentSource = .proc
        }
    }

    /// Brings an entry up to a moment: execs that no record told of, and changed ids.
    private mutating func refresh(_ life: ProcessLife, at moment: Int64, in batch: inout Batch) {
        guard var entry = entries[life.serial] else { return }
        claim(&entry, life)
        if let exec = life.execs.last(where: { $0 < moment }), exec > entry.lastExec, entry.imageBegan != nil {
            keepImage(&entry)
            entry.imageBegan = exec
            entry.lastExec = exec
            entry.process.exe = nil
            entry.process.script = nil
            entry.process.exeSource = nil
            entry.process.comm = nil
            entry.process.commandLine = nil
            entry.process.detailSource = nil
            entry.expectedInterpreter = nil
            entry.awaitsDescription = false
            entry.batchSerial = 0
            lookAt(&entry, life, before: exec, depth: 0)
        } else if entry.awaitsDescription, entry.batchSerial != serial {
            describeNewImage(&entry)
        }
        apply(idsOf: life, upTo: moment, to: &entry)
        entries[life.serial] = entry
    }

    /// Ids that were changed before a moment; the entry then is another one in the batch.
    private func apply(idsOf life: ProcessLife, upTo moment: Int64, to entry: inout Entry) {
        if let change = life.userIDs, change.moment < moment, change.moment > entry.userIDsMoment {
            entry.userIDsMoment = change.moment
            if entry.process.uid != change.effective || entry.process.realUID != change.real {
                entry.process.uid = change.effective
                entry.process.realUID = change.real
                entry.batchSerial = 0
            }
        }
        if let change = life.groupIDs, change.moment < moment, change.moment > entry.groupIDsMoment {
            entry.groupIDsMoment = change.moment
            if entry.process.gid != change.effective || entry.process.realGID != change.real {
                entry.process.gid = change.effective
                entry.process.realGID = change.real
                entry.batchSerial = 0
            }
        }
    }

    /// Finds the message that says that the announced image runs.
    private func claim(_ entry: inout Entry, _ life: ProcessLife) {
        guard entry.imageBegan == nil,
            let exec = life.execs.first(where: { $0 > entry.lastExec && $0 >= entry.announcedAfter })
        else { return }
        entry.imageBegan = exec
        entry.lastExec = exec
    }

    private func keepImage(_ entry: inout Entry) {
        let process = entry.process
        if entry.earlierImages.count == Self.maximumImageCount { entry.earlierImages.removeFirst() }
        entry.earlierImages.append(
            Image(
                began: entry.imageBegan, announcedAfter: entry.announcedAfter, exe: process.exe,
                script: process.script, comm: process.comm, commandLine: process.commandLine,
                exeSource: process.exeSource))
    }
}

// MARK: - Exec events

extension ProcessTable {
    enum ExecOutcome: Equatable {
        /// The instance runs a new image from here on.
        case newImage
        /// The interpreter of the image that the record before announced: no operation of its own.
        case interpreter
        /// The instance goes on with the image it had.
        case noImage
    }

    /// Takes in an exec record of `pid` on the file `path` with identity `object`.
    ///
    /// Call it after the record itself was given its process: an exec is done by the image before it.
    /// `executed` tells what the file is and asks the kernel to open next.
    mutating func noteExec(
        pid: Int32, at window: TimeWindow, path: RawPath?, object: FileIdentity?, in batch: inout Batch,
        executed: (FileIdentity) -> Executed
    ) -> ExecOutcome {
        guard let key = keys[pid], var entry = entries[key], key & Self.ambiguousBit == 0 else { return .newImage }
        if let expected = entry.expectedInterpreter, let object, expected.identity == object {
            if expected.isForScript {
                entry.process.script = entry.process.exe
                entry.process.exe = path
                entry.exeInode = object.inode
                entry.expectedInterpreter = nil
                if case .program(let interpreter) = executed(object) { entry.expectedInterpreter = interpreter }
                changeImage(&entry, key)
            } else {
                entry.expectedInterpreter = nil
            }
            entries[key] = entry
            return .interpreter
        }
        var interpreter: ExpectedInterpreter?
        if let object {
            guard case .program(let found) = executed(object) else { return .noImage }
            interpreter = found
        }
        withdrawImageFromTheFuture(entry, object: object, in: &batch)
        if entry.life != 0, let life = witness?.life(entry.life) {
            claim(&entry, life)
            keepImage(&entry)
            entry.imageBegan = nil
            entry.announcedAfter = window.earliest.nanosecondsSinceEpoch &- window.clockOffsetNanoseconds
            claim(&entry, life)
        }
        entry.process.exe = path
        entry.process.script = nil
        entry.process.exeSource = path == nil ? nil : .exec
        entry.process.comm = nil
        entry.process.commandLine = nil
        if entry.life != 0 { entry.process.detailSource = nil }
        entry.exeInode = object?.inode
        entry.expectedInterpreter = interpreter
        changeImage(&entry, key)
        entries[key] = entry
        return .newImage
    }

    private mutating func changeImage(_ entry: inout Entry, _ key: UInt64) {
        entry.awaitsDescription = true
        if awaiting.count < Self.maximumAwaitingCount {
            awaiting.append((key: key, triesLeft: Self.descriptionTries))
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
        let parent = (entry.parent ?? entry.process.parentPID.flatMap { keys[$0] }).flatMap { entries[$0] }
        let index = Int(entry.batchIndex)
        batch.processes[index].exe = parent?.process.exe
        batch.processes[index].exeSource = parent?.process.exe == nil ? nil : .inherited
        batch.processes[index].script = parent?.process.script
        batch.processes[index].comm = nil
        batch.processes[index].commandLine = nil
    }
}
