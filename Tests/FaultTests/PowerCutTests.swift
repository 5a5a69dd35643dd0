import Model
import TestSupport
import Testing

/// A machine that loses its power while recording.
extension Faults {
    @Suite struct PowerCut {
        /// The store's filesystem lives in an image file; a copy of that file, taken while everything runs, is what a
        /// disk holds at the moment of a cut: what the filesystem has not yet written is not in it.
        @Test(Privilege.required, .timeLimit(.minutes(4)), arguments: [FilesystemKind.ext4, .xfs, .btrfs])
        func whatTheLastSyncIntervalCoveredIsThere(storeOn kind: FilesystemKind) throws {
            let scene = try Scene(.tmpfs, startsRecorder: false, storeKind: kind)
            defer { scene.close() }
            try scene.startRecorder(options: ["--commit-interval", "50ms", "--sync-interval", "500ms"])
            for round in 0..<4 {
                var script = WorkloadScript()
                script.add("mkdir", "r\(round)")
                script.add("storm", "r\(round)", "400", "1")
                _ = try scene.perform([script])
                try scene.sync()
            }
            let committed = try scene.varve(["events", "-o", "jsonl"]).output
            let last = try #require(try ReportedEvent.list(committed).last).seq
            // Several sync intervals later, with the recorder still at work.
            pause(milliseconds: 3_000)
            var script = WorkloadScript()
            script.add("mkdir", "during")
            script.add("storm", "during", "4000", "6")
            let workload = try scene.startWorkload([script])
            let cut = try scene.cutOffStore()
            _ = try workload.wait()

            let verify = try run(BuiltPrograms.varve, ["verify", "--store", cut])
            #expect(verify.status == 0, "\(verify.outputText)\(verify.errorText)")
            let answer = try run(BuiltPrograms.varve, ["events", "-o", "jsonl", "--accept-gaps", "--store", cut])
            let events = try ReportedEvent.list(answer.output)
            #expect(events.last?.seq ?? 0 >= last)
            #expect(answer.output.starts(with: committed), "what was confirmed has not changed")

            // The next boot: another boot id than the one the run was made under.
            try scene.forgetBoot(inStoreAt: cut)
            try scene.startRecorder(store: cut)
            try scene.sync()
            let gap = try #require(try scene.gaps().first { $0.type == "power_loss" })
            #expect(gap.from < gap.to)
            #expect(try run(BuiltPrograms.varve, ["events", "--store", cut]).status == 3)
        }
    }
}
