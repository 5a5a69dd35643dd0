internal import Block
internal import Model
internal import Segment
internal import Syscalls

/// A part of a stream's history that may go: what lies before a whole base image, and behind an earlier one or from the
/// beginning on.
///
/// A rebase builds on what came before it, so it goes with that.
struct DroppedHistory {
    var stream: Int64
    var uuid: UUIDBytes
    /// What stands for no commit later than this stays; nil where nothing stays.
    var keptBase: UInt64?
    /// The first number that may be missing then.
    var first: UInt64
    /// The whole base image that history goes on with, and when its state was there.
    var newBase: UInt64
    var low: Instant
    var high: Instant
}

extension StoreWriter {
    /// What segments and base images take, by their rows.
    func segmentByteCount() throws(StoreError) -> UInt64 {
        UInt64(
            clamping: try connection.integer(
                """
                SELECT coalesce((SELECT sum(byte_count) FROM segment), 0)
                    + coalesce((SELECT sum(byte_count) FROM base_image), 0)
                """))
    }

    /// Drops the oldest base image of some database with all that lies before its next whole one; a gap of the stream says
    /// so.
    ///
    /// Returns the bytes of the files; nil when no database has a second whole base image, or none that is older than `moment`.
    mutating func dropOldestSegments(before moment: Instant = .distantFuture) throws(StoreError) -> UInt64? {
        guard let oldest = try oldestSegments(), oldest.high < moment else { return nil }
        return try drop(oldest)
    }

    /// Drops a part of the history of a database; a gap of the stream stands for it. Returns the bytes of its files.
    mutating func drop(_ part: DroppedHistory) throws(StoreError) -> UInt64 {
        let files = SegmentFiles(store: directory)
        var names: [RawPath] = []
        var byteCount: UInt64 = 0
        let run = currentRun?.run
        try connection.transaction { (connection) throws(StoreError) in
            var commitCount: UInt64 = 0
            var part = part
            let values: [BoundValue] = [.integer(part.stream), .count(part.keptBase ?? 0), .count(part.newBase)]
            try connection.prepare(
                "prune segments",
                """
                DELETE FROM segment WHERE stream = ? AND first_commit > ? AND last_commit <= ?
                RETURNING first_commit, last_commit, byte_count
                """
            ).forEachRow(values) { (row) throws(StoreError) in
                let (first, last): (UInt64, UInt64) = (row.count(0), row.count(1))
                names.append(RawPath(SegmentFiles.name(first: first, last: last)))
                commitCount &+= last &+ 1 &- first
                // Commits before the oldest image could not be restored, but were listed.
                part.first = min(part.first, first)
                byteCount &+= row.count(2)
            }
            try connection.prepare(
                "prune base images",
                """
                DELETE FROM base_image WHERE stream = ? AND commit_number >= ? AND commit_number < ?
                RETURNING commit_number, byte_count
                """
            ).forEachRow([values[0], .count(part.keptBase.map { $0 + 1 } ?? 0), values[2]]) {
                (row) throws(StoreError) in
                names.append(RawPath(SegmentFiles.name(base: row.count(0))))
                byteCount &+= row.count(1)
            }
            try Self.replaceGaps(part, commitCount: commitCount, run: run, connection)
        }
        // A file without a row is removed at the next start; a row without a file, which a loss of power would bring back, would
        // be damage.
        needlessFiles += names.map { files.directory(of: part.uuid).appending($0.bytes) }
        try sync()
        return byteCount
    }

    private func oldestSegments() throws(StoreError) -> DroppedHistory? {
        try connection.prepare(
            "oldest segments",
            """
            SELECT stream.id, stream.uuid, oldest.commit_number, newer.commit_number, oldest.low, newer.high
            FROM base_image AS oldest JOIN stream ON stream.id = oldest.stream
                JOIN base_image AS newer ON newer.stream = oldest.stream
                    AND newer.commit_number = (SELECT min(commit_number) FROM base_image
                        WHERE stream = oldest.stream AND commit_number > oldest.commit_number AND built_on IS NULL)
            WHERE oldest.commit_number = (SELECT min(commit_number) FROM base_image WHERE stream = oldest.stream)
            ORDER BY newer.high, stream.id LIMIT 1
            """
        ).first { (row) throws(StoreError) in
            DroppedHistory(
                stream: row.integer(0), uuid: UUIDBytes(row.bytes(1)), keptBase: nil, first: row.count(2) &+ 1,
                newBase: row.count(3), low: Instant(nanosecondsSinceEpoch: row.integer(4)),
                high: Instant(nanosecondsSinceEpoch: row.integer(5)))
        }
    }

    /// One gap of cause `pruned` stands for all that went there, also for the gaps that were there, and grows.
    private static func replaceGaps(
        _ part: DroppedHistory, commitCount: UInt64, run: UInt32?, _ connection: borrowing Connection
    ) throws(StoreError) {
        var gap = CaptureGap(
            first: part.first, last: part.newBase, missedCount: commitCount, low: part.low, high: part.high,
            cause: .pruned)
        try connection.prepare(
            "prune capture gaps",
            """
            DELETE FROM capture_gap WHERE stream = ? AND first_commit > ? AND last_commit <= ?
            RETURNING \(CaptureGap.columns)
            """
        ).forEachRow([.integer(part.stream), .count(part.keptBase ?? 0), .count(part.newBase)]) {
            (row) throws(StoreError) in
            let old = CaptureGap(row)
            gap.first = min(gap.first, old.first)
            gap.low = min(gap.low, old.low)
            let missed = old.missedCount
            gap.missedCount = gap.missedCount.flatMap { known in missed.map { known &+ $0 } }
        }
        try insert(CaptureGapRow(stream: part.uuid, gap: gap), run: run, connection)
    }
}
