import Block
import Model

/// Entries of processes whose lives are told.
extension ProcessTable {
    /// Takes in what was said of processes up to the end of a reading; call it before the reading's records are resolved.
    ///
    /// Returns the interval in which messages were lost, in nanoseconds of CLOCK_MONOTONIC.
    mutating func hear(upTo window: TimeWindow) -> (from: Int64, to: Int64)? {
        source.follow(window)
        noteForksBefore(window.earliest.nanosecondsSinceEpoch &- window.clockOffsetNanoseconds)
        guard let witness else {
            noteForks()
            return nil
        }
        clockOffset = window.clockOffsetNanoseconds
        readingBeforeBegan = readingBegan
        readingBegan = window.earliest.nanosecondsSinceEpoch &- clockOffset
        // One look serves all readings that were made before it.
        witness.hear(upTo: window.time.nanosecondsSinceEpoch &- clockOffset)
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

    mutating func note(_ exit: ProcessWitness.Exit) {
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
            entry.forksAtCheck = forksBeforeReading
            kept[Self.pidKey(entry.process.pid)] = entry
        }
        entries = kept
        keys = keys.filter { kept[$0.value] != nil }
        awaiting.removeAll()
    }

    /// Gives a life the entry that its process had before lives were known, if it surely is the same process.
    mutating func carryOver(to life: ProcessLife) -> Bool {
        let key = Self.pidKey(life.pid)
        guard life.began == .min, var entry = entries[key], let ticks = entry.startTicks,
            source.identity(of: life.pid)?.startTicks == ticks
        else { return false }
        entries[key] = nil
        entry.life = life.serial
        entry.imageBegan = life.execs.last ?? .min
        entry.lastExec = entry.imageBegan ?? .min
        entry.earlierImages = []
        settleIDs(of: life, &entry, from: entry.process)
        entries[life.serial] = entry
        if entry.process.instance != 0, let exit = witness?.setInstance(entry.process.instance, of: life.serial) {
            note(exit)
        }
        return true
    }

    /// The entry of a life that no record has told of.
    ///
    /// Parameter moment: when it did something, in nanoseconds of CLOCK_MONOTONIC, or `Int64.max` for what it is now.
    /// Parameter isExec: it is about to run another program; where its parent is known, that one is looked at instead.
    mutating func newEntry(
        _ life: ProcessLife, seen: Instant, at moment: Int64, isExec: Bool = false, depth: Int
    ) -> Entry {
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
        let hasInherited = entry.process.exe != nil && entry.process.uid != nil && entry.process.controlGroup != nil
        if isExec, hasInherited {
            entry.isUnseen = true
        } else {
            lookAt(&entry, life, before: before, depth: depth)
        }
        apply(idsOf: life, from: moment, to: moment, to: &entry)
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
        entry.firstUserIDs = parentLife.userIDs.ids(from: life.began, to: life.began, first: known.firstUserIDs)
        entry.firstGroupIDs = parentLife.groupIDs.ids(from: life.began, to: life.began, first: known.firstGroupIDs)
        entry.process.userIDs = entry.firstUserIDs
        entry.process.groupIDs = entry.firstGroupIDs
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

    /// The image that a life had at a moment, nil where that is not certain.
    private mutating func image(of key: UInt64, _ life: ProcessLife, at moment: Int64) -> Image? {
        guard var entry = entries[key] else { return nil }
        claim(&entry, life)
        entries[key] = entry
        for image in [self.image(of: entry)] + entry.earlierImages.reversed() {
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
        entry.isUnseen = false
        let known = entry.process
        var found = known
        guard life.ended == nil, let witness,
            let sighting = source.describe(&found, including: true, where: { _ in true })
        else { return }
        let identity = sighting.identity
        witness.hear()
        // What was read is of this life unless the pid has been given out again.
        guard let now = witness.newestLife(of: life.pid), now.serial == life.serial else { return }
        entry.startTicks = identity.startTicks
        entry.process = found
        settleIDs(of: now, &entry, from: known)
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
            entry.exeInode = sighting.exeInode
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
    func settleSources(_ entry: inout Entry, from before: ActorProcess) {
        entry.process.identitySource = .proc
        if before.parentSource == .connector {
            entry.process.parentPID = before.parentPID
        } else {
            entry.process.parentSource = .proc
        }
    }

    /// Brings an entry up to a window: execs that no record told of, and changed ids.
    mutating func refresh(
        _ life: ProcessLife, from moment: Int64, to latest: Int64, isExec: Bool, isChange: Bool, in batch: inout Batch
    ) {
        guard var entry = entries[life.serial] else { return }
        claim(&entry, life)
        // What the pid's holder before did may be joined with what this one does, so that records of the two are out of order.
        if isChange, !entry.mayMissExec { judgeAnnounced(&entry, life, by: latest) }
        let limit = entry.hasDoubtfulExec || entry.mayMissExec ? latest : moment - 1
        if let exec = life.execs.last(where: { $0 <= limit }), exec > entry.lastExec, entry.imageBegan != nil {
            if entry.hasDoubtfulExec || !entry.mayMissExec { entry.unknownExec = exec }
            entry.hasDoubtfulExec = false
            keepImage(&entry)
            entry.lastExec = exec
            show(Image(began: exec), in: &entry)
            lookAt(&entry, life, before: exec, depth: 0)
        } else if entry.awaitsDescription, entry.batchSerial != serial {
            describeNewImage(&entry)
        } else if entry.isUnseen, !entry.awaitsDescription, !isExec {
            lookAt(&entry, life, before: entry.lastExec == .min ? nil : entry.lastExec, depth: 0)
        }
        apply(idsOf: life, from: moment, to: latest, to: &entry)
        entries[life.serial] = entry
    }

    /// Gives an entry the ids that it had from one moment to another, both included; with others it is another one in the
    /// batch.
    ///
    /// What the present image did, it did after its exec, so of a change in between the exec may tell which side it was on.
    func apply(idsOf life: ProcessLife, from earliest: Int64, to latest: Int64, to entry: inout Entry) {
        let from = max(earliest, life.began, entry.imageBegan ?? .min)
        entry.userIDsMoment = life.userIDs.lastMoment(before: from)
        entry.groupIDsMoment = life.groupIDs.lastMoment(before: from)
        let users = life.userIDs.ids(from: from, to: latest, first: entry.firstUserIDs)
        let groups = life.groupIDs.ids(from: from, to: latest, first: entry.firstGroupIDs)
        guard users != entry.process.userIDs || groups != entry.process.groupIDs else { return }
        entry.process.userIDs = users
        entry.process.groupIDs = groups
        entry.batchSerial = 0
    }

    /// `/proc` was asked for the ids: they are those of the whole life where they never changed, else those of now alone.
    ///
    /// Parameter before: what was known of the process.
    func settleIDs(of life: ProcessLife, _ entry: inout Entry, from before: ActorProcess) {
        if life.userIDs.isEmpty {
            entry.firstUserIDs = entry.process.userIDs
        } else {
            entry.process.userIDs = before.userIDs
        }
        if life.groupIDs.isEmpty {
            entry.firstGroupIDs = entry.process.groupIDs
        } else {
            entry.process.groupIDs = before.groupIDs
        }
    }

    /// Finds the message that says that the announced image runs.
    func claim(_ entry: inout Entry, _ life: ProcessLife) {
        guard entry.imageBegan == nil,
            let exec = life.execs.first(where: { $0 > entry.lastExec && $0 >= entry.announcedAfter })
        else { return }
        entry.imageBegan = exec
        entry.lastExec = exec
    }

    /// Another program is about to run, so the one before is done by then, or has failed. `earliest` and `latest` are the ends
    /// of the window in which that was announced.
    func settleAnnounced(_ entry: inout Entry, _ life: ProcessLife, from earliest: Int64, by latest: Int64) {
        claim(&entry, life)
        guard let began = entry.imageBegan else { return }
        // An exec that was done later, or in this window without a record of its own, is the one that is announced now.
        let isOfNow = began > latest || began >= earliest && entry.process.exeSource != .exec
        if isOfNow, life.execs.contains(began) {
            entry.lastExec = life.execs.last { $0 < began } ?? .min
        } else {
            keepImage(&entry)
        }
    }

    /// The process has done something after a program was announced. All that was said up to then is heard, so an exec that
    /// was not done by then failed, or goes on in another thread: whoever did it ran the image before.
    ///
    /// Where an exec was done that the image before may account for as well, it is not known which of the two failed, but
    /// for a script: its interpreter's own record follows.
    private mutating func judgeAnnounced(_ entry: inout Entry, _ life: ProcessLife, by latest: Int64) {
        guard entry.imageBegan ?? .max > latest, let before = entry.earlierImages.last else { return }
        if let began = entry.imageBegan { entry.lastExec = life.execs.last { $0 < began } ?? .min }
        let after = entry.announcedAfter
        guard let exec = life.execs.last(where: { $0 >= after && $0 <= latest }) else {
            entry.earlierImages.removeLast()
            show(before, in: &entry)
            return
        }
        entry.lastExec = max(entry.lastExec, exec)
        if let expected = before.expectedInterpreter, expected.isForScript || expected.isUnread {
            entry.imageBegan = exec
        } else {
            show(Image(began: exec), in: &entry)
            lookAt(&entry, life, before: exec, depth: 0)
        }
    }

    func keepImage(_ entry: inout Entry) {
        if entry.earlierImages.count == Self.maximumImageCount { entry.earlierImages.removeFirst() }
        entry.earlierImages.append(image(of: entry))
    }

    private func image(of entry: Entry) -> Image {
        let process = entry.process
        return Image(
            began: entry.imageBegan, announcedAfter: entry.announcedAfter, exe: process.exe, script: process.script,
            comm: process.comm, commandLine: process.commandLine, exeSource: process.exeSource,
            detailSource: process.detailSource, exeInode: entry.exeInode,
            expectedInterpreter: entry.expectedInterpreter)
    }

    /// Makes an image the present one.
    private func show(_ image: Image, in entry: inout Entry) {
        entry.imageBegan = image.began
        entry.announcedAfter = image.announcedAfter
        entry.process.exe = image.exe
        entry.process.script = image.script
        entry.process.exeSource = image.exeSource
        entry.process.comm = image.comm
        entry.process.commandLine = image.commandLine
        entry.process.detailSource = image.detailSource
        entry.exeInode = image.exeInode
        entry.expectedInterpreter = image.expectedInterpreter
        entry.awaitsDescription = image.exeInode != nil && image.comm == nil && image.exeSource == .exec
        entry.batchSerial = 0
    }
}
