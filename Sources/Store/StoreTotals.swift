internal import Model
internal import Syscalls

/// How much a store holds.
package struct StoreTotals: Hashable, Sendable {
    package var eventCount: UInt64 = 0
    /// Of the oldest and newest event that is there; nil when there is none.
    package var sequences: ClosedRange<UInt64>?
    /// How many blocks of each level; segments are 2, whether anything may join them or not.
    package var blockCounts: [UInt64] = [0, 0, 0]
    package var blockByteCount: UInt64 = 0
    package var filterByteCount: UInt64 = 0
    package var pageByteCount: UInt64 = 0
    package var pageCount: UInt64 = 0
    package var freePageCount: UInt64 = 0
    package var walByteCount: UInt64 = 0
    /// What `du` says of the directory.
    package var directoryByteCount: UInt64 = 0
    package var schemaVersion: Int64 = 0

    package init() {}
}

/// What one table or index takes.
package struct TableSize: Hashable, Sendable {
    package var name: String
    /// All its pages.
    package var byteCount: UInt64
    package var rowCount: UInt64
}

extension StoreReader {
    /// `seq` of the newest event ever committed, also when it was pruned since; nil when there was none.
    package func lastSequence() throws(StoreError) -> UInt64? {
        try read { (connection) throws(StoreError) in
            let end = try connection.integer(
                """
                SELECT max(
                    coalesce((SELECT first_seq + count FROM block ORDER BY first_seq DESC LIMIT 1), 1),
                    coalesce((SELECT value FROM meta WHERE key = 'next_seq'), 1))
                """)
            return end > 1 ? UInt64(end - 1) : nil
        }
    }

    /// Cost: reads the row of every block, none of their BLOBs.
    package func totals() throws(StoreError) -> StoreTotals {
        var totals = try read { (connection) throws(StoreError) in
            var totals = StoreTotals()
            var first: UInt64?
            var end: UInt64 = 0
            try connection.prepare("totals", "SELECT \(BlockRow.columns) FROM block ORDER BY first_seq")
                .forEachRow { (row) throws(StoreError) in
                    let block = BlockRow(row)
                    totals.eventCount += block.count
                    totals.blockByteCount += block.byteCount
                    totals.filterByteCount += block.filterByteCount
                    totals.blockCounts[min(2, Int(block.level))] += 1
                    first = first ?? block.firstSequence
                    end = block.endSequence
                }
            if let first, end > first { totals.sequences = first...(end - 1) }
            totals.pageByteCount = UInt64(clamping: try connection.integer("PRAGMA page_size"))
            totals.pageCount = UInt64(clamping: try connection.integer("PRAGMA page_count"))
            totals.freePageCount = UInt64(clamping: try connection.integer("PRAGMA freelist_count"))
            totals.schemaVersion = try connection.integer("PRAGMA user_version")
            return totals
        }
        totals.walByteCount = UInt64(clamping: (try? layout.wal.status())?.byteCount ?? 0)
        totals.directoryByteCount = DirectoryUsage.byteCount(of: directory)
        return totals
    }

    /// Pages by table, largest first. Cost: reads every page of the database (dbstat).
    package func tableSizes() throws(StoreError) -> [TableSize] {
        try read { (connection) throws(StoreError) in
            var sizes: [TableSize] = []
            try connection.prepare(
                "table sizes",
                """
                SELECT name, sum(pgsize), sum(CASE pagetype WHEN 'leaf' THEN ncell ELSE 0 END) FROM dbstat
                GROUP BY name ORDER BY 2 DESC, 1
                """
            ).forEachRow { (row) throws(StoreError) in
                sizes.append(TableSize(name: row.text(0), byteCount: row.count(1), rowCount: row.count(2)))
            }
            return sizes
        }
    }
}
