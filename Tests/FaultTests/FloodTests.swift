import Model
import Syscalls
import TestSupport
import Testing

/// More events than there is room for, and readers that hold on.
extension Faults {
    @Suite struct Flood {
        private func secondsSince(_ start: Int64) -> Double {
            Double(Clock.monotonic() - start) / 1_000_000_000
        }

        @Test(Privilege.required, .timeLimit(.minutes(5)))
        func stoppedForTenSecondsInASmallCgroupTheRecorderSurvives() throws {
            let scene = try Scene(.tmpfs, startsRecorder: false)
            defer { scene.close() }
            try scene.startRecorder(launcher: try scene.memoryGroupLauncher(limitMiB: 64))
            var before = WorkloadScript()
            before.add("create", "before", "1")
            var truth = try scene.perform([before])
            try scene.sync()

            try scene.pauseRecorder()
            let started = Clock.monotonic()
            for round in 0..<4 {
                let scripts = (0..<2).map { worker -> WorkloadScript in
                    var script = WorkloadScript()
                    script.add("mkdir", "flood\(round)-\(worker)")
                    script.add("storm", "flood\(round)-\(worker)", "10000", "1")
                    return script
                }
                _ = try scene.perform(scripts)
            }
            pause(milliseconds: max(0, 10_000 - Int(secondsSince(started) * 1_000)))
            try scene.resumeRecorder()
            try scene.sync()

            var after = WorkloadScript()
            after.add("create", "after", "1")
            truth.add(try scene.perform([after]))
            let events = try scene.events()
            truth.expectAgreement(with: events.filter { $0.path?.lossyText.contains("/flood") != true })
            let gap = try #require(try scene.gaps().first { $0.type == "queue_overflow" })
            #expect(gap.from < gap.to)
            let kept = try #require(events.last { $0.path == RawPath(scene.root + "/before") })
            let next = try #require(events.first { $0.path == RawPath(scene.root + "/after") })
            #expect(
                gap.from >= kept.earliest && gap.to <= next.time, "the bounds enclose the loss, not more than the run")
            #expect(try scene.varve(["events"]).status == 3)
            #expect(try scene.stopRecorder() == 0)
            #expect(try scene.varve(["verify"]).status == 0)
        }

        @Test(Privilege.required, .timeLimit(.minutes(5)))
        func readersThatHoldOnDoNotLetTheLogGrow() throws {
            let scene = try Scene(.ext4, options: ["--commit-interval", "20ms"])
            defer { scene.close() }
            var warm = WorkloadScript()
            warm.add("mkdir", "warm")
            warm.add("storm", "warm", "3000", "1")
            _ = try scene.perform([warm])
            try scene.sync()
            // Nobody reads from the second one's pipe: it stands still in the middle of its answer.
            let follower = try scene.follow(["events", "-f", "-o", "jsonl"])
            let stalled = try scene.follow(["events", "-o", "jsonl"], readsOutput: false)
            // This one takes more than a day for what there is.
            let replay = try scene.follow(["replay", "-o", "jsonl", "--speed", "0.001"])
            defer {
                follower.end()
                stalled.end()
                replay.end()
            }
            var largest: Int64 = 0
            let started = Clock.monotonic()
            var round = 0
            while secondsSince(started) < 25 {
                var script = WorkloadScript()
                script.add("mkdir", "r\(round)")
                script.add("storm", "r\(round)", "500", "2")
                script.add("rmtree", "r\(round)")
                _ = try scene.perform([script])
                largest = max(largest, try scene.writeAheadLogByteCount())
                // The programs under test may be built without optimization: the follower is to keep up.
                pause(milliseconds: 100)
                round += 1
            }
            #expect(largest <= 64 << 20)
            #expect(try replay.stop(signal: Signals.interrupt) == 128 + Signals.interrupt)
            try scene.sync()
            try scene.expectNoGaps()
            let last = try #require(try scene.events().last).seq
            _ = try follower.waitForOutput(seconds: 120) { text in
                let line = text.split(separator: UInt8(ascii: "\n")).last ?? []
                return try ReportedEvent.list(Array(line)).last?.seq == last
            }
            #expect(try scene.varve(["verify"]).status == 0)
        }

        @Test(Privilege.required, .timeLimit(.minutes(5)))
        func aHundredThousandEventsAtFullSpeedLeaveNoGap() throws {
            let scene = try Scene(.ext4, options: ["--queue", "unlimited"])
            defer { scene.close() }
            let scripts = (0..<2).map { worker -> WorkloadScript in
                var script = WorkloadScript()
                script.add("mkdir", "w\(worker)")
                script.add("storm", "w\(worker)", "8000", "2")
                script.add("rmtree", "w\(worker)")
                return script
            }
            let truth = try scene.perform(scripts)
            try truth.expectAgreement(with: scene.events())
            try scene.expectNoGaps()
        }
    }
}
