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
/// A base image is a copy of the database as it is after one commit; which one it is becomes clear when the commit whose
/// frame it ends with is here. From there on states are known, and commits can be restored.
/// Thread: *segments*.
final class StreamRecorder {
    private struct CommitPoint {
        var place: LogPlace
        var number: UInt64
        var low: Instant
        var high: Instant
    }

    private final class Encoder {
        var encoder: SegmentEncoder

        init(_ encoder: consuming SegmentEncoder) { self.encoder = encoder }
    }

    private final class Source {
        let files: DatabaseFiles

        init(_ files: consuming DatabaseFiles) { self.files = files }
    }

    private final class WaitingBase {
        let copy: BaseCopy
        let file: OwnedDescriptor

        init(_ copy: BaseCopy, _ file: consuming OwnedDescriptor) {
            self.copy = copy
            self.file = file
        }
    }

    private var stream: DatabaseStream
    private let place: CapturePlace
    private let isEnding: () -> Bool
    private var encoder: Encoder?
    private var lastHash: EventsHash
    /// The newest commit that was taken in, and when it came about.
    private var last: CommitPoint?
    private var base: WaitingBase?
    private var wantsBase = true
    private var nextBaseTry: Int64 = 0
    /// Of the last base image's file, and of the segments since.
    private var baseByteCount: UInt64 = 0
    private var byteCountSinceBase: UInt64 = 0
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
    private static let busyPauseNanoseconds: Int64 = 100_000_000
    /// So much of the time goes into copies that may come to nothing: one part in this many.
    private static let pauseFactor: Int64 = 20
    /// The next base image is taken when the segments since the last one take this many times its size, and at least so
    /// many bytes: a restore then reads a bounded part of the history, and what is older can be dropped.
    private static let segmentFactor: UInt64 = 4
    private static let leastSegmentByteCount: UInt64 = 16 << 20
    private static let failurePauseNanoseconds: Int64 = 2_000_000_000

    /// Parameter isEnding: whether the recorder is to end, which a copy of a large database must not hold up.
    init(
        _ stream: DatabaseStream, lastHash: EventsHash, place: CapturePlace, isEnding: @escaping () -> Bool
    ) {
        self.isEnding = isEnding
        self.stream = stream
        self.lastHash = lastHash
        self.place = place
    }

    /// There is something to be done later. Nothing is, some seconds after the last commit.
    var isBusy: Bool { openSince != nil || source != nil || base != nil || isWanting }

    private var isWanting: Bool { wantsBase && last != nil && !isAtRest }
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
        if stream.pageSize == 0 { self.stream.pageSize = pageSize }
        rows.streams.append(self.stream)
    }

    func take(_ commit: CapturedCommit) {
        var commit = commit
        commit.leaveOutPagesBeyondTheEnd()
        let pageSize = UInt32(clamping: commit.pages.isEmpty ? 0 : commit.bytes.count / commit.pages.count)
        if pageSize > 0, pageSize != stream.pageSize {
            endSegment()
            encoder = nil
            wantsBase = true
            base = nil
            stream.pageSize = pageSize
            rows.streams.append(stream)
        }
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
        last = CommitPoint(
            place: LogPlace(salts: commit.salts, frame: commit.frame), number: commit.number, low: commit.low,
            high: commit.high)
        if let base { settle(base) }
        let size = encoder.map { ($0.encoder.byteCount, $0.encoder.commitCount) } ?? (0, 0)
        if size.0 >= Self.segmentByteCount || size.1 >= Self.segmentCommitCount { endSegment() }
    }

    func take(_ gap: CaptureGap) {
        endSegment()
        rows.gaps.append(CaptureGapRow(stream: stream.uuid, gap: gap))
        tell(gap, because: gap.cause.name)
        wantsBase = true
        base = nil
        last = nil
        guard let encoder else { return }
        if (try? encoder.encoder.append(gap)) == nil { self.encoder = nil }
        openSince = openSince ?? Clock.monotonic()
    }

    /// Everything that was committed by then came in before.
    func takeEnd(watchedUntil moment: Instant) {
        // Its rows go out no sooner than those of all that came before; what cannot be stored is a gap by then.
        endSegment()
        rows.watchedUntil[stream.uuid] = moment
    }

    private func encoder(before number: UInt64) throws(SegmentError) -> Encoder {
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

    /// Does what is due: ends the segment, takes a base image, gives up descriptors.
    func advance(now: Int64, isEnding: Bool) {
        isAtRest = now &- lastUse >= WatchedDatabase.restNanoseconds
        if isWanting, base == nil, now >= nextBaseTry, !isEnding { takeBase(now: now) }
        if let openSince, isEnding || now &- openSince >= Self.intervalNanoseconds { endSegment() }
        // A copy whose commit has not come by now will not fit any that comes.
        if isAtRest {
            source = nil
            base = nil
        }
    }

    private func endSegment() {
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
            byteCountSinceBase += row.byteCount
            if byteCountSinceBase >= max(Self.leastSegmentByteCount, Self.segmentFactor * baseByteCount) {
                wantsBase = true
            }
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
    private func miss(_ gap: CaptureGap, because reason: String) {
        openSince = nil
        encoder = nil
        wantsBase = true
        base = nil
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

    private func takeBase(now began: Int64) {
        defer {
            let now = Clock.monotonic()
            nextBaseTry = max(nextBaseTry, now &+ max(Self.busyPauseNanoseconds, Self.pauseFactor &* (now &- began)))
        }
        guard var files = place.access.open(path) else { return }
        do {
            let file = try OwnedDescriptor.unnamedFile(in: place.store)
            let limits = BaseCopy.Limits(
                byteCount: Int64(clamping: try place.store.filesystemStatus().availableByteCount / 4),
                isEnding: isEnding)
            let copy = try BaseCopy.take(&files, to: file, limits)
            let taken = WaitingBase(copy, file)
            base = taken
            settle(taken)
            tellCondition("")
        } catch BaseCopy.Failure.busy {
            return
        } catch BaseCopy.Failure.noIndex {
            // Made after the log and removed before it, so there may be one in a moment; nothing was copied yet.
            tellCondition(Self.text(of: .noIndex))
        } catch {
            nextBaseTry = began &+ Self.failurePauseNanoseconds
            if let failure = error as? BaseCopy.Failure { tellCondition(Self.text(of: failure)) }
        }
    }

    /// Why there is no base image, for people: without one nothing can be restored.
    private func tellCondition(_ detail: String) {
        guard stream.condition == .captured, stream.detail != detail else { return }
        stream.detail = detail
        rows.streams.append(stream)
    }

    private static func text(of failure: BaseCopy.Failure) -> String {
        switch failure {
        case .busy: "no base image yet: the log began again during each copy"
        case .noIndex: "no base image yet: nothing said what was committed"
        case .unsupported(let reason): "no base image: \(reason)"
        case .tooLarge(let byteCount):
            "no base image: \(byteCount) bytes are more than a quarter of what is free where the store is"
        case .ended: "no base image: the recorder ended first"
        case .unreadable(let reason): "no base image: \(reason)"
        }
    }

    /// Stores the base image if it is the state after the newest commit; gives it up when that commit will not come.
    private func settle(_ base: WaitingBase) {
        guard let last else { return }
        guard last.place == LogPlace(salts: base.copy.salts.rawValue, frame: base.copy.frame) else {
            // Its own commit was missed, or lies in a generation that is over.
            let isOver =
                last.place.salts == base.copy.salts.rawValue
                ? last.place.frame > base.copy.frame : last.place.salts != base.copy.salts.rawValue && isStale(base)
            if isOver { self.base = nil }
            return
        }
        self.base = nil
        endSegment()
        guard let encoder, self.last != nil else { return }
        do {
            let header = BaseImageHeader(
                stream: stream.uuid, pageSize: stream.pageSize, commit: last.number, low: last.low, high: last.high,
                pageCount: base.copy.pageCount)
            var image = try place.files.beginBaseImage(header)
            try copyPages(of: base, to: &image)
            let (row, hashes) = try image.finish()
            checkState(of: encoder, hashes, at: last)
            try encoder.encoder.rebase(hashes, databasePageCount: base.copy.pageCount)
            rows.bases.append(row)
            lastBaseMoment = last.high
            baseByteCount = row.byteCount
            byteCountSinceBase = 0
            wantsBase = false
        } catch {
            nextBaseTry = Clock.monotonic() &+ Self.failurePauseNanoseconds
        }
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

    /// When the state of the last base image was there.
    private var lastBaseMoment: Instant?

    /// Commits of another generation come in: the copy's was before, or is still to come.
    private func isStale(_ base: WaitingBase) -> Bool {
        defer { otherGenerationCount += 1 }
        guard otherGenerationCount < Self.maximumOtherGenerationCount else {
            otherGenerationCount = 0
            return true
        }
        return false
    }

    private var otherGenerationCount = 0
    private static let maximumOtherGenerationCount = 100_000

    private func copyPages(of base: WaitingBase, to image: inout BaseImageFile) throws {
        let size = Int(stream.pageSize)
        let pagesAtOnce = UInt32(max(1, (1 << 20) / size))
        while image.nextPage <= base.copy.pageCount {
            let first = image.nextPage
            let count = min(pagesAtOnce, base.copy.pageCount - first + 1)
            var bytes: [UInt8] = []
            _ = try base.file.read(
                upTo: Int(count) * size, at: Int64(first - 1) * Int64(size), appendingTo: &bytes)
            // The lock page may be a hole at the end of the copy.
            if bytes.count < Int(count) * size {
                bytes += [UInt8](repeating: 0, count: Int(count) * size - bytes.count)
            }
            try image.append(bytes)
        }
    }
}

extension CapturedCommit {
    /// A transaction that makes the database smaller may also have written pages that it cut off.
    fileprivate mutating func leaveOutPagesBeyondTheEnd() {
        guard let last = pages.last, last > databasePageCount else { return }
        let size = bytes.count / pages.count
        let kept = pages.prefix { $0 <= databasePageCount }.count
        pages.removeSubrange(kept...)
        bytes.removeSubrange((kept * size)...)
    }
}
