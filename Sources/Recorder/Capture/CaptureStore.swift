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
        var streams: [DatabaseFiles.Identity: KnownStream] = [:]
        var isStopping = false
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
        var streams: [DatabaseFiles.Identity: KnownStream] = [:]
        for known in known { streams[known.identity] = known }
        state = Mutex(State(streams: streams))
    }

    // MARK: CaptureSink

    var hasRoom: Bool { state.withLock { $0.byteCount < Self.maximumByteCount } }

    func resume(_ stream: DatabaseStream) -> (stream: DatabaseStream, lastNumber: UInt64) {
        let identity = DatabaseFiles.Identity(device: stream.device, inode: stream.inode)
        return state.withLock { state in
            guard var known = state.streams[identity] else {
                state.streams[identity] = KnownStream(stream)
                return (stream, 0)
            }
            if let path = stream.paths.last, known.stream.paths.last != path {
                known.stream.paths.removeAll { $0 == path }
                known.stream.paths.append(path)
            }
            known.stream.condition = .captured
            known.stream.detail = ""
            // Nobody knows what went on since it was last captured.
            if known.lastNumber > 0 {
                known.lastNumber += 1
                state.items.append(
                    .gap(
                        known.stream.uuid,
                        CaptureGap(
                            first: known.lastNumber, last: known.lastNumber, missedCount: nil,
                            low: min(known.lastMoment, stream.firstSeen), high: stream.firstSeen, cause: .recorderDown)
                    ))
            }
            state.streams[identity] = known
            return (known.stream, known.lastNumber)
        }
    }

    func take(_ item: CaptureItem) {
        state.withLock { state in
            if case .commit(_, let commit) = item { state.byteCount += commit.bytes.count }
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
            state.withLock { state in
                state.byteCount -= commit.bytes.count
                note(uuid, commit.number, commit.high, &state)
            }
        case .gap(let uuid, let gap):
            recorder(of: uuid, nil, &recorders)?.take(gap)
            state.withLock { note(uuid, gap.last, gap.high, &$0) }
        case .unseen(let path, let low, let high):
            unseen.add(path, low: low, high: high)
        }
    }

    private func note(_ uuid: UUIDBytes, _ number: UInt64, _ moment: Instant, _ state: inout State) {
        for (identity, known) in state.streams where known.stream.uuid == uuid {
            state.streams[identity]?.lastNumber = max(known.lastNumber, number)
            state.streams[identity]?.lastMoment = moment
        }
    }

    private func recorder(
        of uuid: UUIDBytes, _ stream: DatabaseStream?, _ recorders: inout [UUIDBytes: StreamRecorder]
    ) -> StreamRecorder? {
        if let known = recorders[uuid] { return known }
        let known = state.withLock { state in state.streams.values.first { $0.stream.uuid == uuid } }
        guard let stream = stream ?? known?.stream else { return nil }
        let recorder = StreamRecorder(stream, lastHash: known?.lastHash ?? .none, place: place)
        recorders[uuid] = recorder
        return recorder
    }
}

/// A stream as the store, or this run, left it.
struct KnownStream: Sendable {
    var stream: DatabaseStream
    var lastNumber: UInt64 = 0
    var lastMoment = Instant.distantPast
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
