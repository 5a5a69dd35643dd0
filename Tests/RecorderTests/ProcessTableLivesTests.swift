import Block
import Model
import Syscalls
import Testing

@testable import Recorder

/// The process table where forks, execs and ends are told. Moments are milliseconds, for both clocks.
@Suite struct ProcessTableLivesTests {
    private let witness: ProcessWitness
    private var table: ProcessTable<ScriptedProcesses>
    private var batch = Batch()

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

    @Test mutating func whatProcSaysOfALaterProgramIsNotTaken() {
        fork(10, by: 6, at: 100)
        table.source.alive[10] = ScriptedProcesses.Process(startTicks: 100, exe: "/bin/true", exeInode: 2)
        tell(10, .exec, at: 105)
        // The record stands before the exec's; nothing is known of the parent.
        let process = actor(10, 99...110)
        #expect(process.exe == nil)
        #expect(process.identitySource == .proc)
        #expect(process.parentPID == 6)
    }

    @Test mutating func idsFollowTheirChanges() {
        fork(10, by: 5, at: 100)
        let before = table.index(of: 10, at: window(99...101), in: &batch)
        tell(10, .userIDs(real: 0, effective: 33), at: 102)
        _ = table.hear(upTo: window(101...103))
        table.beginBatch()
        batch = Batch()
        let after = actor(10, 103...104)
        #expect(after.uid == 33)
        #expect(after.realUID == 0)
        fork(11, by: 10, at: 105)
        end(11, at: 106)
        #expect(actor(11, 104...107).uid == 33)
        #expect(!before.isUncertain)
    }

    /// Rights are given up between the event and the look at `/proc`.
    @Test mutating func idsAreThoseOfTheEventAndNotOfTheLook() {
        table.source.alive[5]?.uid = 0
        _ = actor(5, 90...91)
        fork(10, by: 5, at: 100)
        table.source.alive[10] = ScriptedProcesses.Process(startTicks: 100, exe: "/bin/bash", exeInode: 9, uid: 44)
        tell(10, .userIDs(real: 33, effective: 33), at: 110)
        tell(10, .userIDs(real: 44, effective: 44), at: 130)
        #expect(actor(10, 101...102).uid == 0)
        #expect(actor(10, 115...116).uid == 33)
        #expect(actor(10, 131...132).uid == 44)
        // Nobody knows what one that was there before has been.
        table.source.alive[6] = ScriptedProcesses.Process(startTicks: 1, exe: "/sbin/daemon", exeInode: 8, uid: 33)
        tell(6, .userIDs(real: 33, effective: 33), at: 140)
        let daemon = actor(6, 133...134)
        #expect(daemon.exe == RawPath("/sbin/daemon"))
        #expect(daemon.uid == nil)
        #expect(actor(6, 141...142).uid == 33)
    }

    @Test mutating func aChangeOfIDsWithinTheWindowIsNotGuessed() {
        table.source.alive[5]?.uid = 0
        _ = actor(5, 90...91)
        fork(10, by: 5, at: 100)
        tell(10, .userIDs(real: 33, effective: 33), at: 105)
        #expect(actor(10, 101...109).uid == nil)
        #expect(actor(10, 110...111).uid == 33)
        // What is done after an exec is done after the change before it.
        fork(11, by: 5, at: 120)
        tell(11, .userIDs(real: 33, effective: 33), at: 125)
        exec(11, "/bin/true", 2, announced: 121...129, done: 127)
        #expect(actor(11, 121...129).uid == 33)
    }

    @Test func idsFromBeforeWhatIsRememberedAreNotKnown() {
        var changes = IDChanges()
        let first = ProcessIDs(real: 0, effective: 0)
        for number in 1...UInt32(IDChanges.maximumCount) {
            changes.add(ProcessIDs(real: number, effective: number), at: Int64(number) * 10)
        }
        #expect(changes.ids(from: 1, to: 2, first: first) == first)
        changes.add(first, at: 1_000)
        #expect(changes.ids(from: 1, to: 2, first: first) == nil)
        #expect(changes.ids(from: 21, to: 29, first: first) == ProcessIDs(real: 2, effective: 2))
    }

    @Test mutating func whoIsAboutToRunAProgramIsLookedAtOnceAndThatIsWhenItRuns() {
        knowTheShell()
        fork(10, by: 5, at: 100)
        table.source.alive[10] = ScriptedProcesses.Process(
            startTicks: 100, exe: "/usr/bin/touch", exeInode: 2, uid: 1_000, controlGroup: "/inner")
        let before = table.source.lookUps
        announce(10, "/usr/bin/touch", 2, 100...101)
        table.describeNewImages(in: &batch)
        // The exec has not been heard to be done.
        #expect(table.source.lookUps == before)
        tell(10, .exec, at: 101)
        table.describeNewImages(in: &batch)
        #expect(table.source.lookUps == before + 1)
        let process = actor(10, 101...102)
        #expect(table.source.lookUps == before + 1)
        #expect(process.exe == RawPath("/usr/bin/touch"))
        #expect(process.controlGroup == RawPath("/inner"))
        #expect(process.identitySource == .proc)
    }

    @Test mutating func whoWasGoneBeforeTheLookHasWhatItsParentHad() {
        knowTheShell()
        fork(10, by: 5, at: 100)
        exec(10, "/usr/bin/touch", 2, announced: 100...101, done: 101)
        end(10, at: 102)
        table.describeNewImages(in: &batch)
        let process = actor(10, 101...102)
        #expect(process.exe == RawPath("/usr/bin/touch"))
        #expect(process.uid == 1_000)
        #expect(process.controlGroup == RawPath("/outer"))
        #expect(process.identitySource == .inherited)
    }

    @Test mutating func whoseExecFailedIsLookedAtWithItsNextEvent() {
        knowTheShell()
        fork(10, by: 5, at: 100)
        table.source.alive[10] = ScriptedProcesses.Process(
            startTicks: 100, exe: "/bin/bash", exeInode: 9, uid: 1_000, controlGroup: "/inner")
        _ = table.meet(10, at: window(100...101), in: &batch)
        let outcome = table.noteExec(
            pid: 10, at: window(100...101), path: RawPath("/srv/notes"), object: Self.file(2), in: &batch,
            executed: { _ in .noProgram })
        #expect(outcome == .noImage)
        let process = actor(10, 101...102)
        #expect(process.exe == RawPath("/bin/bash"))
        #expect(process.controlGroup == RawPath("/inner"))
    }

    @Test mutating func afterALossAProcessIsKnownByItsStartTime() {
        fork(10, by: 5, at: 100)
        table.source.alive[10] = ScriptedProcesses.Process(startTicks: 100, exe: "/bin/bash", exeInode: 9)
        let before = actor(10, 99...101)
        witness.lose(from: 110_000_000, to: 120_000_000)
        #expect(table.hear(upTo: window(101...121))?.from == 110_000_000)
        table.beginBatch()
        batch = Batch()
        #expect(actor(10, 121...122).instance == before.instance)
        // Somebody else has the pid by then.
        table.source.alive[5] = ScriptedProcesses.Process(startTicks: 115, exe: "/bin/other", exeInode: 10)
        #expect(actor(5, 121...122).exe == RawPath("/bin/other"))
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

    private func tell(_ pid: Int32, _ kind: ProcessNotice.Kind, at moment: Int64) {
        witness.tell(ProcessNotice(pid: pid, kind: kind, moment: moment * 1_000_000))
    }

    private func fork(_ pid: Int32, by parent: Int32, at moment: Int64) {
        tell(pid, .fork(parentPID: parent), at: moment)
    }

    private func end(_ pid: Int32, at moment: Int64) {
        tell(pid, .exit(status: 0), at: moment)
    }

    private mutating func exec(
        _ pid: Int32, _ path: String, _ inode: UInt64, announced: ClosedRange<Int64>, done: Int64,
        isLater: Bool = false
    ) {
        tell(pid, .exec, at: done)
        if isLater { return }
        announce(pid, path, inode, announced)
    }

    private mutating func announce(
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
    private mutating func knowTheShell() {
        table.source.alive[5]?.uid = 1_000
        table.source.alive[5]?.controlGroup = "/outer"
        _ = actor(5, 90...91)
    }

    private mutating func actor(_ pid: Int32, _ range: ClosedRange<Int64>) -> ActorProcess {
        _ = table.hear(upTo: window(range))
        let found = table.index(of: pid, at: window(range), in: &batch)
        return batch.processes[Int(found.index)]
    }

    private func window(_ range: ClosedRange<Int64>) -> TimeWindow {
        TimeWindow(
            earliest: Instant(nanosecondsSinceEpoch: range.lowerBound * 1_000_000),
            time: Instant(nanosecondsSinceEpoch: range.upperBound * 1_000_000), clockOffsetNanoseconds: 0)
    }

    private static func file(_ inode: UInt64) -> FileIdentity {
        FileIdentity(filesystem: FilesystemID(rawValue: 1), inode: inode, generation: 0)
    }
}
