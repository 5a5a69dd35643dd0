import FoundationEssentials
import Model
import TestSupport
import Testing

/// The store's own history: archived beside the recorder, and compared with what the store itself said at the time.
extension EndToEnd {
    @Suite struct Archives {
        /// A line of `varve archive verify -o jsonl`.
        private struct Line: Decodable {
            var type: String
            var generation: Int?
            var from: String?
            var to: String?
            var cause: String?
            var continued: Bool?
        }

        /// What the store said at a moment.
        private struct Moment {
            var time: String
            var events: String
            var gaps: String
        }

        private static let quick = ["--commit-interval", "50ms", "--sync-interval", "100ms", "--min-free", "0"]

        private func now() throws -> String {
            String(try runSuccessfully("date", ["-u", "+%Y-%m-%dT%H:%M:%S.%NZ"]).outputText.dropLast())
        }

        private func said(_ verb: [String], _ store: String) throws -> String {
            let answer = try run(BuiltPrograms.varve, verb + ["-o", "jsonl", "--accept-gaps", "--store", store])
            #expect([0, 1].contains(answer.status), "\(answer.errorText)")
            return answer.outputText
        }

        /// A time at which everything is at rest, and what the store says then.
        private func moment(_ scene: Scene) throws -> Moment {
            try scene.sync()
            pause(milliseconds: 2_500)
            let moment = Moment(
                time: try now(), events: try said(["events"], scene.store), gaps: try said(["gaps"], scene.store))
            pause(milliseconds: 50)
            return moment
        }

        private func work(_ scene: Scene, _ name: String, count: Int = 200) throws {
            var script = WorkloadScript()
            script.add("mkdir", name)
            for number in 0..<count { script.add("create", "\(name)/\(number)", "1") }
            _ = try scene.perform([script])
        }

        private func restore(_ archive: String, at time: String?, to store: String) throws -> CommandResult {
            try run(
                BuiltPrograms.varve,
                ["archive", "restore", archive, "-o", store] + (time.map { ["--at", $0] } ?? []), timeoutSeconds: 120)
        }

        private func lines(_ archive: String, expecting status: Int32 = 0) throws -> [Line] {
            let answer = try run(
                BuiltPrograms.varve, ["archive", "verify", archive, "-o", "jsonl"], timeoutSeconds: 120)
            #expect(answer.status == status, "\(answer.outputText)\(answer.errorText)")
            return try answer.outputText.split(separator: "\n").map {
                try JSONDecoder().decode(Line.self, from: Data($0.utf8))
            }
        }

        private func expect(_ moment: Moment, from archive: String, _ scene: Scene, _ number: Int) throws {
            let store = scene.place + "/restored-\(number)"
            let answer = try restore(archive, at: moment.time, to: store)
            #expect(answer.status == 0, "\(answer.errorText)")
            #expect(try said(["events"], store) == moment.events, "moment \(number)")
            #expect(try said(["gaps"], store) == moment.gaps, "moment \(number)")
            let verified = try run(BuiltPrograms.varve, ["verify", "--store", store], timeoutSeconds: 120)
            #expect(verified.status == 0, "\(verified.outputText)\(verified.errorText)")
            #expect(try runSuccessfully("stat", ["-c", "%a", store, store + "/varve.db"]).lines == ["750", "640"])
        }

        /// Waits until `status` shows the archive so.
        private func waitFor(_ condition: String, _ scene: Scene) throws {
            for _ in 0..<150 {
                if try scene.varve(["status"]).outputText.contains("archive            \(condition)") { return }
                if try scene.varve(["status", "-o", "json"]).outputText.contains("\"archive\":\"\(condition)\"") {
                    return
                }
                pause(milliseconds: 200)
            }
            Issue.record("the archive is not \(condition): \(try scene.varve(["status"]).outputText)")
        }

        /// Waits until the archive's own files prove what the store was at a moment.
        private func waitUntilArchived(_ moment: Moment, _ archive: String) throws {
            for _ in 0..<150 {
                // Both have nine decimals and are UTC.
                if let end = try lines(archive).last(where: { $0.type == "generation" })?.to, end >= moment.time {
                    return
                }
                pause(milliseconds: 200)
            }
            Issue.record("the archive does not reach \(moment.time)")
        }

        /// Leaves no byte free on a filesystem.
        private func fill(_ filesystem: borrowing LoopFilesystem) throws {
            for size in ["64k", "1k"] {
                _ = try run("dd", ["if=/dev/zero", "of=" + filesystem.appending("filler-\(size)"), "bs=\(size)"])
            }
        }

        @Test(Privilege.required, .timeLimit(.minutes(4)))
        func theStoreAnswersAsItDidAtEveryMoment() throws {
            let scene = try Scene(.ext4, startsRecorder: false)
            defer { scene.close() }
            // In the watched tree, on a filesystem that is watched too: it must not record itself.
            let other = try scene.addFilesystem(.ext4)
            let archive = other + "/archive"
            try scene.startRecorder(
                watching: [scene.root, other],
                options: Self.quick + [
                    "--archive", archive, "--archive-max-size", "24M", "--max-size", "2M", "--ops", "all",
                ])
            try waitFor("archiving", scene)
            var moments: [Moment] = []
            for round in 0..<6 {
                try work(scene, "round-\(round)", count: 1_000)
                if round % 2 == 1 { #expect(try scene.varve(["compact"]).status == 0) }
                // While the events of two rounds are blocks of their own.
                if round == 2 { #expect(try scene.varve(["prune", "--before", moments[1].time]).status == 0) }
                moments.append(try moment(scene))
            }
            #expect(!moments.contains { $0.events.contains(archive) }, "its own files are no events")
            #expect(moments[1].events.contains("round-0/"))
            #expect(!moments[2].events.contains("round-0/"), "the store has dropped what its archive keeps")
            #expect(try scene.stopRecorder() == 0)
            for (number, moment) in moments.enumerated() { try expect(moment, from: archive, scene, number) }
            let again = try restore(archive, at: moments[0].time, to: scene.place + "/restored-0")
            #expect(again.status == 2, "nothing is overwritten")
            let last = scene.place + "/last"
            #expect(try restore(archive, at: nil, to: last).status == 0)
            #expect(try said(["events"], last) == said(["events"], scene.store))
            #expect(!(try lines(archive)).contains { $0.type != "generation" })
            let early = try restore(archive, at: "2001-01-01T00:00:00Z", to: scene.place + "/early")
            #expect(early.status == 3 && early.errorText.contains("before the beginning"), "\(early.errorText)")
            let late = try restore(archive, at: "2101-01-01T00:00:00Z", to: scene.place + "/late")
            #expect(late.status == 3 && late.errorText.contains("after the end"), "\(late.errorText)")
            #expect(
                try runSuccessfully("ls", [scene.place]).lines.filter { $0.hasPrefix("early") || $0.hasPrefix("late") }
                    == [])
            #expect(try runSuccessfully("stat", ["-c", "%a", archive, archive + "/archive"]).lines == ["750", "640"])
        }

        @Test(Privilege.required, .timeLimit(.minutes(4)))
        func aKilledRecorderLeavesAChainThatGoesOnOrAGapThatSaysSo() throws {
            let scene = try Scene(.ext4, startsRecorder: false)
            defer { scene.close() }
            let archive = scene.place + "/archive"
            let options = Self.quick + ["--archive", archive]
            var moments: [Moment] = []
            for round in 0..<4 {
                try scene.startRecorder(options: options)
                try waitFor("archiving", scene)
                try work(scene, "round-\(round)")
                moments.append(try moment(scene))
                // What came last was committed, and perhaps not handed over.
                try work(scene, "more-\(round)", count: 50)
                try scene.sync()
                if round == 3 { #expect(try scene.stopRecorder() == 0) } else { try scene.killRecorder() }
            }
            let generations = try lines(archive, expecting: 0)
            #expect(generations.count == 1, "each start found the archive's last state in the store: \(generations)")
            for (number, moment) in moments.enumerated() {
                let answer = try restore(archive, at: moment.time, to: scene.place + "/restored-\(number)")
                // Commits that were found in the log came about between two moments: named, and not guessed.
                #expect([0, 3].contains(answer.status), "\(answer.errorText)")
                if answer.status == 3 { #expect(answer.errorText.contains("between"), "\(answer.errorText)") }
            }
            let last = scene.place + "/last"
            #expect(try restore(archive, at: nil, to: last).status == 0)
            #expect(try said(["events"], last) == said(["events"], scene.store))
        }

        @Test(Privilege.required, .timeLimit(.minutes(4)))
        func aFullArchiveHoldsNobodyUpAndGoesOn() throws {
            let scene = try Scene(.ext4, startsRecorder: false)
            defer { scene.close() }
            let small = try LoopFilesystem(.ext4, mebibytes: 24)
            let archive = small.appending("archive")
            try scene.startRecorder(options: Self.quick + ["--archive", archive])
            try waitFor("archiving", scene)
            try work(scene, "before")
            let before = try moment(scene)
            try waitUntilArchived(before, archive)

            // Full for a while: what is committed waits, and nothing is missing afterwards.
            try fill(small)
            try work(scene, "while-full-once", count: 500)
            try scene.sync()
            try waitFor("waiting", scene)
            #expect(try scene.varve(["status"]).outputText.contains("No space left"))
            let once = try moment(scene)
            try runSuccessfully("rm", [small.appending("filler-64k"), small.appending("filler-1k")])
            try waitFor("archiving", scene)
            try waitUntilArchived(once, archive)

            // Full to the end: what was committed since cannot be had, and that is known.
            try fill(small)
            try work(scene, "while-full", count: 500)
            try scene.sync()
            try waitFor("waiting", scene)
            let full = try moment(scene)
            #expect(try scene.stopRecorder() == 0, "the recorder ends although its archive is full")

            try runSuccessfully("rm", [small.appending("filler-64k"), small.appending("filler-1k")])
            try scene.startRecorder(options: Self.quick + ["--archive", archive])
            try waitFor("archiving", scene)
            try work(scene, "after")
            let after = try moment(scene)
            #expect(try scene.varve(["note"]).outputText.contains("archive: "), "the timeline tells of it")
            #expect(try scene.stopRecorder() == 0)
            try expect(before, from: archive, scene, 0)
            try expect(once, from: archive, scene, 1)
            try expect(after, from: archive, scene, 2)
            let gap = try restore(archive, at: full.time, to: scene.place + "/restored-3")
            #expect(gap.status == 3 && gap.errorText.contains("lies between"), "\(gap.errorText)")
            #expect(try run("ls", [scene.place + "/restored-3"]).status != 0, "nothing is written")
            for name in ["before", "while-full-once", "while-full", "after"] {
                #expect(after.events.contains("\(name)/"), "recording went on: \(name)")
            }
            let gaps = try lines(archive, expecting: 3).filter { $0.type == "gap" }
            // The recorder that left it could not write why, and the one that went on had another reason of its own.
            #expect(gaps.contains { $0.cause?.contains("No space left") == true }, "\(gaps)")
        }

        @Test(Privilege.required, .timeLimit(.minutes(4)))
        func anArchiveCanBeUnmountedAndComesBack() throws {
            let scene = try Scene(.ext4, startsRecorder: false)
            defer { scene.close() }
            let image = try scene.image(.ext4)
            let point = scene.place + "/point"
            try runSuccessfully("mkdir", [point])
            try scene.mount(["-o", "loop", image], on: point)
            let archive = point + "/archive"
            try scene.startRecorder(options: Self.quick + ["--archive", archive])
            try waitFor("archiving", scene)
            try work(scene, "before")
            let before = try moment(scene)
            pause(milliseconds: 6_000)
            // Nothing of it is open, but for the moment in which a file is written.
            var isUnmounted = false
            for _ in 0..<20 where !isUnmounted {
                isUnmounted = try run("umount", [point]).status == 0
                if !isUnmounted { pause(milliseconds: 100) }
            }
            #expect(isUnmounted)
            try work(scene, "while-away", count: 500)
            try waitFor("waiting", scene)
            #expect(try runSuccessfully("ls", [point]).outputText == "", "nothing is written below the mount point")
            let away = try moment(scene)
            try scene.mount(["-o", "loop", image], on: point)
            try waitFor("archiving", scene)
            try work(scene, "after")
            let after = try moment(scene)
            #expect(try scene.stopRecorder() == 0)
            for (number, moment) in [before, away, after].enumerated() {
                try expect(moment, from: archive, scene, number)
            }
            #expect(try lines(archive).count == 1, "what was committed meanwhile had room to wait")
        }

        @Test(Privilege.required, .timeLimit(.minutes(4)))
        func databasesComeBackFromARestoredStore() throws {
            let scene = try Scene(.ext4, startsRecorder: false)
            defer { scene.close() }
            let archive = scene.place + "/archive"
            try scene.startRecorder(options: Self.quick + ["--archive", archive, "--capture-wal", "**"])
            let path = scene.root + "/subject.db"
            let written = try run("/usr/bin/python3", [BuiltPrograms.databaseWorkload, path, "steps", "60"])
            #expect(written.status == 0, "\(written.errorText)")
            pause(milliseconds: 3_000)
            let then = try moment(scene)
            let commits = try said(["db", "commits", path], scene.store)
            let more = try run("/usr/bin/python3", [BuiltPrograms.databaseWorkload, path, "steps", "60"])
            #expect(more.status == 0, "\(more.errorText)")
            _ = try moment(scene)
            #expect(try scene.stopRecorder() == 0)
            let store = scene.place + "/restored"
            let answer = try restore(archive, at: then.time, to: store)
            #expect(answer.status == 0, "\(answer.outputText)\(answer.errorText)")
            #expect(try run(BuiltPrograms.varve, ["verify", "--store", store]).status == 0)
            #expect(try said(["db", "commits", path], store) == commits)
            let count = commits.split(separator: "\n").count
            #expect(count > 10)
            var files: [String] = []
            for from in [scene.store, store] {
                let file = scene.place + "/copy-\(files.count).db"
                let restored = try run(
                    BuiltPrograms.varve,
                    ["db", "restore", path, "--commit", "\(count)", "-o", file, "--store", from])
                #expect(restored.status == 0, "\(restored.errorText)")
                files.append(file)
            }
            try runSuccessfully("cmp", files)
        }

        @Test(Privilege.required, .timeLimit(.minutes(2)))
        func anArchiveOfSomebodyElseAndOneInTheStoreAreRefused() throws {
            let scene = try Scene(.ext4, startsRecorder: false)
            defer { scene.close() }
            let archive = scene.place + "/others"
            try runSuccessfully("mkdir", ["-m", "777", archive])
            let program = try scene.publicCopy(of: BuiltPrograms.varved)
            try runSuccessfully(
                "/usr/sbin/setcap", ["cap_sys_admin,cap_dac_read_search,cap_sys_ptrace+p", program])
            let store = try scene.letAnybodyMakeTheStore()
            let result = try scene.runUnprivileged(
                program, ["--store", store, "--archive", archive, scene.root, "--", "true"])
            #expect(result.status == 73, "\(result.errorText)")
            #expect(result.errorText.contains("belongs to user 0"))
            #expect(try run("ls", ["-A", archive]).outputText == "", "nothing was made in it")
            let own = try scene.runUnprivileged(
                program,
                ["--store", store, "--archive", store + "-archive", "--min-free", "0", scene.root, "--", "sleep", "3"])
            #expect(own.status == 0, "\(own.errorText)")
            #expect(try lines(store + "-archive").count == 1)
            let inside = try run(
                BuiltPrograms.varved,
                ["--store", scene.store, "--archive", scene.store + "/a", scene.root, "--", "true"])
            #expect(inside.status == 2, "\(inside.errorText)")
        }
    }
}
