import Model

/// Makes of what overlayfs does on the filesystem below what was done through it.
///
/// The kernel prepares things in a directory of its own and moves them into the writable layer, all as the process that
/// asked, so that one operation arrives as many records:
///
/// | through the overlay | records below, W in the work directory, p in the layer |
/// |---|---|
/// | first change of a file of a lower layer (copy-up) | ATTRIB of p's directory; ATTRIB, MODIFY, CLOSE_WRITE W/#inode; CREATE p; ATTRIB of p's directory |
/// | the same of a directory | CREATE, ATTRIB W/#n; RENAME W/#n → p; ATTRIB of p's directory |
/// | delete of a lower file | CREATE W/#n (a whiteout, character device 0:0); RENAME W/#n → p |
/// | rmdir of a lower directory | the same, RENAME p → W/#n, deletes in W |
/// | create of a file where a whiteout is | CREATE W/#n; RENAME W/#n → p |
/// | mkdir where a whiteout is | CREATE, ATTRIB W/#n; RENAME W/#n → p; RENAME p → W/#n (the whiteout); DELETE W/#n |
///
/// What is left is one create, one delete, or nothing but the change itself. Measured on Linux 6.18. Linux 6.1 differs in two
/// things: what is written through the overlay raises no event below (`FanotifyProbe.seesBelowOverlays`), and a file that
/// was copied up is still reported by its name in the work directory when its attributes or its length change.
/// Bounded: `maximumProcessCount` processes and `maximumObjectCount` objects are remembered.
struct OverlayFolding {
    /// What a record is about, as far as it matters here.
    struct Observation {
        var pid: Int32
        /// Only bits of operations that are recorded, and whether it is a directory.
        var mask: EventMask
        var isInWork: Bool
        var directory: DirectoryTree.Index
        var name: [UInt8]
        /// Of a rename.
        var target: Target?
        var object: FileIdentity?
    }

    struct Target {
        var isInWork: Bool
        var directory: DirectoryTree.Index
        var name: [UInt8]
    }

    enum Verdict: Equatable {
        /// What it says is what was done.
        case keep
        /// It is part of another operation.
        case fold
        /// Without the create that is part of a copy-up.
        case keepOnly(EventMask)
        /// It is a create of the rename's new name.
        case createTarget
        /// It is a delete of the rename's new name.
        case deleteTarget
        /// It completes the making of this directory under the rename's old name.
        case createSource(FileIdentity?)
        /// Nothing of its own: the delete before it was of this directory.
        case completeDelete(event: Int, FileIdentity?)
        /// It is a change of what was copied up to this place.
        case keepAt(Entry)
    }

    struct Entry: Equatable {
        var directory: DirectoryTree.Index
        var name: [UInt8]
    }

    /// What one process is in the middle of.
    private struct Episode {
        /// The event of the last ATTRIB record of a directory, when nothing of this process came after it.
        var directoryAttribute: Int?
        /// Into which directory something was copied up last.
        var copiedInto: DirectoryTree.Index?
        /// A directory that was moved into the layer: copied up, or made where a whiteout is.
        var moved: (entry: Entry, object: FileIdentity?)?
        var deleted: (entry: Entry, event: Int)?
    }

    static let maximumProcessCount = 1_024
    static let maximumObjectCount = 4_096

    private var episodes: [Int32: Episode] = [:]
    /// Objects seen in a work directory, and whether attributes were copied to them.
    private var prepared: [FileIdentity: Bool] = [:]
    /// Where files that were copied up are.
    private var copied: [FileIdentity: Entry] = [:]

    /// Events of the batch before mean nothing any more.
    mutating func beginBatch() {
        guard !episodes.isEmpty else { return }
        for pid in episodes.keys {
            episodes[pid]?.directoryAttribute = nil
            episodes[pid]?.deleted = nil
        }
    }

    /// The attributes of a directory were changed and the process did nothing since: its next record says whether that was
    /// the beginning of a copy-up. Once the event is committed it cannot be taken back.
    var awaitsNextRecord: Bool { episodes.values.contains { $0.directoryAttribute != nil } }

    /// Whether a record outside of every work directory has to be judged: most have not.
    func mayConcern(pid: Int32, mask: EventMask) -> Bool {
        if !episodes.isEmpty, episodes[pid] != nil { return true }
        if !copied.isEmpty, !mask.isDisjoint(with: [.rename, .delete]) { return true }
        if mask.contains(.create) { return !prepared.isEmpty }
        return mask.contains(.onDirectory) && mask.intersection(.operations) == .attrib
    }

    /// What a record means. `isWhiteout` is asked only of what is moved out of a work directory.
    ///
    /// Returns: the verdict, and the event of a record before it that was part of the same copy-up.
    mutating func judge(_ seen: Observation, isWhiteout: () -> Bool) -> (verdict: Verdict, folded: Int?) {
        if let target = seen.target {
            return (judgeRename(seen, to: target, isWhiteout: isWhiteout), takeAttribute(of: seen.pid))
        }
        if seen.isInWork {
            if let entry = copiedEntry(of: seen) { return (.keepAt(entry), nil) }
            prepare(seen)
            return (.fold, takeAttribute(of: seen.pid))
        }
        let operations = seen.mask.intersection(.operations)
        if operations == .attrib, seen.mask.contains(.onDirectory), seen.name == Self.itself {
            if episodes[seen.pid]?.copiedInto == seen.directory { return (.fold, nil) }
            return (.keep, nil)
        }
        if operations.contains(.create), let object = seen.object, prepared.removeValue(forKey: object) != nil {
            remember(seen.pid) { $0 = Episode(copiedInto: seen.directory) }
            if copied.count >= Self.maximumObjectCount { copied.removeAll(keepingCapacity: true) }
            copied[object] = Entry(directory: seen.directory, name: seen.name)
            let rest = seen.mask.subtracting(.create)
            return (rest.isDisjoint(with: .operations) ? .fold : .keepOnly(rest), nil)
        }
        if operations.contains(.delete), let object = seen.object,
            copied[object] == Entry(directory: seen.directory, name: seen.name)
        {
            copied[object] = nil
        }
        // Something else: no episode goes on.
        if episodes[seen.pid] != nil { episodes[seen.pid] = nil }
        return (.keep, nil)
    }

    /// The record just judged became this event.
    mutating func keep(_ seen: Observation, asEvent event: Int, verdict: Verdict) {
        switch verdict {
        case .keep where seen.mask.intersection(.operations) == .attrib && seen.mask.contains(.onDirectory):
            remember(seen.pid) { $0.directoryAttribute = event }
        case .deleteTarget:
            guard let target = seen.target else { return }
            let entry = Entry(directory: target.directory, name: target.name)
            remember(seen.pid) { $0.deleted = (entry, event) }
        default: break
        }
    }

    private static let preparing: EventMask = [.create, .attrib, .modify]
    private static let itself: [UInt8] = [UInt8(ascii: ".")]

    private mutating func takeAttribute(of pid: Int32) -> Int? {
        guard let event = episodes[pid]?.directoryAttribute else { return nil }
        episodes[pid]?.directoryAttribute = nil
        return event
    }

    /// Remembers what is made in the work directory, until it leaves it or is gone: afterwards it is a file like any other,
    /// which may get a second link, or its number be another's.
    private mutating func prepare(_ seen: Observation) {
        guard let object = seen.object else { return }
        guard !seen.mask.contains(.delete) else {
            prepared[object] = nil
            return
        }
        // The file without a name is closed only after it was linked into the layer.
        guard !seen.mask.isDisjoint(with: Self.preparing) else { return }
        if prepared.count >= Self.maximumObjectCount { prepared.removeAll(keepingCapacity: true) }
        prepared[object] = prepared[object] == true || seen.mask.contains(.attrib)
    }

    /// A change by a name in the work directory of what has left it. The copy is closed only after it was linked into the
    /// layer, and changed only before.
    private func copiedEntry(of seen: Observation) -> Entry? {
        let operations = seen.mask.intersection(.operations)
        guard !copied.isEmpty, let object = seen.object, !operations.isDisjoint(with: Self.changes),
            operations.isSubset(of: Self.changes)
        else { return nil }
        return copied[object]
    }

    private static let changes: EventMask = [.attrib, .modify]

    private mutating func judgeRename(_ seen: Observation, to target: Target, isWhiteout: () -> Bool) -> Verdict {
        switch (seen.isInWork, target.isInWork) {
        case (true, true): return .fold
        case (false, true): return leave(seen)
        case (true, false): return arrive(seen, at: target, isWhiteout: isWhiteout)
        case (false, false):
            episodes[seen.pid] = nil
            if let object = seen.object, copied[object] != nil {
                copied[object] = Entry(directory: target.directory, name: target.name)
            }
            return .keep
        }
    }

    /// From the work directory into the layer.
    private mutating func arrive(_ seen: Observation, at target: Target, isWhiteout: () -> Bool) -> Verdict {
        let entry = Entry(directory: target.directory, name: target.name)
        let hasCopiedAttributes = seen.object.flatMap { prepared.removeValue(forKey: $0) } ?? false
        if seen.mask.contains(.onDirectory) {
            remember(seen.pid) {
                $0.moved = (entry, seen.object)
                $0.copiedInto = target.directory
            }
            return .fold
        }
        if isWhiteout() { return .deleteTarget }
        // What is copied up gets the attributes of its original; what is made anew is made with its own.
        guard hasCopiedAttributes else { return .createTarget }
        remember(seen.pid) { $0.copiedInto = target.directory }
        return .fold
    }

    /// From the layer into the work directory: what had to make room.
    private mutating func leave(_ seen: Observation) -> Verdict {
        let entry = Entry(directory: seen.directory, name: seen.name)
        if let moved = episodes[seen.pid]?.moved, moved.entry == entry {
            episodes[seen.pid]?.moved = nil
            // A directory that makes room for a directory is emptied that way; a whiteout makes room for a new one.
            return seen.mask.contains(.onDirectory) ? .fold : .createSource(moved.object)
        }
        if let deleted = episodes[seen.pid]?.deleted, deleted.entry == entry {
            episodes[seen.pid]?.deleted = nil
            if seen.mask.contains(.onDirectory) { return .completeDelete(event: deleted.event, seen.object) }
        }
        return .fold
    }

    private mutating func remember(_ pid: Int32, _ change: (inout Episode) -> Void) {
        if episodes.count >= Self.maximumProcessCount, episodes[pid] == nil {
            episodes.removeAll(keepingCapacity: true)
        }
        change(&episodes[pid, default: Episode()])
    }
}
