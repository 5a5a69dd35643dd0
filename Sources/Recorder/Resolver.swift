import Block
import Fanotify
import Model
import Store

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
    let logNotes: LogNotes?

    var folding = LinkCountFolding()
    var overlays = OverlayFolding()
    var hasOverlays = false
    /// The filesystems of which something is kept: what happens on any other is outside, wherever it is.
    var keptFilesystems: Set<FilesystemID> = []
    /// Raised when a directory's place changes, so that what nodes remember of the batch's dictionary is looked up anew.
    var stamp: UInt64 = 1
    var bufferSerial: UInt64 = 1
    /// Directories of this batch whose place is not known, with their stand-in in its dictionary.
    var unplaced: [DirectoryTree.Index: DirectoryIndex] = [:]
    /// Events below them: they are settled when the batch ends.
    var unsettled: [UnsettledEvent] = []
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
    var eventDirectories: [EventDirectories] = []
    var passBegan = Instant.distantPast
    /// Events of this pass that joined operations of which some may have come after a rename.
    var joined: [Int] = []
    /// The first such event that had no room in `joined`.
    var joinedBeyond: Int?
    static var maximumJoinedCount: Int { 4_096 }
    var excludedPaths: [ExclusionFilter.Verdict] = []
    var lastHandle: FileHandle?
    private var lastDirectory: DirectoryTree.Index = DirectoryTree.none
    private var lastWindow: TimeWindow?
    var counts = Counts()
    /// Of the trees whose directories are marked one by one.
    var scan: DirectoryScan?
    /// How many renames of directories were taken in.
    var renameCount: UInt64 = 0
    /// Where the events of the reading begin in the batch.
    var firstEventOfReading = 0
    private var readingsBegan: Instant?
    /// Merged events of the reading, behind which their process started another program.
    var spans: [(event: Int, pid: Int32)] = []

    struct UnsettledEvent {
        var event: Int
        var directory: DirectoryTree.Index
        /// Of a rename, where it went.
        var target: DirectoryTree.Index?
        /// How many renames of directories there had been.
        var renameCount: UInt64
    }

    /// Where an event happened; of a rename, also where it went, else `none`.
    struct EventDirectories {
        var directory: DirectoryTree.Index
        var target: DirectoryTree.Index
    }

    /// What one buffer adds to the counters.
    struct Counts {
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
        plantCrawls()
        hasOverlays = !scope.workDirectories.isEmpty
    }

    /// Takes in the records of one reading.
    mutating func resolve(_ bytes: RawSpan, window: TimeWindow) {
        bufferSerial &+= 1
        for change in scopeChanges.take() { apply(change) }
        noteClockStep(window)
        hear(upTo: window)
        // Readings between which the queue was never empty begin at one moment (`DrainLoop`), and are one for what follows: a
        // record of the first may have been joined with what came behind an exec in the next.
        if window.earliest != readingsBegan {
            readingsBegan = window.earliest
            firstEventOfReading = batch.count
        }
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
                    take(&record, of: bytes, window: window, windowIndex: windowIndex)
                } else {
                    isAtEnd = true
                }
            } catch {
                counts.malformed &+= 1
            }
        }
        if hasScansWaiting { scanOnward() }
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
            // The exec itself may still go on.
            let last = processes.index(of: span.pid, at: window, isChange: false, in: &batch)
            if !last.isUncertain, last.index != batch[span.event].process {
                batch.setLastProcess(last.index, at: span.event)
            }
        }
        spans.removeAll(keepingCapacity: true)
    }

    /// Something is to be done when nothing older can come any more.
    var awaitsEmptyQueue: Bool { hasUnconfirmedPlaces || !renames.isEmpty || scan?.unannounced.isEmpty == false }

    private var hasUnconfirmedPlaces: Bool { !asked.isEmpty || !provisional.isEmpty || !believedOutside.isEmpty }

    /// True when events of the batch have a place that was asked for and is not confirmed.
    var awaitsConfirmation: Bool { !asked.isEmpty && !unsettled.isEmpty }

    /// True when the next record of a process may say that an event of the batch is an overlay's own.
    var awaitsOverlay: Bool { hasOverlays && overlays.awaitsNextRecord }

    /// Nothing waited in the queue after what was asked: the kernel's answers are true of all that was read, and
    /// directories whose renames may have been joined are looked at.
    mutating func queueWasEmpty() {
        missUnannounced()
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
            // Where the kernel cannot be asked by handle, what is at the path is compared.
            if isCrawled(tree.handle(of: index).filesystem) {
                tree[index].isDoubtful = !isAtItsPlace(index)
                if tree[index].isDoubtful { scan?.wantReview(since: passBegan) }
            }
        }
        if !ambiguous.isEmpty { stamp &+= 1 }
        directories.release()
    }

    /// Directories wait to be marked.
    var hasScansWaiting: Bool { scan?.waiting.isEmpty == false }

    /// Who did what a record tells.
    ///
    /// Parameter isChange: it tells of a change; records of reading and executing are also made while a program is started.
    mutating func actor(
        of pid: Int32, at window: TimeWindow, isChange: Bool = true
    ) -> (index: ProcessIndex, isUncertain: Bool) {
        guard scope.tellsProcesses else { return (.absent, false) }
        return processes.index(of: pid, at: window, isChange: isChange, in: &batch)
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
        if let lastScan = scan?.lastScan, window.earliest > lastScan {
            scan?.found.removeAll(keepingCapacity: true)
            missUnannounced()
        }
        renames.beginPass()
        joined.removeAll(keepingCapacity: true)
        joinedBeyond = nil
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

    mutating func publishCounts() {
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
        if let scan { counters.directoriesWaiting.show(scan.pendingCount) }
    }

    /// The node of a directory handle, in the tree from here on.
    mutating func lookUp(_ handle: FileHandle) -> DirectoryTree.Index {
        if let lastHandle, lastHandle == handle { return lastDirectory }
        let index = tree.findOrInsert(handle)
        lastHandle = handle
        lastDirectory = index
        return index
    }
}
