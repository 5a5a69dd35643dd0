import Block
import Model

/// What exec events say of the programs that processes run.
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
        guard let key = keys[pid], var entry = entries[key], isCertain(entry, key, window) else { return .newImage }
        let earliest = window.earliest.nanosecondsSinceEpoch &- window.clockOffsetNanoseconds
        if let object, takesInterpreter(entry, key, object: object, at: path, window: window) {
            if entry.expectedInterpreter?.isForScript == true {
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
            let latest = window.time.nanosecondsSinceEpoch &- window.clockOffsetNanoseconds
            settleAnnounced(&entry, life, from: earliest, by: latest)
            entry.imageBegan = nil
            entry.announcedAfter = earliest
            claim(&entry, life)
        }
        // Where the record before it may be missing, a file without an interpreter may be one.
        let path = entry.mayMissExec && interpreter?.isUnread ?? true ? nil : path
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

    /// True when the file is the interpreter that the image of `pid` needs: its exec record belongs to the script's.
    mutating func awaitsInterpreter(
        _ pid: Int32, object: FileIdentity?, at path: RawPath?, window: TimeWindow, in batch: inout Batch
    ) -> Bool {
        guard pid > 0, let object else { return false }
        let (key, _) = key(of: pid, at: window, isExec: false, in: &batch)
        guard let entry = entries[key] else { return false }
        return takesInterpreter(entry, key, object: object, at: path, window: window)
    }

    /// The same of an entry, as far as it is certain which process the record is of and which image it has.
    private func takesInterpreter(
        _ entry: Entry, _ key: UInt64, object: FileIdentity, at path: RawPath?, window: TimeWindow
    ) -> Bool {
        guard let expected = entry.expectedInterpreter, isCertain(entry, key, window) else { return false }
        return expected.isMet(by: object, at: path)
    }

    private func isCertain(_ entry: Entry, _ key: UInt64, _ window: TimeWindow) -> Bool {
        guard key & Self.ambiguousBit == 0, !entry.hasDoubtfulExec, !entry.isUncertain else { return false }
        let earliest = window.earliest.nanosecondsSinceEpoch &- window.clockOffsetNanoseconds
        return entry.life == 0 || earliest > entry.unknownExec
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
