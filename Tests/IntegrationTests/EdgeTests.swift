import Model
import TestSupport
import Testing

/// What happens at the edge of the recorded tree, and at the recorder's own doors.
extension EndToEnd {
    @Suite struct Edge {
        /// The kernel tells where a directory is now; the records before a rename belong to the time before it.
        @Test(Privilege.required, arguments: [FilesystemKind.tmpfs, .ext4])
        func directoriesThatCrossTheEdgeRightAfterAWriteLoseNothing(on kind: FilesystemKind) throws {
            let scene = try Scene(kind, startsRecorder: false)
            defer { scene.close() }
            let rounds = 0..<20
            var build = WorkloadScript()
            for name in ["kept", "out"] { build.add("mkdir", name) }
            for round in rounds {
                build.add("mkdir", "kept/d\(round)")
                build.add("mkdir", "out/e\(round)")
            }
            _ = try scene.perform([build])
            try scene.startRecorder(watching: ["\(scene.root)/kept"])
            var script = WorkloadScript()
            for round in rounds {
                script.add("create", "kept/d\(round)/inside", "1")
                script.add("rename", "kept/d\(round)", "out/d\(round)")
                script.add("create", "out/e\(round)/outside", "1")
                script.add("rename", "out/e\(round)", "kept/e\(round)")
                script.add("create", "kept/e\(round)/after", "1")
            }
            let truth = try scene.perform([script]).under(scene.root + "/kept")
            try truth.expectAgreement(with: scene.events())
            try scene.expectNoGaps()
        }

        @Test(Privilege.required) func aPathThatIsMadeAnewStaysRecorded() throws {
            let scene = try Scene(.ext4, startsRecorder: false)
            defer { scene.close() }
            var build = WorkloadScript()
            build.add("mkdir", "build")
            _ = try scene.perform([build])
            try scene.startRecorder(watching: ["\(scene.root)/build"])
            var script = WorkloadScript()
            script.add("create", "build/one", "1")
            script.add("unlink", "build/one")
            script.add("rmdir", "build")
            script.add("mkdir", "build")
            script.add("create", "build/two", "1")
            _ = try scene.perform([script])
            let events = try scene.events()
            let paths = Set(events.compactMap { $0.path?.lossyText })
            #expect(paths.contains("\(scene.root)/build/two"))
            #expect(paths.contains("\(scene.root)/build"))
        }

        /// What happens outside is none of the recording, however short its directories live.
        @Test(Privilege.required, arguments: [FilesystemKind.tmpfs, .ext4])
        func directoriesThatComeAndGoOutsideLeaveNoTrace(on kind: FilesystemKind) throws {
            let scene = try Scene(kind, startsRecorder: false)
            defer { scene.close() }
            var build = WorkloadScript()
            for name in ["in", "out"] { build.add("mkdir", name) }
            _ = try scene.perform([build])
            try scene.startRecorder(watching: ["\(scene.root)/in"])
            var script = WorkloadScript()
            for round in 0..<300 {
                script.add("mkdir", "out/t\(round)")
                script.add("create", "out/t\(round)/secret", "1")
                script.add("unlink", "out/t\(round)/secret")
                script.add("rmdir", "out/t\(round)")
            }
            _ = try scene.perform([script])
            #expect(try scene.events().map { $0.path?.lossyText ?? "?" } == [])
            try scene.expectNoGaps()
        }

        @Test(Privilege.required) func aPathWithinAnotherFollowsItsRenames() throws {
            let scene = try Scene(.ext4, startsRecorder: false)
            defer { scene.close() }
            var build = WorkloadScript()
            build.add("mkdirs", "outer/middle/inner")
            _ = try scene.perform([build])
            try scene.startRecorder(watching: ["\(scene.root)/outer", "\(scene.root)/outer/middle/inner"])
            var script = WorkloadScript()
            script.add("create", "outer/middle/inner/one", "1")
            script.add("rename", "outer/middle", "outer/moved")
            script.add("create", "outer/moved/inner/two", "1")
            let truth = try scene.perform([script])
            try truth.expectAgreement(with: scene.events())
        }

        @Test(Privilege.required) func whoMayOnlyReadCannotErase() throws {
            let scene = try Scene(.ext4)
            defer { scene.close() }
            try scene.giveStoreToUnprivilegedGroup()
            // The recorder's socket is open to the group.
            try runSuccessfully("chmod", ["660", "\(scene.store)/varved.sock"])
            var script = WorkloadScript()
            script.add("create", "file", "1")
            _ = try scene.perform([script])
            try scene.sync()
            let before = try scene.events().count
            let varve = try scene.publicCopy(of: BuiltPrograms.varve)
            let answer = try scene.runUnprivileged(varve, ["prune", "--before", "now", "--store", scene.store])
            #expect(answer.status != 0)
            #expect(try scene.events().count == before)
        }
    }
}
