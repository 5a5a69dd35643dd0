import Model
import Syscalls
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

        @Test(Privilege.required, .timeLimit(.minutes(3)))
        func whoWasLentTheCapabilitiesGetsNoPageOfAnothersDatabase() throws {
            let scene = try Scene(.ext4, startsRecorder: false)
            defer { scene.close() }
            let store = try scene.letAnybodyMakeTheStore()
            try scene.startRecorder(
                options: ["--capture-wal", "**"], program: try cappedCopy(scene), launcher: Unprivileged.launcher,
                store: store)
            // Both are root's; SQLite gives the log the mode of its database.
            for (name, mask) in [("secret", "077"), ("open", "022")] {
                let writer = "umask \(mask); exec /usr/bin/python3 \"$@\""
                try runSuccessfully(
                    "sh",
                    ["-c", writer, "sh", BuiltPrograms.databaseWorkload, "\(scene.root)/\(name).db", "steps", "60"])
            }
            func rows() throws -> [[Substring]] {
                let answer = try scene.varve(["db", "list", "-o", "csv", "--accept-gaps"])
                return answer.outputText.split(whereSeparator: \.isNewline).map {
                    $0.split(separator: ",", omittingEmptySubsequences: false)
                }
            }
            func row(_ name: String) throws -> [Substring]? { try rows().first { $0[1].hasSuffix("/\(name).db") } }
            try waitUntil("what anybody may read is captured") {
                try row("open").map { (Int($0[4]) ?? 0) > 0 } ?? false
            }
            try scene.sync()
            if let secret = try row("secret") {
                #expect(secret[4] == "0" && secret[6] == "0" && secret[8] == "0", "commits, images, bytes: \(secret)")
            }
            let captured = try #require(try row("open")).first.map(String.init) ?? ""
            let files = try runSuccessfully("find", [store + "/segments", "-type", "f"]).outputText.split(
                separator: "\n")
            #expect(!files.isEmpty && files.allSatisfy { $0.contains("/\(captured)/") }, "\(files)")
        }

        /// The user's own store may hold links; where they lead is read with the user's rights alone.
        @Test(Privilege.required, arguments: [true, false])
        func anArchiveHoldsNothingThatItsUserMayNotRead(mayRead: Bool) throws {
            let scene = try Scene(.ext4, startsRecorder: false)
            defer { scene.close() }
            let others = scene.place + "/others"
            let stream = others + "/0123456789abcdef0123456789abcdef"
            try runSuccessfully("mkdir", ["-p", "-m", "755", stream])
            try Files.write(
                Array("pages of others".utf8),
                to: RawPath(stream + "/0000000000000001-0000000000000001.vseg"), mode: 0o644)
            try runSuccessfully("chmod", [mayRead ? "755" : "700", others])
            let store = try scene.letAnybodyMakeTheStore()
            let made = try scene.runUnprivileged(
                "/bin/sh", ["-c", "mkdir -m 750 '\(store)' && ln -s '\(others)' '\(store)/segments'"])
            #expect(made.status == 0, "\(made.errorText)")
            let archive = store + "-archive"
            try scene.startRecorder(
                options: ["--archive", archive, "--min-free", "0"], program: try cappedCopy(scene),
                launcher: Unprivileged.launcher, store: store)
            var status = ""
            for _ in 0..<200 where !status.contains("\"archive\":\"archiving\"") && !status.contains("archive_failure")
            {
                pause(milliseconds: 100)
                status = try scene.varve(["status", "-o", "json"]).outputText
            }
            let found = try run("grep", ["-r", "-l", "pages of others", archive])
            #expect(found.outputText.isEmpty != mayRead, "\(found.outputText) \(status)")
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
