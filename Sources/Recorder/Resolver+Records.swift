import Block
import Fanotify
import Model
import Store

/// What one record tells.
extension Resolver {
    /// Parameter record: only read; by reference, for its 144 bytes are not copied for each.
    mutating func take(
        _ record: inout EventRecord, of bytes: RawSpan, window: TimeWindow, windowIndex: UInt32
    ) {
        if record.pid == scope.ownPID {
            counts.own &+= 1
            return
        }
        if record.mask.contains(.queueOverflow) {
            counters.overflows.add(1)
            scan?.wantReview(since: window.earliest)
            logNotes?.tellLoss()
            additions.gaps.append(
                Gap(
                    kind: .queueOverflow, from: window.earliest, to: window.time, count: nil, scope: nil,
                    cause: "the kernel's event queue was full"))
            return
        }
        let object = record.object.map { FileHandle($0, in: bytes) }
        guard let directoryView = record.directory else {
            if record.mask.contains(.rename), scan != nil {
                takeArrival(record, of: bytes, window: window, windowIndex: windowIndex)
                return
            }
            takeNameless(&record, object: object, window: window, windowIndex: windowIndex)
            return
        }
        var directory = lookUp(FileHandle(directoryView, in: bytes))
        let target = record.targetDirectory.map { lookUp(FileHandle($0, in: bytes)) }
        var place = placement(of: directory)
        let targetPlace = target.map { placement(of: $0) }
        let identity = object?.identity
        let name = bytes.extracting(record.name.indices)
        var isKept = place.isKept
        if let targetPlace { isKept = isKept || targetPlace.isKept }
        let ownEntry = rootWithEntry(name, in: directory)
        // Not by `flatMap`: its closure would copy all of this resolver.
        var targetEntry: Int?
        if let target { targetEntry = rootWithEntry(bytes.extracting(record.targetName.indices), in: target) }
        if ownEntry != nil || targetEntry != nil { isKept = true }

        var actor: (index: ProcessIndex, isUncertain: Bool)?
        if record.mask.contains(.openExec), scope.tellsProcesses {
            let exec = takeExec(
                record, of: bytes, in: directory, identity: identity, object: object, window: window, isKept: isKept)
            actor = exec.actor
            if exec.isInterpreter {
                counts.folded &+= 1
                return
            }
        }
        if let logNotes, isKept, record.mask.rawValue & EventMask.logChanges.rawValue != 0,
            let kind = notedKind(record, name, identity, logNotes)
        {
            let writer = actor ?? self.actor(of: record.pid, at: window)
            actor = writer
            noteLog(
                record, kind: kind, name: name, in: directory, identity: identity, by: writer, window: window,
                to: logNotes)
        }
        var mask = EventMask(rawValue: record.mask.rawValue & wantedBits)
        if mask.contains(.create), scan?.found.isEmpty == false,
            !replacesScanned(copy(name), in: directory, object: identity)
        {
            // A scan told of it, and that is committed.
            mask.remove(.create)
            if mask.isDisjoint(with: .operations) { counts.folded &+= 1 }
        }
        var shape = EventShape.asReported
        var eventObject = identity
        var seen: OverlayFolding.Observation?
        var verdict = OverlayFolding.Verdict.keep
        let isInWork = place.isInWork || targetPlace?.isInWork == true
        if hasOverlays, isKept, !mask.isDisjoint(with: .operations), !record.mask.contains(.openExec),
            isInWork || overlays.mayConcern(pid: record.pid, mask: mask)
        {
            let observation = OverlayFolding.Observation(
                pid: record.pid, mask: mask, isInWork: place.isInWork, directory: directory,
                name: copy(name),
                target: target.map {
                    .init(
                        isInWork: targetPlace?.isInWork ?? false, directory: $0,
                        name: copy(bytes.extracting(record.targetName.indices)))
                }, object: identity)
            (verdict, shape) = foldOverlay(observation, object: object, mask: &mask, eventObject: &eventObject)
            seen = observation
        }
        var copiedName: [UInt8]?
        if case .at(let entry) = shape {
            directory = entry.directory
            place = placement(of: directory)
            isKept = place.isKept
            copiedName = entry.name
        }
        if shape == .nothing {
            counts.folded &+= 1
        } else if !isKept || mask.isDisjoint(with: .operations) {
            if !isKept {
                counts.outside &+= 1
                if !believedOutside.isEmpty, believedOutside.contains(directory) { leftOut.add(window) }
            }
        } else {
            var flags = EventFlags()
            let process =
                actor
                ?? self.actor(
                    of: record.pid, at: window,
                    isChange: record.mask.rawValue & EventMask.changes.rawValue != 0)
            if process.isUncertain { flags.insert(.uncertainProcess) }
            if place.isDoubtful || targetPlace?.isDoubtful == true
                || copiedName == nil && isUnlinkedName(name, mask: record.mask, identity)
            {
                flags.insert(.uncertainPath)
            }
            var path = PathIndex.absent
            if let copiedName {
                // SAFETY: bytes have no padding, and the array outlives the call.
                path = unsafe batch.paths.internPath(
                    directory: batchDirectory(of: directory, place), name: copiedName.span.bytes)
            } else if shape != .onlyTarget {
                path =
                    ownEntry.map { pathOfRoot($0) }
                    ?? batch.paths.internPath(directory: batchDirectory(of: directory, place), name: name)
            }
            var targetPath = PathIndex.absent
            if let target, let targetPlace, shape != .onlySource {
                targetPath =
                    targetEntry.map { pathOfRoot($0) }
                    ?? batch.paths.internPath(
                        directory: batchDirectory(of: target, targetPlace),
                        name: bytes.extracting(record.targetName.indices))
            }
            if shape == .onlyTarget { swap(&path, &targetPath) }
            if isExcluded(path), targetPath == .absent || isExcluded(targetPath) {
                counts.outside &+= 1
            } else {
                let event = batch.count
                batch.append(
                    window: windowIndex, process: process.index, path: path, target: targetPath, object: eventObject,
                    mask: mask, flags: flags)
                counts.kept &+= 1
                if mask.isMerged {
                    counts.merged &+= 1
                    if !mask.isOneUse { noteJoined(event) }
                }
                if let seen { overlays.keep(seen, asEvent: event, verdict: verdict) }
                let source = shape == .onlyTarget ? target ?? directory : directory
                let end = shape == .asReported ? target : nil
                eventDirectories.append(EventDirectories(directory: source, target: end ?? DirectoryTree.none))
                let isOpen = place.isPending || targetPlace?.isPending == true
                if isOpen, ownEntry == nil, targetEntry == nil {
                    unsettled.append(
                        UnsettledEvent(event: event, directory: source, target: end, renameCount: renameCount))
                }
            }
        }
        if record.mask.rawValue & EventMask.entryOperations.rawValue != 0 {
            takeEntry(
                &record, of: bytes, directory: directory, target: target, object: object, identity: identity,
                isKept: isKept, window: window)
        }
        if scan != nil, record.mask.contains(.moveSelf), tree[directory].state == .root, name.byteCount == 1 {
            takeMoveOfRoot(directory)
        }
    }

    /// The operations that were asked for, and whether it was a directory.
    var wantedBits: UInt32 { scope.operations.rawValue | EventMask.onDirectory.rawValue }

    /// A file without a name (O_TMPFILE) is reported as `#` and its inode number in the directory it was opened by. Where
    /// that is its name indeed, a create, delete or rename says so.
    private func isUnlinkedName(_ name: RawSpan, mask: EventMask, _ identity: FileIdentity?) -> Bool {
        guard name.byteCount > 1, name.load(at: 0, as: UInt8.self) == UInt8(ascii: "#"), let identity,
            mask.rawValue & EventMask.entryOperations.rawValue == 0
        else { return false }
        var number: UInt64 = 0
        for place in 1..<name.byteCount {
            let digit = name.load(at: place, as: UInt8.self) &- UInt8(ascii: "0")
            guard digit <= 9 else { return false }
            number = number &* 10 &+ UInt64(digit)
        }
        return number == identity.inode
    }

    func copy(_ name: RawSpan) -> [UInt8] {
        // SAFETY: the buffer is lent for the call and only read.
        unsafe name.withUnsafeBytes { unsafe Array($0) }
    }

    /// A record that names no directory: an event on the file itself. Parameter record: as of `take`.
    mutating func takeNameless(
        _ record: inout EventRecord, object: FileHandle?, window: TimeWindow, windowIndex: UInt32
    ) {
        let identity = object?.identity
        var mask = EventMask(rawValue: record.mask.rawValue & wantedBits)
        let isLinkCount = record.mask.contains(.attrib) && !record.mask.contains(.onDirectory)
        if isLinkCount, folding.explains(lonePID: record.pid, object: identity) {
            counts.folded &+= 1
            mask.remove(.attrib)
        }
        guard !mask.isDisjoint(with: .operations) else { return }
        var event = -1
        if scope.isRestricted, !mask.contains(.filesystemError) {
            counts.unplaceable &+= 1
        } else {
            let process = actor(of: record.pid, at: window)
            event = batch.count
            batch.append(
                window: windowIndex, process: process.index, path: .absent, target: .absent, object: identity,
                mask: mask, flags: process.isUncertain ? .uncertainProcess : EventFlags(rawValue: 0))
            eventDirectories.append(EventDirectories(directory: DirectoryTree.none, target: DirectoryTree.none))
            counts.kept &+= 1
        }
        // Only a record that is nothing but the link count disappears in its neighbour.
        if isLinkCount, mask.intersection(.operations) == .attrib {
            folding.remember(lonePID: record.pid, object: identity, event: event)
        }
    }

    mutating func isExcluded(_ path: PathIndex) -> Bool {
        guard !exclusion.isEmpty, path != .absent else { return false }
        return exclusion.isExcluded(path, in: batch.paths, verdicts: &excludedPaths)
    }
}

// Bits joined by hand: an option set from an array literal is put together at each use, in a third of a microsecond.
extension EventMask {
    /// The operations that change a directory: create, delete, rename.
    static var entryOperations: EventMask {
        EventMask(rawValue: EventMask.create.rawValue | EventMask.delete.rawValue | EventMask.rename.rawValue)
    }

    /// What the kernel does not do while it executes a program.
    static var changes: EventMask {
        EventMask(
            rawValue: EventMask.entryOperations.rawValue | EventMask.modify.rawValue | EventMask.attrib.rawValue
                | EventMask.closeWrite.rawValue)
    }

    /// What a write to the log of a database, or its removal, is reported as.
    static var logChanges: EventMask {
        EventMask(rawValue: EventMask.create.rawValue | EventMask.modify.rawValue | EventMask.delete.rawValue)
    }

    /// What a file's making or opening, writing and closing does not consist of: a record that joined it with other
    /// operations may stand for two moments, between which a directory was renamed.
    private static var apartFromOneUse: EventMask {
        EventMask(
            rawValue: EventMask.attrib.rawValue | EventMask.delete.rawValue | EventMask.deleteSelf.rawValue
                | EventMask.openExec.rawValue | EventMask.rename.rawValue | EventMask.moveSelf.rawValue)
    }

    var isOneUse: Bool { isDisjoint(with: Self.apartFromOneUse) }
}
