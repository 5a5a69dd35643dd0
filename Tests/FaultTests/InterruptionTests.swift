import Model
import TestSupport
import Testing

/// A recorder that is stopped, killed or restarted.
extension Faults {
    @Suite struct Interruption {
        @Test(Privilege.required, .timeLimit(.minutes(3)), arguments: FilesystemKind.allCases)
        func aBurstWhileTheRecorderIsStoppedIsMergedButNotLost(on kind: FilesystemKind) throws {
            let scene = try Scene(kind)
            defer { scene.close() }
            var scripts: [WorkloadScript] = []
            for worker in 0..<3 {
                var script = WorkloadScript()
                script.add("mkdir", "w\(worker)")
                script.add("storm", "w\(worker)", "1500", "3")
                script.add("rmtree", "w\(worker)")
                scripts.append(script)
            }
            try scene.pauseRecorder()
            let truth = try scene.perform(scripts)
            try scene.resumeRecorder()
            try truth.expectAgreement(with: scene.events())
            // The process connector tells of the whole machine: what other tests start in the meantime may fill its buffer.
            try scene.expectNoGaps(besides: "process_events_lost")
        }

        @Test(Privilege.required, .timeLimit(.minutes(3)))
        func aKillLosesAtMostAnIntervalAndSaysSo() throws {
            let scene = try Scene(.ext4)
            defer { scene.close() }
            var first = WorkloadScript()
            for number in 0..<200 { first.add("create", "before-\(number)", "1") }
            let truth = try scene.perform([first])
            try scene.sync()
            let last = try #require(try scene.events().last)
            try scene.killRecorder()
            var unseen = WorkloadScript()
            unseen.add("create", "unseen", "1")
            _ = try scene.perform([unseen])

            try truth.expectAgreement(with: scene.events(syncing: false))
            #expect(try scene.varve(["verify"]).status == 0)
            try scene.startRecorder()
            var second = WorkloadScript()
            second.add("create", "after", "1")
            var both = truth
            both.add(try scene.perform([second]))
            try both.expectAgreement(with: scene.events())

            let gap = try #require(try scene.gaps().first { $0.type == "recorder_down" })
            #expect(gap.from >= last.time, "nothing before the last commit is doubted")
            #expect(gap.from < gap.to)
            let across = try scene.varve(["events"])
            #expect(across.status == 3)
            #expect(across.errorText.contains("recorder_down"))
            // Numbers go on where they stopped.
            let numbers = try scene.events().map(\.seq)
            #expect(zip(numbers, numbers.dropFirst()).allSatisfy { $0 + 1 == $1 })
        }

        @Test(Privilege.required, .timeLimit(.minutes(2)))
        func aStoreThatIsRemovedEndsTheRecorderWithTheReason() throws {
            let scene = try Scene(.tmpfs)
            defer { scene.close() }
            try scene.sync()
            try runSuccessfully("rm", ["-rf", scene.store])
            let end = try scene.waitForRecorderToEnd(timeoutSeconds: 30)
            #expect(end.status == 73)
            #expect(end.text.contains("removed") && end.text.contains(scene.store), "\(end.text)")
        }

        @Test(Privilege.required, .timeLimit(.minutes(2)))
        func aLogThatWasCutIsNoEmptyAnswer() throws {
            let scene = try Scene(.tmpfs)
            defer { scene.close() }
            var script = WorkloadScript()
            for number in 0..<50 { script.add("create", "file-\(number)", "1") }
            _ = try scene.perform([script])
            try scene.sync()
            let count = try scene.events().count
            // Longer than the time between two signs of life.
            pause(milliseconds: 9_000)
            try scene.killRecorder()
            #expect(try scene.events(syncing: false).count == count)
            try runSuccessfully("truncate", ["-s", "100", scene.store + "/varve.db-wal"])
            let answer = try scene.varve(["events", "-o", "jsonl"])
            #expect(answer.status == 3)
            #expect(answer.errorText.contains("-wal"), "\(answer.errorText)")
            let gap = try #require(try scene.gaps().last { $0.type == "batch_dropped" })
            #expect(gap.count ?? 0 >= count)
        }

        @Test(Privilege.required, .timeLimit(.minutes(5)))
        func killedAtAnyMomentTheStoreIsWhole() throws {
            let seed = UInt64.random(in: 0...UInt64.max)
            print("seed \(seed)")
            var generator = SeededGenerator(seed: seed)
            let scene = try Scene(.ext4, options: ["--commit-interval", "20ms"])
            defer { scene.close() }
            var confirmed: UInt64 = 0
            for round in 0..<8 {
                var script = WorkloadScript()
                script.add("mkdir", "r\(round)")
                script.add("storm", "r\(round)", "2000", "2")
                let workload = try scene.startWorkload([script])
                pause(milliseconds: Int.random(in: 20..<600, using: &generator))
                try scene.killRecorder()
                _ = try workload.wait()
                let verify = try scene.varve(["verify"])
                #expect(verify.status == 0, "round \(round): \(verify.outputText)\(verify.errorText)")
                let numbers = try scene.events(syncing: false).map(\.seq)
                #expect(zip(numbers, numbers.dropFirst()).allSatisfy { $0 + 1 == $1 }, "round \(round)")
                #expect(numbers.last ?? 0 >= confirmed, "round \(round): what was confirmed is still there")
                try scene.startRecorder()
                try scene.sync()
                confirmed = try scene.events().last?.seq ?? 0
            }
        }

        @Test(Privilege.required, .timeLimit(.minutes(3)))
        func aCleanStopEndsCoverage() throws {
            let scene = try Scene(.ext4)
            defer { scene.close() }
            var first = WorkloadScript()
            first.add("create", "first", "1")
            _ = try scene.perform([first])
            try scene.sync()
            #expect(try scene.varve(["events"]).status == 0)
            #expect(try scene.stopRecorder() == 0)
            pause(milliseconds: 1_100)
            try scene.startRecorder()
            var second = WorkloadScript()
            second.add("create", "second", "1")
            _ = try scene.perform([second])
            try scene.sync()
            #expect(try scene.varve(["events"]).status == 3, "the time between the runs was covered by none")
            let start = try #require(try scene.events().last).earliest
            #expect(try scene.varve(["events", "--since", start]).status == 0)
        }
    }
}
