import Block
import Fanotify
import Model

/// Creates, deletes and renames: what they explain, and the directories that they move.
extension Resolver {
    /// A create, delete or rename: explains link-count changes, and moves directories in the tree. Parameter record: as of
    /// `take`.
    mutating func takeEntry(
        _ record: inout EventRecord, of bytes: RawSpan, directory: DirectoryTree.Index,
        target: DirectoryTree.Index?, object: FileHandle?, identity: FileIdentity?, isKept: Bool, window: TimeWindow
    ) {
        let isRename = record.mask.contains(.rename)
        if let explained = folding.explained(byEntryOf: record.pid, object: identity, isRename: isRename) {
            counts.folded &+= 1
            if explained >= 0 {
                counts.kept &-= 1
                batch.drop(at: explained)
            }
        }
        guard record.mask.contains(.onDirectory), let object else { return }
        let known = tree.find(object)
        if isRename {
            guard let target, isKept || known != DirectoryTree.none else {
                if target == nil, known != DirectoryTree.none, isCrawled(object.filesystem) {
                    takeDeparture(
                        known, from: directory, name: bytes.extracting(record.name.indices), since: window.earliest)
                }
                return
            }
            let index = tree.findOrInsert(object)
            let name = bytes.extracting(record.targetName.indices)
            leaveRoot(index)
            if !believedOutside.isEmpty, placement(of: directory).isKept, !placement(of: target).isKept {
                countWhatWasLeftOut()
            }
            // What was asked for since belongs to the time before this rename.
            if tree[index].state == .unplaced {
                settle(index, at: directory, name: bytes.extracting(record.name.indices))
            }
            confirmAskedPlaces(below: index)
            settleEvents(isFinal: false)
            // Whether what is still open was inside depends on where the directory came from, not on where it goes.
            // There may be as many as the batch has events, in few directories.
            var verdicts: [DirectoryTree.Index: Bool] = [:]
            for open in unsettled.indices {
                let source = unsettled[open].directory
                if isAtOrBelow(source, index, knowing: &verdicts) { unsettled[open].directory = directory }
                guard let end = unsettled[open].target else { continue }
                if isAtOrBelow(end, index, knowing: &verdicts) { unsettled[open].target = directory }
            }
            let doubtBegins = renames.note(
                index, from: .init(parent: directory, name: bytes.extracting(record.name.indices)),
                to: .init(parent: target, name: name), event: batch.count)
            settle(index, at: target, name: name)
            // Where it was before its mark, or what came with it, no record need have told.
            if isCrawled(tree.handle(of: index).filesystem) { scan?.wantReview(since: passBegan) }
            renameCount += 1
            tree[index].movedBy = renameCount
            if let doubtBegins { doubt(index, sinceEvent: doubtBegins) }
            doubtJoined(below: index)
            enterRoot(index, name: name, in: target)
            if scan != nil {
                // While it was outside, what was made in it was not marked.
                watch(index, since: window.earliest, isReturn: !placement(of: directory).isKept)
                tryUnreached()
            }
        } else if known != DirectoryTree.none || record.mask.contains(.create) {
            // What was found outside and goes stays outside; placing it would have all the others looked for again.
            if known != DirectoryTree.none, tree[known].state == .outside, !record.mask.contains(.create) { return }
            // A deletion places a directory too: the records of what happened in it may stand before or behind.
            let index = tree.findOrInsert(object)
            let name = bytes.extracting(record.name.indices)
            settle(index, at: directory, name: name)
            // A root that is removed stays one: its records may stand behind, and its handle never comes again.
            if record.mask.contains(.create) { enterRoot(index, name: name, in: directory) }
            guard scan != nil else { return }
            if record.mask.contains(.create) {
                scan?.unannounced[index] = nil
                watch(index, since: window.earliest)
            }
            if record.mask.contains(.delete) { unwatch(index, at: window) }
        }
    }

    /// A record joined operations that may lie on both sides of a rename of its directory, should one follow.
    mutating func noteJoined(_ event: Int) {
        if joined.count < Self.maximumJoinedCount {
            joined.append(event)
        } else if joinedBeyond == nil {
            joinedBeyond = event
        }
    }

    /// A directory was renamed. Of the records that had no room to be told apart all are in doubt, once.
    private mutating func doubtJoined(below index: DirectoryTree.Index) {
        var verdicts: [DirectoryTree.Index: Bool] = [:]
        for event in joined where isAtOrBelow(eventDirectories[event].directory, index, knowing: &verdicts) {
            batch.insertFlags(.uncertainPath, at: event)
        }
        guard let first = joinedBeyond else { return }
        for event in first..<batch.count where batch[event].mask.isMerged && !batch[event].mask.isOneUse {
            batch.insertFlags(.uncertainPath, at: event)
        }
        joinedBeyond = nil
    }

    /// Renames of a directory may have been joined: where it was when is not known since the first of them, until the
    /// queue was empty and the kernel was asked.
    private mutating func doubt(_ index: DirectoryTree.Index, sinceEvent first: Int) {
        tree[index].isDoubtful = true
        stamp &+= 1
        var verdicts: [DirectoryTree.Index: Bool] = [:]
        for event in min(first, eventDirectories.count)..<eventDirectories.count {
            let ends = eventDirectories[event]
            if isAtOrBelow(ends.directory, index, knowing: &verdicts)
                || isAtOrBelow(ends.target, index, knowing: &verdicts)
            {
                batch.insertFlags(.uncertainPath, at: event)
            }
        }
    }

    /// As `isAtOrBelow`, for many events of few directories; `verdicts` are those of the same `ancestor`.
    private mutating func isAtOrBelow(
        _ index: DirectoryTree.Index, _ ancestor: DirectoryTree.Index,
        knowing verdicts: inout [DirectoryTree.Index: Bool]
    ) -> Bool {
        if index == DirectoryTree.none { return false }
        if let known = verdicts[index] { return known }
        let verdict = isAtOrBelow(index, ancestor)
        verdicts[index] = verdict
        return verdict
    }
}
