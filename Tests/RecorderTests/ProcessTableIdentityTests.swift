import Block
import Model
import Syscalls
import Testing

@testable import Recorder

/// What is looked up in `/proc` beside what is told, and whose ids an event has.
extension ProcessTableLivesTests {
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
}
