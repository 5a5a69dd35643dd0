import Block
import CLinux
import Fanotify
import Glibc
import Model
import Store
import Syscalls

/// Trees whose directories are marked one by one: new directories are marked as soon as a record tells of them, and what
/// is in them already is found by a scan.
extension Resolver {
    /// Puts what the crawls before the recording found into the tree.
    mutating func plantCrawls() {
        guard let marking = scope.directoryMarking else { return }
        var scan = DirectoryScan(marker: marking.marker, crawls: marking.crawls)
        for crawl in marking.crawls {
            var indices: [DirectoryTree.Index] = []
            indices.reserveCapacity(crawl.directories.count)
            for directory in crawl.directories {
                let index = tree.findOrInsert(directory.handle)
                indices.append(index)
                if directory.parent >= 0, tree[index].state != .root {
                    // SAFETY: bytes have no padding, and the array outlives the call.
                    unsafe tree.place(index, parent: indices[Int(directory.parent)], name: directory.name.span.bytes)
                }
                if !tree[index].isWatched {
                    tree[index].isWatched = true
                    scan.markedCount += 1
                }
            }
            for directory in crawl.left {
                let index = tree.findOrInsert(directory.handle)
                guard tree[index].state != .root, !tree[index].isWatched else { continue }
                // SAFETY: as above.
                unsafe tree.place(index, parent: indices[Int(directory.parent)], name: directory.name.span.bytes)
                tree[index].isUnmarkable = true
            }
        }
        scope.directoryMarking?.crawls = []
        self.scan = scan
        counters.directoriesMarked.show(scan.markedCount)
    }

    /// Whether the directories of this filesystem are marked one by one.
    func isCrawled(_ filesystem: FilesystemID) -> Bool {
        scan?.tops[filesystem] != nil
    }

    /// A directory came into sight: it was made, or moved here.
    mutating func watch(_ index: DirectoryTree.Index, since: Instant, isReturn: Bool = false) {
        guard isCrawled(tree.handle(of: index).filesystem), !tree[index].isWatched || isReturn else { return }
        scan?.waiting.append(.init(index: index, since: since, reason: isReturn ? .returned : .appeared))
        scanOnward()
    }

    /// It was removed; its mark went with it.
    mutating func unwatch(_ index: DirectoryTree.Index, at window: TimeWindow) {
        guard isCrawled(tree.handle(of: index).filesystem) else { return }
        if tree[index].isWatched {
            tree[index].isWatched = false
            scan?.markedCount -= 1
            counters.directoriesMarked.show(scan?.markedCount ?? 0)
            return
        }
        guard let scan, let lost = (scan.unreached + scan.waiting).first(where: { $0.index == index }) else { return }
        self.scan?.unreached.removeAll { $0.index == index }
        self.scan?.waiting.removeAll { $0.index == index }
        miss(lost, "it was removed before it could be marked: what was done in it is not known", until: window.time)
    }

    /// Whether a directory is what its path names at present.
    func isAtItsPlace(_ index: DirectoryTree.Index) -> Bool {
        let handle = tree.handle(of: index)
        guard let path = pathBytes(of: index),
            let directory = try? OwnedDescriptor.open(RawPath(path), flags: O_PATH | O_DIRECTORY | O_NOFOLLOW)
        else { return false }
        return (try? HandleResolver.handle(of: directory, filesystem: handle.filesystem)) == handle
    }

    /// The directory that was asked for was moved itself: what follows is written with the path that was given, and marked.
    mutating func takeMoveOfRoot(_ index: DirectoryTree.Index) {
        guard isCrawled(tree.handle(of: index).filesystem), !isAtItsPlace(index) else { return }
        tree[index].isDoubtful = true
        stamp &+= 1
    }

    /// One side of a rename has no mark: a directory went to where nothing is marked.
    mutating func takeDeparture(
        _ index: DirectoryTree.Index, from directory: DirectoryTree.Index, name: RawSpan, since: Instant
    ) {
        // A scan that was quicker than the record may have found it where it is now.
        guard tree.isPlaced(index, at: directory, name: name) else { return }
        stamp &+= 1
        tree[index].state = .outside
        guard scan?.isIdle == false else { return }
        // Its new place may be a directory that is not marked yet.
        tree[index].state = .unplaced
        scan?.wantReview(since: since)
    }

    /// The other side: something came from where nothing is marked.
    mutating func takeArrival(_ record: EventRecord, of bytes: RawSpan, window: TimeWindow, windowIndex: UInt32) {
        guard let view = record.targetDirectory else { return }
        let object = record.object.map { FileHandle($0, in: bytes) }
        let directory = tree.findOrInsert(FileHandle(view, in: bytes))
        let name = bytes.extracting(record.targetName.indices)
        let place = placement(of: directory)
        guard place.isKept else {
            counts.outside &+= 1
            return
        }
        if scope.operations.contains(.rename) {
            let path = batch.paths.internPath(directory: place.batchDirectory, name: name)
            if isExcluded(path) {
                counts.outside &+= 1
            } else {
                let process = actor(of: record.pid, at: window)
                let event = batch.count
                batch.append(
                    window: windowIndex, process: process.index, path: .absent, target: path,
                    object: object?.identity,
                    mask: EventMask(
                        rawValue: record.mask.rawValue & (EventMask.rename.rawValue | EventMask.onDirectory.rawValue)),
                    flags: process.isUncertain ? .uncertainProcess : EventFlags(rawValue: 0))
                counts.kept &+= 1
                eventDirectories.append(EventDirectories(directory: directory, target: DirectoryTree.none))
                noteUnsettled(event, directory, place)
            }
        }
        guard record.mask.contains(.onDirectory), let object else { return }
        let index = tree.findOrInsert(object)
        settle(index, at: directory, name: name)
        scan?.unannounced[index] = nil
        watch(index, since: window.earliest, isReturn: tree[index].isWatched)
        tryUnreached()
    }

    /// Marks and lists what waits, some of it.
    mutating func scanOnward() {
        var entryCount = 0
        while entryCount < DirectoryScan.turnEntryCount, let next = scan?.waiting.popLast() {
            entryCount += scanDirectory(next) + 1
        }
        guard scan?.isReviewing == true, scan?.waiting.isEmpty == true else { return }
        scan?.endReview(at: Clock.monotonic())
        // What carries a mark and is nowhere in the tree has left it.
        tree.leaveUnplacedWatched()
        stamp &+= 1
        tryUnreached()
    }

    /// How long *resolve* may wait for records: 0 while directories wait to be looked at, nil without end.
    var scanDelayNanoseconds: Int64? {
        guard let scan else { return nil }
        if !scan.waiting.isEmpty { return 0 }
        return scan.unreached.isEmpty && scan.reviewWantedSince == nil ? nil : Self.scanPauseNanoseconds
    }

    private static var scanPauseNanoseconds: Int64 { 50_000_000 }

    /// Goes on with what waits; to be called at each turn, also while no records come.
    mutating func scanMore() {
        guard scanDelayNanoseconds != nil else { return }
        bufferSerial &+= 1
        let now = Clock.monotonic()
        if scan?.reviewIsDue(at: now) == true {
            let tops = scope.roots.filter { $0.isKept && isCrawled($0.handle.filesystem) }.map { tree.find($0.handle) }
            scan?.beginReview(of: tops.filter { $0 != DirectoryTree.none }, at: now)
        }
        if scan?.waiting.isEmpty == true { tryUnreached() } else { scanOnward() }
        directories.release()
        publishCounts()
    }

    /// After a rename, directories may be found that were not where they should be.
    mutating func tryUnreached() {
        guard let unreached = scan?.unreached, !unreached.isEmpty else { return }
        scan?.unreached.removeAll(keepingCapacity: true)
        scan?.waiting += unreached
        scanOnward()
    }

    /// Rows wait for the end of the batch.
    var hasMissedDirectories: Bool { scan?.missed.isEmpty == false }

    /// The batch ends: what could not be marked for too long is a gap.
    mutating func finishScans() {
        guard scan != nil else { return }
        tryUnreached()
        if let gaps = scan?.missed.takeGaps() { additions.gaps += gaps }
    }

    /// Returns how many entries it had.
    private mutating func scanDirectory(_ waiting: DirectoryScan.Waiting) -> Int {
        let index = waiting.index
        let filesystem = tree.handle(of: index).filesystem
        guard let marker = scan?.marker, placement(of: index).isKept,
            !tree[index].isWatched || waiting.reason != .appeared
        else { return 0 }
        guard let path = pathBytes(of: index) else {
            putOff(waiting)
            return 0
        }
        if !tree[index].isWatched, (scan?.markedCount ?? 0) >= DirectoryMarker.maximumDirectoryCount || tree.isFull {
            tree[index].isUnmarkable = true
            miss(waiting, "\(DirectoryMarker.maximumDirectoryCount) directories are marked, which is the most")
            return 0
        }
        let isReview = waiting.reason == .review
        switch marker.mark(
            RawPath(path), expecting: tree.handle(of: index), filesystem: filesystem, isTop: tree[index].state == .root,
            isReview ? .directories : .everything)
        {
        case .marked(_, let entries, let isComplete):
            if isReview {
                review(entries, of: waiting)
                return entries.count
            }
            if !tree[index].isWatched {
                tree[index].isWatched = true
                scan?.markedCount += 1
                counters.directoriesMarked.show(scan?.markedCount ?? 0)
                noteIfLate(waiting)
            }
            take(entries, of: waiting)
            if !isComplete { miss(waiting, "it has more than \(DirectoryMarker.maximumEntryCount) entries") }
            return entries.count
        case .notOfTree: return 0
        case .elsewhere where isReview: break
        case .elsewhere: putOff(waiting)
        case .refused(let cause, _):
            tree[index].isUnmarkable = true
            miss(waiting, cause)
        }
        return 0
    }

    /// What was in a directory when it was marked appeared between `since` and now.
    private mutating func take(_ entries: [DirectoryMarker.Entry], of waiting: DirectoryScan.Waiting) {
        let now = Clock.realtime()
        scan?.lastScan = now
        guard !entries.isEmpty else { return }
        let window = TimeWindow(
            earliest: min(waiting.since, now), time: now,
            clockOffsetNanoseconds: now.nanosecondsSinceEpoch &- Clock.monotonic())
        let windowIndex = UInt32(truncatingIfNeeded: batch.windows.count)
        batch.windows.append(window)
        let parent = waiting.index
        let place = placement(of: parent)
        for entry in entries {
            var wasKnown = false
            if entry.isDirectory, let handle = entry.handle {
                let index = tree.findOrInsert(handle)
                wasKnown = tree[index].isWatched
                // While it was outside, what was made in it was not marked.
                let isReturn = wasKnown && (waiting.reason == .returned || tree[index].state == .outside)
                // SAFETY: bytes have no padding, and the array outlives the call.
                unsafe settle(index, at: parent, name: entry.name.bytes.span.bytes)
                if !wasKnown || isReturn {
                    scan?.waiting.append(
                        .init(index: index, since: waiting.since, reason: isReturn ? .returned : .appeared))
                }
            }
            // A directory that has its mark is here by a rename, which has a record of its own.
            guard !wasKnown, scope.operations.contains(.create) else { continue }
            // SAFETY: as above.
            let path = unsafe batch.paths.internPath(
                directory: place.batchDirectory, name: entry.name.bytes.span.bytes)
            guard !isExcluded(path) else { continue }
            let event = batch.count
            batch.append(
                window: windowIndex, process: .absent, path: path, target: .absent, object: entry.handle?.identity,
                mask: entry.isDirectory ? [.create, .onDirectory] : .create,
                flags: place.isDoubtful ? [.scanned, .uncertainPath] : .scanned)
            eventDirectories.append(EventDirectories(directory: parent, target: DirectoryTree.none))
            counts.kept &+= 1
            counters.scanned.add(1)
            if let object = entry.handle?.identity { remember(entry.name.bytes, in: parent, event, object) }
            noteUnsettled(event, parent, place)
        }
    }

    /// What is really in a directory, in a tree whose records were lost or contradict each other.
    private mutating func review(_ entries: [DirectoryMarker.Entry], of waiting: DirectoryScan.Waiting) {
        for entry in entries {
            guard let handle = entry.handle else { continue }
            guard tree.find(handle) != DirectoryTree.none else {
                // No record told of it; what is mounted there has a tree of its own.
                let path = pathBytes(of: waiting.index).map { RawPath($0).appending(entry.name.bytes) }
                if let path, !DirectoryMarker.isMountRoot(path) {
                    take([entry], of: waiting)
                    if let last = scan?.waiting.indices.last { scan?.waiting[last].isUnannounced = true }
                }
                continue
            }
            let index = tree.findOrInsert(handle)
            guard tree[index].state != .root else { continue }
            // SAFETY: bytes have no padding, and the array outlives the call.
            unsafe settle(index, at: waiting.index, name: entry.name.bytes.span.bytes)
            if !renames.ambiguous.contains(index) { tree[index].isDoubtful = false }
            if tree[index].isUnmarkable { continue }
            let isWatched = tree[index].isWatched
            scan?.waiting.append(
                .init(
                    index: index, since: waiting.since, reason: isWatched ? .review : .appeared,
                    isUnannounced: !isWatched))
        }
    }

    private mutating func remember(
        _ name: [UInt8], in directory: DirectoryTree.Index, _ event: Int, _ object: FileIdentity
    ) {
        if (scan?.found.count ?? 0) >= DirectoryScan.maximumFoundCount { scan?.found.removeAll(keepingCapacity: true) }
        scan?.found[.init(directory: directory, name: name)] = .init(event: event, object: object)
    }

    /// A record of a creation that a scan found already: the record says who did it, so the scan's event gives way. False
    /// where that is committed, and the record's creation is the one that was told.
    mutating func replacesScanned(_ name: [UInt8], in directory: DirectoryTree.Index, object: FileIdentity?) -> Bool {
        let key = DirectoryScan.EntryKey(directory: directory, name: name)
        guard let found = scan?.found[key], found.object == object else { return true }
        scan?.found[key] = nil
        guard found.event >= 0 else { return false }
        batch.drop(at: found.event)
        counts.kept &-= 1
        counts.folded &+= 1
        return true
    }

    /// It is not where it should be: a record of a rename may tell more, else the whole tree is looked through.
    private mutating func putOff(_ waiting: DirectoryScan.Waiting) {
        guard let scan else { return }
        var waiting = waiting
        let now = Clock.monotonic()
        if waiting.firstTried == 0 { waiting.firstTried = now }
        let age = now &- waiting.firstTried
        if scan.reviewBegan > waiting.firstTried, !scan.isReviewing {
            waiting.reviewCount += 1
            waiting.firstTried = now
        }
        guard waiting.reviewCount < DirectoryScan.maximumReviewCount, age < DirectoryScan.longestPatienceNanoseconds,
            scan.unreached.count < DirectoryScan.maximumUnreachedCount
        else {
            miss(waiting, "it was not where it was said to be, so it could not be marked")
            return
        }
        if age >= DirectoryScan.patienceNanoseconds, !scan.isReviewing { self.scan?.wantReview(since: waiting.since) }
        self.scan?.unreached.append(waiting)
    }

    /// What came and went in a directory before its mark is known by what is left. Where that took longer than the record
    /// of its creation to be read, the time has a gap.
    private mutating func noteIfLate(_ waiting: DirectoryScan.Waiting) {
        let now = Clock.realtime()
        let wasPutOff =
            waiting.firstTried != 0 && Clock.monotonic() &- waiting.firstTried >= DirectoryScan.patienceNanoseconds
        if wasPutOff || waiting.reviewCount > 0 {
            missUntilMarked(waiting.index, since: waiting.since, markedAt: now)
        } else if waiting.isUnannounced {
            if scan?.unannounced.count == DirectoryScan.maximumUnannouncedCount { missUnannounced() }
            scan?.unannounced[waiting.index] = (waiting.since, now)
        }
    }

    /// The queue can hold no record any more of what was there when it was looked for.
    mutating func missUnannounced() {
        guard let late = scan?.unannounced, !late.isEmpty else { return }
        scan?.unannounced.removeAll(keepingCapacity: true)
        for (index, times) in late { missUntilMarked(index, since: times.since, markedAt: times.markedAt) }
    }

    private mutating func missUntilMarked(_ index: DirectoryTree.Index, since: Instant, markedAt: Instant) {
        miss(
            DirectoryScan.Waiting(index: index, since: since),
            "it was not found at once: of what was done in it before its mark only what was left is known",
            until: markedAt)
    }

    private mutating func miss(_ waiting: DirectoryScan.Waiting, _ cause: String, until end: Instant = .distantFuture) {
        let top = scan?.tops[tree.handle(of: waiting.index).filesystem] ?? RawPath("/")
        let path = pathBytes(of: waiting.index).map { RawPath($0) } ?? top
        scan?.missed.add(path, cause: cause, from: waiting.since, to: end, tree: top)
    }
}
