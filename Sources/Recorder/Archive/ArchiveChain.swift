import Block
import Model
import SQLiteWAL
import Segment
import Store
import Syscalls

/// The commits of the store's log, from frames to segments. Thread: one.
///
/// Every frame is proved by the checksum that runs through the log, so what was handed over is what SQLite would recover.
struct ArchiveChain: ~Copyable {
    private var encoder: SegmentEncoder
    /// Nil before the first frame.
    private var reader: CommitReader?
    /// When the last commit was surely there.
    private(set) var lastHigh: Instant

    static let pageByteCount = 4_096
    /// A larger transaction is not held in memory: the chain ends.
    static let commitByteLimit = 64 << 20

    /// Goes on behind an image of the store, or of the log's commits that follow one.
    init(
        stream: UUIDBytes, hashes: PageHashes, pageCount: UInt32, lastCommit: UInt64, lastHash: EventsHash,
        lastHigh: Instant, reader: CommitReader?
    ) throws(ArchiveBreak) {
        do {
            encoder = try SegmentEncoder(
                stream: stream, pageSize: UInt32(Self.pageByteCount), hashes: hashes, databasePageCount: pageCount,
                lastCommit: lastCommit, lastHash: lastHash)
        } catch {
            throw ArchiveBreak(error)
        }
        self.reader = reader
        self.lastHigh = lastHigh
    }

    var lastCommit: UInt64 { encoder.lastCommit }

    /// Takes in the next piece of the log. Throws where it does not continue what came before.
    mutating func take(_ stretch: borrowing LogStretch, now: Instant) throws(ArchiveBreak) {
        try Self.read(stretch, &reader)
        guard let commits = reader?.commits else { return }
        reader?.commits = []
        for commit in commits { try take(commit, Self.note(of: commit, in: stretch.notes), now: now) }
    }

    /// Takes in a commit. Parameter note: when it came about; nil: after the last one and before `now`.
    mutating func take(_ commit: WALCommit, _ note: CommitNote?, now: Instant) throws(ArchiveBreak) {
        guard !commit.isOversized else {
            throw ArchiveBreak("a transaction of the store takes more than \(Self.commitByteLimit >> 20) MiB")
        }
        let high = note?.high ?? max(now, lastHigh)
        let low = note?.low ?? lastHigh
        do {
            try encoder.append(
                CapturedCommit(
                    number: encoder.lastCommit + 1, low: low, high: high, databasePageCount: commit.databasePageCount,
                    frame: commit.frame, salts: commit.salts.rawValue, changeCounter: nil, status: .published,
                    attribution: .unknown, writers: [], checkpointer: [], pages: commit.pages, bytes: commit.bytes)
            ) { _ in nil }
        } catch {
            throw ArchiveBreak(error)
        }
        lastHigh = high
    }

    /// Ends the segment under way; nil where nothing was committed since the last one.
    mutating func finish() throws(ArchiveBreak) -> EncodedSegment? {
        do {
            return try encoder.finish()
        } catch {
            throw ArchiveBreak(error)
        }
    }

    /// True when the segment under way holds as much as one should.
    var isFull: Bool { encoder.byteCount >= 4 << 20 || encoder.commitCount >= SegmentLimits.commitCount / 2 }

    static func note(of commit: WALCommit, in notes: [CommitNote]) -> CommitNote? {
        notes.first { $0.frame >= commit.frame && $0.frame <= commit.lastFrame }
    }

    /// Moves a reader over the frames of a piece; its commits are then in `reader.commits`.
    static func read(_ stretch: borrowing LogStretch, _ reader: inout CommitReader?) throws(ArchiveBreak) {
        guard !stretch.bytes.isEmpty else { return }
        // SAFETY: the array lives through the call, which only reads it.
        guard case .header(let header) = unsafe WALHeader.read(stretch.header.span.bytes) else {
            throw ArchiveBreak("the header of the store's log is damaged")
        }
        guard header.pageSize.byteCount == pageByteCount else {
            throw ArchiveBreak("the store has pages of \(header.pageSize.byteCount) bytes")
        }
        if reader?.chain.salts != header.salts {
            reader = CommitReader(from: FrameChain(header), maximumCommitByteCount: commitByteLimit)
        }
        let count = UInt32(clamping: stretch.bytes.count / header.pageSize.frameByteCount)
        guard var next = reader, next.chain.frame &+ 1 == stretch.firstFrame else {
            throw ArchiveBreak("frames of the store's log are missing before frame \(stretch.firstFrame)")
        }
        reader = nil
        // SAFETY: the array lives through the call, which only reads it.
        let end = unsafe next.take(
            stretch.bytes.span.bytes, at: header.pageSize.offset(ofFrame: stretch.firstFrame),
            upTo: stretch.firstFrame &- 1 &+ count)
        reader = next
        guard end == nil else {
            throw ArchiveBreak("frame \(next.chain.frame &+ 1) of the store's log does not continue it")
        }
    }
}
