import Model
import TestSupport
import Testing

/// Trees recorded by users without privileges.
extension EndToEnd {
    @Suite struct UnprivilegedScope {
        private func ownDirectory(_ scene: Scene) throws -> String {
            let own = scene.root + "/own"
            try runSuccessfully("mkdir", ["-p", own + "/d", own + "/closed"])
            try runSuccessfully("chown", ["-R", "\(Unprivileged.id):\(Unprivileged.id)", own])
            try runSuccessfully("chown", ["0:0", own + "/closed"])
            try runSuccessfully("chmod", ["700", own + "/closed"])
            return own
        }

        @Test(Privilege.required) func anOrdinaryUserRecordsADirectoryWithoutProcesses() throws {
            let scene = try Scene(.ext4, startsRecorder: false)
            defer { scene.close() }
            let own = try ownDirectory(scene)
            let program = try scene.publicCopy(of: BuiltPrograms.varved)
            let store = try scene.letAnybodyMakeTheStore()
            try scene.startRecorder(watching: [own], program: program, launcher: Unprivileged.launcher, store: store)
            let text = scene.recorderText
            #expect(text.contains("WITHOUT PROCESSES"), "\(text)")
            #expect(text.contains("CAP_SYS_ADMIN"))
            #expect(text.contains("setcap cap_sys_admin,cap_dac_read_search,cap_sys_ptrace+p \(program)"))
            #expect(text.contains("holding no capability"))
            var script = WorkloadScript()
            script.add("create", "own/d/f", "1")
            _ = try scene.perform([script])
            // What waits unread would be joined across the rename.
            try scene.sync()
            script = WorkloadScript()
            script.add("rename", "own/d", "own/e")
            script.add("create", "own/e/g", "1")
            script.add("unlink", "own/e/f")
            _ = try scene.perform([script])
            let events = try scene.events()
            func operations(_ name: String) -> Set<String> {
                Set(events.filter { $0.path == RawPath("\(own)/\(name)") }.flatMap(\.operations))
            }
            #expect(operations("d/f") == ["create", "modify", "close_write"])
            #expect(operations("e/g") == ["create", "modify", "close_write"])
            #expect(operations("e/f") == ["delete"])
            #expect(operations("d") == ["rename"])
            #expect(events.allSatisfy { $0.pid == nil && $0.process == nil })
            // What may not be read is named, and every answer says that nobody is.
            let gaps = try scene.gaps()
            #expect(gaps.contains { $0.type == "not_covered" && $0.scope == own + "/closed" })
            #expect(gaps.contains { $0.type == "process_events_lost" && $0.scope == own })
            let doctor = try scene.runUnprivileged(
                try scene.publicCopy(of: BuiltPrograms.varve),
                ["doctor", "--store", store + "-none", "--varved", program, own])
            #expect(doctor.status == 3, "\(doctor.errorText)")
            #expect(
                doctor.outputText.contains("marks on single directories, and not who did it"), "\(doctor.outputText)")
            let answer = try scene.varve(["events", "--under", own])
            #expect(answer.status == 3)
            #expect(answer.errorText.contains("does not tell who did it"), "\(answer.errorText)")
        }

        @Test(Privilege.required) func whatTheKernelAllowsNoMoreIsNamed() throws {
            let scene = try Scene(.ext4, startsRecorder: false)
            defer { scene.close() }
            let own = scene.root + "/own"
            try runSuccessfully("sh", ["-c", "for n in $(seq 1 60); do mkdir -p '\(own)'/$n; done"])
            try runSuccessfully("chown", ["-R", "\(Unprivileged.id):\(Unprivileged.id)", own])
            let program = try scene.publicCopy(of: BuiltPrograms.varved)
            let store = try scene.letAnybodyMakeTheStore()
            // The limit of a user namespace of its own, so that nobody else meets it.
            let limit = [
                "/usr/bin/unshare", "-r", "/bin/sh", "-c", "echo 40 > /proc/sys/user/max_fanotify_marks && exec \"$@\"",
                "sh",
            ]
            try scene.startRecorder(
                watching: [own], program: program, launcher: Unprivileged.launcher + limit, store: store)
            var script = WorkloadScript()
            for number in 1...60 { script.add("create", "own/\(number)/f", "1") }
            _ = try scene.perform([script])
            let seen = Set(try scene.events().compactMap(\.path))
            let gaps = try scene.gaps().filter { $0.type == "not_covered" }
            #expect(gaps.allSatisfy { $0.cause?.contains("max_user_marks") == true }, "\(gaps)")
            let named = Set(gaps.compactMap(\.scope))
            for number in 1...60 {
                let isSeen = seen.contains(RawPath("\(own)/\(number)/f"))
                #expect(isSeen != named.contains("\(own)/\(number)"), "\(number)")
            }
            #expect(!named.isEmpty && named.count < 60)
            #expect(try scene.varve(["events", "--under", named.first ?? own]).status == 3)
        }
    }
}
