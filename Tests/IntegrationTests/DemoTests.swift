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

        /// Its answers may be incomplete, which does not end the demonstration.
        @Test(Privilege.required) func aDirectoryOfTheUserIsShown() throws {
            let place = try TemporaryDirectory()
            try runSuccessfully("mkdir", ["\(place.path)/of mine", "\(place.path)/programs"])
            try runSuccessfully("ln", ["-s", BuiltPrograms.varved, "\(place.path)/programs/varved"])
            let wrapper = #"printf '#!/bin/sh\n"%s" "$@" || exit\n[ "$1" != gaps ] || exit 3\n' "$1" > "$2""#
            let varve = "\(place.path)/programs/varve"
            try runSuccessfully("/bin/sh", ["-c", wrapper, "sh", BuiltPrograms.varve, varve])
            try runSuccessfully("chmod", ["755", varve])
            let demo = try run(
                "/bin/bash", [BuiltPrograms.demo, "\(place.path)/of mine"],
                environment: [
                    "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "TMPDIR=\(place.path)", "BIN=\(place.path)/programs",
                    "DEMO_SECONDS=1",
                ], timeoutSeconds: 120)
            #expect(demo.status == 0, "\(demo.errorText)")
            for text in ["recording \(place.path)/of mine for 1 s", "varve status", "stays in"] {
                #expect(demo.outputText.contains(text), "\(text): \(demo.outputText)")
            }
        }

        /// Said before anything is built or made, and by `make demo` before it builds.
        @Test func aDirectoryThatIsMissingIsSaidAtOnce() throws {
            let place = try TemporaryDirectory()
            let demo = try run(
                "/bin/bash", [BuiltPrograms.demo, "\(place.path)/missing"],
                environment: ["PATH=/usr/bin:/bin", "TMPDIR=\(place.path)", "BIN=\(place.path)"])
            #expect(demo.status == 2)
            #expect(demo.errorText.contains("\(place.path)/missing is not a directory; name one that exists"))
            let made = try run(
                "make", ["-C", BuiltPrograms.top, "demo", "DIR=\(place.path)/missing", "SWIFT=/bin/false"],
                environment: ["PATH=/usr/bin:/bin"])
            #expect(made.errorText.contains("missing is not a directory"), "\(made.errorText)")
            #expect(!made.outputText.contains("/bin/false"), "built before it looked: \(made.outputText)")
            #expect(try run("ls", ["-A", place.path]).outputText.isEmpty)
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
