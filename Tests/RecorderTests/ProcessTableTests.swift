import Block
import Model
import Testing

@testable import Recorder

@Suite struct ProcessTableTests {
    @Test func aProcessIsLookedUpOnceInABatch() {
        var table = ProcessTable(source: ScriptedProcesses(), nextInstance: 1)
        table.source.alive[10] = ScriptedProcesses.Process(startTicks: 5, exe: "/bin/a", exeInode: 1)
        var batch = Batch()
        let first = table.index(of: 10, at: Self.window(100), in: &batch)
        let second = table.index(of: 10, at: Self.window(200), in: &batch)
        #expect(first.index == second.index)
        #expect(batch.processes.count == 1)
        #expect(batch.processes[0].exe == RawPath("/bin/a"))
        #expect(batch.processes[0].exeSource == .proc)
        #expect(table.source.lookUps == 1)
    }

    @Test func theSameStartTimeIsTheSameInstanceInALaterBatch() {
        var table = ProcessTable(source: ScriptedProcesses(), nextInstance: 7)
        table.source.alive[10] = ScriptedProcesses.Process(startTicks: 5, exe: "/bin/a", exeInode: 1)
        let first = Self.instance(of: 10, in: &table)
        table.beginBatch()
        #expect(Self.instance(of: 10, in: &table) == first)
        #expect(first == 7)
    }

    @Test func whoGivesUpRightsIsAnotherUserInALaterBatch() {
        var table = ProcessTable(source: ScriptedProcesses(), nextInstance: 1)
        table.source.alive[10] = ScriptedProcesses.Process(startTicks: 5, exe: "/bin/a", exeInode: 1, uid: 0)
        var batch = Batch()
        let first = table.index(of: 10, at: Self.window(100), in: &batch)
        #expect(batch.processes[Int(first.index)].uid == 0)
        table.source.alive[10]?.uid = 33
        table.beginBatch()
        batch = Batch()
        let second = table.index(of: 10, at: Self.window(200), in: &batch)
        #expect(batch.processes[Int(second.index)].uid == 33)
        #expect(batch.processes[Int(second.index)].instance == 1)
    }

    @Test func anotherStartTimeIsAnotherInstance() {
        var table = ProcessTable(source: ScriptedProcesses(), nextInstance: 1)
        table.source.alive[10] = ScriptedProcesses.Process(startTicks: 5, exe: "/bin/a", exeInode: 1)
        _ = Self.instance(of: 10, in: &table)
        table.beginBatch()
        table.source.alive[10] = ScriptedProcesses.Process(startTicks: 6, exe: "/bin/b", exeInode: 2)
        var batch = Batch()
        _ = table.index(of: 10, at: Self.window(100), in: &batch)
        #expect(batch.processes[0].instance == 2)
        #expect(batch.processes[0].exe == RawPath("/bin/b"))
    }

    @Test func theDeadAreNamedWhileTheirPidCannotHaveComeRound() {
        var table = ProcessTable(source: ScriptedProcesses(), nextInstance: 1)
        table.source.alive[10] = ScriptedProcesses.Process(startTicks: 5, exe: "/bin/a", exeInode: 1)
        _ = Self.instance(of: 10, in: &table)
        table.source.alive[10] = nil
        table.source.forks += 50
        table.beginBatch()
        var batch = Batch()
        let found = table.index(of: 10, at: Self.window(100), in: &batch)
        #expect(!found.isUncertain)
        #expect(batch.processes[0].exe == RawPath("/bin/a"))
        #expect(batch.facts.map(\.kind) == [.exitSeen])
    }

    @Test func noNameIsBorrowedWhenThePidMayHaveComeRound() {
        var table = ProcessTable(source: ScriptedProcesses(), nextInstance: 1)
        table.source.alive[10] = ScriptedProcesses.Process(startTicks: 5, exe: "/bin/a", exeInode: 1)
        _ = Self.instance(of: 10, in: &table)
        table.source.alive[10] = nil
        table.source.forks += 100
        table.beginBatch()
        var batch = Batch()
        let found = table.index(of: 10, at: Self.window(100), in: &batch)
        #expect(found.isUncertain)
        #expect(batch.processes[0].instance == 2)
        #expect(batch.processes[0].exe == nil)
    }

    @Test func inASmallPidSpaceEachReadingIsChecked() {
        var table = ProcessTable(source: ScriptedProcesses(), nextInstance: 1)
        var batch = Batch()
        _ = table.hear(upTo: Self.window(100))
        table.source.alive[10] = ScriptedProcesses.Process(startTicks: 5, exe: "/bin/a", exeInode: 1)
        let first = table.index(of: 10, at: Self.window(100), in: &batch)
        table.source.forks += 1
        table.source.alive[10] = ScriptedProcesses.Process(startTicks: 101, exe: "/bin/b", exeInode: 2)
        _ = table.hear(upTo: Self.window(110))
        let second = table.index(of: 10, at: Self.window(110), in: &batch)
        #expect(batch.processes[Int(first.index)].exe == RawPath("/bin/a"))
        #expect(batch.processes[Int(second.index)].exe == RawPath("/bin/b"))
        // So many forks that the number may have been given out twice since the last reading.
        table.source.forks += 100
        table.source.alive[11] = ScriptedProcesses.Process(startTicks: 118, exe: "/bin/c", exeInode: 3)
        _ = table.hear(upTo: Self.window(120))
        let third = table.index(of: 11, at: Self.window(120), in: &batch)
        #expect(third.isUncertain)
        #expect(batch.processes[Int(third.index)].exe == nil)
    }

    /// Readings wait before they are resolved: what is counted then has happened behind them, and the number of a process that
    /// is gone may come round in the next, of which the count then tells nothing more.
    @Test func whatWasStartedWhileReadingsWaitedIsBehindThem() {
        var table = ProcessTable(source: ScriptedProcesses(), nextInstance: 1)
        var batch = Batch()
        table.source.now = 1_000_000_000
        table.source.forks += 200
        // Its process has gone by now; what it was is what its exec says.
        _ = table.hear(upTo: Self.window(100))
        #expect(table.index(of: 10, at: Self.window(100), in: &batch).isUncertain)
        _ = table.hear(upTo: Self.window(200))
        #expect(table.index(of: 10, at: Self.window(200), in: &batch).isUncertain)
        // Read after the count: nobody has been started since.
        table.source.alive[11] = ScriptedProcesses.Process(startTicks: 900, exe: "/bin/a", exeInode: 1)
        _ = table.hear(upTo: Self.window(2_000))
        let later = table.index(of: 11, at: Self.window(2_000), in: &batch)
        #expect(!later.isUncertain)
        #expect(batch.processes[Int(later.index)].exe == RawPath("/bin/a"))
    }

    @Test func aProcessYoungerThanTheEventIsNotItsActor() {
        var table = ProcessTable(source: ScriptedProcesses(), nextInstance: 1)
        table.source.alive[10] = ScriptedProcesses.Process(startTicks: 900, exe: "/bin/late", exeInode: 1)
        var batch = Batch()
        _ = table.index(of: 10, at: Self.window(100), in: &batch)
        #expect(batch.processes[0].exe == nil)
        #expect(batch.processes[0].start == nil)
    }

    @Test func anExecMakesANewImageOfTheSameInstance() {
        var table = ProcessTable(source: ScriptedProcesses(), nextInstance: 1)
        table.source.alive[10] = ScriptedProcesses.Process(startTicks: 5, exe: "/bin/sh", exeInode: 1)
        var batch = Batch()
        let before = table.index(of: 10, at: Self.window(100), in: &batch)
        let outcome = table.noteExec(
            pid: 10, at: Self.window(100), path: RawPath("/usr/bin/touch"), object: Self.file(2), in: &batch,
            executed: { _ in .program(interpreter: nil) })
        let after = table.index(of: 10, at: Self.window(110), in: &batch)
        #expect(outcome == .newImage)
        #expect(before.index != after.index)
        #expect(batch.processes.map(\.exe) == [RawPath("/bin/sh"), RawPath("/usr/bin/touch")])
        #expect(batch.processes.map(\.instance) == [1, 1])
        #expect(batch.processes[1].exeSource == .exec)
    }

    @Test func theLoaderOfAnImageIsNoImageOfItsOwn() {
        var table = ProcessTable(source: ScriptedProcesses(), nextInstance: 1)
        table.source.alive[10] = ScriptedProcesses.Process(startTicks: 5, exe: "/bin/sh", exeInode: 1)
        var batch = Batch()
        _ = table.index(of: 10, at: Self.window(100), in: &batch)
        let loader = Self.file(99)
        let first = table.noteExec(
            pid: 10, at: Self.window(100), path: RawPath("/usr/bin/touch"), object: Self.file(2), in: &batch,
            executed: { _ in .program(interpreter: .init(identity: loader, isForScript: false)) })
        let second = table.noteExec(
            pid: 10, at: Self.window(100), path: RawPath("/lib/ld.so"), object: loader, in: &batch,
            executed: { _ in .program(interpreter: nil) })
        let after = table.index(of: 10, at: Self.window(110), in: &batch)
        #expect(first == .newImage)
        #expect(second == .interpreter)
        #expect(batch.processes[Int(after.index)].exe == RawPath("/usr/bin/touch"))
    }

    /// In a container a path names another file than for the recorder; and what was deleted tells of no interpreter.
    @Test(arguments: loaders)
    func theLoaderOfAnotherRootIsNoImageOfItsOwn(
        expected: ProcessTable<ScriptedProcesses>.ExpectedInterpreter, name: String, isLoader: Bool
    ) {
        var table = ProcessTable(source: ScriptedProcesses(), nextInstance: 1)
        table.source.alive[10] = ScriptedProcesses.Process(startTicks: 5, exe: "/bin/sh", exeInode: 1)
        var batch = Batch()
        _ = table.index(of: 10, at: Self.window(100), in: &batch)
        _ = table.noteExec(
            pid: 10, at: Self.window(100), path: RawPath("/jail/bin/program"), object: Self.file(2), in: &batch,
            executed: { _ in .program(interpreter: expected) })
        let outcome = table.noteExec(
            pid: 10, at: Self.window(100), path: RawPath("/jail/lib/" + name), object: Self.file(3), in: &batch,
            executed: { _ in .program(interpreter: nil) })
        #expect(outcome == (isLoader ? .interpreter : .newImage))
        let after = table.index(of: 10, at: Self.window(110), in: &batch)
        #expect(
            batch.processes[Int(after.index)].exe == RawPath(isLoader ? "/jail/bin/program" : "/jail/lib/" + name))
    }

    @Test func aScriptIsNamedBesideItsInterpreter() {
        var table = ProcessTable(source: ScriptedProcesses(), nextInstance: 1)
        table.source.alive[10] = ScriptedProcesses.Process(startTicks: 5, exe: "/bin/sh", exeInode: 1)
        var batch = Batch()
        _ = table.index(of: 10, at: Self.window(100), in: &batch)
        let python = Self.file(50)
        _ = table.noteExec(
            pid: 10, at: Self.window(100), path: RawPath("/srv/job.py"), object: Self.file(2), in: &batch,
            executed: { _ in .program(interpreter: .init(identity: python, isForScript: true)) })
        let second = table.noteExec(
            pid: 10, at: Self.window(100), path: RawPath("/usr/bin/python3"), object: python, in: &batch,
            executed: { _ in .program(interpreter: nil) })
        let after = table.index(of: 10, at: Self.window(110), in: &batch)
        #expect(second == .interpreter)
        #expect(batch.processes[Int(after.index)].exe == RawPath("/usr/bin/python3"))
        #expect(batch.processes[Int(after.index)].script == RawPath("/srv/job.py"))
    }

    @Test func aNameThatProcGaveTooLateIsWithdrawn() {
        var table = ProcessTable(source: ScriptedProcesses(), nextInstance: 1)
        table.source.alive[1] = ScriptedProcesses.Process(startTicks: 1, exe: "/bin/bash", exeInode: 9)
        var child = ScriptedProcesses.Process(startTicks: 5, exe: "/usr/bin/touch", exeInode: 2)
        child.parentPID = 1
        table.source.alive[10] = child
        var batch = Batch()
        _ = table.index(of: 1, at: Self.window(90), in: &batch)
        // The child's first record is from before its exec, but /proc already shows the image after it.
        let early = table.index(of: 10, at: Self.window(100), in: &batch)
        _ = table.noteExec(
            pid: 10, at: Self.window(100), path: RawPath("/usr/bin/touch"), object: Self.file(2), in: &batch,
            executed: { _ in .program(interpreter: nil) })
        #expect(batch.processes[Int(early.index)].exe == RawPath("/bin/bash"))
        #expect(batch.processes[Int(early.index)].exeSource == .inherited)
    }

    // MARK: Support

    /// What is expected, the file that is opened next, and whether it is a loader.
    private static let loaders: [(ProcessTable<ScriptedProcesses>.ExpectedInterpreter, String, Bool)] = {
        let glibc = Array("ld-linux-x86-64.so.2".utf8)
        return [
            (.init(identity: nil, isForScript: false, name: glibc), "ld-linux-x86-64.so.2", true),
            (.init(identity: file(99), isForScript: false, name: glibc), "ld-2.31.so", true),
            (.init(identity: file(99), isForScript: false, name: glibc), "libc.musl-x86_64.so.1", true),
            (.init(identity: file(99), isForScript: false, name: glibc), "touch", false),
            (.unread, "ld-linux-x86-64.so.2", true),
            (.unread, "ld", false),
            (.unread, "dash", false),
            (.init(identity: file(99), isForScript: true, name: glibc), "ld-2.31.so", false),
        ]
    }()

    private static func instance(of pid: Int32, in table: inout ProcessTable<ScriptedProcesses>) -> UInt64 {
        var batch = Batch()
        let found = table.index(of: pid, at: window(100), in: &batch)
        return batch.processes[Int(found.index)].instance
    }

    private static func window(_ milliseconds: Int64) -> TimeWindow {
        let time = Instant(nanosecondsSinceEpoch: milliseconds * 1_000_000)
        return TimeWindow(earliest: time, time: time, clockOffsetNanoseconds: 0)
    }

    private static func file(_ inode: UInt64) -> FileIdentity {
        FileIdentity(filesystem: FilesystemID(rawValue: 1), inode: inode, generation: 0)
    }
}

/// Processes as a test wants them; one clock tick is one millisecond since the epoch.
struct ScriptedProcesses: ProcessSource {
    struct Process {
        var startTicks: UInt64
        var exe: String
        var exeInode: UInt64
        var parentPID: Int32 = 0
        var uid: UInt32?
        var controlGroup: String?
    }

    var alive: [Int32: Process] = [:]
    var forks: UInt64 = 0
    /// In nanoseconds of CLOCK_MONOTONIC.
    var now = Int64.min
    var lookUps = 0
    var forksUntilReuse: UInt64 { 100 }

    mutating func follow(_: TimeWindow) {}

    mutating func identity(of pid: Int32) -> ProcessIdentity? {
        lookUps += 1
        return alive[pid].map(Self.identity)
    }

    mutating func describe(
        _ process: inout ActorProcess, including exe: Bool, where isWanted: (UInt64?) -> Bool
    ) -> ProcessSighting? {
        lookUps += 1
        guard let found = alive[process.pid], isWanted(found.exeInode) else { return nil }
        if exe { process.exe = RawPath(found.exe) }
        process.parentPID = found.parentPID
        process.uid = found.uid
        process.gid = found.uid
        process.controlGroup = found.controlGroup.map { RawPath($0) }
        return ProcessSighting(identity: Self.identity(found), exeInode: found.exeInode)
    }

    mutating func ids(of pid: Int32) -> (user: ProcessIDs, group: ProcessIDs)? {
        guard let uid = alive[pid]?.uid else { return nil }
        return (ProcessIDs(real: uid, effective: uid), ProcessIDs(real: uid, effective: uid))
    }

    private static func identity(_ process: Process) -> ProcessIdentity {
        ProcessIdentity(
            startTicks: process.startTicks,
            start: Instant(nanosecondsSinceEpoch: Int64(process.startTicks) * 1_000_000),
            parentPID: process.parentPID, isZombie: false)
    }

    func startMoment(monotonic: Int64) -> Instant {
        Instant(nanosecondsSinceEpoch: monotonic / 1_000_000 * 1_000_000)
    }

    mutating func forkCount() -> ForkCount? { ForkCount(count: forks, moment: now) }
}
