import TestSupport
import Testing

/// The demonstration that README promises.
extension EndToEnd {
    @Suite struct Demo {
        @Test(Privilege.required) func theDemoShowsEventsAndAnswers() throws {
            let place = try TemporaryDirectory()
            let programs = BuiltPrograms.varved.split(separator: "/", omittingEmptySubsequences: false).dropLast()
            let environment = [
                "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "TMPDIR=\(place.path)", "BIN=\(programs.joined(separator: "/"))",
            ]
            let demo = try run("/bin/bash", [BuiltPrograms.demo], environment: environment, timeoutSeconds: 120)
            #expect(demo.status == 0, "\(demo.errorText)")
            for text in ["varved: recording", "src/main.c", "rename", "delete", "varve top", "varve gaps", "stays in"] {
                #expect(demo.outputText.contains(text), "\(text): \(demo.outputText)")
            }
            #expect(!demo.errorText.contains("rror"), "\(demo.errorText)")
        }

        @Test(Privilege.required) func withoutPrivilegeItSaysWhatIsMissing() throws {
            let place = try TemporaryDirectory()
            let scene = try Scene(.tmpfs, startsRecorder: false)
            defer { scene.close() }
            _ = try scene.publicCopy(of: BuiltPrograms.varved)
            try runSuccessfully("mv", ["\(scene.place)/public-varved", "\(scene.place)/varved"])
            try runSuccessfully("cp", [BuiltPrograms.demo, "\(place.path)/demo"])
            let demo = try run(
                Unprivileged.launcher[0],
                Unprivileged.launcher.dropFirst() + ["/bin/bash", "\(place.path)/demo"],
                environment: ["PATH=/usr/sbin:/usr/bin:/sbin:/bin", "BIN=\(scene.place)"])
            #expect(demo.status == 77, "\(demo.errorText)")
            #expect(demo.errorText.contains("sudo setcap cap_sys_admin"))
            #expect(demo.errorText.contains("\(scene.place)/varved"))
        }
    }
}
