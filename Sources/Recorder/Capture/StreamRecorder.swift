import Block
import Model
import SQLiteWAL
import Segment
import Store
import Syscalls

/// Where the files of captured databases go, and how their sources may be opened.
struct CapturePlace: Sendable {
    var store: RawPath
    var access: DatabaseAccess
    var files: SegmentFiles

    init(store: RawPath, readsAsUser: Bool) {
        self.store = store
        access = DatabaseAccess(store: store, readsAsUser: readsAsUser)
        files = SegmentFiles(store: store)
    }
}

/// The segments and base images of one database, as its commits come in.
///
/// A base image is a copy of the database after one commit; which one becomes clear when the commit whose frame it ends with is
/// here. From there on states are known, and commits can be restored. After a gap mostly only changed pages are kept.
/// Thread: *segments*.
final class StreamRecorder {
    struct CommitPoint {
        var place: LogPlace
        var number: UInt64
        var low: Instant
        var high: Instant
    }

    final class Encoder {
        var encoder: SegmentEncoder

        init(_ encoder: consuming SegmentEncoder) { self.encoder = encoder }
    }

    private final class Source {
        let files: DatabaseFiles

        init(_ files: consuming DatabaseFiles) { self.files = files }
    }

    private(set) var stream: DatabaseStream
    let place: CapturePlace
    private(set) var encoder: Encoder?
    private var lastHash: EventsHash
    /// The newest commit that was taken in, and when it came about.
    var last: CommitPoint?
    private let copying: BaseCopying
    /// The base image that is being made of a finished copy.
    private(set) var image: BaseImageWriting?
    /// The next copy is only compared with what the commits give.
    private var isComparing = false
    /// When the state of the last base image was there, and its commit, from when it began to be made.
    private var lastBaseMoment: Instant?
    private(set) var baseCommit: UInt64?
    var policy: BaseImagePolicy
    /// Looks at a database that is written with a rollback journal; nil where it has a log, or was not written yet.
    var journal: JournalReading?
    /// Makes that.
    let makeJournal: () -> JournalReading
    /// The newest state in the store when the recorder began; nil once its hashes were asked for.
    var left: StreamState?
    /// CLOCK_MONOTONIC when the first commit of the segment under way came in.
    private var openSince: Int64?
    /// Since when what is in the segment under way may have been visible; nil where no commit is in it.
    private var openLow: Instant?
    /// For the versions that pages had before; given up when nothing comes for a while.
    private var source: Source?
    private var lastUse: Int64 = 0
    private var rows = CaptureRows()
    private var gaps: [Gap] = []

    /// A segment ends after this time, or with this much in it.
    private static let intervalNanoseconds: Int64 = 200_000_000
    private static let segmentByteCount = 4 << 20
    private static let segmentCommitCount = 16_384
    /// When the recorder ends, no more than this of a base image is still written.
    private static let lastImageByteCount: Int64 = 64 << 20

    /// Parameters: `known` the stream as it was when the recorder began; `isEnding` whether the recorder is to end, which a
    /// copy of a large database must not hold up.
    init(
        _ known: KnownStream, place: CapturePlace, journalBudget: JournalBudget = JournalBudget(),
        journalFindings: JournalFindings = JournalFindings(), isEnding: @escaping () -> Bool
    ) {
        makeJournal = { JournalReading(place, budget: journalBudget, findings: journalFindings) }
        stream = known.stream
        lastHash = known.lastHash
        policy = known.policy
        left = known.lastState
        self.place = place
        copying = BaseCopying(place, isEnding: isEnding)
    }

    /// There is something to be done later. Nothing is, some seconds after the last commit.
    var isBusy: Bool { openSince != nil || source != nil || copying.isBusy || image != nil || isWanting }
    /// There is something to be done at once, a piece at a time.
    var hasPieces: Bool { image != nil || copying.hasPieces || journal?.hasPieces == true }

    private var isWanting: Bool { copying.isWanted && last != nil && !isAtRest && journal == nil }
    private var isAtRest = false

    func moveRows(to additions: inout Additions) {
        additions.capture.append(contentsOf: rows)
        additions.gaps += gaps
        rows = CaptureRows()
        gaps = []
    }

    // MARK: What comes in

    func take(_ stream: DatabaseStream) {
        let pageSize = self.stream.pageSize
        self.stream = stream
        // What was read last says it better than whoever met the database.
        if pageSize > 0 { self.stream.pageSize = pageSize }
        rows.streams.append(self.stream)
    }

    func take(_ commit: CapturedCommit) {
        takeWhatWasLeft()
        var commit = commit
        commit.leaveOutPagesBeyondTheEnd()
        take(pageSize: UInt32(clamping: commit.pages.isEmpty ? 0 : commit.bytes.count / commit.pages.count))
        do throws(SegmentError) {
            let encoder = try encoder(before: commit.number)
            try encoder.encoder.append(commit) { previousVersion(of: $0) }
        } catch {
            // What came before it is whole.
            endSegment()
            miss(
                CaptureGap(
                    first: commit.number, last: commit.number, missedCount: 1, low: commit.low, high: commit.high,
                    cause: .diverged), because: error.description)
            return
        }
        let now = Clock.monotonic()
        openSince = openSince ?? now
        openLow = openLow.map { min($0, commit.low) } ?? commit.low
        lastUse = now
        let before = last?.place
        last = CommitPoint(place: commit.place, number: commit.number, low: commit.low, high: commit.high)
        if let copy = copying.take(commit, after: before, of: stream, comparedWith: comparedHashes) { settle(copy) }
        let size = encoder.map { ($0.encoder.byteCount, $0.encoder.commitCount) } ?? (0, 0)
        if size.0 >= Self.segmentByteCount || size.1 >= Self.segmentCommitCount { endSegment() }
    }

    /// Nothing builds on pages of another size.
    func take(pageSize: UInt32) {
        guard pageSize > 0, pageSize != stream.pageSize else { return }
        endSegment()
        encoder = nil
        abandonCopy()
        policy.fail()
        stream.pageSize = pageSize
        rows.streams.append(stream)
    }

    func take(_ gap: CaptureGap) {
        endSegment()
        rows.gaps.append(CaptureGapRow(stream: stream.uuid, gap: gap))
        tell(gap, because: gap.cause.name)
        if let state { policy.breakOff(behind: state) }
        abandonCopy()
        last = nil
        guard let encoder else { return }
        if (try? encoder.encoder.append(gap)) == nil { self.encoder = nil }
        openSince = openSince ?? Clock.monotonic()
    }

    /// Everything that was committed by then came in before.
    func take(watchedUntil moment: Instant) {
        // Its rows go out no sooner than those of all that came before; what cannot be stored is a gap by then.
        endSegment()
        rows.watchedUntil[stream.uuid] = moment
    }

    /// The state after the last commit, where it is known.
    var state: BaseImagePolicy.KnownState? {
        guard let encoder, let hashes = encoder.encoder.hashes else { return nil }
        return BaseImagePolicy.KnownState(commit: encoder.encoder.lastCommit, hashes: hashes)
    }

    func encoder(before number: UInt64) throws(SegmentError) -> Encoder {
        if let encoder { return encoder }
        let made = Encoder(
            try SegmentEncoder(
                stream: stream.uuid, pageSize: stream.pageSize, hashes: nil, databasePageCount: 0,
                lastCommit: number - 1, lastHash: lastHash))
        encoder = made
        return made
    }

    /// What the file has, which may be newer or older: the encoder takes it only if it has the hash it should have.
    private func previousVersion(of page: UInt32) -> [UInt8]? {
        if source == nil, let files = place.access.open(path) { source = Source(files) }
        guard let source else { return nil }
        let size = Int(stream.pageSize)
        var bytes: [UInt8] = []
        let offset = Int64(page - 1) * Int64(size)
        guard (try? source.files.database.read(upTo: size, at: offset, appendingTo: &bytes)) != nil else { return nil }
        return bytes
    }

    private var path: RawPath { stream.paths.last ?? RawPath("") }

    // MARK: What goes out

    /// Does what is due: ends the segment, goes on with a base image by one piece, gives up descriptors.
    func advance(now: Int64, isEnding: Bool) {
        isAtRest = now &- lastUse >= WatchedDatabase.restNanoseconds
        if let image {
            advance(image, isEnding: isEnding)
        } else if !isEnding, journal == nil {
            let copy = copying.advance(
                last: last?.place, of: stream, comparedWith: comparedHashes, now: now, mayBegin: isWanting,
                isAtRest: isAtRest)
            if let copy { settle(copy) }
            tellCondition(copying.problem)
        }
        if let openSince, isEnding || now &- openSince >= Self.intervalNanoseconds { endSegment() }
        if isAtRest { source = nil }
        if isEnding { leaveHashes() }
    }

    /// Writes what came in; its row goes out with the next ones.
    func endSegment() {
        openSince = nil
        let low = openLow
        openLow = nil
        guard let encoder else { return }
        let first = encoder.encoder.lastCommit + 1 - UInt64(encoder.encoder.commitCount)
        let last = encoder.encoder.lastCommit
        do {
            guard let segment = try encoder.encoder.finish() else { return }
            let row = try place.files.write(segment)
            rows.segments.append(row)
            lastHash = segment.hash
            policy.note(row)
            if image == nil, policy.isWholeDue { copying.want() }
        } catch {
            self.encoder = nil
            guard last >= first else { return }
            let high = self.last?.high ?? Clock.realtime()
            miss(
                CaptureGap(
                    first: first, last: last, missedCount: last - first + 1, low: min(low ?? high, high), high: high,
                    cause: .notStored),
                because: "\(error)")
        }
    }

    /// Commits that were found and could not be kept.
    func miss(_ gap: CaptureGap, because reason: String) {
        openSince = nil
        encoder = nil
        abandonCopy()
        last = nil
        rows.gaps.append(CaptureGapRow(stream: stream.uuid, gap: gap))
        tell(gap, because: reason)
    }

    private func tell(_ gap: CaptureGap, because reason: String) {
        gaps.append(
            Gap(
                kind: .walMissed, from: gap.low, to: gap.high, count: gap.missedCount, scope: path,
                cause: "commits of a database: \(reason)"))
    }

    // MARK: Base images

    /// What has been copied so far is no state that will be reached; another base image is needed.
    private func abandonCopy() {
        isComparing = false
        copying.giveUp()
        copying.want()
    }

    /// The file may hold something else than the commits give: a copy tells, of which nothing is kept where it does not.
    func doubtFile() {
        guard state != nil, image == nil, !copying.isWanted, !copying.isBusy else { return }
        isComparing = true
        copying.want()
    }

    private var comparedHashes: PageHashes? { isComparing ? state?.hashes : policy.comparedHashes }

    /// Returns: whether nothing more is to be done with the copy.
    private func compare(_ copy: BaseCopying.Finished) throws -> Bool {
        guard isComparing, let encoder, let last, let known = state?.hashes else { return false }
        isComparing = false
        let hashes = try hashes(of: copy)
        guard hashes.state != known.state else {
            copying.satisfy()
            return true
        }
        guard copy.isSparse else { return false }
        checkState(of: encoder, hashes, at: last)
        // What comes next builds on something else, which is copied whole.
        self.encoder = nil
        policy.fail()
        throw BaseCopy.Failure.busy
    }

    private func hashes(of copy: BaseCopying.Finished) throws -> PageHashes {
        try copy.hashes ?? copy.file.hashes(of: stream.uuid, pageSize: stream.pageSize, pageCount: copy.pageCount)
    }

    /// Why there is no base image, for people: without one nothing can be restored.
    private func tellCondition(_ detail: String) {
        guard stream.condition == .captured, stream.detail != detail else { return }
        stream.detail = detail
        rows.streams.append(stream)
    }

    /// Goes on from the copy, which is the state after the last commit, and has its base image made.
    func settle(_ copy: BaseCopying.Finished) {
        endSegment()
        guard let encoder, let last else { return }
        let header = BaseImageHeader(
            stream: stream.uuid, pageSize: stream.pageSize, commit: last.number, low: last.low, high: last.high,
            pageCount: copy.pageCount)
        do {
            if try compare(copy) { return }
            let changes = try changes(in: copy)
            let image = try BaseImageWriting(
                header, of: copy.file, changes: changes, state: copy.hashes?.state, in: place.files)
            if let hashes = copy.hashes {
                try go(on: hashes, encoder, last, isWhole: changes == nil)
                self.image = image
            } else {
                let (row, hashes) = try image.finish()
                try go(on: hashes, encoder, last, isWhole: changes == nil)
                note(row)
            }
        } catch {
            copying.fail()
        }
    }

    /// What has to be kept of a copy; nil for all of it. Throws: `SyscallError`, `BaseCopy.Failure`.
    private func changes(in copy: BaseCopying.Finished) throws -> PageChanges? {
        guard copy.isSparse || policy.comparedHashes != nil else { return nil }
        let changes = policy.changes(to: try hashes(of: copy), isSparse: copy.isSparse)
        // By itself a copy with holes is no state.
        guard changes != nil || !copy.isSparse else { throw BaseCopy.Failure.busy }
        return changes
    }

    private func go(on hashes: PageHashes, _ encoder: Encoder, _ last: CommitPoint, isWhole: Bool) throws {
        checkState(of: encoder, hashes, at: last)
        try encoder.encoder.rebase(hashes, databasePageCount: hashes.pageCount)
        (lastBaseMoment, baseCommit) = (last.high, last.number)
        policy.begin(isWhole: isWhole)
        copying.satisfy()
    }

    private func failImage() {
        image = nil
        policy.fail()
        copying.fail()
    }

    /// Commits go on meanwhile; nothing can be restored from the image before it is whole.
    private func advance(_ image: BaseImageWriting, isEnding: Bool) {
        if isEnding, image.remainingByteCount > Self.lastImageByteCount { return failImage() }
        do {
            if image.remainingByteCount > 0, !isEnding { return try image.writePiece() }
            let row = try image.finish().row
            self.image = nil
            note(row)
        } catch {
            failImage()
        }
    }

    private func note(_ row: BaseImageRow) {
        rows.bases.append(row)
        policy.note(row)
    }

    /// A copy of the file is also a check of what was captured: commits since the last one that give another state than the
    /// file has are told of.
    private func checkState(of encoder: Encoder, _ hashes: PageHashes, at last: CommitPoint) {
        guard let known = encoder.encoder.hashes, known.state != hashes.state else { return }
        gaps.append(
            Gap(
                kind: .walMissed, from: lastBaseMoment ?? last.low, to: last.high, count: nil, scope: path,
                cause: "commits of a database: up to commit \(last.number) they give another state than the file has"))
    }
}
