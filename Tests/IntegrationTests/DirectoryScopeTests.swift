import Glibc
import Model
import Syscalls
import TestSupport
import Testing

/// Trees whose directories are marked one by one: overlays, and recorders without privileges.
extension EndToEnd {
    @Suite struct DirectoryScope {
        /// What is below an overlay from before it is mounted.
        private func overlay(_ scene: Scene) throws -> String {
            let merged = try scene.mountOverlay()
            var build = WorkloadScript()
            for name in ["a/deep/deeper", "b", "c"] { build.add("mkdirs", name) }
            build.add("create", "a/old", "3")
            _ = try scene.perform([build], in: merged)
            return merged
        }

        /// Where the kernel marks no directories of such a filesystem, recorder and doctor say so, and that is all.
        private func isRefused(_ path: String, _ scene: Scene, since: String) throws -> Bool {
            guard FanotifyProbe.markDirectory(RawPath(path)) != 0 else { return false }
            let refusal = #expect(throws: Recorder.StartFailure.self) { try scene.startRecorder(watching: [path]) }
            #expect(refusal?.description.contains("(Linux \(since) does)") == true, "\(String(describing: refusal))")
            let doctor = try run(BuiltPrograms.varve, ["doctor", path])
            #expect(doctor.status == 1)
            let text = "nor does this kernel mark its directories (Linux \(since) does)"
            #expect(doctor.outputText.contains(text), "\(doctor.outputText)")
            #expect(!doctor.outputText.contains("one by one"), "\(doctor.outputText)")
            return true
        }

        @Test(Privilege.required) func whatHappensOnAnOverlayIsRecordedByItsDirectories() throws {
            let scene = try Scene(.ext4, startsRecorder: false)
            defer { scene.close() }
            let merged = try overlay(scene)
            if try isRefused(merged, scene, since: "6.6") { return }
            // A lower file that is copied up while it is recorded.
            try runSuccessfully("sh", ["-c", "echo low > '\(scene.place)/lower/low'"])
            try scene.startRecorder(watching: [merged])
            #expect(scene.recorderText.contains("(overlay, 6 directories marked one by one)"), "\(scene.recorderText)")
            #expect(scene.recorderText.contains("record on the host"))
            var script = WorkloadScript()
            script.add("create", "top", "1")
            script.add("append", "low", "1")
            script.add("append", "a/old", "1")
            script.add("create", "a/deep/deeper/new", "1")
            script.add("rename", "a/deep/deeper/new", "b/moved")
            script.add("chmod", "b/moved", "600")
            script.add("rename", "a/deep", "c/deep")
            script.add("create", "c/deep/deeper/later", "1")
            script.add("unlink", "b/moved")
            let truth = try scene.perform([script], in: merged)
            let events = try scene.events()
            truth.expectAgreement(with: events)
            #expect(events.allSatisfy { $0.uncertain.isEmpty && $0.scanned == nil })
            #expect(events.allSatisfy { $0.process?.exe?.contains("python3") == true })
            try scene.expectNoGaps()
            let status = try scene.varve(["status", "-o", "json"])
            #expect(status.outputText.contains("\"scope\":\"directory marks\""))
        }

        @Test(Privilege.required) func aNewDirectoryIsMarkedAndWhatIsInItIsFound() throws {
            let scene = try Scene(.ext4, startsRecorder: false)
            defer { scene.close() }
            let merged = try overlay(scene)
            if try isRefused(merged, scene, since: "6.6") { return }
            try scene.startRecorder(watching: [merged])
            // Nobody waits for the marks.
            let count = 200
            let program = """
                import os
                for n in range(\(count)):
                    os.makedirs('b/%d/x/y' % n)
                    open('b/%d/x/y/f' % n, 'w').write('1')
                """
            try runSuccessfully("/usr/bin/python3", ["-c", program], directory: merged)
            let events = try scene.events()
            for number in 0..<count {
                for name in ["", "/x", "/x/y", "/x/y/f"] {
                    let path = RawPath("\(merged)/b/\(number)\(name)")
                    let creates = events.filter { $0.path == path && $0.operations.contains("create") }
                    #expect(creates.count == 1, "\(path.lossyText): \(creates)")
                }
            }
            let scanned = events.filter { $0.scanned == true }
            #expect(!scanned.isEmpty, "the scan was needed")
            #expect(scanned.allSatisfy { $0.pid == nil && $0.process == nil && $0.operations == ["create"] })
            // From its mark on nothing of a directory is missed.
            var script = WorkloadScript()
            for number in 0..<count { script.add("create", "b/\(number)/x/y/g", "1") }
            let truth = try scene.perform([script], in: merged)
            let later = try scene.events().filter { $0.path?.lossyText.hasSuffix("/g") == true }
            truth.expectAgreement(with: later)
            try scene.expectNoGaps()
        }

        @Test(Privilege.required) func directoriesThatLeaveAndComeBackAreFollowed() throws {
            let scene = try Scene(.ext4, startsRecorder: false)
            defer { scene.close() }
            try runSuccessfully("mkdir", ["-p", scene.root + "/kept/d/e", scene.root + "/other/new/inner"])
            try runSuccessfully("touch", [scene.root + "/other/new/inner/came-along"])
            try scene.startRecorder(watching: [scene.root + "/kept"], options: ["--scope", "directories"])
            func perform(_ steps: [(String, [String])]) throws -> Truth {
                var truth = Truth()
                for (operation, words) in steps {
                    var script = WorkloadScript()
                    script.add(operation, words.map { RawPath($0) })
                    truth.add(try scene.perform([script]))
                    try scene.sync()
                }
                return truth
            }
            _ = try perform([
                ("create", ["kept/d/1", "1"]), ("rename", ["kept/d", "other/d"]), ("create", ["other/d/e/2", "1"]),
                ("mkdir", ["other/d/made-outside"]), ("rename", ["other/d", "kept/back"]),
                ("create", ["kept/back/e/3", "1"]), ("create", ["kept/back/made-outside/4", "1"]),
                ("rename", ["other/new", "kept/new"]), ("create", ["kept/new/inner/5", "1"]),
            ])
            let events = try scene.events()
            func operations(_ name: String) -> Set<String> {
                Set(events.filter { $0.path == RawPath("\(scene.root)/\(name)") }.flatMap(\.operations))
            }
            let whole: Set<String> = ["create", "modify", "close_write"]
            for name in ["kept/d/1", "kept/back/e/3", "kept/back/made-outside/4", "kept/new/inner/5"] {
                #expect(operations(name) == whole, "\(name)")
            }
            #expect(operations("kept/new/inner/came-along") == ["create"], "found by the scan")
            #expect(operations("kept/d") == ["rename"])
            #expect(events.contains { $0.target == RawPath(scene.root + "/kept/back") && $0.path == nil })
            // What was done outside is not recorded; what came of it is found when it comes in.
            let outside = events.filter { $0.path?.lossyText.hasSuffix("/2") == true }
            #expect(outside.map(\.path) == [RawPath(scene.root + "/kept/back/e/2")])
            #expect(outside.allSatisfy { $0.scanned == true })
            try scene.expectNoGaps()
        }

        @Test(Privilege.required) func whatComesBackBelowAnotherDirectoryIsFollowedAsWell() throws {
            let scene = try Scene(.ext4, startsRecorder: false)
            defer { scene.close() }
            try runSuccessfully("mkdir", ["-p", scene.root + "/kept/d", scene.root + "/other/box"])
            try scene.startRecorder(watching: [scene.root + "/kept"], options: ["--scope", "directories"])
            let steps: [(String, [String])] = [
                ("rename", ["kept/d", "other/box/d"]), ("mkdir", ["other/box/d/new"]),
                ("rename", ["other/box", "kept/box"]), ("create", ["kept/box/d/new/f", "1"]),
            ]
            for (operation, words) in steps {
                var script = WorkloadScript()
                script.add(operation, words.map { RawPath($0) })
                _ = try scene.perform([script])
                try scene.sync()
            }
            let events = try scene.events().filter { $0.path == RawPath(scene.root + "/kept/box/d/new/f") }
            #expect(Set(events.flatMap(\.operations)) == ["create", "modify", "close_write"])
            try scene.expectNoGaps()
        }

        /// After any storm, what happens in a directory is recorded where it is, marked, or named by a gap.
        /// `VARVE_STORM_SEEDS=200` plays as many storms.
        private static let seeds: [UInt64] = {
            // SAFETY: the tests do not change their environment; the string is copied at once.
            let count = unsafe getenv("VARVE_STORM_SEEDS").flatMap { unsafe UInt64(String(cString: $0)) } ?? 3
            return Array(1...max(1, count))
        }()

        @Test(Privilege.required, arguments: Self.seeds)
        func noPathIsSilentlyWrongAfterAStorm(seed: UInt64) throws {
            print("seed \(seed)")
            let scene = try Scene(.ext4, startsRecorder: false)
            defer { scene.close() }
            var merged = try overlay(scene)
            var options: [String] = []
            if FanotifyProbe.markDirectory(RawPath(merged)) != 0 {
                // Before Linux 6.6: on a filesystem whose directories can be marked.
                merged = scene.root + "/tree"
                options = ["--scope", "directories"]
                try runSuccessfully("mkdir", ["-p", merged + "/a/deep/deeper", merged + "/b", merged + "/c"])
            }
            try scene.startRecorder(watching: [merged], options: options)
            let program = """
                import os, random
                random.seed(\(seed))
                def directories():
                    return [d for d, _, _ in os.walk('.')]
                known = directories()
                for n in range(1500):
                    d = random.choice(known)
                    kind = random.random()
                    try:
                        if kind < 0.4:
                            new = d + '/n%d' % n
                            os.mkdir(new)
                            known.append(new)
                        elif kind < 0.6:
                            os.rename(d, random.choice(known) + '/r%d' % n)
                        elif kind < 0.7:
                            os.rmdir(d)
                        else:
                            open(d + '/f%d' % n, 'w').close()
                    except OSError:
                        pass
                    if n % 100 == 0: known = directories()
                """
            try runSuccessfully("/usr/bin/python3", ["-c", program], directory: merged)
            try scene.sync()
            // What the recorder still looks for it finds, or gives up.
            try waitUntil("every directory was looked at") {
                try scene.varve(["status", "-o", "json"]).outputText.contains("\"directories_waiting\":0")
            }
            let probe = """
                import os
                for d, _, _ in list(os.walk('.')):
                    p = os.path.normpath(d + '/probe')
                    open(p, 'w').close()
                    print(p)
                """
            let probes = try runSuccessfully("/usr/bin/python3", ["-c", probe], directory: merged).outputText
                .split(separator: "\n").map { RawPath("\(merged)/\($0)") }
            #expect(probes.count > 100)
            let events = try scene.events().filter { $0.path?.lossyText.hasSuffix("probe") == true }
            let seen = Set(events.compactMap(\.path))
            let gaps = try scene.gaps()
            for path in probes where !seen.contains(path) {
                let isNamed = gaps.contains { gap in
                    gap.scope.map { path.isAtOrUnder(RawPath($0)) } ?? (gap.type == "unresolved")
                }
                #expect(isNamed, "\(path.lossyText) is missing, and no gap says so")
            }
            let real = Set(probes)
            for event in events where event.uncertain.isEmpty && event.nameOnly != true {
                #expect(real.contains(event.path ?? RawPath("")), "\(event.path?.lossyText ?? "-") is not true")
            }
            let certain = Set(events.filter { $0.uncertain.isEmpty && $0.nameOnly != true }.compactMap(\.path)).count
            let kinds = Dictionary(grouping: gaps) { "\($0.type): \($0.cause ?? "")" }.mapValues(\.count)
            print("\(certain) of \(probes.count) probes certain, gaps \(kinds)")
            #expect(certain * 20 >= probes.count * 19)
        }

        @Test(Privilege.required) func afterAnOverflowTheTreeIsLookedThrough() throws {
            let scene = try Scene(.ext4, startsRecorder: false)
            defer { scene.close() }
            let merged = try overlay(scene)
            if try isRefused(merged, scene, since: "6.6") { return }
            // Another filesystem in the tree is no news either.
            try runSuccessfully("mkdir", [merged + "/b/mnt"])
            try scene.mount(["-t", "tmpfs", "none"], on: merged + "/b/mnt")
            try scene.startRecorder(watching: [merged], options: ["--queue", "limited"])
            try scene.pauseRecorder()
            // The queue holds 16,384 records; what becomes of the directories is not in it any more.
            let program = """
                import os
                for n in range(20000): open('b/f%d' % n, 'w').close()
                for n in range(50): os.makedirs('c/lost%d/inner' % n)
                os.rename('a', 'moved')
                """
            try runSuccessfully("/usr/bin/python3", ["-c", program], directory: merged)
            try scene.resumeRecorder()
            try waitUntil("the tree was looked through") {
                try scene.events().contains { $0.path == RawPath(merged + "/c/lost49/inner") }
            }
            try scene.sync()
            var script = WorkloadScript()
            for number in 0..<50 { script.add("create", "c/lost\(number)/inner/g", "1") }
            script.add("create", "moved/deep/deeper/g", "1")
            let truth = try scene.perform([script], in: merged)
            let events = try scene.events()
            truth.expectAgreement(with: events.filter { $0.path?.lossyText.hasSuffix("/g") == true })
            let found = events.filter { $0.path?.lossyText.contains("/lost") == true && $0.scanned == true }
            #expect(found.count == 100, "each once: \(found.count)")
            let known = [merged + "/b/mnt", merged + "/b", merged + "/c"].map { RawPath($0) }
            #expect(!events.contains { known.contains($0.path ?? RawPath("")) }, "what was there before is no news")
            // The directories had no mark until they were found.
            #expect(try Set(scene.gaps().map(\.type)) == ["queue_overflow", "not_covered"])
            let notCovered = try scene.gaps().filter { $0.type == "not_covered" }
            #expect(notCovered.allSatisfy { $0.cause?.contains("it was not found at once") == true }, "\(notCovered)")
        }

        @Test(Privilege.required) func aLoneSubvolumeIsRecordedByItsDirectories() throws {
            let scene = try Scene(.ext4, startsRecorder: false)
            defer { scene.close() }
            let image = try scene.image(.btrfs)
            let whole = scene.place + "/whole"
            let part = scene.place + "/part"
            try runSuccessfully("mkdir", [whole, part])
            try scene.mount(["-o", "loop", image], on: whole)
            try runSuccessfully("btrfs", ["subvolume", "create", whole + "/sub"])
            let device = try runSuccessfully("findmnt", ["-no", "SOURCE", whole]).lines.first.map(String.init) ?? ""
            try runSuccessfully("mkdir", ["-p", whole + "/sub/d/e"])
            try scene.mount(["-o", "subvol=sub", device], on: part)
            try scene.unmountPoint(whole)
            if try isRefused(part, scene, since: "6.8") { return }
            try scene.startRecorder(watching: [part])
            #expect(scene.recorderText.contains("(btrfs, 3 directories marked one by one)"), "\(scene.recorderText)")
            var script = WorkloadScript()
            script.add("create", "d/e/f", "1")
            script.add("rename", "d/e", "d/g")
            script.add("create", "d/g/h", "1")
            let truth = try scene.perform([script], in: part)
            try truth.expectAgreement(with: scene.events())
        }

        @Test(Privilege.required) func aFUSEFilesystemIsRecordedByItsDirectories() throws {
            let scene = try Scene(.ext4, startsRecorder: false)
            defer { scene.close() }
            let shown = scene.place + "/shown"
            try runSuccessfully("mkdir", ["-p", shown, scene.root + "/below/d/e"])
            // bindfs shows a directory of another filesystem.
            try scene.mount(["-t", "fuse.bindfs", scene.root + "/below"], on: shown)
            if try isRefused(shown, scene, since: "6.8") { return }
            let doctor = try run(BuiltPrograms.varve, ["doctor", shown])
            #expect(doctor.status == 3, "in part")
            let text = "(fuse): its directories would be marked one by one: fuse has no filesystem id"
            #expect(doctor.outputText.contains(text), "\(doctor.outputText)")
            #expect(doctor.outputText.contains("better: record what lies beneath it"), "\(doctor.outputText)")
            try scene.startRecorder(watching: [shown])
            #expect(scene.recorderText.contains("(fuse, 3 directories marked one by one)"))
            var script = WorkloadScript()
            script.add("create", "d/e/f", "1")
            script.add("rename", "d/e", "d/g")
            script.add("create", "d/g/h", "1")
            var truth = try scene.perform([script], in: shown)
            // By another process: the kernel would join it with the creation, which lies before the rename.
            script = WorkloadScript()
            script.add("unlink", "d/g/f")
            truth.add(try scene.perform([script], in: shown))
            let events = try scene.events()
            truth.expectAgreement(with: events)
            #expect(events.allSatisfy { $0.process?.exe?.contains("python3") == true })
            // What is done beneath it does not pass through it.
            try runSuccessfully("touch", [scene.root + "/below/d/beneath"])
            try scene.sync()
            #expect(try scene.events().count == events.count)
            try scene.expectNoGaps()
        }

        @Test(Privilege.required) func aLargeTreeSaysHowFarItIs() throws {
            let scene = try Scene(.tmpfs, startsRecorder: false)
            defer { scene.close() }
            let count = DirectoryCount.large
            let program = """
                import os
                for n in range(\(count)):
                    if n % 100 == 0: os.mkdir('d%d' % n)
                    os.mkdir('d%d/%d' % (n - n % 100, n))
                """
            try runSuccessfully("/usr/bin/python3", ["-c", program], directory: scene.root)
            try scene.startRecorder(options: ["--scope", "directories"])
            let all = count + count / 100 + 1
            #expect(scene.recorderText.contains("varved: marking the directories of \(scene.root): 20000 so far"))
            #expect(scene.recorderText.contains("\(all) directories marked one by one"), "\(scene.recorderText)")
            var script = WorkloadScript()
            for number in stride(from: 0, to: count, by: 997) {
                script.add("create", "d\(number - number % 100)/\(number)/f", "1")
            }
            let truth = try scene.perform([script])
            try truth.expectAgreement(with: scene.events())
            try scene.expectNoGaps()
        }

        private enum DirectoryCount {
            static let large = 25_000
        }
    }
}
