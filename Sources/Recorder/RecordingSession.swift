import Block
import Fanotify
import Glibc
import Model
import Store
import Syscalls

/// One recording from its start to its end: privileges, store, marks, threads, and the wait for a signal or a command.
package enum RecordingSession {
    /// Records as the options say, says so on stderr, and returns the exit status.
    package static func run(_ asked: RecorderOptions) throws(RecorderError) -> Int32 {
        HeapPolicy.giveLargeMemoryBack()
        var options = asked
        let exclusions = try compile(options.exclusions, of: "--exclude")
        options.exclusions = exclusions.map { RawPath($0.pattern) }
        try LimitCheck.expectMeetable(options)
        let capturePatterns = try compile(options.capturePatterns, of: "--capture-wal")
        SignalDescriptor.ignoreBrokenPipes()
        let signals = try orUnavailable { () throws(SyscallError) in
            try SignalDescriptor([SIGTERM, SIGINT, SIGHUP, SIGCHLD])
        }
        let paths = try realPaths(options.paths)
        let plannedAt = Clock.realtime()
        let mounts = try orUnavailable { () throws(SyscallError) in try MountTable.current() }
        let plan = MarkPlan(
            paths: paths, scope: options.scope, mounts: mounts, seesBelowOverlays: FanotifyProbe.seesBelowOverlays())
        if options.scope == .tree || options.scope == .directories, paths.isEmpty {
            throw RecorderError(.usage, "--scope \(options.scope.rawValue) needs the PATH of a directory")
        }

        // Before the store: who may not record leaves nothing behind.
        try RecorderPrivileges.raise()
        var queue = QueueChoice(options.queue)
        let (group, reach) = try Reach.makeGroup(options.scope, plan, &queue)
        // Before the marks: no process that a record names was born unheard of.
        let hearing = Hearing.begin(isOfUse: reach.tellsProcesses)
        var store = try openStore(options.store)
        // Before anything is committed: what the last run left in the log belongs to the archive.
        let archive = try archiveRequest(options, &store)
        if !reach.tellsProcesses { StandardError.write(RecorderPrivileges.warning) }
        let marked = try MarkedFilesystems.mark(
            plan: plan, group: group, reach: reach, queue: queue, operations: options.operations,
            marked: options.markedOperations, own: [store.directory] + (archive.map { [$0.directory] } ?? []),
            announce: StandardError.write)
        let started = Clock.realtime()
        let capture = try captureRequest(capturePatterns, &store)
        let run = try begin(&store, marked: marked, started: started, options: options)
        let follows = RecorderPrivileges.followsMounts(options.followsMounts)
        let notifier = try orUnavailable { () throws(SyscallError) in try MountNotifier() }
        // COMMAND may be one that gains privileges, such as sudo.
        let locks = options.command.isEmpty
        let following = MountFollowing(
            request: .init(
                paths: paths, scope: options.scope, operations: options.markedOperations, marks: follows),
            plan: plan, plannedAt: plannedAt,
            thread: try orUnavailable { [directory = store.directory] () throws(SyscallError) in
                try EarlyThread(name: "mounts") {
                    let kept = follows ? RecorderPrivileges.keptWhileFollowing : RecorderPrivileges.keptWhileRecording
                    // Whoever cannot give up what it holds is ended by the first thread, which fails as well.
                    try? RecorderPrivileges.narrow(to: kept, store: directory, locks: locks)
                }
            }, control: try orUnavailable { () throws(SyscallError) in try FollowerControl() })
        try RecorderPrivileges.narrow(
            to: RecorderPrivileges.keptWhileRecording, store: store.directory, locks: locks)
        let privileges = RecorderPrivileges.held(follows: follows)
        let facts = RecorderFacts(
            run: run.run, pid: OwnProcess.pid, version: options.version, started: started,
            queueIsUnlimited: marked.queueIsUnlimited, queueReason: marked.queueReason, privileges: privileges,
            operations: options.operations,
            scope: marked.crawled.isEmpty
                ? "filesystem marks"
                : marked.crawled.count == marked.coverage.count ? "directory marks" : "filesystem and directory marks",
            witness: hearing.witness, archive: archive.map { ArchiveFacts(directory: $0.directory, status: $0.status) })
        let threads: RecorderThreads
        do throws(SyscallError) {
            threads = try RecorderThreads(
                store: store, run: run, marked: marked, options: options, exclusions: exclusions, capture: capture,
                archive: archive, facts: facts, witness: hearing.witness, following: following, notifier: notifier)
        } catch {
            throw RecorderError(.unavailable, error.description)
        }
        StandardError.write(
            startLine(
                marked: marked, run: run, store: options.store, privileges: privileges, hearing: hearing))
        ServiceNotification.send("READY=1")

        let status = waitForEnd(
            signals: signals, command: options.command, storeGone: threads.storeGone, store: options.store)
        ServiceNotification.send("STOPPING=1")
        threads.finish()
        return try status.get()
    }

    /// Whether the process connector is heard.
    private struct Hearing {
        var witness: ProcessWitness?
        var text: String

        /// A container's kernel refuses it; exec events and `/proc` then have to do.
        static func begin(isOfUse: Bool) -> Hearing {
            guard isOfUse else { return Hearing(witness: nil, text: "no processes") }
            do throws(SyscallError) {
                return Hearing(witness: try ProcessWitness(), text: "processes heard by the connector")
            } catch {
                let reason =
                    error.errno == EPERM
                    ? "before Linux 6.6 it needs CAP_NET_ADMIN" : SyscallError.text(of: error.errno)
                return Hearing(witness: nil, text: "processes without the connector (\(reason))")
            }
        }
    }

    private static func compile(_ patterns: [RawPath], of option: String) throws(RecorderError) -> [Glob] {
        var globs: [Glob] = []
        for pattern in patterns {
            do throws(GlobError) {
                let glob = try Glob(Glob.spelled(pattern.bytes))
                try glob.expectMatches()
                globs.append(glob)
            } catch {
                throw RecorderError(.usage, "\(option) '\(pattern.escapedText)': \(error.description)")
            }
        }
        return globs
    }

    /// Zero where the kernel does not tell.
    private static var bootID: UUIDBytes { (try? HostIdentity.bootID()).map { UUIDBytes($0) } ?? .zero }

    /// What is to be captured, and what the store has of it already; nil where nothing is.
    private static func captureRequest(
        _ patterns: [Glob], _ store: inout StoreWriter
    ) throws(RecorderError) -> CaptureRequest? {
        guard !patterns.isEmpty else { return nil }
        // Three for each database that is being written.
        DescriptorLimit.raise()
        let wasLaidDown = try RecorderPrivileges.layDownReading()
        defer { RecorderPrivileges.takeUpReading(wasLaidDown) }
        do throws(StoreError) {
            _ = try store.recoverSegments()
            return CaptureRequest(
                patterns: patterns, known: try KnownStream.all(in: store.directory, bootID: bootID),
                place: CapturePlace(store: store.directory, readsAsUser: RecorderPrivileges.isLent))
        } catch {
            throw RecorderError(.storeCannotBeMade, error.description)
        }
    }

    /// What is to be archived, and where to; nil where nothing is.
    private static func archiveRequest(
        _ options: RecorderOptions, _ store: inout StoreWriter
    ) throws(RecorderError) -> ArchiveRequest? {
        guard let directory = options.archive else { return nil }
        let limits = ArchiveLimits(
            maxByteCount: options.archiveMaximumByteCount, maxAgeNanoseconds: options.archiveMaximumAgeNanoseconds,
            minFreeByteCount: options.minimumFreeByteCount)
        let wasLaidDown = try RecorderPrivileges.layDownReading()
        defer { RecorderPrivileges.takeUpReading(wasLaidDown) }
        return try ArchiveRequest.begin(directory, limits: limits, &store, announce: StandardError.write)
    }

    private static func realPaths(_ paths: [RawPath]) throws(RecorderError) -> [RawPath] {
        var real: [RawPath] = []
        for path in paths {
            do throws(SyscallError) {
                let resolved = try Files.realPath(path)
                guard try resolved.status().kind == .directory else {
                    throw SyscallError(call: "open", errno: ENOTDIR, subject: path)
                }
                if !real.contains(resolved) { real.append(resolved) }
            } catch  where error.errno == ENOTDIR {
                throw RecorderError(
                    .usage,
                    "\(path.lossyText) is not a directory: name its directory, and choose with 'varve events --path'")
            } catch {
                throw RecorderError(.usage, "\(path.escapedText) cannot be recorded: \(error.description)")
            }
        }
        return real
    }

    private static func openStore(_ directory: RawPath) throws(RecorderError) -> StoreWriter {
        // What is lent is for the user's own store; another's may be one that the user cannot even read.
        if RecorderPrivileges.isLent, let owner = try? directory.status().uid, owner != OwnProcess.realUID {
            throw RecorderError(
                .storeCannotBeMade,
                "the store \(escape(directory)) belongs to user \(owner); started by user \(OwnProcess.realUID) with file "
                    + "capabilities, varved records only into a store of that user")
        }
        let wasLaidDown = try RecorderPrivileges.layDownReading()
        defer { RecorderPrivileges.takeUpReading(wasLaidDown) }
        do throws(StoreError) {
            return try StoreWriter(directory: directory, create: true)
        } catch {
            if case .heldByAnother = error.code { throw RecorderError(.storeIsHeld, error.description) }
            throw RecorderError(.storeCannotBeMade, error.description)
        }
    }

    private static func begin(
        _ store: inout StoreWriter, marked: MarkedFilesystems, started: Instant, options: RecorderOptions
    ) throws(RecorderError) -> RunIdentity {
        let record = RunRecord(
            bootID: bootID, started: started, startedMonotonicNanoseconds: Clock.monotonic(), pid: OwnProcess.pid,
            version: options.version, options: options.commandLine, operations: options.operations,
            exclusions: options.exclusions.map(\.bytes))
        do throws(StoreError) {
            let run = try store.beginRun(record, coverage: marked.coverage)
            if !marked.gaps.isEmpty {
                var additions = Additions()
                additions.gaps = marked.gaps
                try store.append(additions)
            }
            return run
        } catch {
            throw RecorderError(.storeCannotBeMade, error.description)
        }
    }

    private static func startLine(
        marked: MarkedFilesystems, run: RunIdentity, store: RawPath, privileges: String, hearing: Hearing
    ) -> String {
        let covered = marked.coverage.map { coverage in
            let marks = marked.crawled[coverage.path].map { ", \($0) directories marked one by one" } ?? ""
            return "\(escape(coverage.path)) (\(coverage.filesystemType)\(marks))"
        }.joined(separator: ", ")
        let queue = "\(marked.queueIsUnlimited ? "unlimited" : "limited") queue (\(marked.queueReason))"
        let missing = marked.gaps.isEmpty ? "" : "; not covered: \(marked.gaps.count), see 'varve gaps'"
        return "varved: recording \(covered) into \(escape(store)), run \(run.run), \(queue), "
            + "\(hearing.text), holding \(privileges)\(missing)\(crawlNote(marked))\n"
    }

    /// What marks on single directories cannot see, and what sees it.
    private static func crawlNote(_ marked: MarkedFilesystems) -> String {
        guard !marked.crawled.isEmpty else { return "" }
        let isOverlay = marked.coverage.contains { marked.crawled[$0.path] != nil && $0.filesystemType == "overlay" }
        return "; what happens in a new directory before its mark is found by a scan, without a process"
            + (isOverlay ? ": record on the host to see all of it" : "")
    }

    /// Nothing in a path may steer the terminal.
    private static func escape(_ path: RawPath) -> String {
        path.escapedText
    }

    /// Waits for a signal, for the command to end, or for the store to be removed: without one there is nothing to record
    /// into, and whoever started the recorder has to know.
    private static func waitForEnd(
        signals: borrowing SignalDescriptor, command: [RawPath], storeGone: Waker, store: RawPath
    ) -> Result<Int32, RecorderError> {
        var child: ChildProcess?
        if !command.isEmpty {
            do throws(SyscallError) {
                child = try ChildProcess(command)
            } catch {
                return .failure(
                    RecorderError(.commandNotStarted, "the command cannot be started: \(error.description)"))
            }
        }
        var set = PollSet(reading: [signals.fileDescriptor, storeGone.descriptor.fileDescriptor])
        while true {
            _ = try? set.wait(timeoutNanoseconds: nil)
            if set.isReady(at: 1) {
                let error = RecorderError(
                    .storeCannotBeMade,
                    "the store \(escape(store)) was removed or replaced while recording: what was recorded since is lost;"
                        + " start varved again")
                // The command is not to be ended for it, but what it does from here on is not recorded.
                guard child != nil else { return .failure(error) }
                StandardError.write("varved: \(error.message)\n")
                storeGone.clear()
                set.replace(at: 1, with: -1)
            }
            while let signal = try? signals.next() {
                if signal == SIGCHLD {
                    if let child, let status = try? child.poll() { return .success(status.code) }
                } else if let child {
                    // The command decides how it ends; the recording ends with it.
                    try? child.send(signal: signal)
                } else {
                    return .success(0)
                }
            }
        }
    }

    private static func orUnavailable<Value: ~Copyable>(
        _ body: () throws(SyscallError) -> Value
    ) throws(RecorderError) -> Value {
        do throws(SyscallError) {
            return try body()
        } catch {
            throw RecorderError(.unavailable, error.description)
        }
    }
}
