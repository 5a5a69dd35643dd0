internal import Block
internal import Model
internal import Schema

/// What a writer needs to know of a store it opens.
struct StoreState {
    let origin: BlockOrigin
    let filterKey: FilterKey
    let lastRun: RunRecord?
    let lastCommit: Instant?
    let nextSequence: UInt64
    let nextInstance: UInt64
    /// The blocks above the last segment, in order.
    let tail: [BlockSummary]

    init(_ connection: borrowing Connection) throws(StoreError) {
        (origin, filterKey) = try Self.identity(connection)
        lastRun = try connection.prepare(
            "last run",
            "SELECT \(RunRecord.columns(schemaVersion: StoreSchema.currentVersion)) FROM run ORDER BY run DESC LIMIT 1"
        )
        .first { (row) throws(StoreError) in RunRecord(row) }
        let last = try connection.prepare(
            "last block", "SELECT first_seq + count, latest, next_instance FROM block ORDER BY first_seq DESC LIMIT 1"
        ).first { (row) throws(StoreError) -> (UInt64, Instant, UInt64) in
            (row.count(0), Instant(nanosecondsSinceEpoch: row.integer(1)), row.count(2))
        }
        lastCommit = last?.1
        // Pruning may have removed the last block; the numbers it used are never given again.
        nextSequence = max(last?.0 ?? 1, try Self.floor("next_seq", connection))
        nextInstance = max(last?.2 ?? 1, try Self.floor("next_instance", connection))
        tail = try Self.tail(connection)
    }

    /// The identity in `meta`. Throws: `corrupt` when a part of it is missing.
    static func identity(_ connection: borrowing Connection) throws(StoreError) -> (BlockOrigin, FilterKey) {
        var values: [String: [UInt8]] = [:]
        try connection.prepare("identity", "SELECT key, value FROM meta WHERE typeof(value) = 'blob'")
            .forEachRow { (row) throws(StoreError) in values[row.text(0)] = row.bytes(1) }
        guard let store = values["store"], let machine = values["machine_id"], let host = values["host_name"],
            let key = values["filter_key"], store.count == 16, key.count == 16
        else {
            throw StoreError(.corrupt, "the store's identity is missing", path: connection.path)
        }
        let words = UUIDBytes(key)
        return (
            BlockOrigin(store: UUIDBytes(store), machineID: UUIDBytes(machine), hostName: RawPath(host)),
            FilterKey(high: words.high, low: words.low)
        )
    }

    static func floor(_ key: String, _ connection: borrowing Connection) throws(StoreError) -> UInt64 {
        try connection.prepare("floor", "SELECT value FROM meta WHERE key = ?")
            .first([.text(key)]) { (row) throws(StoreError) -> UInt64 in row.count(0) } ?? 1
    }

    /// Levels never rise along `seq`, so the first segment from the end closes the tail.
    private static func tail(_ connection: borrowing Connection) throws(StoreError) -> [BlockSummary] {
        var tail: [BlockSummary] = []
        let statement = try connection.prepare(
            "tail",
            """
            SELECT first_seq, count, level, length(data) FROM block
            WHERE first_seq > coalesce(
                (SELECT first_seq FROM block WHERE level >= 2 ORDER BY first_seq DESC LIMIT 1), -1)
            ORDER BY first_seq
            """)
        try statement.forEachRow { (row) throws(StoreError) in tail.append(BlockSummary(row)) }
        return tail
    }
}

extension BlockSummary {
    /// From a row of first_seq, count, level, length(data).
    init(_ row: borrowing Statement) {
        self.init(firstSequence: row.count(0), count: row.count(1), level: row.count(2), byteCount: row.count(3))
    }
}
