import Model
import TestSupport
import Testing

/// What file capabilities lend, and to whom they do not.
extension EndToEnd {
    @Suite struct Privileges {
        private func cappedCopy(_ scene: Scene) throws -> String {
            let program = try scene.publicCopy(of: BuiltPrograms.varved)
            try runSuccessfully(
                "/usr/sbin/setcap", ["cap_sys_admin,cap_dac_read_search,cap_sys_ptrace+p", program])
            return program
        }

        @Test(Privilege.required) func whoWasLentTheCapabilitiesGetsNoPageOfAnothersFile() throws {
            let scene = try Scene(.ext4, startsRecorder: false)
            defer { scene.close() }
            // All are scripts of root's; only their permissions differ, and those of the directory above.
            try runSuccessfully("mkdir", ["-m", "700", scene.root + "/closed"])
            let scripts = [("open", "755"), ("secret", "700"), ("closed/hidden", "755")]
            for (name, mode) in scripts {
                let path = "\(scene.root)/\(name).sh"
                let text = "#!/bin/sh\\necho x > \(scene.root)/\(name).out\\nsleep 0.3\\n"
                try runSuccessfully("sh", ["-c", "printf '\(text)' > '\(path)'; chmod \(mode) '\(path)'"])
            }
            let store = try scene.letAnybodyMakeTheStore()
            try scene.startRecorder(program: try cappedCopy(scene), launcher: Unprivileged.launcher, store: store)
            for (name, _) in scripts { try runSuccessfully("\(scene.root)/\(name).sh") }
            let events = try scene.events()
            // Who reads the first line knows that the image is the shell, and what it runs a script.
            for (name, _) in scripts {
                let written = events.filter { $0.path == RawPath("\(scene.root)/\(name).out") }
                #expect(!written.isEmpty)
                let known = Set(written.compactMap { $0.process?.script })
                #expect(known == (name == "open" ? ["\(scene.root)/open.sh"] : []), "\(name)")
            }
        }

        @Test(Privilege.required) func aStoreOfSomebodyElseIsRefused() throws {
            let scene = try Scene(.ext4, startsRecorder: false)
            defer { scene.close() }
            let store = scene.place + "/others"
            try runSuccessfully("mkdir", ["-m", "777", store])
            let result = try scene.runUnprivileged(try cappedCopy(scene), ["--store", store, scene.root, "--", "true"])
            #expect(result.status == 73, "\(result.errorText)")
            #expect(result.errorText.contains("belongs to user 0"))
            #expect(try run("ls", ["-A", store]).outputText == "", "nothing was made in it")
        }
    }
}
