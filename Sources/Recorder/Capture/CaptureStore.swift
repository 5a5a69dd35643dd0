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
/// Bounded: 32 MiB of pages wait; then logs are not read for a while, and what is overwritten meanwhile is counted.
/// Thread: its own, *segments*; `resume`, `take` and `hasRoom` are called by *capture*.
final class CaptureStore: CaptureSink {
    private struct State {
        var items: Deque<CaptureItem> = []
        var byteCount = 0
        var streams: [UUIDBytes: KnownStream] = [:]
        /// Which stream a file has.
        var uuids: [DatabaseFiles.Identity: UUIDBytes] = [:]
        var isStopping = false

        mutating func add(_ known: KnownStream) {
            streams[known.stream.uuid] = known
            uuids[known.identity] = known.stream.uuid
        }
    }

    private static let maximumByteCount = 32 << 20

    private let state: Mutex<State>
    private let shared: WriteShared
    private let place: CapturePlace
    private let waker: Waker

    /// Parameter known: the streams of the store, as they were left.
    init(place: CapturePlace, known: [KnownStream], shared: WriteShared) throws(SyscallError) {
        self.place = place
        self.shared = shared
        waker = try Waker()
        var state = State()
        for known in known { state.add(known) }
        self.state = Mutex(state)
    }

    // MARK: CaptureSink

    var hasRoom: Bool { state.withLock { $0.byteCount < Self.maximumByteCount } }

    func resume(_ stream: DatabaseStream) -> DatabaseStream {
        let identity = DatabaseFiles.Identity(device: stream.device, inode: stream.inode)
        return state.withLock { state in
            guard let uuid = state.uuids[identity], var known = state.streams[uuid] else {
                var new = KnownStream(stream)
                new.isOfThisRun = true
                state.add(new)
                return stream
            }
            if let path = stream.paths.last, known.stream.paths.last != path {
                known.stream.paths.removeAll { $0 == path }
                known.stream.paths.append(path)
            }
            known.stream.condition = .captured
            known.stream.detail = ""
            // Nobody knows what went on since it was last captured, or through its other name.
            if known.lastNumber > 0 {
                known.lastNumber += 1
                state.items.append(
                    .gap(
                        uuid,
                        CaptureGap(
                            first: known.lastNumber, last: known.lastNumber, missedCount: nil,
                            low: min(known.lastMoment, stream.firstSeen), high: stream.firstSeen,
                            cause: known.isOfThisRun ? .diverged : .recorderDown)))
            }
            known.isOfThisRun = true
            state.streams[uuid] = known
            return known.stream
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
            case .commit(let uuid, let commit):
                state.byteCount += commit.bytes.count
                state.streams[uuid]?.lastMoment = commit.high
            case .gap(let uuid, let gap): state.streams[uuid]?.lastMoment = gap.high
            case .stream, .unseen: break
            }
            state.items.append(item)
        }
        waker.wake()
    }

    // MARK: The thread

    /// Ends the loop when everything that was handed in is stored; *capture* has ended before.
    func stop() {
        state.withLock { $0.isStopping = true }
        waker.wake()
    }

    func run() {
        var recorders: [UUIDBytes: StreamRecorder] = [:]
        var unseen = UnseenLogs()
        while true {
            let (items, isStopping) = state.withLock { state in
                let taken = state.items
                state.items = []
                return (taken, state.isStopping)
            }
            var additions = Additions()
            for item in items { deal(with: item, &recorders, &unseen) }
            let now = Clock.monotonic()
            unseen.moveGaps(to: &additions, now: now, isEnding: isStopping)
            for recorder in recorders.values {
                recorder.advance(now: now, isEnding: isStopping)
                recorder.moveRows(to: &additions)
            }
            if !additions.isEmpty { shared.record(captured: additions) }
            if isStopping { return }
            let isBusy = !unseen.isEmpty || recorders.values.contains(where: \.isBusy)
            if waker.wait(timeoutNanoseconds: isBusy ? Self.turnNanoseconds : nil) { waker.clear() }
        }
    }

    private static let turnNanoseconds: Int64 = 50_000_000

    private func deal(
        with item: CaptureItem, _ recorders: inout [UUIDBytes: StreamRecorder], _ unseen: inout UnseenLogs
    ) {
        switch item {
        case .stream(let stream):
            recorder(of: stream.uuid, stream, &recorders)?.take(stream)
        case .commit(let uuid, let commit):
            recorder(of: uuid, nil, &recorders)?.take(commit)
            state.withLock { $0.byteCount -= commit.bytes.count }
        case .gap(let uuid, let gap):
            recorder(of: uuid, nil, &recorders)?.take(gap)
        case .unseen(let path, let low, let high):
            unseen.add(path, low: low, high: high)
        }
    }

    private func recorder(
        of uuid: UUIDBytes, _ stream: DatabaseStream?, _ recorders: inout [UUIDBytes: StreamRecorder]
    ) -> StreamRecorder? {
        if let known = recorders[uuid] { return known }
        let known = state.withLock { $0.streams[uuid] }
        guard let stream = stream ?? known?.stream else { return nil }
        let recorder = StreamRecorder(stream, lastHash: known?.lastHash ?? .none, place: place) { [self] in
            state.withLock { $0.isStopping }
        }
        recorders[uuid] = recorder
        return recorder
    }
}

/// A stream as the store, or this run, left it.
struct KnownStream: Sendable {
    var stream: DatabaseStream
    var lastNumber: UInt64 = 0
    var lastMoment = Instant.distantPast
    /// Something of it was found since the recorder was started.
    var isOfThisRun = false
    /// Of its last segment.
    var lastHash = EventsHash.none

    init(_ stream: DatabaseStream) {
        self.stream = stream
    }

    var identity: DatabaseFiles.Identity { DatabaseFiles.Identity(device: stream.device, inode: stream.inode) }

    /// All streams of a store.
    static func all(in directory: RawPath) throws(StoreError) -> [KnownStream] {
        let reader = try StoreReader(directory: directory)
        var known: [KnownStream] = []
        for stream in try reader.streams() {
            var one = KnownStream(stream)
            let segments = try reader.segments(of: stream.uuid)
            let gaps = try reader.captureGaps(of: stream.uuid)
            one.lastNumber = max(segments.last?.lastCommit ?? 0, gaps.map(\.last).max() ?? 0)
            one.lastMoment = max(segments.last?.high ?? .distantPast, gaps.map(\.high).max() ?? .distantPast)
            one.lastHash = segments.last?.hash ?? .none
            known.append(one)
        }
        return known
    }
}

extension EventsHash {
    /// Of the segment before the first.
    static var none: EventsHash { EventsHash(high: 0, low: 0) }
}
