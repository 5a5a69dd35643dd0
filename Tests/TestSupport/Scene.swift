internal import Glibc
internal import Model
internal import Syscalls
package import Testing

/// What an end-to-end test plays on: a filesystem, a recorder on it, and a store elsewhere.
///
/// Everything is undone by `close()`, in a `defer` so that it also happens when the test fails: processes first, then
/// mounts, then files. Only what the scene itself started is ended.
package final class Scene {
    /// The recorded filesystem's mount point.
    package let root: String
    /// The store's directory; the recorder makes it.
    package private(set) var store: String
    /// A directory outside both, for scripts, logs and copies.
    package let place: String
    private let directory: TemporaryDirectory
    var recorded: LoopFilesystem?
    private var storeFilesystem: LoopFilesystem?
    var others: [MountedFilesystem] = []
    /// Mount points made by the test itself, in the order they were mounted.
    var mounts: [String] = []
    private var memoryGroups: [String] = []
    private var recorder: Recorder?
    private var scriptCount = 0

    /// Parameters: `options` go to the recorder beside the store and the mount point; `storeMiB` gives the store a small
    /// filesystem of its own, `storeKind` one of a kind.
    package init(
        _ kind: FilesystemKind, options: [String] = [], startsRecorder: Bool = true,
        storesOnTheSameFilesystem: Bool = false, storeMiB: Int? = nil, storeKind: FilesystemKind? = nil,
        mebibytes: Int = 400
    ) throws {
        directory = try TemporaryDirectory()
        place = directory.path
        recorded = try LoopFilesystem(kind, mebibytes: mebibytes)
        root = recorded?.path ?? ""
        if storesOnTheSameFilesystem {
            store = root + "/store"
        } else if storeMiB != nil || storeKind != nil {
            let kind = storeKind ?? .ext4
            storeFilesystem = try LoopFilesystem(kind, mebibytes: storeMiB)
            store = (storeFilesystem?.path ?? "") + "/store"
        } else {
            store = place + "/store"
        }
        if startsRecorder { try startRecorder(options: options) }
    }

    package func close() {
        _ = try? recorder?.resume()
        _ = try? recorder?.stop(timeoutSeconds: 20)
        recorder = nil
        for mount in mounts.reversed() { _ = try? run("umount", ["-l", mount]) }
        mounts = []
        others = []
        storeFilesystem = nil
        recorded = nil
        for group in memoryGroups { try? Files.removeDirectory(RawPath(group)) }
        memoryGroups = []
    }

    // MARK: The recorder

    package var recorderPID: Int32 { recorder?.pid ?? -1 }
    package var recorderIsRunning: Bool { recorder?.isRunning ?? false }
    /// What the recorder has said on standard error.
    package var recorderText: String { recorder?.errorText ?? "" }

    /// Starts the recorder on the mount point, or on `watching`, and waits until it records.
    ///
    /// `launcher` is a command in front of it, such as setpriv(1), that becomes it by exec.
    package func startRecorder(
        watching paths: [String]? = nil, options: [String] = [], program: String = BuiltPrograms.varved,
        launcher: [String] = [], store otherStore: String? = nil
    ) throws {
        if let otherStore { store = otherStore }
        let command = ["--store", store] + options + (paths ?? [root])
        if let first = launcher.first {
            let rest = launcher.dropFirst() + [program] + command
            recorder = try Recorder.start(Array(rest), program: first)
        } else {
            recorder = try Recorder.start(command, program: program)
        }
    }

    /// Ends the recorder with a signal and gives its exit code, 128 and the signal when one ended it.
    @discardableResult
    package func stopRecorder(signal: Int32 = Signals.terminate) throws -> Int32 {
        guard let recorder else { return -1 }
        try recorder.send(signal: signal)
        let status = try recorder.wait(timeoutSeconds: 30).code
        if status != 0 { print("varved said:\n\(recorder.errorText)") }
        self.recorder = nil
        return status
    }

    /// Waits until the recorder ends by itself; gives its exit code and what it said.
    package func waitForRecorderToEnd(timeoutSeconds: Int64) throws -> (status: Int32, text: String) {
        guard let recorder else { return (-1, "") }
        let status = try recorder.wait(timeoutSeconds: timeoutSeconds).code
        self.recorder = nil
        return (status, recorder.errorText)
    }

    package func killRecorder() throws {
        try recorder?.kill()
        recorder = nil
    }

    package func pauseRecorder() throws { try recorder?.pause() }
    package func resumeRecorder() throws { try recorder?.resume() }

    /// What the recorder's descriptors refer to.
    package func descriptorsOfRecorder() throws -> [String] {
        let list = RawPath("/proc/\(recorderPID)/fd")
        return try Files.names(in: list).compactMap { try? Files.readLink(list.appending($0.bytes)).lossyText }
    }

    /// What /proc says of each thread of the recorder: its name, its effective capabilities, and whether no_new_privs is
    /// set.
    package func threadsOfRecorder() throws -> [(name: String, capabilities: UInt64, hasNoNewPrivileges: Bool)] {
        let list = RawPath("/proc/\(recorderPID)/task")
        return try Files.names(in: list).map { name in
            let text = String(
                decoding: try Files.contents(of: list.appending(name.bytes).appending("status".utf8)), as: UTF8.self)
            func value(_ key: String) -> Substring {
                let line = text.split(separator: "\n").first { $0.hasPrefix(key + ":") }
                return line?.split(whereSeparator: \.isWhitespace).last ?? ""
            }
            return (
                String(value("Name")), UInt64(value("CapEff"), radix: 16) ?? .max, value("NoNewPrivs") == "1"
            )
        }
    }

    // MARK: Work and questions

    /// Performs the scripts at the same time, one process each, and gives what they wrote down.
    package func perform(_ scripts: [WorkloadScript], in directory: String? = nil) throws -> Truth {
        try startWorkload(scripts, in: directory).wait()
    }

    package func startWorkload(_ scripts: [WorkloadScript], in directory: String? = nil) throws -> RunningWorkload {
        scriptCount += 1
        let log = RawPath("\(place)/truth-\(scriptCount)")
        var files: [String] = []
        for (number, script) in scripts.enumerated() {
            let file = "\(place)/script-\(scriptCount)-\(number)"
            try Files.write(Array(script.text.utf8), to: RawPath(file))
            files.append(file)
        }
        let program = BuiltPrograms.workload
        let command = ["/usr/bin/python3", program, directory ?? root, log.lossyText] + files
        return RunningWorkload(log: log, process: try BackgroundProgram(command, in: place))
    }

    /// Asks the store something.
    package func varve(_ arguments: [String]) throws -> CommandResult {
        try run(BuiltPrograms.varve, arguments + ["--store", store], timeoutSeconds: 120)
    }

    /// Waits until the recorder has read and committed what happened so far.
    package func sync() throws {
        try runSuccessfully(BuiltPrograms.varve, ["sync", "--store", store])
    }

    /// Every event of the store, after a sync unless no recorder runs.
    package func events(syncing: Bool = true) throws -> [ReportedEvent] {
        if syncing { try sync() }
        let answer = try varve(["events", "-o", "jsonl", "--accept-gaps"])
        guard [0, 1].contains(answer.status) else {
            throw CommandFailure(command: ["varve", "events"], result: answer)
        }
        return try ReportedEvent.list(answer.output)
    }

    /// Every gap of the store.
    package func gaps() throws -> [ReportedGap] {
        let answer = try varve(["gaps", "-o", "jsonl"])
        guard [0, 1, 3].contains(answer.status) else {
            throw CommandFailure(command: ["varve", "gaps"], result: answer)
        }
        return try ReportedGap.list(answer.output)
    }

    /// Records an issue that names the gaps, where there are any of other types than `allowed`.
    package func expectNoGaps(besides allowed: String..., sourceLocation: SourceLocation = #_sourceLocation) throws {
        let found = try gaps().filter { !allowed.contains($0.type) }
        guard !found.isEmpty else { return }
        let lines = found.map { "\($0.type) from \($0.from) to \($0.to), count \($0.count ?? 0): \($0.cause ?? "")" }
        Issue.record("gaps:\n\(lines.joined(separator: "\n"))", sourceLocation: sourceLocation)
    }

    /// Starts a question whose answer goes on; with `readsOutput` false nobody reads it, so it stops when a pipe is full.
    package func follow(_ arguments: [String], readsOutput: Bool = true) throws -> BackgroundProgram {
        try BackgroundProgram(
            [BuiltPrograms.varve] + arguments + ["--store", store], in: place, readsOutput: readsOutput)
    }

    // MARK: Limits

    /// Makes a memory cgroup with a limit, of the version that is mounted; a command in front of the recorder that enters
    /// it.
    package func memoryGroupLauncher(limitMiB: Int) throws -> [String] {
        let isVersion2 = (try? RawPath("/sys/fs/cgroup/cgroup.controllers").status()) != nil
        let group = "/sys/fs/cgroup/\(isVersion2 ? "" : "memory/")varve-test-\(getpid())-\(memoryGroups.count)"
        try Files.makeDirectory(RawPath(group), mode: 0o755)
        memoryGroups.append(group)
        let limit = isVersion2 ? "memory.max" : "memory.limit_in_bytes"
        try Files.write(Array(String(limitMiB << 20).utf8), to: RawPath("\(group)/\(limit)"))
        return ["/bin/sh", "-c", "echo $$ > \(group)/cgroup.procs && exec \"$@\"", "sh"]
    }

    /// Lets the recorder open nothing more than it has open.
    /// Parameter leaving: how many descriptors are left free.
    package func fillDescriptorsOfRecorder(leaving count: Int = 0) throws {
        let open = try Set(Files.names(in: RawPath("/proc/\(recorderPID)/fd")).compactMap { Int($0.lossyText) })
        // A descriptor gets the lowest number that is free.
        let free = (0...open.count).first { !open.contains($0) } ?? open.count
        try runSuccessfully("prlimit", ["--pid", "\(recorderPID)", "--nofile=\(free + count):"])
    }

    package func freeDescriptorsOfRecorder() throws {
        try runSuccessfully("prlimit", ["--pid", "\(recorderPID)", "--nofile=1024:"])
    }

    // MARK: The store's filesystem

    /// The mount point of the store's own filesystem.
    private var storeMountPoint: String { storeFilesystem?.path ?? place }

    /// Leaves no free block on the store's filesystem.
    package func fillStoreFilesystem() throws {
        // dd stops with an error when there is no more room, which is what is wanted.
        _ = try run("dd", ["if=/dev/zero", "of=\(storeMountPoint)/ballast", "bs=4096"])
    }

    package func emptyStoreFilesystem() throws {
        try Files.unlink(RawPath("\(storeMountPoint)/ballast"))
    }

    /// The store as a disk holds it when the machine is cut off now: on a copy of its filesystem's image.
    ///
    /// The copy is taken while the image stands still, so it is a state that the disk really had. The recorder is killed
    /// and the first filesystem unmounted only afterwards.
    package func cutOffStore() throws -> String {
        let image = RawPath("\(storeMountPoint)/../image")
        let copy = "\(place)/cut"
        try pauseRecorder()
        var before: FileStatus
        repeat {
            before = try image.status()
            try runSuccessfully("cp", ["--sparse=always", image.lossyText, copy])
        } while try image.status().modified != before.modified
        try killRecorder()
        let name = String(store.dropFirst(storeMountPoint.utf8.count))
        // xfs and btrfs refuse a second filesystem of the same identity beside the first.
        storeFilesystem = nil
        return try mount(at: "after-the-cut", ["-o", "loop", copy]) + name
    }
}

/// Signal numbers under names.
package enum Signals {
    package static let terminate = SIGTERM
    package static let interrupt = SIGINT
}

/// Somebody who may do nothing: user and group 65534 without further groups.
package enum Unprivileged {
    package static let id: UInt32 = 65_534
    /// A command to put in front of a program.
    package static let launcher = ["/usr/bin/setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
}

extension BuiltPrograms {
    /// The repository.
    package static var top: String {
        #filePath.split(separator: "/", omittingEmptySubsequences: false).dropLast(3).joined(separator: "/")
    }

    /// The program that makes two states of a database and says what differs.
    package static var rowWorkload: String { top + "/Tests/Workloads/rows.py" }
    /// The scripted workload.
    package static var workload: String { top + "/Tests/Workloads/workload.py" }
    package static var databaseWorkload: String { top + "/Tests/Workloads/database.py" }
    /// The writer of a database that is too large to be copied at one go.
    package static var largeWorkload: String { top + "/Tests/Workloads/large.py" }
    /// Another reader of logs, and the writer of what it reads.
    package static var dissectWorkload: String { top + "/Tests/Workloads/dissect.py" }
    /// The program whose logs are hard to follow.
    package static var difficultWorkload: String { top + "/Tests/Workloads/difficult.py" }
    /// A writer whose commits say which ones they are.
    package static var auditedWriter: String { top + "/Tests/Workloads/audited.py" }
    /// Short-lived writers of many kinds, the same that benchmarks/ measures with.
    package static var writers: String { top + "/benchmarks/workloads/writers.sh" }
    /// Presses Ctrl-C on a terminal of a program that takes its time.
    package static var terminal: String { top + "/Tests/Workloads/terminal.py" }
    /// The script behind `make demo`.
    package static var demo: String { top + "/scripts/demo" }
}

/// Waits; for waits that a test is about, never for something to happen.
package func pause(milliseconds: Int) {
    Clock.sleep(nanoseconds: Int64(milliseconds) * 1_000_000)
}
