import Block
import Model
import Syscalls
import Testing

@testable import Recorder

/// The process table where forks, execs and ends are told. Moments are milliseconds, for both clocks.
@Suite struct ProcessTableLivesTests {
    let witness: ProcessWitness
    var table: ProcessTable<ScriptedProcesses>
    var batch = Batch()

    init() throws {
        witness = try ProcessWitness(connector: nil, knownSince: 0)
        table = ProcessTable(source: ScriptedProcesses(), nextInstance: 1, witness: witness)
        // A shell that was there before.
        table.source.alive[5] = ScriptedProcesses.Process(startTicks: 1, exe: "/bin/bash", exeInode: 9)
    }

    @Test mutating func theDeadWithoutExecHaveTheirParentsProgram() {
        fork(10, by: 5, at: 100)
        end(10, at: 101)
        let process = actor(10, 99...110)
        #expect(process.exe == RawPath("/bin/bash"))
        #expect(process.exeSource == .inherited)
        #expect(process.parentPID == 5)
        #expect(process.parentSource == .connector)
        #expect(process.start == Instant(nanosecondsSinceEpoch: 100_000_000))
        let parent = batch.processes.first { $0.pid == 5 }
        #expect(process.parentInstance == parent?.instance)
        #expect(batch.facts.isEmpty)
        table.addFacts(to: &batch)
        #expect(batch.facts.map(\.kind) == [.exited])
        #expect(batch.facts.first?.moment == Instant(nanosecondsSinceEpoch: 101_000_000))
    }

    @Test mutating func grandchildrenInheritThroughTheDead() {
        fork(10, by: 5, at: 100)
        fork(11, by: 10, at: 101)
        fork(12, by: 11, at: 102)
        for pid in [10, 11, 12] as [Int32] { end(pid, at: 103) }
        let process = actor(12, 99...110)
        #expect(process.exe == RawPath("/bin/bash"))
        #expect(batch.processes.map(\.pid).sorted() == [5, 10, 11, 12])
    }

    @Test mutating func aChildHasTheProgramItsParentHadAtTheFork() {
        fork(10, by: 5, at: 100)
        exec(10, "/bin/sh", 2, announced: 99...101, done: 101)
        fork(11, by: 10, at: 110)
        // The parent goes on to another program, and its record is read before any of the child's.
        exec(10, "/bin/late", 3, announced: 110...112, done: 112)
        fork(12, by: 10, at: 120)
        #expect(actor(11, 109...130).exe == RawPath("/bin/sh"))
        #expect(actor(12, 109...130).exe == RawPath("/bin/late"))
        #expect(actor(10, 109...130).exe == RawPath("/bin/late"))
    }

    @Test mutating func aProgramThatNoRecordTellsOfIsNotGuessed() {
        fork(10, by: 5, at: 100)
        // From a filesystem that is not marked.
        tell(10, .exec, at: 101)
        fork(11, by: 10, at: 110)
        end(10, at: 111)
        end(11, at: 111)
        #expect(actor(11, 109...120).exe == nil)
        #expect(actor(10, 105...120).exe == nil)
        #expect(actor(10, 105...120).parentPID == 5)
    }

    @Test mutating func anExecThatWasOnlyAnnouncedDoesNotCountForChildren() {
        fork(10, by: 5, at: 100)
        announce(10, "/bin/never", 2, 99...101)
        fork(11, by: 10, at: 110)
        #expect(actor(11, 109...120).exe == nil)
    }

    /// Too many arguments, or a program for another machine: the file is opened for the exec, which then fails.
    @Test mutating func anExecThatFailedChangesNothing() {
        fork(10, by: 5, at: 100)
        _ = actor(10, 99...101)
        announce(10, "/usr/sbin/trusted", 2, 102...103)
        #expect(actor(10, 104...105).exe == RawPath("/bin/bash"))
        // All that follows is heard before the first record is looked at.
        tell(10, .exec, at: 112)
        announce(10, "/usr/sbin/trusted", 2, 106...107)
        #expect(actor(10, 108...109).exe == RawPath("/bin/bash"))
        announce(10, "/usr/bin/true", 3, 110...111)
        #expect(actor(10, 113...114).exe == RawPath("/usr/bin/true"))
        announce(10, "/usr/sbin/trusted", 2, 115...116)
        #expect(actor(10, 117...118).exe == RawPath("/usr/bin/true"))
    }

    @Test mutating func whatIsReadWhileAProgramIsStartedDoesNotTakeItBack() {
        fork(10, by: 5, at: 100)
        _ = actor(10, 99...101)
        announce(10, "/usr/bin/true", 2, 102...103)
        _ = table.hear(upTo: window(103...104))
        _ = table.index(of: 10, at: window(103...104), isChange: false, in: &batch)
        tell(10, .exec, at: 105)
        #expect(actor(10, 106...107).exe == RawPath("/usr/bin/true"))
    }

    @Test mutating func whichOfTwoExecsWasTheOneThatWasDoneIsNotGuessed() {
        fork(10, by: 5, at: 100)
        _ = actor(10, 99...101)
        tell(10, .exec, at: 105)
        announce(10, "/usr/bin/true", 2, 102...110)
        announce(10, "/usr/sbin/trusted", 3, 102...110)
        #expect(actor(10, 102...110).exe == nil)
    }

    @Test mutating func theInterpreterOfAScriptOfAnotherRootIsTheProgram() {
        fork(10, by: 5, at: 100)
        _ = actor(10, 99...101)
        tell(10, .exec, at: 105)
        announce(10, "/jail/script", 2, 102...110, interpreter: .init(identity: nil, isForScript: true))
        announce(10, "/jail/bin/dash", 3, 102...110)
        #expect(actor(10, 102...110).exe == RawPath("/jail/bin/dash"))
    }

    /// Whoever names the process for its interpreter's record would make the script a program that it never ran.
    @Test mutating func theInterpreterOfAScriptIsKnownBeforeTheProcessIsNamed() {
        fork(10, by: 5, at: 100)
        _ = actor(10, 99...101)
        tell(10, .exec, at: 104)
        announce(
            10, "/srv/job", 2, 101...102, interpreter: .init(identity: Self.file(3), isForScript: true))
        for (inode, isInterpreter) in [(3, true), (4, false)] as [(UInt64, Bool)] {
            let isAwaited = table.awaitsInterpreter(
                10, object: Self.file(inode), at: RawPath("/bin/dash"), window: window(102...103), in: &batch)
            #expect(isAwaited == isInterpreter)
        }
        let outcome = table.noteExec(
            pid: 10, at: window(102...103), path: RawPath("/bin/dash"), object: Self.file(3), in: &batch,
            executed: { _ in .program(interpreter: nil) })
        #expect(outcome == .interpreter)
        let process = actor(10, 104...105)
        #expect(process.exe == RawPath("/bin/dash") && process.script == RawPath("/srv/job"))
        #expect(batch.processes.filter { $0.pid == 10 }.map(\.exe) == [RawPath("/bin/bash"), RawPath("/bin/dash")])
    }

    @Test mutating func aFileThatIsNoProgramChangesNothing() {
        fork(10, by: 5, at: 100)
        _ = actor(10, 99...101)
        let outcome = table.noteExec(
            pid: 10, at: window(101...102), path: RawPath("/srv/script-without-a-first-line"),
            object: Self.file(2), in: &batch, executed: { _ in .noProgram })
        #expect(outcome == .noImage)
        #expect(actor(10, 102...103).exe == RawPath("/bin/bash"))
    }

    @Test mutating func aPidGivenOutAgainIsAnotherInstance() {
        fork(10, by: 5, at: 100)
        end(10, at: 101)
        let first = actor(10, 99...101)
        fork(10, by: 5, at: 103)
        exec(10, "/usr/bin/cp", 2, announced: 103...104, done: 104)
        let second = actor(10, 103...105)
        #expect(first.instance != second.instance)
        #expect(second.exe == RawPath("/usr/bin/cp"))
    }

    @Test mutating func whatIsHeardEarlyDoesNotChangeWhoDidIt() {
        // Read late: all of it was said before the first record is looked at.
        fork(10, by: 5, at: 100)
        end(10, at: 101)
        fork(10, by: 5, at: 103)
        exec(10, "/usr/bin/cp", 2, announced: 103...104, done: 104, isLater: true)
        let first = actor(10, 99...102)
        #expect(actor(10, 99...102) == first)
        announce(10, "/usr/bin/cp", 2, 103...105)
        let second = actor(10, 103...105)
        #expect(first.exe == RawPath("/bin/bash"))
        #expect(second.exe == RawPath("/usr/bin/cp"))
        #expect(first.instance != second.instance)
    }

    @Test mutating func anExecInTheWindowOfTwoLivesIsThatOfTheOneThatMadeOne() {
        fork(10, by: 5, at: 100)
        exec(10, "/usr/bin/cp", 2, announced: 100...101, done: 101)
        end(10, at: 103)
        fork(10, by: 5, at: 104)
        exec(10, "/usr/bin/mv", 3, announced: 102...106, done: 105)
        #expect(actor(10, 102...106).exe == RawPath("/usr/bin/mv"))
    }

    @Test mutating func anExecOfEitherOfTwoLivesNamesNeither() {
        fork(10, by: 5, at: 100)
        tell(10, .exec, at: 101)
        end(10, at: 103)
        fork(10, by: 5, at: 104)
        tell(10, .exec, at: 105)
        // The first one's record, then the second's; the kernel opens the interpreter for each in turn.
        announce(10, "/usr/bin/cp", 2, 99...106)
        announce(10, "/lib/ld.so", 4, 99...106)
        announce(10, "/lib/ld.so", 4, 104...107)
        #expect(actor(10, 106...107).exe == nil)
    }

    @Test mutating func twoLivesInOneWindowLendNoName() {
        fork(10, by: 5, at: 100)
        end(10, at: 101)
        fork(10, by: 5, at: 102)
        end(10, at: 103)
        let found = table.index(of: 10, at: window(99...110), in: &batch)
        #expect(found.isUncertain)
        let process = batch.processes[Int(found.index)]
        #expect(process.exe == nil && process.parentPID == nil && process.start == nil)
        // Another window is another doubt.
        fork(10, by: 5, at: 111)
        end(10, at: 112)
        fork(10, by: 5, at: 113)
        let next = table.index(of: 10, at: window(110...120), in: &batch)
        #expect(batch.processes[Int(next.index)].instance != process.instance)
    }

    @Test mutating func theTableStaysSmallInAForkStorm() {
        for number in 0..<20_000 {
            let pid = Int32(1_000 + number % 30_000)
            let moment = Int64(1_000 + number)
            fork(pid, by: 5, at: moment)
            #expect(actor(pid, moment...moment).exe == RawPath("/bin/bash"))
            end(pid, at: moment)
            if number % 500 == 499 {
                table.beginBatch()
                batch = Batch()
                #expect(table.entries.count <= ProcessTable<ScriptedProcesses>.maximumEntryCount)
            }
        }
    }

    // MARK: Support

    func tell(_ pid: Int32, _ kind: ProcessNotice.Kind, at moment: Int64) {
        witness.tell(ProcessNotice(pid: pid, kind: kind, moment: moment * 1_000_000))
    }

    func fork(_ pid: Int32, by parent: Int32, at moment: Int64) {
        tell(pid, .fork(parentPID: parent), at: moment)
    }

    func end(_ pid: Int32, at moment: Int64) {
        tell(pid, .exit(status: 0), at: moment)
    }

    mutating func exec(
        _ pid: Int32, _ path: String, _ inode: UInt64, announced: ClosedRange<Int64>, done: Int64,
        isLater: Bool = false
    ) {
        tell(pid, .exec, at: done)
        if isLater { return }
        announce(pid, path, inode, announced)
    }

    mutating func announce(
        _ pid: Int32, _ path: String, _ inode: UInt64, _ range: ClosedRange<Int64>,
        interpreter: ProcessTable<ScriptedProcesses>.ExpectedInterpreter? = nil
    ) {
        guard table.meet(pid, at: window(range), in: &batch) else { return }
        let outcome = table.noteExec(
            pid: pid, at: window(range), path: RawPath(path), object: Self.file(inode), in: &batch,
            executed: { _ in
                // What the loader itself is run by, nobody knows.
                .program(
                    interpreter: interpreter
                        ?? (path == "/lib/ld.so" ? nil : .init(identity: Self.file(99), isForScript: false)))
            })
        #expect(outcome == .newImage)
    }

    /// The shell with everything that is inherited from it.
    mutating func knowTheShell() {
        table.source.alive[5]?.uid = 1_000
        table.source.alive[5]?.controlGroup = "/outer"
        _ = actor(5, 90...91)
    }

    mutating func actor(_ pid: Int32, _ range: ClosedRange<Int64>) -> ActorProcess {
        _ = table.hear(upTo: window(range))
        let found = table.index(of: pid, at: window(range), in: &batch)
        return batch.processes[Int(found.index)]
    }

    func window(_ range: ClosedRange<Int64>) -> TimeWindow {
        TimeWindow(
            earliest: Instant(nanosecondsSinceEpoch: range.lowerBound * 1_000_000),
            time: Instant(nanosecondsSinceEpoch: range.upperBound * 1_000_000), clockOffsetNanoseconds: 0)
    }

    static func file(_ inode: UInt64) -> FileIdentity {
        FileIdentity(filesystem: FilesystemID(rawValue: 1), inode: inode, generation: 0)
    }
}
