import Block
import Model
import Segment
import Synchronization
import Syscalls

/// Reads the logs of watched databases while they are written, and hands on every commit with its writers.
///
/// It looks at a database as soon as somebody is noted to have written its log, and each millisecond from then on until
/// there was no commit for five seconds. Thread: its own, *capture*; it waits for nobody's commit.
final class CaptureLoop<Sink: CaptureSink>: Sendable {
    private let patterns: [Glob]
    private let notes: LogNotes
    private let sink: Sink
    private let isStopping = Atomic<Bool>(false)
    private let startedAt: Instant
    private let access: DatabaseAccess
    private let barriers: CaptureBarriers
    /// Asks for everything that happened up to now to be resolved.
    private let askForNotes: @Sendable () -> Void
    /// Commits that were found, and those that are known to have been missed.
    let foundCount = Atomic<Int>(0)
    let missedCount = Atomic<Int>(0)

    /// More databases are not followed in a run; each is a gap.
    private static var maximumDatabaseCount: Int { 4_096 }

    /// Parameter startedAt: a moment from which on every write is noted.
    init(
        patterns: [Glob], notes: LogNotes, sink: Sink, startedAt: Instant, access: DatabaseAccess,
        barriers: CaptureBarriers, askForNotes: @escaping @Sendable () -> Void
    ) {
        self.patterns = patterns
        self.notes = notes
        self.sink = sink
        self.startedAt = startedAt
        self.access = access
        self.barriers = barriers
        self.askForNotes = askForNotes
    }

    /// Ends the loop after one more look at every database, also those at rest.
    func stop() {
        isStopping.store(true, ordering: .sequentiallyConsistent)
        notes.waker.wake()
    }

    func run() {
        var places: [RawPath: Int] = [:]
        var databases = Databases()
        var journaled = JournaledDatabases()
        var askedFor = Instant.distantPast
        var inquiry = Inquiry()
        var end = LastLooks()
        while true {
            let isStopping = isStopping.load(ordering: .sequentiallyConsistent)
            takeNotes(&places, &databases, &journaled)
            let now = Clock.monotonic()
            if isStopping { databases.openAll(access: access) }
            inquiry.begin(barriers, now: now)
            databases.look(now: now, everything: isStopping, sink: sink)
            databases.findCandidates(access: access)
            // The notes of what happened before are in the board when this is read.
            let resolved = isStopping ? Instant.distantFuture : notes.resolvedUpTo
            takeNotes(&places, &databases, &journaled)
            databases.handOn(resolvedUpTo: resolved, sink: sink)
            journaled.takeFindings(from: sink)
            journaled.handOn(resolvedUpTo: notes.resolvedUpTo, sink: sink)
            journaled.begin(sink: sink) { path in places[path].map { databases.isWaiting(at: $0) } ?? false }
            foundCount.store(databases.foundCount, ordering: .relaxed)
            missedCount.store(databases.missedCount, ordering: .relaxed)
            if isStopping {
                if end.isAwaited(&journaled, now: now) {
                    if journaled.waitsFor != nil { askForNotes() }
                    if notes.waker.wait(timeoutNanoseconds: WatchedDatabase.pollNanoseconds) { notes.waker.clear() }
                    continue
                }
                journaled.giveUp(sink: sink)
                databases.tellEnd(sink: sink, access: access)
                sink.take(.barrier(barriers.newest))
                return
            }
            inquiry.advance(databases, &journaled, resolvedUpTo: resolved, now: now, sink: sink, access: access)
            let awaited = [databases.waitsFor, databases.candidatesUpTo, journaled.waitsFor, inquiry.waitsFor]
            if let wanted = awaited.compactMap({ $0 }).max(), askedFor <= resolved {
                askedFor = wanted
                askForNotes()
            }
            let isHot = databases.isHot || journaled.waitsFor != nil || inquiry.isUnderWay
            let timeout = isHot ? WatchedDatabase.pollNanoseconds : nil
            if notes.waker.wait(timeoutNanoseconds: timeout) { notes.waker.clear() }
        }
    }

    private func takeNotes(
        _ places: inout [RawPath: Int], _ databases: inout Databases, _ journaled: inout JournaledDatabases
    ) {
        let taken = notes.take()
        if taken.isOverfull {
            databases.doubtNotes(at: Clock.realtime())
            journaled.doubtNotes(at: Clock.realtime())
        }
        for note in taken.notes {
            if note.kind == .database {
                if let place = places[note.path] { databases.noteChange(note, at: place, access: access) }
                journaled.noteChange(note)
                continue
            }
            let suffix = note.kind == .journal ? "-journal".utf8.count : "-wal".utf8.count
            let path = RawPath(Array(note.path.bytes.dropLast(suffix)))
            if note.kind == .journal {
                guard note.isUse || journaled.knows(path), patterns.contains(where: { $0.matches(path.bytes) }) else {
                    continue
                }
                var known: DatabaseStream?
                if note.isUse, let place = places[path] {
                    known = databases.noteJournal(note.window, at: place, sink: sink, access: access)
                }
                journaled.note(note, path, known: known, notes: notes, access: access, sink: sink)
                continue
            }
            if note.isUse { journaled.leave(path, note.window, sink: sink) }
            guard let place = places[path] ?? (note.isUse ? meet(path, &places, &databases) : nil) else { continue }
            databases.note(note, at: place, notes: notes, sink: sink, access: access)
        }
    }

    private func meet(_ path: RawPath, _ places: inout [RawPath: Int], _ databases: inout Databases) -> Int? {
        guard patterns.contains(where: { $0.matches(path.bytes) }) else { return nil }
        guard databases.count < Self.maximumDatabaseCount else {
            sink.take(.unseen(path, low: startedAt, high: Clock.realtime()))
            return nil
        }
        databases.add(WatchedDatabase(path: path, watchedSince: startedAt))
        places[path] = databases.count - 1
        return databases.count - 1
    }
}

/// What is done where somebody asks up to when databases are known.
private struct Inquiry {
    private enum Stage {
        case none
        /// A database that was written before is met when what happened by then was noted.
        case waitsForNotes(Instant)
        case asked
    }

    private var stage = Stage.none
    private var barrier: UInt64 = 0
    private var givesUpAt: Int64 = 0

    /// A database of which it cannot be said in this time is not said anything of: its writer may rest within a commit.
    private static let patienceNanoseconds: Int64 = 1_000_000_000

    var isUnderWay: Bool { if case .none = stage { false } else { true } }
    var waitsFor: Instant? { if case .waitsForNotes(let moment) = stage { moment } else { nil } }

    /// Whoever asks while one is under way waits for the next.
    mutating func begin(_ barriers: CaptureBarriers, now: Int64) {
        let newest = barriers.newest
        guard !isUnderWay, newest > barrier else { return }
        barrier = newest
        stage = .waitsForNotes(Clock.realtime())
        givesUpAt = now &+ Self.patienceNanoseconds
    }

    /// To be called when all notes of what happened by `resolvedUpTo` were taken and what they let go was handed on.
    mutating func advance(
        _ databases: borrowing Databases, _ journaled: inout JournaledDatabases, resolvedUpTo: Instant, now: Int64,
        sink: some CaptureSink,
        access: DatabaseAccess
    ) {
        guard isUnderWay else { return }
        if let moment = waitsFor, moment <= resolvedUpTo {
            databases.ask(access: access)
            journaled.ask(at: moment)
            stage = .asked
        }
        databases.answer(resolvedUpTo: resolvedUpTo, sink: sink, access: access)
        guard now >= givesUpAt || waitsFor == nil && !databases.isAsked && !journaled.isAsked else { return }
        databases.endAsking()
        journaled.endAsking()
        sink.take(.barrier(barrier))
        stage = .none
    }
}

/// The looks at databases with rollback journals after which a recorder ends. Bounded: they get a second.
private struct LastLooks {
    private var givesUpAt: Int64?

    private static let patienceNanoseconds: Int64 = 1_000_000_000

    /// Has all of them looked at once more, at the first call. False when they were, or the time is over.
    mutating func isAwaited(_ journaled: inout JournaledDatabases, now: Int64) -> Bool {
        guard let givesUpAt else {
            self.givesUpAt = now &+ Self.patienceNanoseconds
            journaled.ask(at: Clock.realtime())
            return journaled.isBusy
        }
        return now < givesUpAt && journaled.isBusy
    }
}

/// The databases that were met. They own descriptors, so they cannot be in an array of the standard library as they are.
struct Databases: ~Copyable {
    private final class Box {
        var database: WatchedDatabase

        init(_ database: consuming WatchedDatabase) {
            self.database = database
        }
    }

    private var boxes: [Box] = []

    var count: Int { boxes.count }
    var isHot: Bool { boxes.contains { $0.database.isOpen || $0.database.isWaiting } }
    var waitsFor: Instant? { boxes.compactMap { $0.database.waitsFor }.max() }
    var foundCount: Int { boxes.reduce(0) { $0 + $1.database.foundCount } }
    var missedCount: Int { boxes.reduce(0) { $0 + $1.database.missedCount } }

    mutating func add(_ database: consuming WatchedDatabase) {
        boxes.append(Box(database))
    }

    func note(
        _ note: LogNotes.Note, at place: Int, notes: LogNotes, sink: some CaptureSink, access: DatabaseAccess
    ) {
        let box = boxes[place]
        if note.isUse {
            if note.isCreation { box.database.wasCreated = true }
            box.database.history.add(note.process, note.window)
            box.database.noteWrite(
                inode: note.inode, window: note.window, isWrite: note.isWrite, sink: sink, access: access)
            box.database.watchChanges(notes)
        }
        if note.isRemoval { box.database.noteRemoval(inode: note.inode, by: note.process?.pid, window: note.window) }
    }

    /// Returns: the stream of the database; nil where nothing of it was captured so far.
    func noteJournal(
        _ window: TimeWindow, at place: Int, sink: some CaptureSink, access: DatabaseAccess
    ) -> DatabaseStream? {
        boxes[place].database.noteJournal(window, sink: sink, access: access)
        return boxes[place].database.stream
    }

    /// Something that was found of it is still to be handed on.
    func isWaiting(at place: Int) -> Bool { boxes[place].database.isWaiting }

    func noteChange(_ note: LogNotes.Note, at place: Int, access: DatabaseAccess) {
        boxes[place].database.noteChange(by: note.process, window: note.window, access: access)
    }

    /// Notes were lost: whoever is known is not known to be the only one, and any file may have been changed.
    func doubtNotes(at moment: Instant) {
        let window = TimeWindow(earliest: .distantPast, time: moment, clockOffsetNanoseconds: 0)
        for box in boxes {
            box.database.history.add(nil, window)
            box.database.doubtFile()
        }
    }

    /// For a last look at those as well whose files were closed after their last commit.
    func openAll(access: DatabaseAccess) {
        for box in boxes { box.database.reopen(access: access) }
    }

    /// Says of each database up to when it was watched, where nothing that was committed by then can be missing.
    func tellEnd(sink: some CaptureSink, access: DatabaseAccess) {
        for box in boxes { box.database.tellEnd(sink: sink, access: access) }
    }

    // MARK: Up to when they are known

    /// Some have not answered yet.
    var isAsked: Bool { boxes.contains { $0.database.inquiry.isOpen } }
    /// Up to then everything has to be noted before they can answer.
    var candidatesUpTo: Instant? { boxes.compactMap { $0.database.inquiry.candidate?.moment }.max() }

    func ask(access: DatabaseAccess) {
        for box in boxes { box.database.ask(access: access) }
    }

    func findCandidates(access: DatabaseAccess) {
        for box in boxes { box.database.findCandidate(access: access) }
    }

    func answer(resolvedUpTo: Instant, sink: some CaptureSink, access: DatabaseAccess) {
        for box in boxes { box.database.answer(resolvedUpTo: resolvedUpTo, sink: sink, access: access) }
    }

    func endAsking() {
        for box in boxes { box.database.inquiry = WatchedDatabase.Inquiry() }
    }

    func look(now: Int64, everything: Bool, sink: some CaptureSink) {
        var staged = boxes.reduce(0) { $0 + $1.database.stagedByteCount }
        for box in boxes where everything || box.database.isDue(now) {
            let own = box.database.stagedByteCount
            box.database.look(
                now: now, stagedElsewhere: staged - own,
                roundCount: everything ? WatchedDatabase.greatestRoundCount : WatchedDatabase.usualRoundCount,
                sink: sink)
            staged += box.database.stagedByteCount - own
        }
    }

    func handOn(resolvedUpTo: Instant, sink: some CaptureSink) {
        for box in boxes {
            if box.database.isWaiting { box.database.handOn(resolvedUpTo: resolvedUpTo, sink: sink) }
            box.database.handOnDoubt(resolvedUpTo: resolvedUpTo, sink: sink)
        }
    }
}
