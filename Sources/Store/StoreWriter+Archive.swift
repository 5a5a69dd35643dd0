package import Model
internal import Syscalls

/// Where the writer stands with handing over its log.
struct LogTail: Sendable {
    let feed: LogFeed
    /// The first frame that was not handed over, in the generation of these salts.
    var nextFrame: UInt32 = 1
    var salts: ArraySlice<UInt8> = []
    var lastTime: Int64 = 0
    /// Since the last commit nobody was told yet that it is the last.
    var isFresh = true
}

extension StoreWriter {
    /// How often commits are handed over when no checkpoint comes before, in nanoseconds.
    static var handOverNanoseconds: Int64 { 5_000_000_000 }
    /// How often it is said that there was none.
    static var idleNanoseconds: Int64 { 60_000_000_000 }
    /// Beyond this the `-wal` does not wait for an image any longer.
    private var imageWALByteLimit: UInt64 { min(24 << 20, 2 * truncateByteLimit) }
    private static var pieceFrameCount: UInt32 { 1_000 }
    private static var frameByteCount: Int { 24 + 4_096 }
    private static var walHeaderByteCount: Int { 32 }

    /// From now on every commit is handed over to whoever reads the feed, before it can be overwritten.
    ///
    /// To be called before the first commit, so that the log of the last run is still there; checkpoints wait until the
    /// reader has its first image, wants none, or the log has grown.
    package mutating func follow(with feed: LogFeed) {
        connection.noteCommits()
        logTail = LogTail(feed: feed)
    }

    /// Hands over what is due, or an image where one is wanted. To be called at every turn.
    ///
    /// Cost: nothing when nothing is due; else reads of the `-wal` from the page cache.
    package mutating func serveFeed() {
        guard let tail = logTail else { return }
        switch tail.feed.phase {
        case .starting, .off, .imaging: return
        case .imageWanted: giveImage()
        case .following:
            let now = Clock.monotonic()
            guard now >= feedDeadline(tail) else { return }
            handOverLog()
        }
    }

    /// When `serveFeed` next has something to do, CLOCK_MONOTONIC; nil when nothing is awaited.
    package var feedDeadline: Int64? {
        guard let tail = logTail, tail.feed.phase == .following else { return nil }
        return feedDeadline(tail)
    }

    /// What is at rest is told of once soon, then at times.
    private func feedDeadline(_ tail: LogTail) -> Int64 {
        let isSoon = tail.isFresh || connection.commitLog.hasNotes
        return tail.lastTime &+ (isSoon ? Self.handOverNanoseconds : Self.idleNanoseconds)
    }

    /// The last of it; nothing is committed afterwards.
    package mutating func endFeed(at moment: Instant) {
        guard let tail = logTail else { return }
        tail.feed.abortImage()
        handOverLog()
        tail.feed.end(moment)
        logTail = nil
    }

    /// Gives up an image that somebody is making, so that checkpoints can be made.
    mutating func abortImage() {
        logTail?.feed.abortImage()
    }

    /// True while the database file must stay as it is.
    var mustLeaveDatabase: Bool {
        guard let feed = logTail?.feed else { return false }
        switch feed.phase {
        case .off, .following: return false
        case .starting, .imageWanted, .imaging:
            let byteCount = UInt64(connection.commitLog.lastFrame) * UInt64(Self.frameByteCount)
            guard byteCount > imageWALByteLimit else { return true }
            feed.abortImage()
            return false
        }
    }

    /// Hands over what was committed since the last time. To be called before every checkpoint.
    package mutating func handOverLog() {
        guard var tail = logTail else { return }
        defer { logTail = tail }
        guard tail.feed.isFollowed else {
            // Before a first image they are needed with it.
            if tail.feed.phase == .off { _ = connection.commitLog.take() }
            return
        }
        do throws(StoreError) {
            let log = try readLog(&tail)
            for stretch in log { guard tail.feed.push(stretch) else { return } }
            tail.lastTime = Clock.monotonic()
            tail.isFresh = log.contains { !$0.bytes.isEmpty }
        } catch {
            tail.feed.fail(error.message)
        }
    }

    private mutating func giveImage() {
        // Before the first commit it is not known how much of the log counts; a log that is too long is worked through.
        guard let note = connection.commitLog.last, mustLeaveDatabase else { return }
        // A reader that follows gets everything up to the image first.
        handOverLog()
        guard var tail = logTail, tail.feed.phase == .imageWanted else { return }
        tail.nextFrame = 1
        tail.salts = []
        do throws(StoreError) {
            let log = try readLog(&tail)
            let database: LiveDatabase
            do throws(SyscallError) {
                database = try connection.liveDatabase()
            } catch {
                throw StoreError(error, otherwise: .cannotRead, "the database cannot be read", path: layout.database)
            }
            tail.feed.give(
                LiveImage(
                    database: database, pageCount: UInt32(clamping: try connection.integer("PRAGMA page_count")),
                    note: note, log: log))
            tail.lastTime = Clock.monotonic()
            tail.isFresh = true
        } catch {
            tail.feed.fail(error.description)
        }
        logTail = tail
    }

    /// Reads the frames from `tail.nextFrame` to the last committed one, and moves the tail behind them.
    ///
    /// Returns: at least one piece, without frames where there are none. Throws: `corrupt` where the log is not as this
    /// connection left it, `cannotRead`.
    private mutating func readLog(_ tail: inout LogTail) throws(StoreError) -> [LogStretch] {
        // A moment before the look: whoever commits is this very thread.
        let now = Clock.realtime()
        let last = connection.commitLog.lastFrame
        var notes = connection.commitLog.take()[...]
        var header: [UInt8] = []
        var pieces: [LogStretch] = []
        do throws(SyscallError) {
            if last > 0 {
                try openWAL()
                try walDescriptor?.read(upTo: Self.walHeaderByteCount, at: 0, appendingTo: &header)
                if header.dropFirst(16).prefix(8) != tail.salts {
                    tail.salts = header.dropFirst(16).prefix(8)
                    tail.nextFrame = 1
                }
            }
            while tail.nextFrame <= last {
                let first = tail.nextFrame
                let count = min(Self.pieceFrameCount, last - first + 1)
                var bytes: [UInt8] = []
                let offset = Int64(Self.walHeaderByteCount) + Int64(first - 1) * Int64(Self.frameByteCount)
                try walDescriptor?.read(upTo: Int(count) * Self.frameByteCount, at: offset, appendingTo: &bytes)
                tail.nextFrame = first + count
                let within = notes.prefix { $0.frame >= first && $0.frame < tail.nextFrame }
                notes = notes.dropFirst(within.count)
                pieces.append(
                    LogStretch(
                        header: header, firstFrame: first, bytes: bytes, notes: Array(within), completeUntil: nil))
            }
        } catch {
            throw StoreError(error, otherwise: .cannotRead, "the log of the store cannot be read", path: layout.wal)
        }
        guard notes.isEmpty else {
            throw StoreError(.corrupt, "the store's log was started over by another program", path: layout.wal)
        }
        if pieces.isEmpty {
            pieces = [LogStretch(header: [], firstFrame: tail.nextFrame, bytes: [], notes: [], completeUntil: nil)]
        }
        pieces[pieces.count - 1].completeUntil = now
        return pieces
    }
}
