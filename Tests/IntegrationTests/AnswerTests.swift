import Model
import Syscalls
import TestSupport
import Testing

/// What `varve` answers while a recorder runs, and that upkeep changes no answer.
extension EndToEnd {
    @Suite struct Answers {
        @Test(Privilege.required) func aQuietRecorderAnswersWholeAndSaysWhatItLeavesOut() throws {
            let scene = try Scene(.tmpfs, options: ["--ops", "create,modify"])
            defer { scene.close() }
            var script = WorkloadScript()
            for number in 0..<3 { script.add("create", "file-\(number)", "1") }
            _ = try scene.perform([script])
            try scene.sync()
            let events = try scene.events()
            pause(milliseconds: 1_500)
            // The range begins after all that was stored, and a live recorder knows that nothing happened since.
            let quiet = try scene.varve(["events", "--since", "-1s"])
            #expect(quiet.status == 1, "\(quiet.errorText)")
            // What is shown around an event begins and ends with events, whose windows are rounded outwards.
            for event in events {
                let around = try scene.varve(["around", "\(event.seq)"])
                #expect(around.status == 0, "\(event.seq): \(around.errorText)")
            }
            #expect(try scene.varve(["count", "--op", "create"]).status == 0)
            let left = try scene.varve(["count", "--op", "create,delete"])
            #expect(left.status == 3 && left.errorText.contains("delete was not recorded"), "\(left.errorText)")
            // A name may have gone unseen.
            let tree = try scene.varve(["tree", "--under", scene.root])
            #expect(tree.status == 3 && tree.errorText.contains("rename was not recorded"), "\(tree.errorText)")
        }

        @Test(Privilege.required, arguments: [FilesystemKind.ext4, .tmpfs])
        func compactionChangesNoAnswer(on kind: FilesystemKind) throws {
            let scene = try Scene(kind, options: ["--commit-interval", "20ms"])
            defer { scene.close() }
            let seed = UInt64.random(in: 0...UInt64.max)
            print("seed \(seed)")
            var generator = SeededGenerator(seed: seed)
            // Many small commits: every round is synced, so that there is something to merge.
            for round in 0..<25 {
                _ = try scene.perform([
                    WorkloadScript.random(in: "round\(round)", operationCount: 120, using: &generator)
                ])
                try scene.sync()
            }
            let questions = [
                ["events", "-o", "jsonl"], ["events", "-o", "jsonl", "--reverse", "--limit", "100"],
                ["events", "-o", "csv", "--op", "delete,rename"], ["count"], ["top", "--by", "op", "-o", "jsonl"],
                ["events", "-o", "jsonl", "--path", "f1*"],
            ]
            func answers() throws -> [[UInt8]] { try questions.map { try scene.varve($0).output } }
            let before = try answers()
            #expect(before[0].count > 100_000)
            let blocks = try scene.blockCount()

            #expect(try scene.varve(["compact"]).status == 0)
            #expect(try scene.blockCount() < blocks, "the recorder's compaction merged something")
            for (question, (old, new)) in zip(questions, zip(before, try answers())) {
                #expect(old == new, "\(question) after compaction by the recorder")
            }
            #expect(try scene.varve(["verify"]).status == 0)

            #expect(try scene.stopRecorder() == 0)
            #expect(try scene.varve(["compact"]).status == 0, "under the same lock without a recorder")
            for (question, (old, new)) in zip(questions, zip(before, try answers())) {
                #expect(old == new, "\(question) after compaction without a recorder")
            }
            #expect(try scene.varve(["verify"]).status == 0)
        }

        @Test(Privilege.required) func twoFollowersSeeEveryEventOnceInOrder() throws {
            let scene = try Scene(.ext4)
            defer { scene.close() }
            let followers = try (0..<2).map { _ in try scene.follow(["events", "-f", "-o", "jsonl"]) }
            defer { for follower in followers { follower.end() } }
            var generator = SeededGenerator(seed: 7)
            for round in 0..<5 {
                _ = try scene.perform([
                    WorkloadScript.random(in: "round\(round)", operationCount: 200, using: &generator)
                ])
                try scene.sync()
            }
            let all = try scene.varve(["events", "-o", "jsonl"]).output
            let last = try #require(try ReportedEvent.list(all).last).seq
            for follower in followers {
                let output = try follower.waitForOutput { text in
                    try ReportedEvent.list(text).last?.seq == last
                }
                // A follower begins with what is committed after it began; the recorder had seen nothing before.
                #expect(output == all)
                #expect(try follower.stop(signal: Signals.interrupt) != 4)
            }
        }

        @Test(Privilege.required) func exitStatusSaysWhetherTheAnswerIsComplete() throws {
            let scene = try Scene(.tmpfs)
            defer { scene.close() }
            var script = WorkloadScript()
            script.add("create", "one", "1")
            _ = try scene.perform([script])
            try scene.sync()
            #expect(try scene.varve(["events"]).status == 0)
            #expect(try scene.varve(["events", "--path", "two"]).status == 1)
            let early = try scene.varve(["events", "--since", "@1000000000"])
            #expect(early.status == 3, "no recorder ran in 2001")
            #expect(!early.output.isEmpty && !early.errorText.isEmpty)
            #expect(try scene.varve(["events", "--since", "@1000000000", "--accept-gaps"]).status == 0)
            #expect(try scene.varve(["count", "--path", "two"]).status == 1)
            for question in [
                ["events"], ["count"], ["top"], ["histogram"], ["file", "\(scene.root)/one"], ["changes"],
                ["process", "1"],
                ["export", "--format", "jsonl"], ["replay"],
            ] {
                let before = try scene.varve(question + ["--until", "2020-01-01T00:00:00Z"])
                #expect(before.status == 3, "\(question): nothing is known of a time before the first recording")
                #expect(
                    before.errorText.contains("nothing was recorded from 2020-01-01"),
                    "\(question): \(before.errorText)")
                #expect(
                    [0, 1].contains(
                        try scene.varve(question + ["--until", "2020-01-01T00:00:00Z", "--accept-gaps"]).status))
            }
        }

        @Test(Privilege.required) func adjacentRangesPartitionTheEvents() throws {
            let scene = try Scene(.tmpfs)
            defer { scene.close() }
            var moments: [String] = []
            var generator = SeededGenerator(seed: 11)
            for round in 0..<6 {
                _ = try scene.perform([
                    WorkloadScript.random(in: "round\(round)", operationCount: 60, using: &generator)
                ])
                try scene.sync()
                moments.append(try #require(try scene.events().last).time)
            }
            func count(_ arguments: String...) throws -> Int {
                let answer = try scene.varve(["count", "--accept-gaps"] + arguments)
                return Int(answer.outputText.filter(\.isNumber)) ?? 0
            }
            let total = try count()
            #expect(total == (try scene.events().count))
            var sum = try count("--until", moments[0])
            for (since, until) in zip(moments, moments.dropFirst()) {
                sum += try count("--since", since, "--until", until)
            }
            sum += try count("--since", moments[moments.count - 1])
            #expect(sum == total)
        }

        @Test(Privilege.required) func anIdleRecorderCommitsNothing() throws {
            let scene = try Scene(.ext4)
            defer { scene.close() }
            var script = WorkloadScript()
            script.add("create", "one", "1")
            _ = try scene.perform([script])
            try scene.sync()
            // Longer than the longest stretch of the commit interval.
            pause(milliseconds: 3_000)
            let before = try scene.storeDigest()
            pause(milliseconds: 4_000)
            #expect(try scene.storeDigest() == before)
        }

        @Test(Privilege.required) func aRemarkStandsOnTheTimeline() throws {
            let scene = try Scene(.tmpfs)
            defer { scene.close() }
            #expect(try scene.varve(["note", "deployed version 7"]).status == 0)
            let status = try scene.varve(["status"])
            #expect(status.status == 0, "\(status.errorText)")
            #expect(try scene.stopRecorder() == 0)
            #expect(try scene.varve(["note", "written without a recorder"]).status == 0)
        }

        @Test(Privilege.required) func processesThatLivedForMillisecondsAreNamedByWhatRan() throws {
            let scene = try Scene(.ext4)
            defer { scene.close() }
            let script = scene.root + "/script.sh"
            try Files.write(Array("#!/bin/sh\necho text > \"$1\"\n".utf8), to: RawPath(script), mode: 0o755)
            let loop = """
                for number in $(seq 50); do
                    cp /etc/hostname \(scene.root)/cp-$number
                    touch \(scene.root)/touch-$number
                    \(script) \(scene.root)/script-$number
                done
                """
            try runSuccessfully("/bin/sh", ["-c", loop])
            let events = try scene.events()
            #expect(events.contains { $0.path == RawPath(script) && $0.operations.contains("exec") })
            for (name, exe) in [("cp", "/usr/bin/cp"), ("touch", "/usr/bin/touch"), ("script", "/usr/bin/dash")] {
                let made = events.filter { $0.path?.lossyText.contains("/\(name)-") == true }
                #expect(Set(made.compactMap(\.path)).count == 50)
                // Each of them ran an exec while it was recorded, so each can be named; none may be named wrongly.
                let other = made.filter { $0.process?.exe != exe }
                #expect(other.isEmpty, "\(other.count) of \(made.count) \(name): \(Set(other.map { $0.process?.exe }))")
            }
            let scripts = events.filter { $0.path?.lossyText.contains("/script-") == true }
            #expect(scripts.allSatisfy { $0.process?.script == script })
        }

        @Test(Privilege.required) func syncNamesTheLastEvent() throws {
            let scene = try Scene(.tmpfs)
            defer { scene.close() }
            for round in 0..<20 {
                var script = WorkloadScript()
                script.add("mkdir", "d\(round)")
                script.add("storm", "d\(round)", "50", "1")
                _ = try scene.perform([script])
                let answer = try scene.varve(["sync"])
                #expect(answer.status == 0)
                let last = try #require(try scene.events(syncing: false).last)
                #expect(answer.outputText.contains(" \(last.seq)\n"), "\(answer.outputText)")
                #expect(last.path?.lossyText.hasPrefix(scene.root + "/d\(round)") == true)
            }
        }

        @Test(Privilege.required) func aReaderThatGoesAwayIsNoError() throws {
            let scene = try Scene(.tmpfs)
            defer { scene.close() }
            var script = WorkloadScript()
            for number in 0..<3_000 { script.add("create", "\(number)", "1") }
            _ = try scene.perform([script])
            try scene.sync()
            let pid = try #require(try scene.events().last?.pid)
            let questions = [
                "events -o jsonl", "events -o csv", "events -o table", "events -f --since -1h -o jsonl",
                "export --format jsonl", "export --format csv", "export --format bodyfile",
                "export --format timesketch",
                "export --format ocsf", "sql 'SELECT * FROM event'", "sql -o csv 'SELECT * FROM event'",
                "sql -o table 'SELECT * FROM event'", "top --limit 100000", "top -o csv --limit 100000",
                "histogram --by path --every 1ms --limit 10000", "file '\(scene.root)/77'",
                "tree --under '\(scene.root)'",
                "tree -o table --under '\(scene.root)'", "changes --under '\(scene.root)'", "changes -o csv",
                "process -o jsonl \(pid)", "around 1500 -C 2000", "replay --max-pause 1ms", "count", "status", "gaps",
            ]
            for question in questions {
                for reader in ["head -n 1", "true"] {
                    let command = "'\(BuiltPrograms.varve)' \(question) --store '\(scene.store)' | \(reader)"
                    let result = try run("/bin/bash", ["-o", "pipefail", "-c", command], timeoutSeconds: 60)
                    let said = result.errorText.split(separator: "\n").filter { !$0.contains("following; events of") }
                    // Only where there is nothing to be read does it end with something else.
                    #expect(
                        result.status == 0 || question == "gaps" && result.status == 1, "\(question): \(result.status)")
                    #expect(said.isEmpty, "\(question): \(said)")
                    #expect(result.lines.count <= 1)
                }
            }
        }

        @Test(Privilege.required) func pruningRemovesWhatIsOldAndSaysSo() throws {
            let scene = try Scene(.tmpfs)
            defer { scene.close() }
            var moments: [String] = []
            for round in 0..<4 {
                var script = WorkloadScript()
                script.add("mkdir", "d\(round)")
                script.add("storm", "d\(round)", "100", "1")
                _ = try scene.perform([script])
                try scene.sync()
                moments.append(try #require(try scene.events().last).time)
            }
            let all = try scene.events().count
            #expect(try scene.varve(["prune", "--before", moments[1]]).status == 0)
            let later = try scene.events()
            #expect(later.count < all && !later.isEmpty)
            #expect(later.allSatisfy { $0.seq > 1 })
            let gap = try #require(try scene.gaps().first { $0.type == "pruned" })
            #expect(gap.count == later.first.map { $0.seq - 1 })
            #expect(try scene.varve(["events"]).status == 3)
            #expect(try scene.stopRecorder() == 0)
            #expect(
                try scene.varve(["prune", "--before", moments[2]]).status == 0, "under the same lock without a recorder"
            )
            #expect(try scene.events(syncing: false).count < later.count)
            #expect(try scene.varve(["verify"]).status == 0)
        }
    }
}
