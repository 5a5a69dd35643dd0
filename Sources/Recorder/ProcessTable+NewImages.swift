import Block
import Model

/// A look at the programs that exec events announced.
extension ProcessTable {
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

    static var descriptionTries: Int { 4 }
    static var maximumAwaitingCount: Int { 256 }

    /// What `/proc` says of an image that an exec event announced, taken only when it still runs that image. False when
    /// it does not run it, yet or any more.
    @discardableResult
    mutating func describeNewImage(_ entry: inout Entry) -> Bool {
        // Until the exec was heard to be done, nothing that is seen of the process is certainly of the new image.
        guard let expected = entry.exeInode, entry.life == 0 || isDone(&entry) else { return false }
        let isTold = entry.life != 0
        let before = entry.process
        let needsExe = before.exe == nil
        // A zombie has no image any more, but still the name of its last one.
        let sighting = source.describe(&entry.process, including: needsExe) { inode in
            inode == expected || inode == nil && isTold
        }
        guard let sighting, isStillThatImage(&entry) else {
            entry.process = before
            return false
        }
        entry.awaitsDescription = false
        entry.isUnseen = false
        entry.startTicks = sighting.identity.startTicks
        if needsExe, entry.process.exe != nil { entry.process.exeSource = .proc }
        entry.process.detailSource = .proc
        if entry.life != 0 {
            settleSources(&entry, from: before)
            if let life = witness?.life(entry.life) { settleIDs(of: life, &entry, from: before) }
        }
        return true
    }

    /// Whether the exec that announced the image is known to be done.
    private func isDone(_ entry: inout Entry) -> Bool {
        guard let witness else { return false }
        if let life = witness.life(entry.life) { claim(&entry, life) }
        if entry.imageBegan != nil { return true }
        witness.hear()
        if let life = witness.life(entry.life) { claim(&entry, life) }
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
}
