import Block
import Model
import Segment
import Synchronization
import Syscalls
import TestSupport
import Testing

@testable import Recorder

/// Takes everything and keeps it.
private final class Collector: CaptureSink {
    private let items = Mutex<[CaptureItem]>([])

    private let lastNumber = Mutex<UInt64>(0)

    func resume(_ stream: DatabaseStream) -> (stream: DatabaseStream, last: LogPlace?) { (stream, nil) }
    func claim(_ count: UInt64, of stream: UUIDBytes, as path: RawPath) -> UInt64? {
        lastNumber.withLock { last in
            last += count
            return last - count + 1
        }
    }
    func take(_ item: CaptureItem) { items.withLock { $0.append(item) } }
    var hasRoom: Bool { true }
    func takeFindings() -> [JournalFinding] { [] }

    var commits: [CapturedCommit] {
        var commits: [CapturedCommit] = []
        items.withLock {
            for case .commits(_, let batch) in $0 { batch.forEach { commits.append($0) } }
        }
        return commits
    }
    var streams: [DatabaseStream] {
        items.withLock { $0.compactMap { if case .stream(let stream) = $0 { stream } else { nil } } }
    }
    var unlisted: [RawPath] {
        items.withLock { $0.compactMap { if case .unlisted(let path, _, _) = $0 { path } else { nil } } }
    }
    /// Up to when databases were said to be known.
    var watchedUntil: [Instant] {
        items.withLock { $0.compactMap { if case .watched(_, let moment) = $0 { moment } else { nil } } }
    }
    /// Those that somebody waits for, and that everything before was handed on.
    var barriers: [UInt64] {
        items.withLock { $0.compactMap { if case .barrier(let number) = $0, number > 0 { number } else { nil } } }
    }
    /// How many commits were handed on before a database was first said to be known.
    var commitsBeforeWatched: Int? {
        items.withLock { items in
            let end = items.firstIndex { if case .watched = $0 { true } else { false } }
            return end.map {
                items[..<$0].reduce(0) { if case .commits(_, let batch) = $1 { $0 + batch.count } else { $0 } }
            }
        }
    }
    var gaps: [CaptureGap] {
        items.withLock { $0.compactMap { if case .gap(_, let gap) = $0 { gap } else { nil } } }
    }
}

private final class Flag: Sendable {
    let isSet = Atomic(false)
}

@Suite struct CaptureLoopTests {
    private static func process(_ pid: Int32) -> ActorProcess {
        var process = ActorProcess(instance: UInt64(pid), pid: pid, firstSeen: Clock.realtime())
        process.exe = RawPath("/usr/bin/python3")
        return process
    }

    /// Runs the loop on its thread, tells it what a recorder would note, and ends it after `body`.
    ///
    /// Parameter meanwhile: is done each time before the loop is told that everything was noted.
    private static func capture(
        _ path: String, by pids: [Int32], meanwhile: @escaping @Sendable (LogNotes) -> Void = { _ in },
        _ body: (LogNotes) throws -> Void
    ) throws -> Collector {
        try capture(path, by: pids, meanwhile: meanwhile) { notes, _ in try body(notes) }
    }

    /// The same; `body` may ask up to when the database is known.
    private static func capture(
        _ path: String, by pids: [Int32], meanwhile: @escaping @Sendable (LogNotes) -> Void = { _ in },
        asking body: (LogNotes, _ ask: () throws -> Void) throws -> Void
    ) throws -> Collector {
        let notes = LogNotes(waker: try Waker())
        let sink = Collector()
        let barriers = CaptureBarriers(waker: notes.waker)
        let loop = CaptureLoop(
            patterns: [try Glob(Array("**".utf8))], notes: notes, sink: sink, startedAt: Clock.realtime(),
            access: DatabaseAccess(store: nil, readsAsUser: false), barriers: barriers,
            askForNotes: {
                meanwhile(notes)
                notes.resolvedUpTo = Clock.realtime()
            })
        let thread = try OSThread(name: "capture") { loop.run() }
        let log = RawPath(path + "-wal")
        for pid in pids {
            let now = Clock.realtime()
            notes.add(
                LogNotes.Note(
                    path: log, inode: try? log.status().inode, process: process(pid),
                    window: TimeWindow(
                        earliest: now.advanced(byNanoseconds: -3_600_000_000_000),
                        time: now.advanced(byNanoseconds: 3_600_000_000_000), clockOffsetNanoseconds: 0),
                    isCreation: true))
        }
        // From here on the log is open, however busy the machine is.
        let outcome = Result {
            try waitUntil("the table's commit was found") { !sink.commits.isEmpty }
            try body(notes) {
                let barrier = barriers.request()
                try waitUntil("whoever asked was answered") { sink.barriers.contains(barrier) }
            }
        }
        loop.stop()
        thread.join()
        try outcome.get()
        return sink
    }

    private static func rapidWriter(_ path: String) throws -> SQLiteWriter {
        let writer = try SQLiteWriter()
        try writer.run(
            """
            c = connect('\(path)', synchronous=1)
            c.execute('create table t(a integer primary key, b)')
            def insert(seconds):
                end, n = time.monotonic() + seconds, 0
                while time.monotonic() < end:
                    for _ in range(50): c.execute('insert into t(b) values(?)', (n,))
                    n += 50
                return n
            None
            """)
        return writer
    }

    /// As fast as SQLite can, with its log beginning again some fifty times a second.
    @Test func foundAndMissedAreWhatAFastWriterCommitted() throws {
        let directory = try TemporaryDirectory()
        let path = directory.appending("fast.db")
        let writer = try Self.rapidWriter(path)
        var count = 1
        let sink = try Self.capture(path, by: [writer.pid]) { _ in
            count += try writer.number("insert(2)")
        }
        let missed = sink.gaps.reduce(0) { $0 + ($1.missedCount ?? .max / 4) }
        #expect(sink.commits.count + Int(missed) == count)
        // What share of them depends on how busy the machine is: `benchmarks/run capture` measures it.
        #expect(sink.commits.count > 1)
        #expect(sink.commits.allSatisfy { $0.attribution == .exact && $0.writers.map(\.pid) == [writer.pid] })
        var number: UInt64 = 0
        let gaps = sink.gaps
        for commit in sink.commits {
            // One may follow on another.
            while let gap = gaps.first(where: { $0.first == number + 1 }) { number = gap.last }
            #expect(commit.number == number + 1)
            number = commit.number
            #expect(commit.low < commit.high)
        }
    }

    /// Between a look at the index and the question whether the log is still there, its writer commits more and goes away.
    @Test func whatIsCommittedJustBeforeTheLogGoesIsFoundOrCounted() throws {
        let directory = try TemporaryDirectory()
        for round in 0..<20 {
            let path = directory.appending("round-\(round).db")
            let writer = try Self.rapidWriter(path)
            var count = 1
            let sink = try Self.capture(path, by: [writer.pid]) { _ in
                count += try writer.number("(insert(0.01 + 0.004 * \(round % 5)), c.close())[0]")
                try Self.waitUntilClosed(path, isEnding: true)
            }
            let missed = sink.gaps.reduce(0) { $0 + ($1.missedCount ?? .max / 4) }
            #expect(sink.commits.count + Int(missed) == count, "round \(round)")
        }
    }

    @Test func twoWritersAreASet() throws {
        let directory = try TemporaryDirectory()
        let path = directory.appending("two.db")
        let writer = try Self.rapidWriter(path)
        let sink = try Self.capture(path, by: [writer.pid, 1]) { _ in
            try writer.run("for k in range(5): c.execute('insert into t(b) values(1)')")
        }
        #expect(sink.commits.count == 6)
        #expect(sink.commits.allSatisfy { $0.attribution == .set && $0.writers.count == 2 })
    }

    /// Inode numbers are used again at once: a log that was made, written and removed before it could be opened is not the
    /// one that was read to its end before.
    @Test func aShortLogWithTheNumberOfTheLastOneIsAGap() throws {
        let directory = try TemporaryDirectory()
        let path = directory.appending("short.db")
        let writer = try Self.rapidWriter(path)
        let log = RawPath(path + "-wal")
        let inode = try log.status().inode
        var late: LogNotes.Note?
        let sink = try Self.capture(path, by: [writer.pid]) { notes in
            try writer.run("c.execute('insert into t(b) values(1)')\nc.close()")
            try Self.waitUntilClosed(path, isEnding: true)
            // The last writes of the log that was read are told late.
            let now = Clock.realtime()
            var note = LogNotes.Note(
                path: log, inode: inode, process: Self.process(writer.pid),
                window: TimeWindow(
                    earliest: now.advanced(byNanoseconds: -1_000_000_000), time: now, clockOffsetNanoseconds: 0),
                isCreation: false)
            notes.add(note)
            Clock.sleep(nanoseconds: 20_000_000)
            note.window.earliest = Clock.realtime()
            note.window.time = Clock.realtime()
            notes.add(note)
            late = note
            Clock.sleep(nanoseconds: 20_000_000)
        }
        #expect(sink.commits.count == 2)
        #expect(sink.gaps.count == 1)
        #expect(sink.gaps.first?.low == late?.window.earliest)
    }

    /// The log is removed by its last user and made anew by the next, again and again, while its files are held open.
    @Test func aLogThatIsMadeAnewIsAnotherLog() throws {
        let directory = try TemporaryDirectory()
        let path = directory.appending("anew.db")
        let writer = try Self.rapidWriter(path)
        let sink = try Self.capture(path, by: [writer.pid]) { _ in
            Clock.sleep(nanoseconds: 50_000_000)
            try writer.run("c.execute('insert into t(b) values(1)')\nc.close()")
            Clock.sleep(nanoseconds: 50_000_000)
        }
        #expect(sink.commits.count == 2)
        #expect(sink.gaps.isEmpty)
    }

    /// What somebody puts into the file beside its log no log tells of, and what is committed then builds on it. Just after
    /// a checkpoint the file's time alone does not say so.
    @Test(arguments: [false, true]) func anotherStateInTheFileBesideItsLogIsAGap(isAtOnce: Bool) throws {
        let directory = try TemporaryDirectory()
        let path = directory.appending("put.db")
        let writer = try Self.rapidWriter(path)
        let sink = try Self.capture(path, by: [writer.pid]) { _ in
            try writer.run("import shutil\nc.execute('pragma wal_checkpoint(passive)').fetchall()")
            try writer.run("shutil.copyfile('\(path)', '\(path).kept')\nc.execute('insert into t(b) values(1)')")
            Clock.sleep(nanoseconds: 20_000_000)
            let wait = isAtOnce ? "None" : "time.sleep(0.1)"
            try writer.run(
                "c.execute('pragma wal_checkpoint(passive)').fetchall()\n\(wait)\n"
                    + "shutil.copyfile('\(path).kept', '\(path)')")
            Clock.sleep(nanoseconds: 200_000_000)
            try writer.run("c.execute('insert into t(b) values(2)')")
            Clock.sleep(nanoseconds: 50_000_000)
        }
        #expect(sink.commits.map(\.number) == [1, 2, 4])
        #expect(sink.gaps.map(\.first) == [3] && sink.gaps.allSatisfy { $0.cause == .diverged })
    }

    /// Without an index nothing tells of checkpoints, but then nobody may make one but the only writer.
    @Test(arguments: [false, true]) func whoWritesTheFileOfAnExclusiveWriterLeavesAGap(isOther: Bool) throws {
        let directory = try TemporaryDirectory()
        let path = directory.appending("exclusive.db")
        let writer = try SQLiteWriter()
        try writer.run("c = connect('\(path)', locking_mode='exclusive')\nc.execute('create table t(a)')")
        let sink = try Self.capture(path, by: [writer.pid]) { notes in
            let now = Clock.realtime()
            notes.add(
                LogNotes.Note(
                    path: RawPath(path), inode: try RawPath(path).status().inode,
                    process: Self.process(isOther ? 1 : writer.pid),
                    window: TimeWindow(earliest: now, time: now, clockOffsetNanoseconds: 0), isCreation: false,
                    kind: .database))
            Clock.sleep(nanoseconds: 50_000_000)
        }
        #expect(sink.commits.allSatisfy { $0.status == .logged })
        #expect(sink.gaps.map(\.cause) == (isOther ? [.diverged] : []))
    }

    @Test func checkpointsOfOthersAreNoGap() throws {
        let directory = try TemporaryDirectory()
        let path = directory.appending("checkpoints.db")
        let writer = try Self.rapidWriter(path)
        let other = try SQLiteWriter()
        try other.run("o = connect('\(path)')")
        let sink = try Self.capture(path, by: [writer.pid]) { _ in
            for round in 0..<24 {
                let insert = "c.execute('insert into t(b) values(randomblob(9000))')"
                try writer.run("for k in range(\(round % 5 + 1)): \(insert)")
                if round % 3 == 0 { Clock.sleep(nanoseconds: 70_000_000) }
                let mode = ["passive", "full", "restart", "truncate"][round % 4]
                try other.run("o.execute('pragma wal_checkpoint(\(mode))').fetchall()")
                if round % 3 == 1 { Clock.sleep(nanoseconds: 70_000_000) }
            }
        }
        // On a busy machine a log that was begun again may have been read too late; that is counted.
        let missed = sink.gaps.reduce(0) { $0 + ($1.missedCount ?? .max / 4) }
        #expect(sink.gaps.allSatisfy { $0.cause != .diverged })
        #expect(sink.commits.count + Int(missed) == 1 + (0..<24).reduce(0) { $0 + $1 % 5 + 1 })
    }

    /// The log is there, or its last user removed it: what is in the files says that nothing more was committed.
    @Test(arguments: ["None", "c.close()"]) func theEndIsKnownUpToTheLastLook(ending: String) throws {
        let directory = try TemporaryDirectory()
        let path = directory.appending("end.db")
        let writer = try Self.rapidWriter(path)
        var idle = Instant.distantFuture
        let sink = try Self.capture(path, by: [writer.pid]) { _ in
            try writer.run("c.execute('insert into t(b) values(1)')\n\(ending)")
            try Self.waitUntilClosed(path, isEnding: ending != "None")
            idle = Clock.realtime()
        }
        #expect(sink.commits.count == 2)
        #expect(sink.gaps.isEmpty)
        #expect(sink.watchedUntil.count == 1)
        #expect(sink.watchedUntil.allSatisfy { $0 >= idle })
    }

    /// Another log, another file, or a change of the file that no log tells of: nothing is said of the time before the end.
    @Test(arguments: ["log", "file", "change"]) func nothingIsSaidOfTheEndWhereSomethingElseIsThere(what: String) throws
    {
        let directory = try TemporaryDirectory()
        let path = directory.appending("other.db")
        let writer = try Self.rapidWriter(path)
        let sink = try Self.capture(path, by: [writer.pid]) { _ in
            if what == "log" {
                // Nobody tells the loop of it.
                try Files.rename(RawPath(path + "-wal"), to: RawPath(path + "-old"))
                try Files.write([], to: RawPath(path + "-wal"))
                return
            }
            try writer.run("c.close()")
            try Self.waitUntilClosed(path, isEnding: true)
            Clock.sleep(nanoseconds: 20_000_000)
            try writer.run(
                what == "change"
                    ? "open('\(path)', 'r+b').write(b'S')"
                    : "import shutil, os; shutil.copy('\(path)', '\(path)2'); os.rename('\(path)2', '\(path)')")
        }
        #expect(sink.watchedUntil.isEmpty)
    }

    /// With the log there, or removed by its last user; what was committed before was handed on before.
    @Test(arguments: ["None", "c.close()"]) func whoeverAsksIsToldUpToWhenADatabaseIsKnown(ending: String) throws {
        let directory = try TemporaryDirectory()
        let path = directory.appending("asked.db")
        let writer = try Self.rapidWriter(path)
        var asked: [Instant] = []
        let sink = try Self.capture(path, by: [writer.pid]) { _, ask in
            for _ in 0..<3 {
                try writer.run("c.execute('insert into t(b) values(1)')")
                asked.append(Clock.realtime())
                try ask()
            }
            try writer.run("c.execute('insert into t(b) values(1)')\n\(ending)")
            asked.append(Clock.realtime())
            try ask()
        }
        let told = sink.watchedUntil
        #expect(told.count == 5, "the last one is that of the end")
        #expect(zip(asked, told).allSatisfy { $0 <= $1 })
        #expect(sink.commits.count == 5 && sink.commitsBeforeWatched == 2)
        #expect(sink.gaps.isEmpty)
    }

    @Test(arguments: ["log", "file", "change"]) func nobodyIsToldWhereSomethingElseIsThere(what: String) throws {
        let directory = try TemporaryDirectory()
        let path = directory.appending("other.db")
        let writer = try Self.rapidWriter(path)
        let sink = try Self.capture(path, by: [writer.pid]) { _, ask in
            if what == "log" {
                try Files.rename(RawPath(path + "-wal"), to: RawPath(path + "-old"))
                try Files.write([], to: RawPath(path + "-wal"))
            } else {
                try writer.run("c.close()")
                try Self.waitUntilClosed(path, isEnding: true)
                Clock.sleep(nanoseconds: 20_000_000)
                try writer.run(
                    what == "change"
                        ? "open('\(path)', 'r+b').write(b'S')"
                        : "import shutil, os; shutil.copy('\(path)', '\(path)2'); os.rename('\(path)2', '\(path)')")
            }
            try ask()
        }
        #expect(sink.watchedUntil.isEmpty)
    }

    /// The files alone do not tell of it: the record of a rollback journal comes while the answer waits for records. And
    /// what it stands for began when the record says, not when the log was looked at last.
    @Test func whatIsNotedMeanwhileCounts() throws {
        let directory = try TemporaryDirectory()
        let path = directory.appending("noted.db")
        let writer = try Self.rapidWriter(path)
        let isAsking = Flag()
        let began = Clock.realtime()
        let sink = try Self.capture(
            path, by: [writer.pid],
            meanwhile: { notes in
                guard isAsking.isSet.load(ordering: .sequentiallyConsistent) else { return }
                notes.add(
                    LogNotes.Note(
                        path: RawPath(path + "-journal"), inode: nil, process: nil,
                        window: TimeWindow(earliest: began, time: Clock.realtime(), clockOffsetNanoseconds: 0),
                        isCreation: true, kind: .journal))
            }
        ) { _, ask in
            isAsking.isSet.store(true, ordering: .sequentiallyConsistent)
            try ask()
        }
        #expect(sink.watchedUntil.isEmpty)
        #expect(sink.gaps.count == 1 && sink.gaps.first?.low == began)
    }

    /// Until nothing of a log that was removed is open any more.
    private static func waitUntilClosed(_ path: String, isEnding: Bool) throws {
        guard isEnding else { return }
        try waitUntil("the log was read to its end and closed") {
            try !Files.names(in: RawPath("/proc/self/fd")).contains {
                let target = try? Files.readLink(RawPath("/proc/self/fd/" + $0.lossyText))
                return target?.lossyText.hasPrefix(path + "-wal") == true
            }
        }
    }

    /// Those beyond the limit are not listed, and that is said once.
    @Test func tooManyDatabasesWithJournalsAreToldOf() throws {
        let directory = try TemporaryDirectory()
        let sink = Collector()
        let access = DatabaseAccess(store: nil, readsAsUser: false)
        var journaled = JournaledDatabases(maximumCount: 2)
        let notes = LogNotes(waker: try Waker())
        for number in 1...5 {
            let path = directory.appending("\(number).db")
            try runSuccessfully("sqlite3", [path, "CREATE TABLE t(a)"])
            let note = LogNotes.Note(
                path: RawPath(path + "-journal"), inode: nil, process: nil,
                window: TimeWindow(earliest: .distantPast, time: Clock.realtime(), clockOffsetNanoseconds: 0),
                isCreation: true, kind: .journal)
            for _ in 0..<2 {
                journaled.note(note, RawPath(path), known: nil, notes: notes, access: access, sink: sink)
            }
        }
        #expect(sink.streams.map { $0.paths.last } == (1...2).map { RawPath(directory.appending("\($0).db")) })
        #expect(sink.unlisted == [RawPath(directory.appending("3.db"))])
    }
}
