import Model
import Syscalls
import TestSupport
import Testing

/// How `varved` starts, ends and refuses, as scripts see it.
extension EndToEnd {
    @Suite struct RecorderCommand {
        @Test(Privilege.required) func aCommandsExitStatusIsTheRecorders() throws {
            let scene = try Scene(.ext4, startsRecorder: false)
            defer { scene.close() }
            let command = ["/bin/sh", "-c", "echo text > '\(scene.root)/file'; exit 7"]
            let result = try run(BuiltPrograms.varved, ["--store", scene.store, scene.root, "--"] + command)
            #expect(result.status == 7, "\(result.errorText)")
            let events = try scene.events(syncing: false)
            #expect(Set(events.flatMap(\.operations)) == ["create", "modify", "close_write"])
            #expect(events.allSatisfy { $0.path == RawPath(scene.root + "/file") })
            // The exec event names the program, however short its life was.
            #expect(events.first?.process?.exe == "/usr/bin/dash")
        }

        @Test(Privilege.required) func aCommandThatDoesNotExistIsNamed() throws {
            let scene = try Scene(.tmpfs, startsRecorder: false)
            defer { scene.close() }
            let result = try run(
                BuiltPrograms.varved, ["--store", scene.store, scene.root, "--", "/nonexistent/program"])
            #expect(result.status != 0)
            #expect(result.errorText.contains("/nonexistent/program"))
        }

        @Test(Privilege.required, arguments: [Signals.terminate, Signals.interrupt])
        func signalsCommitWhatWasReadAndExitWithZero(signal: Int32) throws {
            let scene = try Scene(.ext4)
            defer { scene.close() }
            var script = WorkloadScript()
            for number in 0..<500 { script.add("create", "\(number)", "1") }
            let truth = try scene.perform([script])
            #expect(try scene.stopRecorder(signal: signal) == 0)
            try truth.expectAgreement(with: scene.events(syncing: false))
            try scene.expectNoGaps()
            // Stopped cleanly: readers find the store whole, and a second run goes on with its numbers.
            try scene.startRecorder()
            var more = WorkloadScript()
            more.add("create", "more", "1")
            _ = try scene.perform([more])
            let numbers = try scene.events().map(\.seq)
            #expect(zip(numbers, numbers.dropFirst()).allSatisfy { $0 + 1 == $1 })
        }

        @Test(Privilege.required) func aSecondRecorderIsToldWhoHoldsTheStore() throws {
            let scene = try Scene(.tmpfs)
            defer { scene.close() }
            let second = try run(BuiltPrograms.varved, ["--store", scene.store, scene.root])
            #expect(second.status == 75)
            #expect(second.errorText.contains(String(scene.recorderPID)))
            #expect(try scene.varve(["sync"]).status == 0, "the first one goes on")
        }

        @Test func anUnknownOptionIsAUsageError() throws {
            let place = try TemporaryDirectory()
            for program in [BuiltPrograms.varved, BuiltPrograms.varve] {
                let result = try run(program, ["--no-such-option"])
                #expect(result.status == 2)
                #expect(result.errorText.contains("--no-such-option"))
            }
            for arguments in [
                ["--ops", "create,fly"], ["--queue", "huge"], ["--max-size", "12Q"], ["--max-size", "100K"],
                ["--min-free", "1000000T"], ["--exclude", ""], ["--exclude", "./build"],
                ["--capture-wal", "/a/../b.db"],
            ] {
                let result = try run(
                    BuiltPrograms.varved,
                    ["--store", place.appending("store")] + arguments + [place.path])
                #expect(result.status == 2, "\(arguments): \(result.errorText)")
                #expect(result.errorText.contains(arguments[0]), "\(result.errorText)")
                #expect((try? RawPath(place.appending("store")).status()) == nil)
            }
            for arguments in [
                ["events", "--op", "fly"], ["events", "--since", "soonish"], ["top", "--by", "colour"],
                ["events", "--path", "/a/.."], ["prune", "--max-size", "10K"],
            ] {
                let result = try run(BuiltPrograms.varve, arguments + ["--store", place.path])
                #expect(result.status == 2, "\(arguments): \(result.errorText)")
            }
        }

        @Test(Privilege.required) func aMissingPathIsNamed() throws {
            let scene = try Scene(.tmpfs, startsRecorder: false)
            defer { scene.close() }
            let result = try run(BuiltPrograms.varved, ["--store", scene.store, scene.root + "/absent"])
            #expect(result.status != 0)
            #expect(result.errorText.contains(scene.root + "/absent"))
            #expect(result.errorText.contains("No such file or directory"))
        }

        @Test(Privilege.required) func withoutTheCapabilityItSaysWhichAndHowToGiveIt() throws {
            let scene = try Scene(.tmpfs, startsRecorder: false)
            defer { scene.close() }
            let program = try scene.publicCopy(of: BuiltPrograms.varved)
            let store = try scene.letAnybodyMakeTheStore()
            // Whole filesystems take it: those of PATH, or every one.
            for arguments in [["--scope", "filesystem", scene.root], []] {
                let result = try scene.runUnprivileged(program, ["--store", store] + arguments)
                #expect(result.status == 77, "\(result.errorText)")
                #expect(result.errorText.contains("CAP_SYS_ADMIN"))
                #expect(result.errorText.contains("setcap cap_sys_admin,cap_dac_read_search,cap_sys_ptrace+p"))
                #expect(result.errorText.contains(program), "the line can be pasted: it names the program itself")
            }
            // A tree whose top may not even be read cannot be recorded either, whatever is allowed.
            try runSuccessfully("mkdir", ["-m", "700", scene.root + "/closed"])
            let closed = try scene.runUnprivileged(program, ["--store", store, scene.root + "/closed", "--", "true"])
            #expect(closed.status == 69, "\(closed.errorText)")
            #expect(closed.errorText.contains(scene.root + "/closed"))
        }

        @Test(Privilege.required) func capabilitiesThatHaveNoEffectAreNotDoneWithoutUnasked() throws {
            let scene = try Scene(.ext4, startsRecorder: false)
            defer { scene.close() }
            let program = try scene.publicCopy(of: BuiltPrograms.varved)
            try runSuccessfully(
                "/usr/sbin/setcap", ["cap_sys_admin,cap_dac_read_search,cap_sys_ptrace+p", program])
            let store = try scene.letAnybodyMakeTheStore()
            // What setpriv(1) itself still holds is gone only after one more exec.
            let locked =
                Unprivileged.launcher.dropFirst() + ["--no-new-privs", "/bin/sh", "-c", "exec \"$@\"", "sh", program]
                + ["--store", store]
            let refused = try run(Unprivileged.launcher[0], locked + [scene.root, "--", "true"])
            #expect(refused.status == 77, "\(refused.errorText)")
            #expect(refused.errorText.contains("no_new_privs"))
            #expect(refused.errorText.contains("--scope directories"))
            let asked = try run(
                Unprivileged.launcher[0], locked + ["--scope", "directories", scene.root, "--", "true"])
            #expect(asked.status == 0, "\(asked.errorText)")
            #expect(asked.errorText.contains("WITHOUT PROCESSES"))
        }

        @Test(Privilege.required) func fileCapabilitiesAloneAreEnough() throws {
            let scene = try Scene(.ext4, startsRecorder: false)
            defer { scene.close() }
            let program = try scene.publicCopy(of: BuiltPrograms.varved)
            try runSuccessfully(
                "/usr/sbin/setcap", ["cap_sys_admin,cap_dac_read_search,cap_sys_ptrace+p", program])
            let store = try scene.letAnybodyMakeTheStore()
            // A directory that the recorder's own user may not enter.
            var build = WorkloadScript()
            build.add("mkdirs", "private/inner")
            build.add("chmod", "private", "700")
            _ = try scene.perform([build])
            try scene.startRecorder(program: program, launcher: Unprivileged.launcher, store: store)
            var script = WorkloadScript()
            script.add("create", "private/inner/file", "1")
            script.add("linger", "500")
            let truth = try scene.perform([script])
            let events = try scene.events()
            truth.expectAgreement(with: events)
            #expect(events.allSatisfy { $0.process?.exe?.contains("python3") == true }, "another user's exe is read")
        }

        @Test(Privilege.required) func aWholeOverlayIsRefusedWithWhatWouldBeSeen() throws {
            let scene = try Scene(.ext4, startsRecorder: false)
            defer { scene.close() }
            let merged = try scene.mountOverlay()
            let whole = ["--scope", "filesystem"]
            let alone = try run(BuiltPrograms.varved, ["--store", scene.store] + whole + [merged])
            #expect(alone.status == 69)
            #expect(alone.errorText.contains(merged))
            #expect(alone.errorText.contains("overlay"))
            // Beside a path that can be marked it is a gap, not a failure.
            try scene.startRecorder(watching: [scene.root, merged], options: whole)
            var script = WorkloadScript()
            script.add("create", "seen", "1")
            let truth = try scene.perform([script])
            try truth.expectAgreement(with: scene.events())
            let gap = try #require(try scene.gaps().first { $0.type == "not_covered" })
            #expect(gap.scope == merged)
            #expect(try scene.varve(["events", "--under", merged]).status == 3)
            let doctor = try run(BuiltPrograms.varve, ["doctor", merged])
            // Linux 6.6 and later take marks on its directories.
            let isByDirectories = FanotifyProbe.markDirectory(RawPath(merged)) == 0
            #expect(doctor.status == (isByDirectories ? 3 : 1))
            #expect(
                doctor.outputText.contains("its directories would be marked one by one") == isByDirectories,
                "\(doctor.outputText)")
            #expect(alone.errorText.contains("Or name it as PATH") == isByDirectories)
            #expect(doctor.outputText.contains("record on the host"), "\(doctor.outputText)")
        }
    }
}
