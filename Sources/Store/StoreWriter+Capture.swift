internal import Block
internal import Model
internal import Segment

extension StoreWriter {
    static func insert(
        _ rows: CaptureRows, run: UInt32?, _ connection: borrowing Connection
    ) throws(StoreError) {
        for stream in rows.streams { try insert(stream, connection) }
        for segment in rows.segments { try insert(segment, connection) }
        for base in rows.bases { try insert(base, connection) }
        for join in rows.joins { try exchange(join, connection) }
        for row in rows.gaps { try insert(row, run: run, connection) }
        for (stream, moment) in rows.watchedUntil {
            try connection.prepare(
                "update watched until",
                "UPDATE stream SET watched_until = max(?1, ifnull(watched_until, ?1)) WHERE uuid = ?2"
            ).run([.integer(moment.nanosecondsSinceEpoch), .bytes(stream.bytes)])
        }
    }

    private static func insert(_ stream: DatabaseStream, _ connection: borrowing Connection) throws(StoreError) {
        let id =
            try connection.prepare(
                "insert stream",
                """
                INSERT INTO stream(uuid, device, inode, birth, page_size, first_seen, condition, detail)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?)
                ON CONFLICT(uuid) DO UPDATE SET device = excluded.device, inode = excluded.inode, birth = excluded.birth,
                    page_size = excluded.page_size, condition = excluded.condition, detail = excluded.detail
                RETURNING id
                """
            ).first([
                .bytes(stream.uuid.bytes), .bits(stream.device), .bits(stream.inode),
                .optional(stream.birth?.nanosecondsSinceEpoch), .count(stream.pageSize),
                .integer(stream.firstSeen.nanosecondsSinceEpoch), .count(stream.condition.rawValue),
                .text(stream.detail),
            ]) { (row) throws(StoreError) in row.integer(0) } ?? 0
        for path in stream.paths {
            // The newest has the greatest id, so a path that is used again moves to the end.
            try connection.prepare(
                "insert stream path",
                "INSERT OR REPLACE INTO stream_path(stream, path) SELECT ?1, ?2 WHERE NOT EXISTS (SELECT 1 FROM "
                    + "stream_path WHERE stream = ?1 AND path = ?2 AND id = (SELECT max(id) FROM stream_path WHERE "
                    + "stream = ?1))"
            ).run([.integer(id), .bytes(path.bytes)])
        }
    }

    static func insert(_ row: SegmentRow, _ connection: borrowing Connection) throws(StoreError) {
        try connection.prepare(
            "insert segment",
            """
            INSERT INTO segment(stream, level, first_commit, last_commit, commit_count, low, high, is_anchored,
                state_before, state_after, pages_before, pages_after, byte_count, hash, previous_hash, chain_hash)
            VALUES (\(streamID), ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
            """
        ).run([
            .bytes(row.stream.bytes), .count(row.level), .count(row.firstCommit), .count(row.lastCommit),
            .count(row.commitCount), .integer(row.low.nanosecondsSinceEpoch),
            .integer(row.high.nanosecondsSinceEpoch), .integer(row.isAnchored ? 1 : 0), .bits(row.stateBefore),
            .bits(row.stateAfter), .count(row.pagesBefore), .count(row.pagesAfter), .count(row.byteCount),
            .bytes(row.hash.bytes), .bytes(row.previousHash.bytes), row.chainHash.map { .bytes($0.bytes) } ?? .null,
        ])
    }

    static func insert(_ row: BaseImageRow, _ connection: borrowing Connection) throws(StoreError) {
        try connection.prepare(
            "insert base image",
            """
            INSERT INTO base_image(stream, commit_number, low, high, page_count, state, byte_count, hash, built_on)
            VALUES (\(streamID), ?, ?, ?, ?, ?, ?, ?, ?)
            """
        ).run([
            .bytes(row.stream.bytes), .count(row.commit), .integer(row.low.nanosecondsSinceEpoch),
            .integer(row.high.nanosecondsSinceEpoch), .count(row.pageCount), .bits(row.state), .count(row.byteCount),
            .bytes(row.hash.bytes), .optional(row.builtOn.map { Int64(clamping: $0) }),
        ])
    }

    static func insert(
        _ row: CaptureGapRow, run: UInt32?, _ connection: borrowing Connection
    ) throws(StoreError) {
        try connection.prepare(
            "insert capture gap",
            """
            INSERT INTO capture_gap(stream, run, first_commit, last_commit, missed, low, high, cause)
            VALUES (\(streamID), ?, ?, ?, ?, ?, ?, ?)
            """
        ).run([
            .bytes(row.stream.bytes), .optional(run.map(Int64.init)), .count(row.gap.first), .count(row.gap.last),
            .optional(row.gap.missedCount.map { Int64(clamping: $0) }), .integer(row.gap.low.nanosecondsSinceEpoch),
            .integer(row.gap.high.nanosecondsSinceEpoch), .count(row.gap.cause.rawValue),
        ])
    }

    /// A row of a stream that is not there breaks NOT NULL, so nothing is stored without its stream.
    private static var streamID: String { "(SELECT id FROM stream WHERE uuid = ?)" }
}
