import Model
import Syscalls
import TestSupport
import Testing

/// Filesystems that come and go while they are recorded.
extension EndToEnd {
    @Suite struct Mounts {
        /// A directory on the recorded filesystem for something to be mounted on.
        private func point(_ scene: Scene, _ name: String = "point") throws -> String {
            var script = WorkloadScript()
            script.add("mkdir", name)
            _ = try scene.perform([script])
            return "\(scene.root)/\(name)"
        }

        private func mount(_ kind: FilesystemKind, on point: String, _ scene: Scene) throws {
            if kind == .tmpfs {
                try scene.mount(["-t", "tmpfs", "none"], on: point)
            } else {
                try scene.mount(["-o", "loop", try scene.image(kind)], on: point)
            }
        }

        @Test(Privilege.required, arguments: FilesystemKind.allCases)
        func whatIsMountedWhileRecordingIsRecordedFromItsMarkOn(kind: FilesystemKind) throws {
            let scene = try Scene(.ext4)
            defer { scene.close() }
            let point = try point(scene)
            let before = try scene.events().count
            try mount(kind, on: point, scene)
            try scene.waitForCoverage(of: point)
            var script = WorkloadScript()
            script.add("mkdirs", "a/b")
            script.add("create", "a/b/file", "1")
            script.add("rename", "a/b", "c")
            var truth = try scene.perform([script], in: point)
            try scene.sync()
            script = WorkloadScript()
            script.add("append", "c/file", "1")
            truth.add(try scene.perform([script], in: point))
            let events = Array(try scene.events().dropFirst(before))
            truth.expectAgreement(with: events)
            #expect(events.allSatisfy { $0.uncertain == [] })
            // The time before the mark is a gap with both bounds, and the coverage begins where it ends.
            let gaps = try scene.gaps()
            #expect(gaps.map(\.type) == ["not_covered"])
            let gap = try #require(gaps.first)
            #expect(gap.scope == point)
            #expect(gap.from <= gap.to)
            let rows = try scene.sql(
                "SELECT count(*) FROM gap, coverage WHERE gap.scope = coverage.path AND missing_to = covered_from")
            #expect(rows.split(separator: "\n") == ["1"])
        }

        @Test(Privilege.required, arguments: [FilesystemKind.ext4, .xfs, .btrfs])
        func aFilesystemThatComesBackIsNamedByWhatItHoldsThen(kind: FilesystemKind) throws {
            let scene = try Scene(.ext4)
            defer { scene.close() }
            let point = try point(scene)
            let elsewhere = "\(scene.place)/elsewhere"
            try runSuccessfully("mkdir", [elsewhere])
            let image = try scene.image(kind)
            try scene.mount(["-o", "loop", image], on: point)
            try scene.waitForCoverage(of: point)
            var script = WorkloadScript()
            script.add("mkdirs", "old/inner")
            script.add("create", "old/inner/one", "1")
            var truth = try scene.perform([script], in: point)
            try scene.sync()
            try scene.unmountPoint(point)
            try scene.waitForCoverage(of: point, isCovered: false)
            // While it is nobody's business it changes: the names that were learned are true no longer.
            try scene.mount(["-o", "loop", image], on: elsewhere)
            try runSuccessfully("mv", ["\(elsewhere)/old", "\(elsewhere)/new"])
            try scene.unmountPoint(elsewhere)
            try scene.mount(["-o", "loop", image], on: point)
            try scene.waitForCoverage(of: point)
            var after = WorkloadScript()
            after.add("append", "new/inner/one", "1")
            after.add("create", "new/inner/two", "1")
            truth.add(try scene.perform([after], in: point))
            let events = try scene.events().filter { $0.path?.isAtOrUnder(RawPath(point + "/")) == true }
            truth.expectAgreement(with: events.filter { $0.path != RawPath(point) })
            let gaps = try scene.gaps()
            #expect(gaps.allSatisfy { $0.type == "not_covered" && $0.scope == point })
        }

        @Test(Privilege.required) func whatIsMountedOverAPathTakesItsPlaceAndLeavesIt() throws {
            let scene = try Scene(.ext4, startsRecorder: false)
            defer { scene.close() }
            let point = try point(scene)
            try scene.startRecorder(watching: [point])
            var script = WorkloadScript()
            script.add("create", "below", "1")
            var truth = try scene.perform([script], in: point)
            try scene.sync()
            try scene.mount(["-t", "tmpfs", "none"], on: point)
            try scene.waitForCoverage(of: point)
            // The same path is covered twice over now; what is waited for is the second filesystem.
            try scene.waitForFilesystem("tmpfs")
            script = WorkloadScript()
            script.add("create", "above", "1")
            truth.add(try scene.perform([script], in: point))
            try scene.sync()
            try scene.unmountPoint(point)
            try scene.waitForFilesystem("tmpfs", isCovered: false)
            script = WorkloadScript()
            script.add("create", "again", "1")
            truth.add(try scene.perform([script], in: point))
            try truth.expectAgreement(with: scene.events())
        }

        @Test(Privilege.required) func withoutFollowingAMountIsAGap() throws {
            let scene = try Scene(.ext4, options: ["--no-follow-mounts"])
            defer { scene.close() }
            let point = try point(scene)
            try scene.mount(["-t", "tmpfs", "none"], on: point)
            try scene.waitForGap(of: point)
            var script = WorkloadScript()
            script.add("create", "unseen", "1")
            _ = try scene.perform([script], in: point)
            let events = try scene.events()
            #expect(events.allSatisfy { $0.path != RawPath(point + "/unseen") })
            #expect(try scene.varve(["events", "--under", point]).status == 3)
            // Elsewhere nothing is missing.
            #expect(try scene.varve(["events", "--under", scene.root + "/lost+found"]).status == 1)
            try scene.unmountPoint(point)
            try scene.waitForGap(of: point, isOpen: false)
        }

        @Test(Privilege.required) func aPathThatIsMissingWhenSomethingIsMountedStaysCovered() throws {
            let scene = try Scene(.ext4, startsRecorder: false)
            defer { scene.close() }
            let tree = try point(scene, "tree")
            let other = try point(scene, "other")
            try scene.startRecorder(watching: [tree])
            var script = WorkloadScript()
            script.add("rmdir", "tree")
            _ = try scene.perform([script])
            try scene.mount(["-t", "tmpfs", "none"], on: other)
            // The notice is dealt with when the next one is: a mount below the path, once it is there again.
            script = WorkloadScript()
            script.add("mkdirs", "tree/below")
            _ = try scene.perform([script])
            try scene.mount(["-t", "tmpfs", "none"], on: tree + "/below")
            try scene.waitForCoverage(of: tree + "/below")
            script = WorkloadScript()
            script.add("create", "tree/file", "1")
            let truth = try scene.perform([script])
            let events = try scene.events()
            truth.expectAgreement(with: events.filter { $0.path == RawPath(tree + "/file") })
            #expect(try scene.sql("SELECT count(*) FROM coverage WHERE covered_to IS NOT NULL").hasPrefix("0"))
        }

        @Test(Privilege.required) func anOverlayWhoseLayerIsRecordedIsNoGap() throws {
            let scene = try Scene(.tmpfs, startsRecorder: false)
            defer { scene.close() }
            try scene.startRecorder(watching: [])
            // Records without a name and a directory wait in the batch while the overlay is announced.
            let unlinked =
                "exec 3>>'\(scene.place)/gone'; rm '\(scene.place)/gone'; for i in $(seq 200); do echo x >&3; done"
            let writer = try BackgroundProgram(["/bin/sh", "-c", unlinked + "; sleep 1; echo y >&3"], in: scene.place)
            defer { writer.end() }
            let merged = try scene.mountOverlay()
            var script = WorkloadScript()
            script.add("create", "file", "1")
            script.add("mkdir", "d")
            let truth = try scene.perform([script], in: merged).replacing(merged, with: scene.place + "/upper")
            // The machine's own filesystems are recorded as well, with whatever goes on there.
            let upper = RawPath(scene.place + "/upper")
            let events = try scene.events().filter { $0.path?.isAtOrUnder(upper) == true && $0.path != upper }
            let own = events.filter { event in truth.operations.keys.contains { $0.pid == event.pid } }
            let gaps = try scene.gaps()
            #expect(gaps.allSatisfy { $0.scope != merged })
            if FanotifyProbe.seesBelowOverlays() {
                truth.expectAgreement(with: own)
                #expect(gaps.allSatisfy { $0.scope != upper.lossyText })
            } else {
                // Before Linux 6.5 the kernel tells only of names, which is a gap while the overlay is there.
                let created = Set(own.filter { $0.operations.contains("create") }.compactMap(\.path))
                #expect(created == [upper.appending("file".utf8), upper.appending("d".utf8)])
                #expect(gaps.contains { $0.scope == upper.lossyText && $0.cause?.contains("Linux 6.5") == true })
                try scene.unmountPoint(merged)
                try scene.waitForGap(of: upper.lossyText, isOpen: false)
            }
            let doctor = try run(BuiltPrograms.varve, ["doctor", "--json"])
            #expect(doctor.outputText.contains("\"verdict\""))
            #expect(!doctor.outputText.contains(merged))
        }

        @Test(Privilege.required) func onlyTheThreadThatMarksKeepsTheCapabilityForIt() throws {
            let sysAdmin = UInt64(1) << 21
            let scene = try Scene(.ext4)
            defer { scene.close() }
            var threads = try scene.threadsOfRecorder()
            #expect(threads.count >= 5)
            #expect(threads.filter { $0.capabilities & sysAdmin != 0 }.map(\.name) == ["mounts"])
            #expect(threads.allSatisfy { $0.hasNoNewPrivileges })
            #expect(scene.recorderText.contains("cap_sys_admin in the thread that follows mounts"))
            #expect(scene.recorderText.contains("no_new_privs"))
            try scene.stopRecorder()
            try scene.startRecorder(options: ["--no-follow-mounts"])
            threads = try scene.threadsOfRecorder()
            #expect(threads.allSatisfy { $0.capabilities & sysAdmin == 0 })
        }
    }
}
