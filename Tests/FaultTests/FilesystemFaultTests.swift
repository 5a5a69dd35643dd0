import Glibc
import Model
import TestSupport
import Testing

/// Filesystems that go away or fill up under the recorder.
extension Faults {
    @Suite struct Filesystems {
        @Test(Privilege.required, .timeLimit(.minutes(3)), arguments: FilesystemKind.allCases)
        func aRecordedFilesystemCanBeUnmountedAtOnce(_ kind: FilesystemKind) throws {
            let scene = try Scene(kind, startsRecorder: false)
            defer { scene.close() }
            let other = try scene.addFilesystem(.ext4)
            try scene.startRecorder(watching: [scene.root, other])
            var script = WorkloadScript()
            script.add("mkdirs", "a/b/c")
            for number in 0..<100 { script.add("create", "a/b/c/\(number)", "1") }
            var truth = try scene.perform([script])
            // No sync before: whatever the recorder has in hand must not hold the filesystem.
            #expect(try scene.unmountRecorded(), "the loop device is free as well")

            var more = WorkloadScript()
            more.add("create", "still-recorded", "1")
            truth.add(try scene.perform([more], in: other))
            // Without it the path lies on the filesystem of all other tests, and of a file that one of them removed at once
            // nobody can tell any more where it was: it is kept with its name only.
            let ours = getpid()
            truth.expectAgreement(with: try scene.events().filter { $0.nameOnly != true || $0.pid != ours })
            #expect(try scene.stopRecorder() == 0)
        }

        @Test(Privilege.required, .timeLimit(.minutes(3)))
        func aFullDiskCostsBatchesAndNothingElse() throws {
            let scene = try Scene(.ext4, startsRecorder: false, storeMiB: 6)
            defer { scene.close() }
            try scene.startRecorder(options: ["--min-free", "0", "--commit-interval", "50ms"])
            var before = WorkloadScript()
            before.add("mkdir", "d")
            for number in 0..<100 { before.add("create", "d/before-\(number)", "1") }
            var truth = try scene.perform([before])
            try scene.sync()

            try scene.fillStoreFilesystem()
            // On a busy machine it takes longer until there is more than may wait.
            for round in 0..<40 {
                if round >= 6, try scene.varve(["count"]).status == 3 { break }
                var storm = WorkloadScript()
                storm.add("mkdir", "full\(round)")
                storm.add("storm", "full\(round)", "3000", "1")
                _ = try scene.perform([storm])
                // More to tell of, and room for the next round.
                try runSuccessfully("rm", ["-r", scene.root + "/full\(round)"])
                pause(milliseconds: 300)
            }
            #expect(scene.recorderIsRunning)
            // No row can tell of the loss yet; answers know of it all the same.
            #expect(try scene.varve(["count"]).status == 3)
            #expect(try scene.gaps().contains { $0.type == "batch_dropped" && $0.count ?? 0 > 0 })
            try scene.emptyStoreFilesystem()
            pause(milliseconds: 3_000)

            var after = WorkloadScript()
            for number in 0..<100 { after.add("create", "d/after-\(number)", "1") }
            truth.add(try scene.perform([after]))
            try scene.sync()
            let events = try scene.events().filter { $0.path?.lossyText.contains("/full") != true }
            truth.expectAgreement(with: events)
            let gap = try #require(try scene.gaps().first { $0.type == "batch_dropped" })
            #expect(gap.from <= gap.to)
            #expect(gap.count ?? 1 > 0)
            #expect(try scene.varve(["events"]).status == 3)
            #expect(try scene.stopRecorder() == 0)
            #expect(try scene.varve(["verify"]).status == 0)
        }

        @Test(Privilege.required, .timeLimit(.minutes(4)))
        func aSizeLimitHoldsByWhatDuSays() throws {
            let limit = 3 << 20
            let scene = try Scene(.ext4, options: ["--max-size", "3M", "--commit-interval", "50ms"])
            defer { scene.close() }
            let seed = UInt64.random(in: 0...UInt64.max)
            print("seed \(seed)")
            var generator = SeededGenerator(seed: seed)
            var largest = 0
            // A round takes half as much where its creations and removals come into one block. Once more came than fits, the
            // limit has to hold on.
            var lastRound = 39
            var round = 0
            while round <= lastRound {
                defer { round += 1 }
                var script = WorkloadScript()
                script.add("mkdir", "r\(round)")
                // Names that do not compress: the store must really grow.
                for _ in 0..<1_500 {
                    let name = (0..<12).map { _ in String(generator.next(), radix: 36) }.joined()
                    script.add("create", "r\(round)/\(name)", "1")
                }
                script.add("rmtree", "r\(round)")
                _ = try scene.perform([script])
                try scene.sync()
                pause(milliseconds: 500)
                largest = max(largest, try scene.storeByteCountOnDisk())
                if try scene.gaps().contains(where: { $0.type == "pruned" }) { lastRound = min(lastRound, round + 3) }
            }
            #expect(largest <= limit)
            #expect(largest > limit / 8, "the limit was really approached")
            let gap = try #require(try scene.gaps().first { $0.type == "pruned" })
            #expect(gap.count ?? 1 > 0)
            let answer = try scene.varve(["events", "-o", "jsonl"])
            #expect(answer.status == 3, "what was removed is missing from the answer")
            #expect(try ReportedEvent.list(answer.output).first?.seq ?? 0 > 1)
            #expect(try scene.varve(["verify"]).status == 0)
        }
    }
}
