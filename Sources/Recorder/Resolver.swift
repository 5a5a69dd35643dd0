import Block
import Fanotify
import Model
import Store

/// The operations that change a directory: create, delete, rename.
private let entryOperations = EventMask(
    rawValue: EventMask.create.rawValue | EventMask.delete.rawValue | EventMask.rename.rawValue)

/// What a write to the log of a database is reported as.
private let logWrites = EventMask(rawValue: EventMask.create.rawValue | EventMask.modify.rawValue)

/// Turns event records into the columns of a batch: paths, processes, objects.
///
/// No `String`, no allocation and no lock per record once a directory, a name and a process are known.
/// Thread: the resolve thread only.
struct Resolver<Processes: ProcessSource, Directories: DirectorySource> {
    /// Its roots change when a directory is made anew at the path of one.
    var scope: RecordingScope
    let counters: RecorderCounters
    var directories: Directories
    var executables: ExecutableSource
    var tree: DirectoryTree
    var processes: ProcessTable<Processes>
    /// The batch being gathered.
    var batch = Batch()
    /// Rows that go with it.
    var additions = Additions()
    let exclusion: ExclusionFilter
    /// What *mounts* has to say.
    private let scopeChanges: ScopeChanges
    /// Who is told of writes to logs of databases; nil where none are captured.
    private let logNotes: LogNotes?

    private var folding = LinkCountFolding()
    private var overlays = OverlayFolding()
    private var hasOverlays = false
    /// The filesystems of which something is kept: what happens on any other is outside, wherever it is.
    var keptFilesystems: Set<FilesystemID> = []
    /// Raised when a directory's place changes, so that what nodes remember of the batch's dictionary is looked up anew.
    var stamp: UInt64 = 1
    var bufferSerial: UInt64 = 1
    /// Directories of this batch whose place is not known, with their stand-in in its dictionary.
    var unplaced: [DirectoryTree.Index: DirectoryIndex] = [:]
    /// Events below them: they are settled when the batch ends.
    private var unsettled: [UnsettledEvent] = []
    /// What the kernel said of directories that no record had told of. It speaks of now, and records still to be read
    /// may tell of a rename since: it counts only when the queue was found empty.
    var asked: [DirectoryTree.Index: AskedPlace] = [:]
    /// When the kernel was last asked: a reading that began later has all that the answer may anticipate behind it.
    var askedAt = Instant.distantPast
    /// Directories whose place is what the kernel said, without having been confirmed.
    var provisional: [DirectoryTree.Index] = []
    /// Directories that are outside by what the kernel said, without having been confirmed, and what happened in them.
    var believedOutside: Set<DirectoryTree.Index> = []
    var leftOut = UnresolvedCount()
    /// The renames of directories that may have been joined in the queue.
    var renames = RenameHistory()
    /// For each event of the batch its directories.
    private var eventDirectories: [EventDirectories] = []
    private var passBegan = Instant.distantPast
    /// Events of this pass that joined operations of which some may have come after a rename.
    private var joined: [Int] = []
    private static var maximumJoinedCount: Int { 4_096 }
    private var excludedPaths: [ExclusionFilter.Verdict] = []
    private var lastHandle: FileHandle?
    private var lastDirectory: DirectoryTree.Index = DirectoryTree.none
    private var lastWindow: TimeWindow?
    private var counts = Counts()
    /// How many renames of directories were taken in.
    private var renameCount: UInt64 = 0
    /// Where the events of the reading begin in the batch.
    private var firstEventOfReading = 0
    /// Merged events of the reading, behind which their process started another program.
    private var spans: [(event: Int, pid: Int32)] = []

    private struct UnsettledEvent {
        var event: Int
        var directory: DirectoryTree.Index
        /// Of a rename, where it went.
        var target: DirectoryTree.Index?
        /// How many renames of directories there had been.
        var renameCount: UInt64
    }

    /// Where an event happened; of a rename, also where it went, else `none`.
    private struct EventDirectories {
        var directory: DirectoryTree.Index
        var target: DirectoryTree.Index
    }

    /// What one buffer adds to the counters.
    private struct Counts {
        var records = 0
        var kept = 0
        var merged = 0
        var folded = 0
        var outside = 0
        var own = 0
        var unplaceable = 0
        var malformed = 0
    }

    init(
        scope: RecordingScope, counters: RecorderCounters, directories: Directories, executables: ExecutableSource,
        processes: Processes, nextInstance: UInt64, exclusions: [Glob], witness: ProcessWitness? = nil,
        scopeChanges: ScopeChanges = ScopeChanges(), logNotes: LogNotes? = nil
    ) {
        self.logNotes = logNotes
        self.scope = scope
        self.counters = counters
        self.directories = directories
        self.executables = executables
        self.processes = ProcessTable(source: processes, nextInstance: nextInstance, witness: witness)
        exclusion = ExclusionFilter(patterns: exclusions)
        self.scopeChanges = scopeChanges
        tree = DirectoryTree(seed: UInt64.random(in: .min ... .max))
        plantRoots()
        hasOverlays = !scope.workDirectories.isEmpty
    }

    /// Takes in the records of one reading.
    mutating func resolve(_ bytes: RawSpan, window: TimeWindow) {
        bufferSerial &+= 1
        for change in scopeChanges.take() { apply(change) }
        noteClockStep(window)
        hear(upTo: window)
        firstEventOfReading = batch.count
        beginPass(window)
        let windowIndex = UInt32(truncatingIfNeeded: batch.windows.count)
        batch.windows.append(window)
        var cursor = EventCursor(bytes)
        // One record for all: it is some 150 bytes, and is not copied.
        var record = EventRecord()
        var isAtEnd = false
        while !isAtEnd {
            do throws(RecordError) {
                if try cursor.next(into: &record) {
                    counts.records &+= 1
                    take(record, of: bytes, window: window, windowIndex: windowIndex)
                } else {
                    isAtEnd = true
                }
            } catch {
                counts.malformed &+= 1
            }
        }
        directories.release()
        if !spans.isEmpty { nameLastPrograms(at: window) }
        if counts.malformed > 0 {
            additions.gaps.append(
                Gap(
                    kind: .batchDropped, from: window.earliest, to: window.time, count: UInt64(counts.malformed),
                    scope: nil, cause: "event records that are not as fanotify(7) describes them"))
        }
        publishCounts()
    }

    /// Takes in what was said of processes; what was lost of that is a gap.
    private mutating func hear(upTo window: TimeWindow) {
        guard let loss = processes.hear(upTo: window) else { return }
        let offset = window.clockOffsetNanoseconds
        additions.gaps.append(
            Gap(
                kind: .processEventsLost, from: Instant(nanosecondsSinceEpoch: loss.from &+ offset),
                to: Instant(nanosecondsSinceEpoch: loss.to &+ offset), count: nil, scope: nil,
                cause: "the receive buffer of the process connector was full"))
    }

    /// A merged record that stands before an exec of its process may have gone on behind it.
    private mutating func nameLastPrograms(at window: TimeWindow) {
        for span in spans {
            let last = processes.index(of: span.pid, at: window, in: &batch)
            if !last.isUncertain, last.index != batch[span.event].process {
                batch.setLastProcess(last.index, at: span.event)
            }
        }
        spans.removeAll(keepingCapacity: true)
    }

    /// Something is to be done when nothing older can come any more.
    var awaitsEmptyQueue: Bool { hasUnconfirmedPlaces || !renames.isEmpty }

    private var hasUnconfirmedPlaces: Bool { !asked.isEmpty || !provisional.isEmpty || !believedOutside.isEmpty }

    /// True when events of the batch have a place that was asked for and is not confirmed.
    var awaitsConfirmation: Bool { !asked.isEmpty && !unsettled.isEmpty }

    /// Nothing waited in the queue after what was asked: the kernel's answers are true of all that was read, and
    /// directories whose renames may have been joined are looked at.
    mutating func queueWasEmpty() {
        if hasUnconfirmedPlaces {
            confirmAskedPlaces()
            settleEvents(isFinal: false)
        }
        guard !renames.isEmpty else { return }
        bufferSerial &+= 1
        let ambiguous = renames.ambiguous
        renames.removeAll()
        for index in ambiguous {
            tree[index].isDoubtful = false
            if tree[index].state == .placed { relocate(index) }
        }
        if !ambiguous.isEmpty { stamp &+= 1 }
        directories.release()
    }

    /// Completes what is known of programs that have just been started.
    mutating func describeNewImages() {
        guard processes.hasNewImages else { return }
        processes.describeNewImages(in: &batch)
    }

    /// Whatever lay in the queue when the kernel was asked has been taken in when a reading comes that began later: the
    /// queue was seen empty between the two. The same parts records that cannot have been joined.
    private mutating func beginPass(_ window: TimeWindow) {
        guard window.earliest != passBegan else { return }
        passBegan = window.earliest
        renames.beginPass()
        joined.removeAll(keepingCapacity: true)
        if hasUnconfirmedPlaces, window.earliest > askedAt {
            confirmAskedPlaces()
            settleEvents(isFinal: false)
        }
    }

    /// A filesystem was mounted; its events come after this.
    private mutating func apply(_ change: ScopeChange) {
        lastHandle = nil
        if let filesystem = change.remounted {
            let handles = asked.keys.filter { tree.handle(of: $0).filesystem == filesystem }
            for index in handles { asked[index] = nil }
            tree.forget(filesystem)
        }
        for (filesystem, path) in change.mountPoints {
            directories.see(filesystem, at: path)
            executables.mountPoints[filesystem] = path
        }
        for root in change.roots {
            scope.roots.append(root)
            plant(root, number: scope.roots.count - 1)
        }
        for handle in change.workDirectories {
            scope.workDirectories.append(handle)
            let top = tree.findOrInsert(handle)
            tree[top].isWorkTop = true
            // What the kernel tried out while it was being mounted came before this.
            for event in eventDirectories.indices where isAtOrBelow(eventDirectories[event].directory, top) {
                batch.drop(at: event)
            }
        }
        hasOverlays = !scope.workDirectories.isEmpty
        // What was found outside may lie below a new top.
        tree.forgetOutside()
        stamp &+= 1
    }

    // MARK: One record

    private mutating func take(
        _ record: EventRecord, of bytes: RawSpan, window: TimeWindow, windowIndex: UInt32
    ) {
        if record.pid == scope.ownPID {
            counts.own &+= 1
            return
        }
        if record.mask.contains(.queueOverflow) {
            counters.overflows.add(1)
            additions.gaps.append(
                Gap(
                    kind: .queueOverflow, from: window.earliest, to: window.time, count: nil, scope: nil,
                    cause: "the kernel's event queue was full"))
            return
        }
        let object = record.object.map { FileHandle($0, in: bytes) }
        guard let directoryView = record.directory else {
            takeNameless(record, object: object, window: window, windowIndex: windowIndex)
            return
        }
        let directory = lookUp(FileHandle(directoryView, in: bytes))
        let target = record.targetDirectory.map { lookUp(FileHandle($0, in: bytes)) }
        let place = placement(of: directory)
        let targetPlace = target.map { placement(of: $0) }
        let identity = object?.identity
        let name = bytes.extracting(record.name.indices)
        var isKept = place.isKept
        if let targetPlace { isKept = isKept || targetPlace.isKept }
        let ownEntry = rootWithEntry(name, in: directory)
        let targetEntry = target.flatMap { rootWithEntry(bytes.extracting(record.targetName.indices), in: $0) }
        if ownEntry != nil || targetEntry != nil { isKept = true }

        var actor: (index: ProcessIndex, isUncertain: Bool)?
        if record.mask.contains(.openExec) {
            // The exec itself is done by the image before it.
            if isKept { actor = processes.index(of: record.pid, at: window, in: &batch) }
            let isInterpreter = takeExec(
                record, of: bytes, in: directory, identity: identity, object: object, window: window)
            if isInterpreter {
                counts.folded &+= 1
                return
            }
        }
        if let logNotes, isKept, record.mask.rawValue & logWrites.rawValue != 0, isLogName(name) {
            actor = actor ?? processes.index(of: record.pid, at: window, in: &batch)
            noteLog(record, name: name, in: directory, identity: identity, by: actor, window: window, to: logNotes)
        }
        var mask = EventMask(rawValue: record.mask.rawValue & wantedBits)
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
        if shape == .nothing {
            counts.folded &+= 1
        } else if !isKept || mask.isDisjoint(with: .operations) {
            if !isKept {
                counts.outside &+= 1
                if !believedOutside.isEmpty, believedOutside.contains(directory) { leftOut.add(window) }
            }
        } else {
            var flags = EventFlags()
            let process = actor ?? processes.index(of: record.pid, at: window, in: &batch)
            if process.isUncertain { flags.insert(.uncertainProcess) }
            if place.isDoubtful || targetPlace?.isDoubtful == true || isUnlinkedName(name, of: record, identity) {
                flags.insert(.uncertainPath)
            }
            var path = PathIndex.absent
            if shape != .onlyTarget {
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
                    let isOneUse = mask.isDisjoint(with: Self.apartFromOneUse)
                    if !isOneUse, joined.count < Self.maximumJoinedCount { joined.append(event) }
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
        if record.mask.rawValue & entryOperations.rawValue != 0 {
            takeEntry(
                record, of: bytes, directory: directory, target: target, object: object, identity: identity,
                isKept: isKept)
        }
    }

    /// The name ends like that of a write-ahead log of SQLite.
    private func isLogName(_ name: RawSpan) -> Bool {
        let count = name.byteCount
        guard count > 4 else { return false }
        // SAFETY: bounds are checked by the call itself; every bit pattern is a UInt32.
        let end = unsafe name.unsafeLoadUnaligned(fromByteOffset: count &- 4, as: UInt32.self)
        return UInt32(littleEndian: end) == 0x6C61_772D
    }

    /// Somebody made or wrote what may be the log of a database that is captured.
    private func noteLog(
        _ record: EventRecord, name: RawSpan, in directory: DirectoryTree.Index, identity: FileIdentity?,
        by actor: (index: ProcessIndex, isUncertain: Bool)?, window: TimeWindow, to notes: LogNotes
    ) {
        guard var path = pathBytes(of: directory) else { return }
        if path.last != UInt8(ascii: "/") { path.append(UInt8(ascii: "/")) }
        // SAFETY: the buffer is lent for the call and only read.
        unsafe name.withUnsafeBytes { unsafe path.append(contentsOf: $0) }
        let process = actor.flatMap { $0.isUncertain ? nil : batch.processes[Int($0.index)] }
        let inode = identity.flatMap { $0.root == 0 ? $0.inode : nil }
        notes.add(
            LogNotes.Note(
                path: RawPath(path), inode: inode, process: process, window: window,
                isCreation: record.mask.contains(.create)))
    }

    /// What a file's making or opening, writing and closing does not consist of: a record that joined it with other
    /// operations may stand for two moments, between which a directory was renamed.
    private static var apartFromOneUse: EventMask { [.attrib, .delete, .deleteSelf, .openExec, .rename, .moveSelf] }

    /// The operations that were asked for, and whether it was a directory.
    private var wantedBits: UInt32 { scope.operations.rawValue | EventMask.onDirectory.rawValue }

    /// A create, delete or rename: explains link-count changes, and moves directories in the tree.
    private mutating func takeEntry(
        _ record: EventRecord, of bytes: RawSpan, directory: DirectoryTree.Index,
        target: DirectoryTree.Index?, object: FileHandle?, identity: FileIdentity?, isKept: Bool
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
            guard let target, isKept || known != DirectoryTree.none else { return }
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
            for open in unsettled.indices {
                if isAtOrBelow(unsettled[open].directory, index) { unsettled[open].directory = directory }
                if let end = unsettled[open].target, isAtOrBelow(end, index) { unsettled[open].target = directory }
            }
            let doubtBegins = renames.note(
                index, from: .init(parent: directory, name: bytes.extracting(record.name.indices)),
                to: .init(parent: target, name: name), event: batch.count)
            settle(index, at: target, name: name)
            renameCount += 1
            tree[index].movedBy = renameCount
            if let doubtBegins { doubt(index, sinceEvent: doubtBegins) }
            for event in joined where isAtOrBelow(eventDirectories[event].directory, index) {
                batch.insertFlags(.uncertainPath, at: event)
            }
            enterRoot(index, name: name, in: target)
        } else if known != DirectoryTree.none || record.mask.contains(.create) {
            // What was found outside and goes stays outside; placing it would have all the others looked for again.
            if known != DirectoryTree.none, tree[known].state == .outside, !record.mask.contains(.create) { return }
            // A deletion places a directory too: the records of what happened in it may stand before or behind.
            let index = tree.findOrInsert(object)
            let name = bytes.extracting(record.name.indices)
            settle(index, at: directory, name: name)
            // A root that is removed stays one: its records may stand behind, and its handle never comes again.
            if record.mask.contains(.create) { enterRoot(index, name: name, in: directory) }
        }
    }

    /// Renames of a directory may have been joined: where it was when is not known since the first of them, until the
    /// queue was empty and the kernel was asked.
    private mutating func doubt(_ index: DirectoryTree.Index, sinceEvent first: Int) {
        tree[index].isDoubtful = true
        stamp &+= 1
        var verdicts: [DirectoryTree.Index: Bool] = [:]
        func isBelow(_ other: DirectoryTree.Index) -> Bool {
            if other == DirectoryTree.none { return false }
            if let known = verdicts[other] { return known }
            let verdict = isAtOrBelow(other, index)
            verdicts[other] = verdict
            return verdict
        }
        for event in min(first, eventDirectories.count)..<eventDirectories.count
        where isBelow(eventDirectories[event].directory) || isBelow(eventDirectories[event].target) {
            batch.insertFlags(.uncertainPath, at: event)
        }
    }

    /// A file without a name (O_TMPFILE) is reported as `#` and its inode number in the directory it was opened by. Where
    /// that is its name indeed, a create, delete or rename says so.
    private func isUnlinkedName(_ name: RawSpan, of record: EventRecord, _ identity: FileIdentity?) -> Bool {
        guard name.byteCount > 1, name.load(at: 0, as: UInt8.self) == UInt8(ascii: "#"), let identity,
            record.mask.rawValue & entryOperations.rawValue == 0
        else { return false }
        var number: UInt64 = 0
        for place in 1..<name.byteCount {
            let digit = name.load(at: place, as: UInt8.self) &- UInt8(ascii: "0")
            guard digit <= 9 else { return false }
            number = number &* 10 &+ UInt64(digit)
        }
        return number == identity.inode
    }

    /// Which of a record's names its event has.
    private enum EventShape {
        case asReported
        case onlySource
        case onlyTarget
        case nothing
    }

    /// What an overlay did for itself becomes what was done through it.
    private mutating func foldOverlay(
        _ seen: OverlayFolding.Observation, object: FileHandle?, mask: inout EventMask,
        eventObject: inout FileIdentity?
    ) -> (OverlayFolding.Verdict, EventShape) {
        let (verdict, folded) = overlays.judge(seen) { object.map { directories.isWhiteout($0) ?? true } ?? true }
        if let folded {
            batch.drop(at: folded)
            counts.kept &-= 1
            counts.folded &+= 1
        }
        switch verdict {
        case .keep: return (verdict, .asReported)
        case .fold: return (verdict, .nothing)
        case .keepOnly(let rest):
            mask = rest
            return (verdict, .asReported)
        case .createTarget:
            mask = .create
            return (verdict, scope.operations.contains(.create) ? .onlyTarget : .nothing)
        case .deleteTarget:
            mask = .delete
            // The whiteout is not the file that was deleted.
            eventObject = nil
            return (verdict, scope.operations.contains(.delete) ? .onlyTarget : .nothing)
        case .createSource(let made):
            mask = [.create, .onDirectory]
            eventObject = made
            return (verdict, scope.operations.contains(.create) ? .onlySource : .nothing)
        case .completeDelete(let event, let deleted):
            batch.amend(mask: [.delete, .onDirectory], object: deleted, at: event)
            return (verdict, .nothing)
        }
    }

    private func copy(_ name: RawSpan) -> [UInt8] {
        // SAFETY: the buffer is lent for the call and only read.
        unsafe name.withUnsafeBytes { unsafe Array($0) }
    }

    /// A record that names no directory: an event on the file itself.
    private mutating func takeNameless(
        _ record: EventRecord, object: FileHandle?, window: TimeWindow, windowIndex: UInt32
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
            let process = processes.index(of: record.pid, at: window, in: &batch)
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

    /// Tells the process table of an exec. True when it is the interpreter of the exec before.
    private mutating func takeExec(
        _ record: EventRecord, of bytes: RawSpan, in directory: DirectoryTree.Index,
        identity: FileIdentity?, object: FileHandle?, window: TimeWindow
    ) -> Bool {
        guard processes.meet(record.pid, at: window, in: &batch) else { return false }
        let imageBefore = processes.indexInBatch(of: record.pid)
        var path = pathBytes(of: directory)
        if path != nil {
            if path?.last != UInt8(ascii: "/") { path?.append(UInt8(ascii: "/")) }
            let name = bytes.extracting(record.name.indices)
            // SAFETY: the buffer is lent for the call and only read.
            unsafe name.withUnsafeBytes { unsafe path?.append(contentsOf: $0) }
        }
        let outcome = processes.noteExec(
            pid: record.pid, at: window, path: path.map { RawPath($0) }, object: identity, in: &batch
        ) { [executables] _ in
            guard let object else { return .program(interpreter: nil) }
            switch executables.kind(of: object, at: path.map { RawPath($0) }) {
            case .noProgram: return .noProgram
            case .program(let found):
                return .program(
                    interpreter: found.map { .init(identity: $0.identity, isForScript: $0.isForScript) })
            }
        }
        if outcome == .newImage, let imageBefore {
            for event in firstEventOfReading..<batch.count
            where batch[event].process == imageBefore && batch[event].mask.isMerged && !batch[event].isDropped {
                spans.append((event, record.pid))
            }
        }
        return outcome == .interpreter
    }

    private mutating func isExcluded(_ path: PathIndex) -> Bool {
        guard !exclusion.isEmpty, path != .absent else { return false }
        return exclusion.isExcluded(path, in: batch.paths, verdicts: &excludedPaths)
    }

    private mutating func noteClockStep(_ window: TimeWindow) {
        defer { lastWindow = window }
        guard let lastWindow else { return }
        let step = window.clockOffsetNanoseconds &- lastWindow.clockOffsetNanoseconds
        guard abs(step) > Self.clockStepNanoseconds else { return }
        additions.clockSteps.append(
            ClockStep(
                moment: window.time, stepNanoseconds: step,
                monotonicNanoseconds: window.time.nanosecondsSinceEpoch &- window.clockOffsetNanoseconds))
    }

    /// NTP slews by at most 500 µs a second; a change of the offset above this is a step.
    private static var clockStepNanoseconds: Int64 { 100_000_000 }

    private mutating func publishCounts() {
        counters.readings.add(1)
        counters.recordsRead.add(counts.records)
        counters.eventsKept.add(counts.kept)
        if counts.merged > 0 { counters.merged.add(counts.merged) }
        if counts.folded > 0 { counters.folded.add(counts.folded) }
        if counts.outside > 0 { counters.outside.add(counts.outside) }
        if counts.own > 0 { counters.own.add(counts.own) }
        if counts.unplaceable > 0 { counters.unplaceable.add(counts.unplaceable) }
        if counts.malformed > 0 { counters.malformed.add(counts.malformed) }
        counts = Counts()
    }

    // MARK: The batch

    /// Settles what is open and exchanges the batch for the empty one in `box`. Returns the rows that go with it.
    mutating func finishBatch(into box: BatchBox) -> Additions {
        useAskedPlaces()
        settleEvents(isFinal: true)
        if batch.keptCount > 0 { processes.addFacts(to: &batch) }
        swap(&batch, &box.batch)
        let finished = additions
        additions = Additions()
        recycleBatch()
        return finished
    }

    /// Starts the batch over: what it gathered is gone, and every process is checked again before it names an event.
    ///
    /// Also called now and then while nothing is recorded: what goes on outside leaves its processes, directories and
    /// windows in the batch too.
    mutating func recycleBatch() {
        batch.removeAll(keepingCapacity: true)
        stamp &+= 1
        unplaced.removeAll(keepingCapacity: true)
        unsettled.removeAll(keepingCapacity: true)
        eventDirectories.removeAll(keepingCapacity: true)
        joined.removeAll(keepingCapacity: true)
        renames.beginBatch()
        overlays.beginBatch()
        excludedPaths.removeAll(keepingCapacity: true)
        folding.removeAll()
        spans.removeAll(keepingCapacity: true)
        firstEventOfReading = 0
        processes.beginBatch()
        if tree.isFull {
            tree.removeAll()
            renames.removeAll()
            provisional.removeAll()
            believedOutside.removeAll()
            lastHandle = nil
            asked.removeAll()
            plantRoots()
        }
    }

    /// Events below directories that could not be named at first: by now a later record or the kernel may have told.
    ///
    /// Parameter isFinal: the batch ends, so what is still open stays without a path and is counted in a gap.
    private mutating func settleEvents(isFinal: Bool) {
        guard !unsettled.isEmpty else { return }
        if isFinal { bufferSerial &+= 1 }
        var lost = UnresolvedCount()
        var open: [UnsettledEvent] = []
        for entry in unsettled {
            let place = placement(of: entry.directory)
            let targetPlace = entry.target.map { placement(of: $0) }
            let isPending = place.isPending || targetPlace?.isPending == true
            if isPending, isFinal {
                lost.add(batch.windows[Int(batch[entry.event].window)])
                if place.isPending { batch.insertFlags(.nameOnly, at: entry.event) }
                if targetPlace?.isPending == true { batch.insertFlags(.targetNameOnly, at: entry.event) }
            } else if isPending {
                open.append(entry)
            } else if !(place.isKept || targetPlace?.isKept == true) || isExcluded(batch[entry.event].path) {
                if believedOutside.contains(entry.directory) {
                    leftOut.add(batch.windows[Int(batch[entry.event].window)])
                }
                batch.drop(at: entry.event)
            } else if place.isDoubtful || targetPlace?.isDoubtful == true
                || tree.wasMoved(entry.directory, after: entry.renameCount)
                || entry.target.map({ tree.wasMoved($0, after: entry.renameCount) }) == true
            {
                // Its place became known only after a directory above was renamed: it may have had another path.
                batch.insertFlags(.uncertainPath, at: entry.event)
            }
        }
        unsettled = open
        directories.release()
        guard let gap = lost.gap else { return }
        counters.unresolved.add(lost.count)
        additions.gaps.append(gap)
    }

    /// True when the batch waits for the place of some directory.
    var hasUnsettledEvents: Bool { !unsettled.isEmpty }

    // MARK: Directories

    /// The node of a directory handle, in the tree from here on.
    private mutating func lookUp(_ handle: FileHandle) -> DirectoryTree.Index {
        if let lastHandle, lastHandle == handle { return lastDirectory }
        let index = tree.findOrInsert(handle)
        lastHandle = handle
        lastDirectory = index
        return index
    }
}
