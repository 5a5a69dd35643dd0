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

    init(
        store: consuming StoreWriter, run: RunIdentity, marked: MarkedFilesystems, options: RecorderOptions,
        exclusions: [Glob], facts: RecorderFacts, witness: ProcessWitness?
    ) throws(SyscallError) {
        let counters = RecorderCounters()
        let barriers = Barriers()
        let progress = PipelineProgress()
        let emptierWaker = try Waker()
        let ring = BufferRing(emptierWaker: emptierWaker, fillerWaker: try Waker())
        let writerWaker = try Waker()
        let exchange = BatchExchange(writerWaker: writerWaker, resolverWaker: try Waker())
        let drainLoop = DrainLoop(
            group: marked.group, ring: ring, barriers: barriers, waker: try Waker(),
            watchdogAllowedNanoseconds: ServiceNotification.watchdogIntervalNanoseconds)
        let shared = WriteShared(
            exchange: exchange, ring: ring, drain: drainLoop, progress: progress, barriers: barriers,
            counters: counters, waker: writerWaker, controlWaker: try Waker(), storeGone: try Waker())
        let storeDirectory = store.directory
        let nextInstance = store.nextInstance
        let control = try ControlServer(store: storeDirectory, shared: shared, facts: facts)

        let pacing = CommitPacing(intervalNanoseconds: options.commitIntervalNanoseconds)
        let scope = marked.scope
        let coverage = marked.coverage
        let mountPoints = marked.mountPoints
        // From here on a thread that cannot be made leaves the others to end with the process.
        let handOff = StoreHandOff(store)
        let write = try OSThread(name: "write", stackByteCount: 2 << 20) {
            ThreadPriority.lower(by: Self.writeNiceness)
            guard let store = handOff.take() else { return }
            WriteLoop(store: store, run: run, options: options, coverage: coverage, shared: shared).runToEnd()
        }
        let resolve = try OSThread(name: "resolve", stackByteCount: 2 << 20) {
            ThreadPriority.lower(by: Self.resolveNiceness)
            var loop = ResolveLoop(
                resolver: Resolver(
                    scope: scope, counters: counters, directories: KernelDirectories(mountPoints: mountPoints),
                    executables: ExecutableSource(mountPoints: mountPoints), processes: ProcDirectory(),
                    nextInstance: nextInstance, exclusions: exclusions, witness: witness),
                ring: ring, exchange: exchange, pacing: pacing, progress: progress,
                drain: drainLoop)
            loop.run()
        }
        let drain = try OSThread(name: "drain") {
            ThreadPriority.preferShortTurns(nanoseconds: Self.drainTurnNanoseconds)
            drainLoop.run()
        }
        let answer = try OSThread(name: "control") { control.run() }
        if let witness {
            listen = try OSThread(name: "processes") {
                ThreadPriority.lower(by: Self.resolveNiceness)
                witness.run()
            }
        } else {
            listen = nil
        }
        self.drainLoop = drainLoop
        self.control = control
        self.drain = drain
        self.resolve = resolve
        self.write = write
        self.answer = answer
        storeGone = shared.storeGone
        self.witness = witness
    }

    /// *drain* comes first: what waits unread is merged by the kernel. Encoding and merging can wait longest.
    private static let drainTurnNanoseconds: UInt64 = 100_000
    private static let resolveNiceness: Int32 = 3
    private static let writeNiceness: Int32 = 10

    /// Reads until the queue is empty, resolves, commits, and waits for all of it.
    consuming func finish() {
        drainLoop.stop()
        drain.join()
        resolve.join()
        write.join()
        control.stop()
        answer.join()
        witness?.stop()
        if let listen = listen { listen.join() }
    }
}

/// Carries the one store into the thread that owns it from then on.
private final class StoreHandOff: Sendable {
    private let store: Mutex<StoreWriter?>

    init(_ store: consuming StoreWriter) {
        self.store = Mutex(store)
    }

    func take() -> StoreWriter? {
        store.withLock { $0.take() }
    }
}
