import Block
import Model
import SQLiteWAL
import Segment
import Syscalls

/// One database that is captured: its files while they are open, what was found, and what waits for its writers' names.
struct WatchedDatabase: ~Copyable {
    /// What was found and waits until everything that happened up to `high` has been resolved.
    struct Staged {
        enum Content {
            /// The commits of one look.
            case commits(CommitBatch)
            case other(CaptureFinding)
        }

        var content: Content
        var low: Instant
        var high: Instant
        var holder: Int32?
        /// It stood in the log when that was first looked at: nobody knows since when.
        var isOfBefore = false

        var byteCount: Int { if case .commits(let commits) = content { commits.byteCount } else { 0 } }
        var holdsCommits: Bool { if case .commits = content { true } else { false } }
    }

    let path: RawPath
    var files: DatabaseFiles?
    private var machine = CaptureMachine(isFresh: false)
    var stream: DatabaseStream?
    var isAnnounced = false
    /// The last commit that was stored before: what stands in a log up to it is known.
    var lastStored: LogPlace?
    private(set) var log: DatabaseFiles.Identity?
    /// The last log that was read to its end when it had no name any more, and until when.
    private var endedLog: (identity: DatabaseFiles.Identity, at: Instant)?
    var history = WriterHistory()
    /// Who wrote the database file itself.
    var fileHistory = WriterHistory()
    /// All commits that became visible by then have been handed on.
    var handedOnUpTo = Instant.distantPast
    var staged: [Staged] = []
    /// What waits for names.
    var stagedByteCount = 0
    /// From then on, at the earliest, happened what is found next.
    private var lower: LowerBound
    private var holder: Int32?
    /// When the last look began, if it found all that the log held; nil otherwise, and where another log was opened since.
    private(set) var settledAt: Instant?
    /// CLOCK_MONOTONIC of the last finding.
    private var lastFinding: Int64 = 0
    private var nextLook: Int64 = 0
    var foundCount = 0
    var missedCount = 0

    /// More than this, of all databases, does not wait for names; no log is read until it has gone.
    private static let maximumStagedByteCount = 16 << 20

    /// So long after its last commit a database's files are closed again.
    static let restNanoseconds: Int64 = 5_000_000_000

    /// Parameter watchedSince: a moment from which on every write to the log is noticed.
    init(path: RawPath, watchedSince: Instant) {
        self.path = path
        lower = LowerBound(watchedSince)
    }

    /// What was there by then has been found.
    var lastLook: Instant { lower.moment }

    var isOpen: Bool { files != nil }
    var isWaiting: Bool { !staged.isEmpty }
    /// From when on nothing is known yet of what waits.
    var waitsSince: Instant? { staged.first?.low }
    /// The newest moment that a finding waits to be resolved up to.
    var waitsFor: Instant? { staged.last?.high }

    // MARK: Files

    /// Somebody touched the log: it is opened where it is not, and the old one is read to its end where it is another.
    ///
    /// Parameter inode: of the log that was touched.
    mutating func noteWrite(
        inode: UInt64?, window: TimeWindow, isWrite: Bool, sink: some CaptureSink, access: DatabaseAccess
    ) {
        fileWatch.recordedEnd = nil
        if let known = log, let inode, inode == known.inode, isOpen { return }
        if isOpen {
            if inode == nil { return }
            // Another log under the same name: what the old one still has comes first.
            let isSettled = look(now: Clock.monotonic(), sink: sink)
            if !isSettled { stage(.missed(count: nil, cause: .removed), high: window.time, low: lastLook) }
            close()
        }
        var opened = access.open(path)
        let birth = opened?.birth
        guard let identity = opened?.logIdentity, let database = opened?.identity else {
            // Of a log that was read to its end after it had lost its name: told late.
            if let ended = endedLog, inode ?? ended.identity.inode == ended.identity.inode,
                window.earliest <= ended.at
            {
                return
            }
            if noteBadLog(window, sink: sink, access: access) { return }
            guard isWrite else { return }
            stage(.missed(count: nil, cause: .removed), high: window.time, low: window.earliest)
            fileWatch.isTouched = false
            return
        }
        // A file that went on under another name meanwhile is begun again as well.
        let isOfStream =
            stream.map {
                $0.isFile(database, born: birth) && sink.claim(0, of: $0.uuid, as: path) != nil
            } ?? false
        if log != identity || identity == endedLog?.identity || logEnd != nil {
            let moment = opened?.databaseChanged
            let isCopied = opened?.mayBeCheckpointed ?? true
            if log != nil, isOfStream, !isPastLog, isChanged(moment, isCopied: isCopied, isTold: inode != nil) {
                stage(.missed(count: nil, cause: .changed), high: window.time, low: lastLook)
            }
            // A log that was made since is read from its beginning; one that was there before, from its end.
            let isFresh = log != nil || isMadeSince(window, inode: inode, identity)
            machine = CaptureMachine(isFresh: isFresh, takesWholeLog: true)
            isFirstLook = !isFresh
            log = identity
            endedLog = nil
            logEnd = nil
            fileWatch.mark = nil
            inquiry.forget()
        }
        fileWatch.isTouched = false
        if !isOfStream { begin(database, born: birth, sink: sink) }
        files = opened.take()
        isPastLog = false
        settledAt = nil
        if stream?.condition == .rollbackJournal { become(.captured, sink: sink) }
        // A write before this one would have been noted, and its log opened then.
        lower.raise(to: window.earliest)
        holder = nil
        lastFinding = Clock.monotonic()
        nextLook = 0
    }

    /// Somebody wrote with a rollback journal: what is in the file from then on, no log told of.
    mutating func noteJournal(_ window: TimeWindow, sink: some CaptureSink, access: DatabaseAccess) {
        guard let stream, !isPastLog else { return }
        if stream.condition == .captured, let file = access.openFile(path),
            JournaledDatabases.Header(of: file)?.isJournaled == true
        {
            become(.rollbackJournal, JournaledDatabases.reason, sink: sink)
        }
        // What the log still has came before.
        let isSettled = look(now: Clock.monotonic(), sink: sink)
        if !isSettled { stage(.missed(count: nil, cause: .removed), high: window.time, low: lastLook) }
        close()
        isPastLog = true
        fileWatch.mark = nil
        // No look at the log finds what was written past it.
        stage(.missed(count: nil, cause: .notLogged), high: window.time, low: window.earliest, after: told)
    }

    /// The log lost its name; looks that held it open know better when.
    mutating func noteRemoval(inode: UInt64?, by pid: Int32?, window: TimeWindow) {
        fileWatch.recordedEnd = (window, pid)
        guard !isOpen else { return }
        if let ended = endedLog, inode ?? ended.identity.inode == ended.identity.inode, window.earliest <= ended.at {
            return
        }
        logEnd = max(logEnd ?? window.time, window.time)
    }

    /// Somebody wants to know up to when nothing can be missing.
    var inquiry = Inquiry()
    /// Up to then nothing is missing, as was told.
    var told = Instant.distantPast
    var fileWatch = FileWatch()

    /// Has a database that is not due looked at in the next turn.
    mutating func hurry() { nextLook = 0 }

    /// When the last log lost its name, as far as that is known.
    private(set) var logEnd: Instant?

    /// Since its last log was opened something was written with a rollback journal.
    private(set) var isPastLog = false

    /// The log was empty or did not exist when watching began: its birth is in a window that is known.
    private func isMadeSince(_ window: TimeWindow, inode: UInt64?, _ identity: DatabaseFiles.Identity) -> Bool {
        wasCreated && (inode == nil || inode == identity.inode)
    }

    /// A record told that the log was made.
    var wasCreated = false

    mutating func begin(_ database: DatabaseFiles.Identity, born birth: Instant?, sink: some CaptureSink) {
        var generator = SystemRandomNumberGenerator()
        let new = DatabaseStream(
            uuid: UUIDBytes(high: generator.next(), low: generator.next()), device: database.device,
            inode: database.inode, birth: birth, paths: [path], pageSize: 0, firstSeen: Clock.realtime())
        let resumed = sink.resume(new)
        stream = resumed.stream
        lastStored = resumed.last
        isAnnounced = false
    }

    private mutating func close() {
        files = nil
    }

    // MARK: Looking

    /// Whether it is time to look.
    func isDue(_ now: Int64) -> Bool { isOpen && now >= nextLook }

    /// Reads what there is to read; descriptors are given up when there was nothing for a while.
    ///
    /// Parameter roundCount: it ends after so many readings of at most 16 MiB, so that other databases are looked at as well.
    /// Returns: whether all that the log held was read, and is known to be commits or none.
    @discardableResult
    mutating func look(
        now: Int64, stagedElsewhere: Int = 0, roundCount: Int = greatestRoundCount, sink: some CaptureSink
    ) -> Bool {
        guard var files = files.take() else { return true }
        var isSettled = false
        settledAt = nil
        files.findIndex()
        // Asked first: only of a log that had no name before it was read nothing can have been written since.
        let wasRemoved = files.isLogRemoved
        var isDone = false
        var rounds = 0
        while !isDone, rounds < roundCount, stagedElsewhere + stagedByteCount < Self.maximumStagedByteCount,
            sink.hasRoom
        {
            rounds += 1
            let low = lastLook
            let before = Clock.realtime()
            let heldAtLow = holder
            let holderNow = files.writer
            do throws(WALReadError) {
                let step = try machine.step(&files, now: Clock.monotonic())
                let high = Clock.realtime()
                if step.state.isTelling {
                    lower.pass(lookBegan: before, rest: step.rest)
                    holder = holderNow
                }
                // What was found may build on what somebody put into the file before it.
                if fileWatch.isWrittenByOthers(&files), fileWatch.tells() {
                    staged.append(
                        Staged(content: .other(.missed(count: nil, cause: .changed)), low: low, high: max(low, high)))
                }
                stage(
                    step.findings, low: isFirstLook ? Self.unknownMoment : low, high: high, holder: heldAtLow,
                    isOfBefore: isFirstLook)
                if step.state.isTelling { isFirstLook = false }
                if !step.findings.isEmpty { lastFinding = now }
                nextLook = now &+ max(step.nextLookNanoseconds ?? Self.pollNanoseconds, Self.pollNanoseconds)
                isDone = step.state != .behind
                isSettled = (step.state == .level || step.state == .empty) && step.rest == .none
                settledAt = isSettled ? before : nil
                judge(step.state, sink: sink)
            } catch {
                condemn(.unreadable, error.reason, .unreadable, sink: sink)
                isDone = true
            }
        }
        // A log without a name was read to its end: nobody can write it any more.
        // What is not settled yet is looked at again, for a second: nobody writes it any more.
        let isGone = isDone && wasRemoved
        let isGivenUp = isGone && !isSettled && now &- lastFinding >= Self.settlingNanoseconds
        if isGivenUp { stage(.missed(count: nil, cause: .removed), high: Clock.realtime(), low: lastLook) }
        let isOver = isGone && isSettled || isGivenUp
        if isOver {
            endedLog = log.map { ($0, Clock.realtime()) }
            logEnd = files.logChanged
        }
        // What there was no room for is still to be read.
        let isAwaited = !isDone || fileWatch.isContentDue || now &- lastFinding < Self.restNanoseconds
        if !isOver, isAwaited { self.files = consume files }
        return isSettled
    }

    /// The lower bound of what was there before anybody looked.
    static let unknownMoment = Instant(nanosecondsSinceEpoch: 0)
    private var isFirstLook = false

    static let pollNanoseconds: Int64 = 1_000_000
    /// Of a last look, after which nobody reads the log.
    static let greatestRoundCount = 64
    /// Of a look among others.
    static let usualRoundCount = 2
    private static let settlingNanoseconds: Int64 = 1_000_000_000

    /// Parameter after: up to then it cannot have happened; nil: up to the last look.
    mutating func stage(_ finding: CaptureFinding, high: Instant, low: Instant, after: Instant? = nil) {
        let low = max(low, after ?? lastLook)
        let high = max(low, high)
        lower.raise(to: high)
        // The records of one log that nobody saw tell of one gap.
        if case .other(let last)? = staged.last?.content, case .missed(nil, _) = finding, finding == last {
            staged[staged.count - 1].high = high
            return
        }
        staged.append(Staged(content: .other(finding), low: low, high: high, holder: nil))
    }
}
