import Glibc
import Model
import Syscalls
import TestSupport
import Testing

/// Recorders beside containers, and in them, with Debian's container engine.
extension EndToEnd {
    @Suite struct Containers {
        private static let capabilities = "cap_sys_admin,cap_dac_read_search,cap_sys_ptrace+p"

        /// A filesystem with an engine on it.
        private func engine() throws -> (scene: Scene, docker: Docker) {
            let scene = try Scene(.ext4, startsRecorder: false, mebibytes: 1_500)
            do {
                return (scene, try Docker(dataRoot: scene.root + "/docker"))
            } catch {
                scene.close()
                throw error
            }
        }

        // MARK: The recorder on the host

        @Test(Privilege.required) func writersInTwoContainersAreToldApartAndSaidOnce() throws {
            let (scene, docker) = try engine()
            defer { scene.close() }
            defer { docker.stop() }
            try docker.importImage("writer")
            try docker.dockerLine(["volume", "create", "shared"])
            try scene.startRecorder()
            // Between the operations the recorder has time to read, so that none is joined with the next.
            let steps = [
                "echo more >> /etc/conf", "rm /etc/two", "mkdir /srv/new", "echo x > /srv/new/f",
                "mv /srv/new/f /srv/new/g", "chmod 600 /srv/deep/three", "rm -r /srv/deep", "mkdir /srv/deep",
                "echo again > /etc/two", "ln -s x /etc/other", "rm /etc/link", "ln -s y /etc/link",
                "mv /etc/conf /etc/moved", "ln /etc/moved /etc/second", "echo v > /data/$NAME",
            ]
            let script =
                "echo > /begin; sleep 0.2; " + steps.joined(separator: "; sleep 0.1; ") + "; sleep 0.2; echo > /end"
            let ids = try ["a", "b"].map { name in
                try docker.startContainer(
                    "writer", options: ["-e", "NAME=\(name)", "-v", "shared:/data"], command: ["/bin/sh", "-c", script])
            }
            for id in ids { #expect(try docker.wait(for: id) == 0) }
            let events = try scene.events()
            let changed = ["close_write", "modify"]
            for (name, id) in zip(["a", "b"], ids) {
                let expected = [
                    "/etc/conf": changed, "/etc/two": ["close_write", "create", "delete", "modify"],
                    "/srv/new": ["create"], "/srv/new/f": ["close_write", "create", "modify"],
                    "/srv/new/f -> /srv/new/g": ["rename"], "/srv/deep/three": ["attrib", "delete"],
                    "/srv/deep": ["create", "delete"], "/etc/other": ["create"], "/etc/link": ["create", "delete"],
                    "/etc/conf -> /etc/moved": ["rename"], "/etc/second": ["create"],
                    "/data/\(name)": ["close_write", "create", "modify"],
                ]
                // Each operation once and nothing else: none of what overlayfs does for itself.
                let seen = try events.operations(of: id).mapValues { $0.sorted() }
                guard FanotifyProbe.seesBelowOverlays() else {
                    #expect(seen.namesAlone == expected.namesAlone)
                    continue
                }
                #expect(seen == expected)
            }
            guard FanotifyProbe.seesBelowOverlays() else {
                let gaps = try scene.gaps()
                #expect(gaps.count >= 2)
                #expect(gaps.allSatisfy { $0.cause?.contains("before Linux 6.5") == true }, "\(gaps)")
                return
            }
            // The host's path is there as well, and the dead are named by their layer.
            let conf = events.filter { $0.containerPath == "/etc/conf" && $0.operations.contains("modify") }
            #expect(conf.count == 2)
            for event in conf {
                #expect(event.path?.isAtOrUnder(RawPath(docker.dataRoot + "/overlay2")) == true)
                #expect(event.path?.lossyText.hasSuffix("/diff/etc/conf") == true)
                #expect(event.process?.container == event.container)
            }
            // What the engine itself does to layers that are mounted for a moment is nobody's container.
            // The kernel makes a directory `work` inside the one that is given to it as workdir, which Docker calls so too.
            let workDirectory = "/work"
            let prepared = events.filter {
                $0.path?.lossyText.contains(workDirectory + workDirectory + "/#") == true
            }
            #expect(prepared.allSatisfy { $0.process?.exe?.hasSuffix("/dockerd") == true })
            try scene.expectNoGaps()
        }

        @Test(Privilege.required) func containersAndVolumesGoAwayAtOnceWhileRecorded() throws {
            let (scene, docker) = try engine()
            defer { scene.close() }
            defer { docker.stop() }
            try docker.importImage("writer")
            try scene.startRecorder()
            for round in 0..<3 {
                let volume = try docker.dockerLine(["volume", "create", "v\(round)"])
                let id = try docker.startContainer(
                    "writer", options: ["-v", "\(volume):/data"],
                    command: ["/bin/sh", "-c", "echo x > /data/x; echo y > /y; sleep 60"])
                try waitUntil("the container has written") {
                    try docker.docker(["exec", id, "ls", "/y"]).outputText.contains("/y")
                }
                // No sync before: whatever the recorder has in hand must not hold the layers.
                try docker.remove(id)
                try docker.dockerLine(["volume", "rm", volume])
            }
            let events = try scene.events()
            for round in 0..<3 {
                let file = RawPath("\(docker.dataRoot)/volumes/v\(round)/_data/x")
                let operations = Set(events.filter { $0.path == file }.flatMap(\.operations))
                #expect(operations.isSuperset(of: ["create", "modify", "close_write", "delete"]))
            }
        }

        @Test(Privilege.required) func aWriterThatNeverClosesIsInTheStoreAfterEachBurst() throws {
            let (scene, docker) = try engine()
            defer { scene.close() }
            defer { docker.stop() }
            try docker.importImage("database", programs: ["/usr/bin/sqlite3"])
            let place = scene.root + "/db"
            try runSuccessfully("mkdir", [place])
            try runSuccessfully("mkfifo", [place + "/fifo"])
            try scene.startRecorder()
            let id = try docker.startContainer(
                "database", options: ["-v", "\(place):/data"],
                command: ["/bin/sh", "-c", "exec sqlite3 /data/x.db < /data/fifo"])
            let input = try HeldFile(place + "/fifo")
            try input.write("PRAGMA journal_mode=WAL; CREATE TABLE t(x);\n")
            let wal = RawPath(place + "/x.db-wal")
            func modifications() throws -> Int {
                // No barrier: what is there was committed by itself.
                try scene.events(syncing: false).count { $0.path == wal && $0.operations.contains("modify") }
            }
            func wait(for count: Int) throws {
                try waitUntil("\(count) modifications of the log") { try modifications() >= count }
            }
            try wait(for: 1)
            var last = try modifications()
            #expect(last > 0)
            for burst in 0..<5 {
                for row in 0..<20 { try input.write("INSERT INTO t VALUES(\(burst * 100 + row));\n") }
                try wait(for: last + 1)
                let now = try modifications()
                #expect(now > last, "burst \(burst)")
                pause(milliseconds: 600)
                last = try modifications()
            }
            let events = try scene.events()
            let own = events.filter { $0.path == wal }
            #expect(own.allSatisfy { !$0.operations.contains("close_write") }, "it was open all through")
            #expect(own.allSatisfy { $0.containerPath == "/data/x.db-wal" && $0.container == id })
        }

        // MARK: The recorder in a container

        /// A directory of the host that a recorder in a container keeps its store in, and one that it records.
        private func volumes(_ scene: Scene) throws -> (store: String, data: String) {
            let store = scene.place + "/volume-store"
            let data = scene.root + "/volume-data"
            try runSuccessfully("mkdir", ["-p", store, data + "/old/deep"])
            try runSuccessfully("chmod", ["-R", "777", store, data])
            try runSuccessfully("chown", ["-R", "1000:1000", store, data])
            return (store, data)
        }

        private func importRecorder(_ docker: Docker) throws {
            try docker.importImage("recorder", programs: [BuiltPrograms.varved], capabilities: Self.capabilities)
        }

        /// Records /data while a script runs, in a container with these options.
        private func record(
            _ docker: Docker, _ volumes: (store: String, data: String), options: [String], script: String,
            program: String = "varved", target: String = "/data", further: [String] = []
        ) throws -> CommandResult {
            try docker.docker(
                ["run", "--rm", "--network=none"] + options
                    + ["-v", "\(volumes.store):/store", "-v", "\(volumes.data):/data", "recorder", program, "--store"]
                    + ["/store/s", target] + further + ["--", "/bin/sh", "-c", script])
        }

        private func events(in volumes: (store: String, data: String)) throws -> [ReportedEvent] {
            let answer = try run(
                BuiltPrograms.varve,
                ["events", "--store", volumes.store + "/s", "-o", "jsonl", "--accept-gaps"])
            return try ReportedEvent.list(answer.output)
        }

        private func operations(on path: String, in events: [ReportedEvent]) -> Set<String> {
            Set(events.filter { $0.path == RawPath(path) }.flatMap(\.operations))
        }

        private static let touch =
            "sleep 0.2; echo a > /data/a; echo b > /data/old/deep/b; mkdir /data/new; echo c > /data/new/c; sleep 0.2"
        private static let whole: Set<String> = ["create", "modify", "close_write"]

        @Test(Privilege.required) func privilegedWithFileCapabilitiesAnOrdinaryUserRecordsAVolume() throws {
            let (scene, docker) = try engine()
            defer { scene.close() }
            defer { docker.stop() }
            try importRecorder(docker)
            let volumes = try volumes(scene)
            let result = try record(
                docker, volumes, options: ["--privileged", "--user", "1000:1000"], script: Self.touch)
            #expect(result.status == 0, "\(result.errorText)")
            #expect(result.errorText.contains("holding cap_dac_read_search,cap_sys_ptrace"), "\(result.errorText)")
            let events = try events(in: volumes)
            for path in ["/data/a", "/data/old/deep/b", "/data/new/c"] {
                #expect(operations(on: path, in: events) == Self.whole, "\(path)")
            }
            #expect(events.allSatisfy { $0.path?.isAtOrUnder(RawPath("/data")) == true }, "nothing but the volume")
            // What was gone before it was looked at has no user; nobody else is claimed.
            #expect(events.allSatisfy { $0.process?.uid ?? 1_000 == 1_000 && $0.pid ?? 0 > 0 })
            #expect(events.contains { $0.process?.uid == 1_000 })
        }

        @Test(Privilege.required) func sysAdminAloneNamesOnlyWhatIsMadeWhileRecording() throws {
            let (scene, docker) = try engine()
            defer { scene.close() }
            defer { docker.stop() }
            try importRecorder(docker)
            let volumes = try volumes(scene)
            let result = try record(docker, volumes, options: ["--cap-add", "SYS_ADMIN"], script: Self.touch)
            #expect(result.status == 0, "\(result.errorText)")
            let events = try events(in: volumes)
            for path in ["/data/a", "/data/new/c"] {
                #expect(operations(on: path, in: events) == Self.whole, "\(path)")
            }
            // A directory from before cannot be named: the last name, and a gap that counts such events.
            let unnamed = events.filter { $0.nameOnly == true && $0.path == RawPath("b") }
            #expect(Set(unnamed.flatMap(\.operations)) == Self.whole)
            let gaps = try run(BuiltPrograms.varve, ["gaps", "--store", volumes.store + "/s", "-o", "jsonl"])
            #expect(try ReportedGap.list(gaps.output).contains { $0.type == "unresolved" && $0.count ?? 0 > 0 })
        }

        @Test(Privilege.required) func withDACReadSearchEveryDirectoryIsNamed() throws {
            let (scene, docker) = try engine()
            defer { scene.close() }
            defer { docker.stop() }
            try importRecorder(docker)
            let volumes = try volumes(scene)
            let result = try record(
                docker, volumes, options: ["--cap-add", "SYS_ADMIN", "--cap-add", "DAC_READ_SEARCH"],
                script: Self.touch)
            #expect(result.status == 0, "\(result.errorText)")
            let events = try events(in: volumes)
            for path in ["/data/a", "/data/old/deep/b", "/data/new/c"] {
                #expect(operations(on: path, in: events) == Self.whole, "\(path)")
            }
        }

        @Test(Privilege.required) func withoutCapabilitiesItRefusesAndNamesTheFix() throws {
            let (scene, docker) = try engine()
            defer { scene.close() }
            defer { docker.stop() }
            try importRecorder(docker)
            let volumes = try volumes(scene)
            // Neither root in a container nor file capabilities reach beyond the bounding set.
            for options in [[], ["--user", "1000:1000"]] {
                let result = try record(docker, volumes, options: options, script: "true")
                #expect(result.status == 77, "\(options): \(result.errorText)")
                #expect(result.errorText.contains("CAP_SYS_ADMIN"))
                #expect(
                    result.errorText.contains(
                        "docker run --cap-add SYS_ADMIN --cap-add DAC_READ_SEARCH --cap-add SYS_PTRACE"))
            }
        }

        @Test(Privilege.required) func theContainersOwnOverlayIsRecordedByItsDirectories() throws {
            let (scene, docker) = try engine()
            defer { scene.close() }
            defer { docker.stop() }
            try importRecorder(docker)
            let volumes = try volumes(scene)
            let capabilities = ["SYS_ADMIN", "DAC_READ_SEARCH", "SYS_PTRACE"].flatMap { ["--cap-add", $0] }
            let script =
                "sleep 0.2; echo a > /data/a; echo b > /b; mkdir -p /srv/new/er; echo c > /srv/new/er/c;"
                + " echo more >> /etc/conf; rm /etc/two; sleep 0.3; echo d > /srv/new/er/d; sleep 0.2"
            let result = try record(docker, volumes, options: capabilities, script: script, target: "/")
            // Before Linux 6.6 nobody can mark an overlay's directories: what is mounted below is recorded, the rest a gap.
            guard FanotifyProbe.seesBelowOverlays() else {
                #expect(result.status == 0)
                #expect(!result.errorText.contains("(overlay"), "\(result.errorText)")
                #expect(result.errorText.contains("not covered: "), "\(result.errorText)")
                return
            }
            #expect(result.status == 0, "\(result.errorText)")
            #expect(result.errorText.contains("(overlay, "), "\(result.errorText)")
            #expect(result.errorText.contains("record on the host"), "\(result.errorText)")
            let events = try events(in: volumes)
            for path in ["/data/a", "/b", "/srv/new/er/d"] {
                #expect(operations(on: path, in: events) == Self.whole, "\(path)")
            }
            #expect(operations(on: "/etc/conf", in: events) == ["modify", "close_write"])
            #expect(operations(on: "/etc/two", in: events) == ["delete"])
            for path in ["/srv/new", "/srv/new/er", "/srv/new/er/c"] {
                #expect(events.count { $0.path == RawPath(path) && $0.operations.contains("create") } == 1, "\(path)")
            }
            #expect(events.allSatisfy { $0.scanned != true || $0.pid == nil })
            let written = events.filter { $0.path == RawPath("/b") }
            #expect(written.allSatisfy { $0.process?.exe == "/bin/busybox" }, "\(written)")
            // As a whole it is refused.
            let whole = try record(
                docker, volumes, options: capabilities, script: "true", target: "--scope=filesystem", further: ["/srv"])
            #expect(whole.status == 69, "\(whole.errorText)")
            #expect(whole.errorText.contains("/srv (overlay)"), "\(whole.errorText)")
            #expect(whole.errorText.contains("Record on the host"), "\(whole.errorText)")
        }

        @Test(Privilege.required) func whatKeepsFileCapabilitiesFromWorkingIsNamed() throws {
            let (scene, docker) = try engine()
            defer { scene.close() }
            defer { docker.stop() }
            try importRecorder(docker)
            let volumes = try volumes(scene)
            let user = ["--privileged", "--user", "1000:1000"]
            let locked = try record(
                docker, volumes, options: user + ["--security-opt", "no-new-privileges"], script: "true")
            #expect(locked.status == 77, "\(locked.errorText)")
            #expect(locked.errorText.contains("no_new_privs"), "\(locked.errorText)")

            let programs = scene.place + "/programs"
            try runSuccessfully("mkdir", [programs])
            try scene.mount(["-t", "tmpfs", "-o", "nosuid,mode=755", "none"], on: programs)
            try runSuccessfully("cp", [BuiltPrograms.varved, programs + "/varved"])
            try runSuccessfully("/usr/sbin/setcap", [Self.capabilities, programs + "/varved"])
            let noSUID = try record(
                docker, volumes, options: user + ["-v", "\(programs):/programs"], script: "true",
                program: "/programs/varved")
            #expect(noSUID.status == 77, "\(noSUID.errorText)")
            #expect(noSUID.errorText.contains("nosuid"), "\(noSUID.errorText)")

            let copied = try docker.runContainer(
                "recorder", options: user,
                script: "cp /usr/bin/varved /tmp/copy; /tmp/copy --store /tmp/store / -- true; echo status $?; "
                    + "/tmp/copy --scope filesystem --store /tmp/other / -- true; echo whole $?")
            // A program that was never given any does what it can without, and says loudly what is missing.
            #expect(copied.outputText.contains("status 0"), "\(copied.errorText)")
            #expect(copied.outputText.contains("whole 77"), "\(copied.errorText)")
            #expect(copied.errorText.contains("WITHOUT PROCESSES"), "\(copied.errorText)")
            #expect(copied.errorText.contains("has no file capabilities"), "\(copied.errorText)")
            #expect(copied.errorText.contains("setcap \(Self.capabilities) /tmp/copy"), "\(copied.errorText)")
        }

        @Test(Privilege.required) func whoIsOutsideTheContainersNamespaceIsSaidToBe() throws {
            let (scene, docker) = try engine()
            defer { scene.close() }
            defer { docker.stop() }
            try importRecorder(docker)
            let volumes = try volumes(scene)
            let recorder = try docker.startContainer(
                "recorder",
                options: [
                    "--cap-add", "SYS_ADMIN", "--cap-add", "DAC_READ_SEARCH", "--cap-add", "SYS_PTRACE", "-v",
                    "\(volumes.store):/store", "-v", "\(volumes.data):/data",
                ],
                command: ["/bin/sh", "-c", "varved --store /store/s /data & sleep 0.5; echo own > /data/own; wait"])
            try waitUntil("it records") { try docker.logs(of: recorder).contains("varved: recording") }
            pause(milliseconds: 700)
            let other = try docker.runContainer(
                "recorder", options: ["-v", "\(volumes.data):/data"], script: "echo other > /data/other")
            #expect(other.status == 0)
            try runSuccessfully("sh", ["-c", "echo host > \(volumes.data)/host"])
            try runSuccessfully(BuiltPrograms.varve, ["sync", "--store", volumes.store + "/s"])
            let events = try events(in: volumes)
            for name in ["own", "other", "host"] {
                #expect(operations(on: "/data/\(name)", in: events) == Self.whole, "\(name)")
            }
            for event in events {
                let isOwn = event.path == RawPath("/data/own")
                #expect((event.pid ?? -1 > 0) == isOwn, "\(event)")
                #expect((event.process?.outsideNamespace == true) == !isOwn)
                if !isOwn { #expect(event.process?.exe == nil, "nothing is guessed of it") }
            }
        }
    }
}
