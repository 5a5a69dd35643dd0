package import Block
package import Model
package import Segment

extension StoreReader {
    /// All watched databases, in the order they were seen. Empty in a store of an older schema.
    package func streams() throws(StoreError) -> [DatabaseStream] {
        try readCapture { (connection) throws(StoreError) in
            var paths: [Int64: [RawPath]] = [:]
            try connection.prepare("stream paths", "SELECT stream, path FROM stream_path ORDER BY id")
                .forEachRow { (row) throws(StoreError) in
                    paths[row.integer(0), default: []].append(RawPath(row.bytes(1)))
                }
            var streams: [DatabaseStream] = []
            try connection.prepare(
                "streams",
                """
                SELECT id, uuid, device, inode, birth, page_size, first_seen, condition, detail FROM stream ORDER BY id
                """
            ).forEachRow { (row) throws(StoreError) in
                let uuid = row.bytes(1)
                guard uuid.count == 16 else { return }
                streams.append(
                    DatabaseStream(
                        uuid: UUIDBytes(uuid), device: UInt64(bitPattern: row.integer(2)),
                        inode: UInt64(bitPattern: row.integer(3)),
                        birth: row.optionalInteger(4).map { Instant(nanosecondsSinceEpoch: $0) },
                        paths: paths[row.integer(0)] ?? [], pageSize: row.count(5),
                        firstSeen: Instant(nanosecondsSinceEpoch: row.integer(6)),
                        condition: DatabaseStream.Condition(rawValue: row.count(7)) ?? .unsupported,
                        detail: row.text(8)))
            }
            return streams
        }
    }

    /// The segments of a stream, oldest first.
    package func segments(of stream: UUIDBytes) throws(StoreError) -> [SegmentRow] {
        try readCapture { (connection) throws(StoreError) in
            var rows: [SegmentRow] = []
            let version = try connection.integer("PRAGMA user_version")
            try connection.prepare(
                "segments",
                """
                SELECT \(SegmentRow.columns(schemaVersion: version)) FROM segment JOIN stream ON stream.id = segment.stream
                WHERE stream.uuid = ? ORDER BY first_commit, last_commit
                """
            ).forEachRow([.bytes(stream.bytes)]) { (row) throws(StoreError) in
                if let segment = SegmentRow(row) { rows.append(segment) }
            }
            return rows
        }
    }

    /// The base images of a stream, oldest first.
    package func baseImages(of stream: UUIDBytes) throws(StoreError) -> [BaseImageRow] {
        try readCapture { (connection) throws(StoreError) in
            var rows: [BaseImageRow] = []
            let version = try connection.integer("PRAGMA user_version")
            try connection.prepare(
                "base images",
                """
                SELECT \(BaseImageRow.columns(schemaVersion: version)) FROM base_image JOIN stream ON stream.id = base_image.stream
                WHERE stream.uuid = ? ORDER BY commit_number
                """
            ).forEachRow([.bytes(stream.bytes)]) { (row) throws(StoreError) in
                if let base = BaseImageRow(row) { rows.append(base) }
            }
            return rows
        }
    }

    /// The gaps of a stream, in the order of their numbers.
    package func captureGaps(of stream: UUIDBytes) throws(StoreError) -> [CaptureGap] {
        try readCapture { (connection) throws(StoreError) in
            var gaps: [CaptureGap] = []
            try connection.prepare(
                "capture gaps",
                """
                SELECT \(CaptureGap.columns) FROM capture_gap JOIN stream ON stream.id = capture_gap.stream
                WHERE stream.uuid = ? ORDER BY first_commit, capture_gap.id
                """
            ).forEachRow([.bytes(stream.bytes)]) { (row) throws(StoreError) in gaps.append(CaptureGap(row)) }
            return gaps
        }
    }

    /// Up to when streams are known without a break, by uuid, where a run ended so that this is known.
    package func watchedUntil() throws(StoreError) -> [UUIDBytes: Instant] {
        try read { (connection) throws(StoreError) in
            guard try connection.integer("PRAGMA user_version") >= 4 else { return [:] }
            var moments: [UUIDBytes: Instant] = [:]
            try connection.prepare(
                "watched until", "SELECT uuid, watched_until FROM stream WHERE watched_until IS NOT NULL"
            ).forEachRow { (row) throws(StoreError) in
                moments[UUIDBytes(row.bytes(0))] = Instant(nanosecondsSinceEpoch: row.integer(1))
            }
            return moments
        }
    }

    /// The files of this store's segments, for reading.
    package var segmentFiles: SegmentFiles { SegmentFiles(store: directory) }

    /// A store of schema version 1 or 2 watched no database.
    private func readCapture<Row>(
        _ body: (borrowing Connection) throws(StoreError) -> [Row]
    ) throws(StoreError) -> [Row] {
        try read { (connection) throws(StoreError) in
            guard try connection.integer("PRAGMA user_version") >= 3 else { return [] }
            return try body(connection)
        }
    }
}
