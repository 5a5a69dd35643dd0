import Model
import Synchronization
import Syscalls

/// Hears of the start, exec and end of every process, where the kernel tells it.
///
/// The messages come by another queue than the events, so their order is that of their times; what is used of a fork is
/// the parentage, which cannot change. *resolve* hears what was said up to each reading before it takes the reading's
/// records; the thread *processes* empties the socket meanwhile, in bulk, so that it does not overflow while no events
/// come.
///
/// Bounded as `ProcessLives`; what waits for *resolve* is bounded by `maximumWaitingCount`. Thread: any.
final class ProcessWitness: Sendable {
    /// What *resolve* has to know of what was heard.
    struct Hearing {
        /// Pids that were given out again, or whose process runs another program or has other ids.
        var changedPIDs: [Int32] = []
        /// There were more of them than were noted.
        var hasMoreChanges = false
        var exits: [Exit] = []
        /// Messages were lost between these moments of CLOCK_MONOTONIC.
        var loss: (from: Int64, to: Int64)?

        var isEmpty: Bool { changedPIDs.isEmpty && !hasMoreChanges && exits.isEmpty && loss == nil }
    }

    /// The end of a process that has a number in the store.
    struct Exit {
        var instance: UInt64
        var moment: Int64
        var status: Int32?
    }

    static let maximumWaitingCount = 4_096

    private struct State: ~Copyable {
        var connector: ProcessConnector?
        var lives: ProcessLives
        var hearing = Hearing()
        /// Everything sent before this moment has been heard.
        var heardUpTo: Int64
    }

    private let state: Mutex<State>
    private let isStopping = Atomic<Bool>(false)
    private let waker: Waker
    private let descriptor: Int32
    private let napNanoseconds: Int64
    /// Messages heard so far.
    let noticeCount = Atomic<UInt64>(0)
    /// How often messages were lost, and for how long in all, in nanoseconds; how many they were nobody knows.
    let lossCount = Atomic<UInt64>(0)
    let lostNanoseconds = Atomic<UInt64>(0)

    /// Opens the process connector.
    ///
    /// Throws: where the kernel refuses it, as in a container; the recorder then does without.
    convenience init() throws(SyscallError) {
        try self.init(connector: try ProcessConnector.open())
    }

    /// Without a connector, hears only what `tell` says.
    init(connector: consuming ProcessConnector?, knownSince: Int64 = Clock.monotonic()) throws(SyscallError) {
        waker = try Waker()
        descriptor = connector?.fileDescriptor ?? -1
        napNanoseconds = Self.napNanoseconds(bufferByteCount: connector?.bufferByteCount ?? 0)
        state = Mutex(
            State(
                connector: connector, lives: ProcessLives(knownSince: knownSince), heardUpTo: knownSince))
    }

    /// Takes in what was said up to now; nothing where all that was said up to `moment` is known already.
    ///
    /// Parameter moment: in nanoseconds of CLOCK_MONOTONIC. Cost: two system calls, some 0.3 µs a message.
    func hear(upTo moment: Int64 = .max) {
        state.withLock { state in
            guard moment > state.heardUpTo else { return }
            let now = Clock.monotonic()
            guard var connector = state.connector.take() else { return }
            var isAtEnd = false
            var hasLost = false
            var lastMoment = state.heardUpTo
            while !isAtEnd {
                let outcome: ProcessConnector.Outcome
                do throws(SyscallError) {
                    outcome = try connector.receive { notice in
                        lastMoment = max(lastMoment, notice.moment)
                        take(notice, &state)
                    }
                } catch {
                    // No memory: as if messages had been dropped, which they soon will be.
                    hasLost = true
                    break
                }
                switch outcome {
                case .received: break
                case .overflow: hasLost = true
                case .empty: isAtEnd = true
                }
            }
            state.connector = consume connector
            if hasLost || state.lives.isFull {
                // The kernel drops all that comes from the first that did not fit until the buffer was emptied.
                let end = Clock.monotonic()
                lossCount.add(1)
                lostNanoseconds.add(Int(max(0, end &- lastMoment)))
                state.lives.forgetAll(at: end)
                state.hearing.loss = (state.hearing.loss?.from ?? lastMoment, end)
                state.heardUpTo = end
            } else {
                state.heardUpTo = now
            }
        }
    }

    /// Takes in one message, as if the connector had sent it.
    func tell(_ notice: ProcessNotice) {
        state.withLock { take(notice, &$0) }
    }

    /// As if the receive buffer had been full.
    func lose(from: Int64, to: Int64) {
        state.withLock { state in
            state.lives.forgetAll(at: to)
            state.hearing.loss = (from, to)
        }
    }

    /// What was heard since the last call.
    func takeHearing() -> Hearing {
        state.withLock { state in
            guard !state.hearing.isEmpty else { return Hearing() }
            let hearing = state.hearing
            state.hearing = Hearing()
            return hearing
        }
    }

    /// Whose life an event between two moments of CLOCK_MONOTONIC belongs to; call `hear` after the event was read.
    func find(_ pid: Int32, from: Int64, to: Int64, notBefore earliest: UInt64) -> ProcessLives.Finding {
        state.withLock { $0.lives.find(pid, from: from, to: to, notBefore: earliest) }
    }

    func life(_ serial: UInt64) -> ProcessLife? {
        state.withLock { $0.lives[serial] }
    }

    func newestLife(of pid: Int32) -> ProcessLife? {
        state.withLock { $0.lives.newest(of: pid) }
    }

    /// The life of a process that lives now, made where nothing was heard of it.
    func livingNow(_ pid: Int32) -> ProcessLife? {
        state.withLock { state in
            if let life = state.lives.newest(of: pid) { return life.ended == nil ? life : nil }
            let now = state.heardUpTo
            guard case .life(let life, _) = state.lives.find(pid, from: now, to: now) else { return nil }
            return life
        }
    }

    /// From now on the end of this life is told by `takeHearing`. Returns the end when it has come already.
    func setInstance(_ instance: UInt64, of serial: UInt64) -> Exit? {
        state.withLock { state in
            state.lives.setInstance(instance, of: serial)
            guard let life = state.lives[serial], let ended = life.ended else { return nil }
            return Exit(instance: instance, moment: ended, status: life.status)
        }
    }

    private func take(_ notice: ProcessNotice, _ state: inout State) {
        noticeCount.add(1)
        state.lives.apply(notice)
        switch notice.kind {
        case .fork, .exec, .userIDs, .groupIDs:
            if state.hearing.changedPIDs.count < Self.maximumWaitingCount {
                state.hearing.changedPIDs.append(notice.pid)
            } else {
                state.hearing.hasMoreChanges = true
            }
        case .exit(let status):
            guard let life = state.lives.newest(of: notice.pid), life.instance != 0,
                state.hearing.exits.count < Self.maximumWaitingCount
            else { return }
            state.hearing.exits.append(Exit(instance: life.instance, moment: notice.moment, status: status))
        case .acknowledged: break
        }
    }

    // MARK: The thread

    /// How long messages gather before they are taken, where *resolve* does not take them earlier: a receive buffer of
    /// 16 MiB holds those of some 5,000 processes, 25,000 a second then; the 416 KiB that net.core.rmem_max allows without
    /// CAP_NET_ADMIN hold those of 250.
    static func napNanoseconds(bufferByteCount: Int) -> Int64 {
        bufferByteCount < 16 << 20 ? 50_000_000 : 200_000_000
    }

    /// Empties the socket now and then until `stop`. Thread: its own, *processes*.
    func run() {
        guard descriptor >= 0 else { return }
        var set = PollSet(reading: [descriptor, waker.descriptor.fileDescriptor])
        var known = noticeCount.load(ordering: .relaxed)
        while !isStopping.load(ordering: .sequentiallyConsistent) {
            waker.wait(timeoutNanoseconds: napNanoseconds)
            hear()
            // While messages come, the naps follow one another: a wait for the next one would be a wake-up of its own.
            let count = noticeCount.load(ordering: .relaxed)
            // A failed wait (no memory) is followed by a look all the same.
            if count == known { _ = try? set.wait(timeoutNanoseconds: nil) }
            known = count
        }
    }

    func stop() {
        isStopping.store(true, ordering: .sequentiallyConsistent)
        waker.wake()
    }
}
