import Model
import TestSupport
import Testing

/// Who can read a store, from where, in which state.
extension EndToEnd {
    @Suite struct Readers {
        /// A recorder with some events, and the answer that every reader must give.
        private func recorded() throws -> (scene: Scene, answer: [UInt8]) {
            let scene = try Scene(.ext4)
            var generator = SeededGenerator(seed: 3)
            _ = try scene.perform([WorkloadScript.random(in: "work", operationCount: 300, using: &generator)])
            try scene.sync()
            return (scene, try scene.varve(["events", "-o", "jsonl"]).output)
        }

        @Test(Privilege.required) func aGroupMemberReadsWithoutWritePermission() throws {
            let (scene, answer) = try recorded()
            defer { scene.close() }
            try scene.giveStoreToUnprivilegedGroup()
            let program = try scene.publicCopy(of: BuiltPrograms.varve)
            func ask() throws -> CommandResult {
                try scene.runUnprivileged(program, ["events", "-o", "jsonl", "--store", scene.store])
            }
            let live = try ask()
            #expect(live.status == 0, "\(live.errorText)")
            #expect(live.output == answer)
            #expect(try scene.stopRecorder() == 0)
            let stopped = try ask()
            #expect(stopped.status == 0, "\(stopped.errorText)")
            #expect(stopped.output == answer)
        }

        @Test(Privilege.required) func aStrangerIsRefused() throws {
            let (scene, _) = try recorded()
            defer { scene.close() }
            let program = try scene.publicCopy(of: BuiltPrograms.varve)
            let result = try scene.runUnprivileged(program, ["events", "--store", scene.store])
            #expect(result.status == 4)
            #expect(result.errorText.contains("ermission"))
        }

        @Test(Privilege.required) func everythingCommittedIsReadableAfterAKill() throws {
            let (scene, answer) = try recorded()
            defer { scene.close() }
            try scene.killRecorder()
            #expect(try scene.varve(["events", "-o", "jsonl", "--accept-gaps"]).output == answer)
            #expect(try scene.varve(["verify"]).status == 0)
            try scene.giveStoreToUnprivilegedGroup()
            let program = try scene.publicCopy(of: BuiltPrograms.varve)
            let other = try scene.runUnprivileged(
                program, ["events", "-o", "jsonl", "--accept-gaps", "--store", scene.store])
            #expect(other.output == answer, "\(other.errorText)")
        }

        @Test(Privilege.required, arguments: [true, false])
        func aCopyWithoutSharedMemoryIsReadable(afterKill: Bool) throws {
            let (scene, answer) = try recorded()
            defer { scene.close() }
            if afterKill { try scene.killRecorder() } else { #expect(try scene.stopRecorder() == 0) }
            let copy = try scene.copyStore(leavingOut: ["varve.db-shm", "varved.sock"])
            let result = try run(
                BuiltPrograms.varve, ["events", "-o", "jsonl", "--accept-gaps", "--store", copy])
            #expect(result.output == answer, "\(result.errorText)")
            // The same for somebody who may write neither the files nor the directory.
            let program = try scene.publicCopy(of: BuiltPrograms.varve)
            try runSuccessfully("/bin/chmod", ["-R", "a+rX,a-w", copy])
            let stranger = try scene.runUnprivileged(
                program, ["events", "-o", "jsonl", "--accept-gaps", "--store", copy])
            #expect(stranger.output == answer, "\(stranger.errorText)")
        }

        @Test(Privilege.required, arguments: [true, false])
        func readOnlyMediaAreReadable(afterKill: Bool) throws {
            let (scene, answer) = try recorded()
            defer { scene.close() }
            if afterKill { try scene.killRecorder() } else { #expect(try scene.stopRecorder() == 0) }
            let media = try scene.storeOnReadOnlyMedia()
            let result = try run(
                BuiltPrograms.varve, ["events", "-o", "jsonl", "--accept-gaps", "--store", media])
            #expect(result.output == answer, "\(result.errorText)")
            #expect(try run(BuiltPrograms.varve, ["verify", "--store", media]).status == 0)
        }
    }
}
