import Block
import Model

/// Processes of which nobody tells when they are born and end: a pid is trusted by its start time and by how many processes
/// were started since.
extension ProcessTable {
    /// The entry for a pid whose lives are not known, checked for this batch.
    mutating func current(_ pid: Int32, at window: TimeWindow, in batch: inout Batch) -> Entry {
        guard var entry = entries[Self.pidKey(pid)] else { return newEntry(pid, at: window, isUncertain: false) }
        guard entry.batchSerial != serial || entry.checkSerial != checkSerial else { return entry }
        entry.checkSerial = checkSerial
        if pid <= 0 { return entry }
        let forks = forkCountOfBatch()
        if let identity = source.identity(of: pid) {
            if identity.startTicks == entry.startTicks {
                entry.forksAtCheck = forks
                if entry.awaitsDescription { describeNewImage(&entry) }
                // Nobody tells of their changes.
                if let ids = source.ids(of: pid),
                    ids.user != entry.process.userIDs || ids.group != entry.process.groupIDs
                {
                    entry.process.userIDs = ids.user
                    entry.process.groupIDs = ids.group
                    entry.batchSerial = 0
                }
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

    /// Finds the count of forks that lies before a reading which began at that moment of CLOCK_MONOTONIC.
    mutating func noteForksBefore(_ moment: Int64) {
        forksBeforeReading = forkCounts.last { $0.moment <= moment }?.count
    }

    /// In a small pid space every reading counts the processes that were started, and all are checked again after any.
    mutating func noteForks() {
        guard source.forksUntilReuse < Self.smallForkCount else { return }
        let last = forkCounts.last?.count
        countForks()
        mayHaveComeRound = isReusePossible(since: forksBeforeReading, now: forksNow)
        guard forksNow != last || mayHaveComeRound else { return }
        checkSerial &+= 1
        for way in recentPIDs.indices { recentPIDs[way] = -1 }
    }

    private mutating func countForks() {
        let counted = source.forkCount()
        forksNow = counted?.count
        forksWereRead = true
        guard let counted else { return }
        if forkCounts.count == Self.maximumForkCountCount { forkCounts.removeFirst(Self.maximumForkCountCount / 2) }
        forkCounts.append(counted)
    }

    /// Readings that were resolved later than so many others are older than what is kept.
    private static var maximumForkCountCount: Int { 256 }

    /// More forks than these do not happen in a batch of two seconds.
    private static var smallForkCount: UInt64 { 8_192 }

    mutating func forkCountOfBatch() -> UInt64? {
        if !forksWereRead { countForks() }
        return forksNow
    }

    mutating func newEntry(_ pid: Int32, at window: TimeWindow, isUncertain: Bool) -> Entry {
        var entry = Entry(process: Self.unknown(pid, seen: window.time))
        entry.isUncertain = isUncertain || mayHaveComeRound
        let forks = forkCountOfBatch()
        // Of a process that is gone nothing is known since.
        entry.forksAtCheck = forksBeforeReading
        entry.checkSerial = checkSerial
        // Where the pid may have come round, only who was there before all of it is surely meant.
        let limit =
            mayHaveComeRound
            ? window.earliest.nanosecondsSinceEpoch &- Self.startGrainNanoseconds
            : window.time.nanosecondsSinceEpoch &+ Self.startGrainNanoseconds
        var found = entry.process
        guard pid > 0, let sighting = source.describe(&found, including: true, where: { _ in true }),
            sighting.identity.start.nanosecondsSinceEpoch <= limit
        else {
            entry.hasEnded = true
            return entry
        }
        entry.process = found
        entry.isUncertain = false
        entry.forksAtCheck = forks
        entry.startTicks = sighting.identity.startTicks
        entry.process.start = sighting.identity.start
        entry.process.detailSource = .proc
        entry.describedInBatch = serial
        entry.exeInode = sighting.exeInode
        if entry.process.exe != nil { entry.process.exeSource = .proc }
        return entry
    }
}
