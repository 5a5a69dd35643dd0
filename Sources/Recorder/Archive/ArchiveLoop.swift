import Block
import Model
import Segment
import Store
import Syscalls

/// Keeps the archive: takes in what the store's writer hands over, writes it, and begins again where something is missing.
///
/// Thread: its own, *archive*, with the lowest priority. Whatever its disk does, nobody waits for it.
struct ArchiveLoop: ~Copyable {
    private let request: ArchiveRequest
    private var writer: ArchiveWriter?
    /// The generation that commits go to; nil in a gap.
    private var generation: ArchivedGeneration?
    /// What the image that was asked for is to be used for.
    private var purpose: Purpose?
    /// A segment that could not be written yet.
    private var waiting: EncodedSegment?
    /// Everything that was committed before is in the archive when that is written.
    private var waitingUntil: Instant?
    private var mayResume = true
    private(set) var hasEnded = false
    private var retryAt: Int64 = 0
    private let shortestPause: Int64
    private var pause: Int64
    private var nextRotation: Int64 = 0
    private var rotationPause = Self.shortestRotationPauseNanoseconds
    /// The last moment that can be had, and whether a gap since then has been told of.
    private var knownUntil: Instant?
    private var toldOfGap = false
    private var ageClock: AgeClock

    private enum Purpose {
        case resume(ArchiveGeneration)
        /// Parameter isContinued: commits go on to the old generation until the new one is there.
        case begin(UInt64, cause: String, isContinued: Bool)
    }

    private static let longestPauseNanoseconds: Int64 = 600_000_000_000
    private static let shortestRotationPauseNanoseconds: Int64 = 60_000_000_000
    private static let longestRotationPauseNanoseconds: Int64 = 64 * 60_000_000_000
    private static let writeAgainNanoseconds: Int64 = 1_000_000_000
    private static let enforceNanoseconds: Int64 = 60_000_000_000

    /// Parameter shortestPauseNanoseconds: before it is tried again to begin a generation, doubled each time.
    init(_ request: ArchiveRequest, shortestPauseNanoseconds: Int64 = 10_000_000_000) {
        self.request = request
        shortestPause = shortestPauseNanoseconds
        pause = shortestPauseNanoseconds
        ageClock = AgeClock(endOf: try? ArchiveReader(directory: request.directory))
    }

    private var feed: LogFeed { request.feed }

    /// Runs until the store is closed and everything is written, or cannot be.
    mutating func run() {
        while !hasEnded {
            request.waker.clear()
            turn()
            if !hasEnded { request.waker.wait(timeoutNanoseconds: waiting == nil ? idle : Self.writeAgainNanoseconds) }
        }
    }

    private var idle: Int64 {
        if feed.hasEnd { return 0 }
        guard generation == nil, purpose == nil else { return Self.enforceNanoseconds }
        return min(Self.enforceNanoseconds, max(0, retryAt &- Clock.monotonic()))
    }

    /// Does what can be done now, without waiting for anybody.
    mutating func turn() {
        do throws(ArchiveBreak) {
            try work()
        } catch {
            breakOff(error.cause)
        }
    }

    private mutating func work() throws(ArchiveBreak) {
        if let waiting {
            // What cannot be written is tried until the feed has no room; whoever waits for the end waits for one try.
            guard write(waiting) else {
                if feed.hasEnd { throw ArchiveBreak("what was committed last cannot be written") }
                return
            }
            self.waiting = nil
            if let waitingUntil { tell(waitingUntil) }
        }
        while waiting == nil, let message = feed.take() {
            switch message {
            case .stretch(let stretch): try take(stretch)
            case .image(let image): try use(image)
            case .broken(let cause): throw ArchiveBreak(cause)
            case .end(let moment):
                hasEnded = true
                end(at: moment)
            }
        }
        guard !hasEnded else { return }
        if feed.isImageAborted, purpose != nil { try imageWasAborted() }
        if generation == nil, purpose == nil, Clock.monotonic() >= retryAt { try begin() }
        try rotateIfDue()
    }

    // MARK: Commits

    private mutating func take(_ stretch: LogStretch) throws(ArchiveBreak) {
        // Between a gap and the next image.
        guard generation != nil else { return }
        try generation?.chain.take(stretch, now: Clock.realtime())
        guard let moment = stretch.completeUntil else {
            if generation?.chain.isFull == true { try finishSegment() }
            return
        }
        if try !finishSegment() { writeUntil(moment) }
        if waiting == nil { tell(moment) } else { waitingUntil = moment }
    }

    /// Ends the segment under way and writes it. Returns: false when it is empty.
    @discardableResult
    private mutating func finishSegment() throws(ArchiveBreak) -> Bool {
        waitingUntil = nil
        guard let segment = try generation?.chain.finish() else { return false }
        if !write(segment) { waiting = segment }
        return true
    }

    /// False when it is to be tried again.
    private mutating func write(_ segment: EncodedSegment) -> Bool {
        guard let number = generation?.number else { return true }
        do throws(StoreError) {
            // The rows of the segment name only what is there by now.
            try writer?.takeFiles(into: number, previous: nil)
            try writer?.write(segment, to: number)
        } catch {
            request.status.update {
                $0.condition = "waiting"
                $0.failure = error.description
            }
            return false
        }
        generation?.byteCount += UInt64(segment.bytes.count)
        return true
    }

    private mutating func writeUntil(_ moment: Instant) {
        guard let generation else { return }
        // It only tells of more; the next commit tells the same.
        try? writer?.write(ArchiveUntil(commit: generation.chain.lastCommit, moment: moment), to: generation.number)
    }

    private mutating func tell(_ moment: Instant) {
        knownUntil = moment
        request.status.update { [number = generation?.number] in
            $0.condition = "archiving"
            $0.failure = nil
            $0.generation = number
            $0.until = moment
        }
    }

    private mutating func end(at moment: Instant) {
        guard generation != nil, waiting == nil else { return }
        guard (try? finishSegment()) != nil, waiting == nil else { return }
        writeUntil(moment)
    }

    // MARK: Generations

    /// Opens the archive and asks for the image that the next commits can follow.
    private mutating func begin() throws(ArchiveBreak) {
        do throws(StoreError) {
            if writer == nil {
                writer = try ArchiveWriter(
                    directory: request.directory, store: request.store, storeDirectory: request.storeDirectory,
                    limits: request.limits, create: true)
            }
            try writer?.checkMark()
            try writer?.checkRoom()
            var reader = try ArchiveReader(directory: request.directory)
            if mayResume {
                request.status.update { $0.condition = "comparing" }
                let feed = feed
                reader.readNewest { feed.hasEnd }
            }
            if knownUntil == nil { knownUntil = reader.generations.last?.end }
            if mayResume, let last = reader.continuable {
                mayResume = false
                purpose = .resume(last)
                feed.askForImage()
                return
            }
            try prepare(cause: cause(reader), isContinued: false)
        } catch {
            throw ArchiveBreak(error)
        }
    }

    /// Why a generation begins that does not continue one.
    private func cause(_ reader: ArchiveReader) -> String {
        if mayResume, let damage = reader.damages.last { return "\(damage.path.lossyText): \(damage.problem)" }
        guard !reader.generations.isEmpty else { return "the first" }
        return request.status.snapshot.failure ?? "the store was changed while nothing was archived"
    }

    /// Takes the files of captured databases, which may be many, before the image is asked for.
    private mutating func prepare(cause: String, isContinued: Bool) throws(StoreError) {
        mayResume = false
        let previous = try ArchiveReader(directory: request.directory).generations.last?.number
        guard let number = try writer?.beginGeneration() else { return }
        let feed = feed
        try writer?.takeFiles(into: number, previous: previous) { feed.hasEnd }
        purpose = .begin(number, cause: cause, isContinued: isContinued)
        if !isContinued { request.status.update { $0.condition = "copying" } }
        feed.askForImage()
    }

    private mutating func use(_ live: LiveImage) throws(ArchiveBreak) {
        guard let purpose else { return }
        self.purpose = nil
        switch purpose {
        case .resume(let last): try resume(last, live)
        case .begin(let number, let cause, let isContinued):
            do throws(ArchiveBreak) {
                try beginGeneration(number, cause: cause, isContinued: isContinued, live)
            } catch {
                try? writer?.remove(number)
                guard isContinued, generation != nil else { throw error }
                // The old generation goes on.
                _ = feed.endImage(follow: true)
                putOffRotation(error.cause)
            }
        }
    }

    private mutating func resume(_ last: ArchiveGeneration, _ live: LiveImage) throws(ArchiveBreak) {
        let image = try StoreImage(live)
        let feed = feed
        let found = try image.find(
            state: last.state, pageCount: last.pageCount, place: try place(of: last), stream: request.store
        ) { feed.isImageAborted || feed.hasEnd }
        guard feed.endImage(follow: found != nil), let found else {
            retryAt = Clock.monotonic()
            return
        }
        var chain = try ArchiveChain(
            stream: request.store, hashes: found.hashes, pageCount: last.pageCount, lastCommit: last.lastCommit,
            lastHash: last.lastHash, lastHigh: last.end, reader: image.reader)
        let now = Clock.realtime()
        for (commit, note) in image.commits.dropFirst(found.commitCount) { try chain.take(commit, note, now: now) }
        do {
            try writer?.resume(last.number)
        } catch {
            throw ArchiveBreak(error)
        }
        generation = ArchivedGeneration(
            number: last.number, chain: chain, begun: last.start.finished, baseByteCount: last.base.byteCount,
            byteCount: last.byteCount - last.base.byteCount)
        try finishSegment()
        if waiting == nil { tell(live.note.high) }
    }

    /// The frame and salts of the last commit, where a segment has it.
    private func place(of last: ArchiveGeneration) throws(ArchiveBreak) -> (salts: UInt64, frame: UInt32)? {
        guard let row = last.segments.last else { return nil }
        do {
            return try last.files.open(row).index.table.commits.last.map { ($0.salts, $0.frame) }
        } catch {
            throw ArchiveBreak(error)
        }
    }

    private mutating func beginGeneration(
        _ number: UInt64, cause: String, isContinued: Bool, _ live: LiveImage
    ) throws(ArchiveBreak) {
        let image = try StoreImage(live)
        let (row, hashes) = try writeBase(image, number)
        do throws(StoreError) {
            try writer?.takeFiles(into: number, previous: nil)
            try writer?.write(
                ArchiveStart(
                    store: request.store, number: number, isContinued: isContinued, finished: Clock.realtime(),
                    previousEnd: knownUntil, cause: cause))
        } catch {
            throw ArchiveBreak(error)
        }
        let gapBegan = isContinued ? nil : knownUntil
        generation = ArchivedGeneration(
            number: number,
            chain: try ArchiveChain(
                stream: request.store, hashes: hashes, pageCount: image.pageCount, lastCommit: 0,
                lastHash: EventsHash(high: 0, low: 0), lastHigh: image.note.high, reader: image.reader),
            begun: Clock.realtime(), baseByteCount: row.byteCount, byteCount: 0)
        pause = shortestPause
        rotationPause = Self.shortestRotationPauseNanoseconds
        if let gapBegan {
            request.status.remark(.goesOn(from: image.note.high, since: gapBegan, because: cause))
        }
        toldOfGap = false
        tell(image.note.high)
        enforce()
    }

    private mutating func writeBase(
        _ image: borrowing StoreImage, _ number: UInt64
    ) throws(ArchiveBreak) -> (row: BaseImageRow, hashes: PageHashes) {
        guard let writer else { throw ArchiveBreak("there is no archive") }
        let feed = feed
        var file: BaseImageFile
        do throws(StoreError) {
            file = try writer.beginBaseImage(
                BaseImageHeader(
                    stream: request.store, pageSize: UInt32(ArchiveChain.pageByteCount), commit: 0, low: image.note.low,
                    high: image.note.high, pageCount: image.pageCount), of: number)
        } catch {
            throw ArchiveBreak(error)
        }
        try image.forEachPage { (_, bytes) throws(ArchiveBreak) in
            guard !feed.isImageAborted, !feed.hasEnd else { throw ArchiveBreak(Self.abortedCause) }
            do throws(StoreError) {
                try file.append(bytes)
            } catch {
                throw ArchiveBreak(error)
            }
        }
        // All is read: from here on the database may change.
        guard feed.endImage(follow: true) else { throw ArchiveBreak(Self.abortedCause) }
        do throws(StoreError) {
            return try file.finish()
        } catch {
            throw ArchiveBreak(error)
        }
    }

    private static let abortedCause = "the store was written too fast for its base image to be copied"

    private mutating func imageWasAborted() throws(ArchiveBreak) {
        guard let purpose else { return }
        self.purpose = nil
        guard case .begin(let number, _, let isContinued) = purpose else {
            throw ArchiveBreak(Self.abortedCause)
        }
        try? writer?.remove(number)
        guard isContinued, generation != nil else { throw ArchiveBreak(Self.abortedCause) }
        putOffRotation(Self.abortedCause)
    }

    // MARK: Bounds

    private mutating func rotateIfDue() throws(ArchiveBreak) {
        guard let writer, purpose == nil, waiting == nil, Clock.monotonic() >= nextRotation,
            let isDue = generation.map({
                writer.isLarge($0.byteCount, base: $0.baseByteCount)
                    || writer.isOld(since: $0.begun, now: Clock.realtime())
            }), isDue
        else { return }
        do {
            try prepare(cause: "the one before had grown", isContinued: true)
        } catch {
            putOffRotation(error.description)
        }
    }

    private mutating func putOffRotation(_ cause: String) {
        nextRotation = Clock.monotonic() &+ rotationPause
        rotationPause = min(2 * rotationPause, Self.longestRotationPauseNanoseconds)
        request.status.update { $0.failure = "no new generation: \(cause)" }
    }

    private mutating func enforce() {
        guard let reader = try? ArchiveReader(directory: request.directory) else { return }
        // What cannot be removed now is tried with the next generation.
        _ = try? writer?.enforce(reader.ends, now: ageClock.moment())
    }

    // MARK: Gaps

    private mutating func breakOff(_ cause: String) {
        let hadGeneration = generation != nil
        if case .begin(let number, _, _) = purpose { try? writer?.remove(number) }
        (generation, purpose, waiting) = (nil, nil, nil)
        feed.turnOff()
        retryAt = Clock.monotonic() &+ pause
        pause = min(2 * pause, Self.longestPauseNanoseconds)
        // While it only waited, what it waited for is why.
        let before = request.status.snapshot
        let reason = before.condition == "waiting" ? before.failure ?? cause : cause
        request.status.update {
            $0.condition = "gap"
            $0.failure = reason
        }
        if hadGeneration || !toldOfGap {
            request.status.remark(.gap(from: knownUntil, because: reason))
            toldOfGap = true
        }
    }
}
