import Block
import DequeModule
import Model
import Segment
import Store
import Synchronization
import Syscalls

/// Turns what *capture* found into segments and base images, and hands their rows to *write*.
///
/// An fsync takes longer than a generation of a busy log lives, so whoever reads logs must not wait for one.
/// Bounded: 16 MiB wait; then logs are not read for a while, and what is overwritten meanwhile is counted.
/// Thread: its own, *segments*; `resume`, `take` and `hasRoom` are called by *capture*.
final class CaptureStore: CaptureSink {
    private struct State {
        var items: Deque<CaptureItem> = []
        var byteCount = 0
        var streams: [UUIDBytes: KnownStream] = [:]
        /// Which stream a file has.
        var uuids: [DatabaseFiles.Identity: UUIDBytes] = [:]
        /// Until the thread takes it.
        var joining: SegmentJoining?
        var isStopping = false

        mutating func add(_ known: KnownStream) {
            streams[known.stream.uuid] = known
            streams[known.stream.uuid]?.joinable = JoinableSegments()
            uuids[known.identity] = known.stream.uuid
        }

        /// A gap without a count behind the last number of a stream, unless this run put one there already.
        mutating func putGap(_ uuid: UUIDBytes, upTo moment: Instant, _ cause: CaptureGap.Cause) {
            guard let known = streams[uuid], !known.endsWithGap else { return }
            let number = known.lastNumber + 1
            streams[uuid]?.lastNumber = number
            streams[uuid]?.endsWithGap = true
            items.append(
                .gap(
                    uuid,
                    CaptureGap(
                        first: number, last: number, missedCount: nil, low: min(known.knownUntil, moment),
                        high: moment, cause: cause)))
        }
    }

    private static let maximumByteCount = 16 << 20

    private let state: Mutex<State>
    private let shared: WriteShared
    private let place: CapturePlace
    private let waker: Waker
    private let findings: JournalFindings
    private let journalBudget: JournalBudget

    /// Parameters: `known` are the streams of the store, as they were left; from `startedAt` on writes are noticed. Nobody
    /// knows what was committed between, and it may be that nobody writes again: each gets its gap at once.
    init(
        place: CapturePlace, known: [KnownStream], shared: WriteShared, startedAt: Instant,
        findings: JournalFindings = JournalFindings()
    ) throws(SyscallError) {
        self.place = place
        self.findings = findings
        journalBudget = JournalBudget()
        self.shared = shared
        waker = try Waker()
        var state = State()
        state.joining = SegmentJoining(known, files: place.files)
        for known in known {
            state.add(known)
            // A stream without any number was met, and its first commits were under way; or it never had a log.
            guard known.lastNumber > 0 || known.stream.condition == .captured else { continue }
            state.putGap(known.stream.uuid, upTo: startedAt, .recorderDown)
        }
        self.state = Mutex(state)
    }

    // MARK: CaptureSink

    var hasRoom: Bool {
        state.withLock { $0.byteCount < Self.maximumByteCount } && shared.hasRoomForCaptured
    }

    func resume(_ stream: DatabaseStream) -> (stream: DatabaseStream, last: LogPlace?) {
        let identity = DatabaseFiles.Identity(device: stream.device, inode: stream.inode)
        return state.withLock { state in
            guard let uuid = state.uuids[identity], var known = state.streams[uuid] else {
                state.add(KnownStream(stream))
                return (stream, nil)
            }
            guard known.stream.isFile(identity, born: stream.birth) else {
                known.stream.condition = .ended
                known.stream.detail = "its file is gone, and another has its inode"
                state.streams[uuid] = known
                state.items.append(.stream(known.stream))
                state.add(KnownStream(stream))
                return (stream, nil)
            }
            known.stream.birth = stream.birth
            if let path = stream.paths.last, known.stream.paths.last != path {
                known.stream.paths.removeAll { $0 == path }
                known.stream.paths.append(path)
            }
            known.stream.condition = .captured
            known.stream.detail = ""
            state.streams[uuid] = known
            // Nobody knows what went on through its other name.
            if known.lastNumber > 0 || known.hasState { state.putGap(uuid, upTo: stream.firstSeen, .diverged) }
            return (known.stream, known.lastPlace)
        }
    }

    func claim(_ count: UInt64, of stream: UUIDBytes, as path: RawPath) -> UInt64? {
        state.withLock { state in
            guard let known = state.streams[stream], known.stream.paths.last == path else { return nil }
            state.streams[stream]?.lastNumber = known.lastNumber + count
            return known.lastNumber + 1
        }
    }

    func take(_ item: CaptureItem) {
        state.withLock { state in
            switch item {
            case .commits(let uuid, let batch):
                state.byteCount += batch.byteCount
                state.streams[uuid]?.knownUntil = batch.high
                state.streams[uuid]?.lastPlace = batch.lastPlace
                state.streams[uuid]?.endsWithGap = false
            case .gap(let uuid, let gap): state.streams[uuid]?.knownUntil = gap.high
            case .verdict(let uuid, let verdict):
                state.streams[uuid]?.knownUntil = verdict.high
                state.streams[uuid]?.endsWithGap = false
                state.streams[uuid]?.hasState = true
            case .stream, .doubted, .journaled, .logged, .watched, .barrier, .unseen, .unlisted: break
            }
            state.items.append(item)
        }
        waker.wake()
    }

    func takeFindings() -> [JournalFinding] { findings.take() }

    // MARK: The thread

    /// Ends the loop when everything that was handed in is stored; *capture* has ended before.
    func stop() {
        state.withLock { $0.isStopping = true }
        waker.wake()
    }

    func run() {
        var recorders: [UUIDBytes: StreamRecorder] = [:]
        var unseen = UnseenLogs()
        var joining = state.withLock { $0.joining.take() } ?? SegmentJoining([], files: place.files)
        var items: Deque<CaptureItem> = []
        while true {
            let isStopping = state.withLock { state in
                items.append(contentsOf: state.items)
                state.items.removeAll()
                return state.isStopping
            }
            var additions = Additions()
            var barrier: UInt64 = 0
            // Each goes when it is dealt with: what no longer counts as waiting takes no memory either. What is done by then goes
            // into the store, however much waits: packed pages can be many.
            let end = Clock.monotonic() &+ Self.greatestTurnNanoseconds
            while isStopping || Clock.monotonic() < end, let item = items.popFirst() {
                deal(with: item, &recorders, &unseen, &additions, &barrier)
            }
            let now = Clock.monotonic()
            unseen.moveGaps(to: &additions, now: now, isEnding: isStopping)
            for recorder in recorders.values { recorder.advance(now: now, isEnding: isStopping) }
            if !isStopping { lookAtJournaled(recorders, now: now) }
            for recorder in recorders.values { recorder.moveRows(to: &additions) }
            joining.note(additions.capture.segments) { recorders[$0]?.baseCommit }
            // Between two pieces of a copy there is a look at what came in, so that it waits for none for long.
            let hasPieces = recorders.values.contains(where: \.hasPieces)
            if items.isEmpty, !hasPieces, !isStopping, shared.hasRoomForCaptured, let join = joining.join(now: now) {
                additions.capture.joins.append(join)
            }
            if !additions.isEmpty || barrier > 0 { shared.record(captured: additions, barrier: barrier) }
            if isStopping { return }
            let isBusy = !unseen.isEmpty || recorders.values.contains(where: \.isBusy)
            let joiningWait = joining.wait(now: now).map { max($0, Self.turnNanoseconds) }
            let journalWait = recorders.values.compactMap { $0.journal?.wait(now: now) }.min()
            let waits = [isBusy ? Self.turnNanoseconds : joiningWait, journalWait].compactMap { $0 }
            let timeout = hasPieces || !items.isEmpty ? 0 : waits.min()
            if waker.wait(timeoutNanoseconds: timeout) {
                waker.clear()
            }
        }
    }

    /// Whoever waits longest comes first: the room in time is for all of them together.
    private func lookAtJournaled(_ recorders: [UUIDBytes: StreamRecorder], now: Int64) {
        let due = recorders.values.filter { $0.journal?.wait(now: now) == 0 }
        guard !due.isEmpty else { return }
        for recorder in due.sorted(by: { $0.journal?.waitsSince ?? 0 < $1.journal?.waitsSince ?? 0 }) {
            recorder.advanceJournal(now: Clock.monotonic())
        }
    }

    private static let turnNanoseconds: Int64 = 50_000_000
    private static let greatestTurnNanoseconds: Int64 = 200_000_000

    private func deal(
        with item: CaptureItem, _ recorders: inout [UUIDBytes: StreamRecorder], _ unseen: inout UnseenLogs,
        _ additions: inout Additions, _ barrier: inout UInt64
    ) {
        switch item {
        case .stream(let stream):
            recorder(of: stream.uuid, stream, &recorders)?.take(stream)
        case .commits(let uuid, let batch):
            if let recorder = recorder(of: uuid, nil, &recorders) { batch.forEach { recorder.take($0) } }
            state.withLock { $0.byteCount -= batch.byteCount }
        case .gap(let uuid, let gap):
            recorder(of: uuid, nil, &recorders)?.take(gap)
        case .doubted(let uuid):
            recorder(of: uuid, nil, &recorders)?.doubtFile()
        case .journaled(let uuid, let request):
            recorder(of: uuid, nil, &recorders)?.lookAtFile(request)
        case .verdict(let uuid, let verdict):
            recorder(of: uuid, nil, &recorders)?.take(verdict)
        case .logged(let uuid):
            recorder(of: uuid, nil, &recorders)?.leaveFile()
        case .watched(let uuid, let moment):
            recorder(of: uuid, nil, &recorders)?.take(watchedUntil: moment)
        case .barrier(let asked):
            barrier = asked
            for recorder in recorders.values { recorder.endSegment() }
        case .unseen(let path, let low, let high):
            unseen.add(path, low: low, high: high)
        case .unlisted(let path, let count, let moment):
            additions.gaps.append(
                Gap(
                    kind: .walMissed, from: moment, to: moment, count: nil, scope: path,
                    cause: "databases: \(count) that are written with a rollback journal are listed, this one and "
                        + "those met later in this run are not"))
        }
    }

    private func recorder(
        of uuid: UUIDBytes, _ stream: DatabaseStream?, _ recorders: inout [UUIDBytes: StreamRecorder]
    ) -> StreamRecorder? {
        if let known = recorders[uuid] { return known }
        guard var known = state.withLock({ $0.streams[uuid] }) ?? stream.map({ KnownStream($0) }) else { return nil }
        if let stream { known.stream = stream }
        let recorder = StreamRecorder(known, place: place, journalBudget: journalBudget, journalFindings: findings) {
            [self] in state.withLock { $0.isStopping }
        }
        recorders[uuid] = recorder
        return recorder
    }
}

/// A stream as the store, or this run, left it.
struct KnownStream: Sendable {
    var stream: DatabaseStream
    var lastNumber: UInt64 = 0
    /// All its commits up to then are stored, or stand in gaps.
    var knownUntil = Instant.distantPast
    /// Where its last commit ended in the log of that time.
    var lastPlace: LogPlace?
    /// This run put a gap without a count behind its last commit.
    var endsWithGap = false
    /// This run found a state of it that no number stands for yet.
    var hasState = false
    /// Of its last segment.
    var lastHash = EventsHash.none
    /// The newest one in the store.
    var lastState: StreamState?
    /// By the files of its last whole base image and since.
    var policy = BaseImagePolicy()
    var joinable = JoinableSegments()

    init(_ stream: DatabaseStream) {
        self.stream = stream
    }

    var identity: DatabaseFiles.Identity { DatabaseFiles.Identity(device: stream.device, inode: stream.inode) }

    /// All streams of a store into which the present run does not record yet.
    ///
    /// Parameter bootID: of the machine now.
    static func all(in directory: RawPath, bootID: UUIDBytes) throws(StoreError) -> [KnownStream] {
        let reader = try StoreReader(directory: directory)
        let watched = try reader.watchedUntil()
        let booted = try reader.runs().first { $0.bootID == bootID && bootID != .zero }?.started ?? .distantFuture
        var known: [KnownStream] = []
        for stream in try reader.streams() {
            var one = KnownStream(stream)
            let segments = try reader.segments(of: stream.uuid)
            let gaps = try reader.captureGaps(of: stream.uuid)
            one.lastNumber = max(segments.last?.lastCommit ?? 0, gaps.map(\.last).max() ?? 0)
            one.knownUntil = max(segments.last?.high ?? stream.firstSeen, gaps.map(\.high).max() ?? stream.firstSeen)
            // The run before ended with a look that found nothing more: the watch was broken off then, not before.
            if let moment = watched[stream.uuid] { one.knownUntil = max(one.knownUntil, moment) }
            one.lastHash = segments.last?.chain ?? .none
            let bases = try reader.baseImages(of: stream.uuid)
            one.lastState = StreamState(stream, segments, bases)
            one.policy = BaseImagePolicy(segments, bases)
            one.joinable = JoinableSegments(segments, bases)
            // After a power cut other commits may stand where the last one stood. A segment that cannot be read is for
            // `verify` to name.
            if let segment = segments.last(where: { $0.commitCount > 0 }), segment.high >= booted,
                let commit = try? reader.segmentFiles.open(segment).index.table.commits.last
            {
                one.lastPlace = LogPlace(salts: commit.salts, frame: commit.frame)
            }
            known.append(one)
        }
        return known
    }
}

extension EventsHash {
    /// Of the segment before the first.
    static var none: EventsHash { EventsHash(high: 0, low: 0) }
}
