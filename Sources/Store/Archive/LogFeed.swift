package import Model
internal import Synchronization

/// A piece of the store's `-wal`, as its writer hands it over.
package struct LogStretch: Sendable {
    /// The file's first 32 bytes; none where it has no frames.
    package var header: [UInt8]
    /// Of the first frame in `bytes`, from 1.
    package var firstFrame: UInt32
    /// Whole frames.
    package var bytes: [UInt8]
    /// Of commits whose last frame is in `bytes`, where they are known.
    package var notes: [CommitNote]
    /// A moment before which nothing was committed that is not in it or in what came before; said by the last piece.
    package var completeUntil: Instant?

    package init(
        header: [UInt8], firstFrame: UInt32, bytes: [UInt8], notes: [CommitNote], completeUntil: Instant?
    ) {
        self.header = header
        self.firstFrame = firstFrame
        self.bytes = bytes
        self.notes = notes
        self.completeUntil = completeUntil
    }
}

/// The store at one commit: its database file under the frames of its log, while no checkpoint is made.
package struct LiveImage: Sendable {
    package var database: LiveDatabase
    package var pageCount: UInt32
    /// The commit it is the state after.
    package var note: CommitNote
    /// All frames of the log, from the first one.
    package var log: [LogStretch]

    package init(database: LiveDatabase, pageCount: UInt32, note: CommitNote, log: [LogStretch]) {
        self.database = database
        self.pageCount = pageCount
        self.note = note
        self.log = log
    }
}

/// How the store's writer and whoever archives it talk to each other. Neither waits for the other.
///
/// Bounded: `byteLimit` of frames; what the reader does not take in time ends the feed, and it has to begin with an image.
/// Thread: any.
package final class LogFeed: Sendable {
    package enum Phase: Sendable {
        /// The reader has not said yet what it wants: checkpoints wait, and nothing is handed over.
        case starting
        /// Nothing is handed over.
        case off
        /// The reader wants an image: checkpoints wait until it is there.
        case imageWanted
        /// The reader has an image, and is to say when it needs it no more: checkpoints wait.
        case imaging
        /// Every commit is handed over.
        case following
    }

    package enum Message: Sendable {
        case stretch(LogStretch)
        case image(LiveImage)
        /// More was committed than could wait, or the log was not as its writer left it.
        case broken(String)
        /// The store is closed; nothing is committed after what was handed over.
        case end(Instant)
    }

    private struct State {
        var phase = Phase.starting
        /// What it goes back to when the image is given up.
        var followed = false
        var isImageAborted = false
        var messages: [Message] = []
        var byteCount = 0
    }

    private let state: Mutex<State>
    private let wakeReader: @Sendable () -> Void
    private let wakeWriter: @Sendable () -> Void
    package static let byteLimit = 32 << 20

    /// Begins with checkpoints waiting for what the reader wants.
    package init(wakeReader: @escaping @Sendable () -> Void, wakeWriter: @escaping @Sendable () -> Void) {
        state = Mutex(State())
        self.wakeReader = wakeReader
        self.wakeWriter = wakeWriter
    }

    package var phase: Phase { state.withLock { $0.phase } }

    /// Whether every commit is wanted, also those before an image that is wanted.
    var isFollowed: Bool {
        state.withLock { $0.phase == .following || $0.phase == .imageWanted && $0.followed }
    }

    // MARK: The reader's side

    /// The oldest message; nil when there is none.
    package func take() -> Message? {
        state.withLock { state in
            guard !state.messages.isEmpty else { return nil }
            let message = state.messages.removeFirst()
            if case .stretch(let stretch) = message { state.byteCount -= stretch.bytes.count }
            return message
        }
    }

    /// What is to come says that it ends; it need not be waited for what cannot be written.
    package var hasEnd: Bool {
        state.withLock { state in
            state.messages.contains {
                switch $0 {
                case .end, .broken: true
                case .stretch, .image: false
                }
            }
        }
    }

    /// Bytes that wait.
    package var byteCount: Int { state.withLock { $0.byteCount } }

    /// Asks for an image; what is committed until then comes before it, where the reader follows.
    package func askForImage() {
        state.withLock { state in
            state.followed = state.phase == .following
            state.phase = .imageWanted
            state.isImageAborted = false
            state.messages.removeAll { if case .image = $0 { true } else { false } }
        }
        wakeWriter()
    }

    /// True when the writer could not wait any longer: the image is none.
    package var isImageAborted: Bool { state.withLock { $0.isImageAborted } }

    /// Lets go of the image. Returns: false when it had been given up before.
    package func endImage(follow: Bool) -> Bool {
        let isWhole = state.withLock { state in
            guard !state.isImageAborted, state.phase == .imaging else { return false }
            state.phase = follow ? .following : .off
            return true
        }
        wakeWriter()
        return isWhole
    }

    /// Nothing is to be handed over from now on, and nothing to wait; what waits is dropped, but for the end.
    package func turnOff() {
        state.withLock { state in
            state.phase = .off
            state.messages.removeAll { if case .end = $0 { false } else { true } }
            state.byteCount = 0
        }
        wakeWriter()
    }

    // MARK: The writer's side

    /// Hands over a piece. Returns: false when there is no room for it, or nobody follows.
    func push(_ stretch: LogStretch) -> Bool {
        let isTaken = state.withLock { state in
            guard state.phase == .following || state.phase == .imageWanted && state.followed else { return false }
            guard state.byteCount + stretch.bytes.count <= Self.byteLimit else {
                Self.breakOff(&state, "the archive fell behind: more was committed than could wait for it")
                return false
            }
            state.byteCount += stretch.bytes.count
            state.messages.append(.stretch(stretch))
            return true
        }
        wakeReader()
        return isTaken
    }

    func give(_ image: LiveImage) {
        state.withLock { state in
            guard state.phase == .imageWanted else { return }
            state.phase = .imaging
            state.messages.append(.image(image))
        }
        wakeReader()
    }

    /// Takes an image back, or says that there will be none for now.
    func abortImage() {
        state.withLock { state in
            switch state.phase {
            case .off, .following: return
            case .starting: state.phase = .off
            case .imageWanted, .imaging:
                state.phase = state.followed ? .following : .off
                state.isImageAborted = true
            }
            state.messages.removeAll { if case .image = $0 { true } else { false } }
        }
        wakeReader()
    }

    func fail(_ cause: String) {
        state.withLock { state in
            guard state.phase != .off else { return }
            Self.breakOff(&state, cause)
        }
        wakeReader()
    }

    func end(_ moment: Instant) {
        state.withLock { $0.messages.append(.end(moment)) }
        wakeReader()
    }

    private static func breakOff(_ state: inout State, _ cause: String) {
        state.phase = .off
        state.messages = [.broken(cause)]
        state.byteCount = 0
    }
}
