import Block
import Model
import Store
import Synchronization
import Syscalls

/// The threads of a recording, and how they are brought to their end: each passes on what it has to the next.
struct RecorderThreads: ~Copyable {
    private let drainLoop: DrainLoop
    private let control: ControlServer
    private let drain: OSThread
    private let resolve: OSThread
    private let write: OSThread
    private let answer: OSThread
    /// Woken when the store was removed under the recorder.
    let storeGone: Waker
    private let witness: ProcessWitness?
    private let listen: OSThread?
    private let following: MountFollowing
    private let capturing: CaptureThreads?
    private let archiving: ArchiveThread?

    init(
        store: consuming StoreWriter, run: RunIdentity, marked: MarkedFilesystems, options: RecorderOptions,
        exclusions: [Glob], capture: CaptureRequest?, archive: ArchiveRequest?, facts: RecorderFacts,
        witness: ProcessWitness?,
        following: MountFollowing,
        notifier: consuming MountNotifier
    ) throws(SyscallError) {
        let counters = RecorderCounters()
        let barriers = Barriers()
        let progress = PipelineProgress()
        let mayWait = witness != nil && capture == nil && marked.scope.directoryMarking == nil
        let ring = try BufferRing(policy: mayWait ? .patient : .prompt)
        let writerWaker: Waker
        if let archive { writerWaker = archive.writerWaker } else { writerWaker = try Waker() }
        let exchange = BatchExchange(writerWaker: writerWaker, resolverWaker: try Waker())
        let drainLoop = DrainLoop(
            group: marked.group, ring: ring, barriers: barriers, waker: try Waker(),
            startedAt: marked.startedAt,
            watchdogAllowedNanoseconds: ServiceNotification.watchdogIntervalNanoseconds)
        let logNotes: LogNotes? = capture == nil ? nil : LogNotes(waker: try Waker())
        let shared = WriteShared(
            exchange: exchange, ring: ring, drain: drainLoop, progress: progress, barriers: barriers,
            captured: CaptureBarriers(waker: logNotes?.waker), counters: counters, waker: writerWaker,
            controlWaker: try Waker(), storeGone: try Waker())
        shared.coveredPaths = marked.coverage.map(\.path)
        let scopeChanges = ScopeChanges()
        let storeDirectory = store.directory
        let nextInstance = store.nextInstance
        let control = try ControlServer(store: storeDirectory, shared: shared, facts: facts)

        let pacing = CommitPacing(intervalNanoseconds: options.commitIntervalNanoseconds)
        let scope = marked.scope
        let mountPoints = marked.mountPoints
        // From here on a thread that cannot be made leaves the others to end with the process.
        let handOff = HandOff(store)
        let write = try OSThread(name: "write", stackByteCount: 2 << 20) {
            ThreadPriority.lower(by: Self.writeNiceness)
            guard let store = handOff.take() else { return }
            WriteLoop(
                store: store, run: run, options: options, shared: shared, archive: archive?.status
            ).runToEnd()
        }
        let archiving: ArchiveThread?
        if let archive { archiving = try ArchiveThread(archive) } else { archiving = nil }
        let resolve = try OSThread(name: "resolve", stackByteCount: Self.resolveStackByteCount) {
            ThreadPriority.lower(by: Self.resolveNiceness)
            var loop = ResolveLoop(
                resolver: Resolver(
                    scope: scope, counters: counters, directories: KernelDirectories(mountPoints: mountPoints),
                    executables: ExecutableSource(mountPoints: mountPoints), processes: ProcDirectory(),
                    nextInstance: nextInstance, exclusions: exclusions, witness: witness,
                    scopeChanges: scopeChanges, logNotes: logNotes),
                ring: ring, exchange: exchange, pacing: pacing, progress: progress,
                drain: drainLoop, containers: ContainerWatch(shared: shared), logNotes: logNotes)
            loop.run()
        }
        let drain = try OSThread(name: "drain") {
            ThreadPriority.preferShortTurns(nanoseconds: Self.drainTurnNanoseconds)
            drainLoop.run()
        }
        let answer = try OSThread(name: "control") { control.run() }
        let capturing = try Self.startCapture(
            capture, notes: logNotes, drain: drainLoop, shared: shared,
            startedAt: marked.coverage.map(\.from).max() ?? Clock.realtime())
        if let witness {
            listen = try OSThread(name: "processes") {
                ThreadPriority.lower(by: Self.resolveNiceness)
                witness.run()
            }
        } else {
            listen = nil
        }
        let notices = HandOff(notifier)
        following.thread.start {
            guard let notifier = notices.take() else { return }
            MountFollower(
                request: following.request, plan: following.plan, plannedAt: following.plannedAt, marked: marked,
                notifier: notifier, scopeChanges: scopeChanges, shared: shared, control: following.control
            ).run()
        }
        self.capturing = capturing
        self.archiving = archiving
        self.following = following
        self.drainLoop = drainLoop
        self.control = control
        self.drain = drain
        self.resolve = resolve
        self.write = write
        self.answer = answer
        storeGone = shared.storeGone
        self.witness = witness
    }

    private static func startCapture(
        _ request: CaptureRequest?, notes: LogNotes?, drain: DrainLoop, shared: WriteShared, startedAt: Instant
    ) throws(SyscallError) -> CaptureThreads? {
        guard let request, let notes else { return nil }
        return try CaptureThreads(request, notes: notes, drain: drain, shared: shared, startedAt: startedAt)
    }

    /// *drain* comes first: what waits unread is merged by the kernel. Encoding and merging can wait longest.
    private static let drainTurnNanoseconds: UInt64 = 100_000
    /// A tree of directories is walked up by recursion, `DirectoryTree.maximumDepth` at most.
    private static let resolveStackByteCount = 16 << 20
    private static let resolveNiceness: Int32 = 3
    private static let lastLookNanoseconds: Int64 = 20_000_000
    private static let writeNiceness: Int32 = 10

    /// Reads until the queue is empty, resolves, commits, and waits for all of it.
    consuming func finish() {
        // What it has to say must reach *write* before that ends.
        following.control.stop()
        following.thread.join()
        if let capturing {
            // What was written until now is to have its writers' names.
            drainLoop.look()
            Clock.sleep(nanoseconds: Self.lastLookNanoseconds)
            capturing.finish()
        }
        drainLoop.stop()
        drain.join()
        resolve.join()
        write.join()
        archiving?.finish()
        control.stop()
        answer.join()
        witness?.stop()
        if let listen = listen { listen.join() }
    }
}

/// How the mounts are followed: what is needed from before the privileges were given up.
struct MountFollowing: Sendable {
    var request: MountFollower.Request
    var plan: MarkPlan
    /// A moment before the mount table of `plan` was read.
    var plannedAt: Instant
    var thread: EarlyThread
    var control: FollowerControl
}

/// Carries what has one owner into the thread that owns it from then on.
private final class HandOff<Value: ~Copyable & Sendable>: Sendable {
    private let value: Mutex<Value?>

    init(_ value: consuming sending Value) {
        self.value = Mutex(value)
    }

    func take() -> Value? {
        value.withLock { $0.take() }
    }
}
