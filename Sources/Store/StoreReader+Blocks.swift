package import Model

extension StoreReader {
    /// The blocks that may hold events of a selection, in `seq` order.
    ///
    /// `from` and `to` select blocks with a window that touches from ≤ time and earliest < to; `afterSequence` blocks
    /// with a larger `seq`. Nil leaves an end open.
    package func blocks(
        from: Instant? = nil, to: Instant? = nil, afterSequence: UInt64? = nil
    ) throws(StoreError) -> [BlockRow] {
        try read { (connection) throws(StoreError) in
            var rows: [BlockRow] = []
            try connection.prepare(
                "blocks",
                """
                SELECT \(BlockRow.columns), \(BlockRow.nextColumn) FROM block
                WHERE latest >= ? AND earliest < ?
                    AND first_seq >= coalesce((SELECT first_seq FROM block WHERE first_seq <= ?3
                        ORDER BY first_seq DESC LIMIT 1), 0)
                ORDER BY first_seq
                """
            ).forEachRow([
                .integer(from?.nanosecondsSinceEpoch ?? .min), .integer(to?.nanosecondsSinceEpoch ?? .max),
                .count(afterSequence.map { $0 == .max ? $0 : $0 + 1 } ?? 0),
            ]) { (row) throws(StoreError) in
                var block = BlockRow(row)
                block.followedBy = row.isNull(11) ? nil : row.count(11)
                if block.endSequence &- 1 > afterSequence ?? 0 { rows.append(block) }
            }
            return rows
        }
    }

    /// The bytes of the block that starts at this `seq`.
    ///
    /// Nil: it was merged into an earlier one or pruned since it was listed. List again after the last `seq` that was
    /// dealt with. A merged block starts where its first source did, so it may hold more than its row said.
    package func blockBytes(firstSequence: UInt64) throws(StoreError) -> [UInt8]? {
        try read { (connection) throws(StoreError) in
            try connection.blob(table: "block", column: "data", row: Int64(clamping: firstSequence))
        }
    }

    /// The block that starts at this `seq`, to be read as far as it is needed; nil as `blockBytes` has it.
    ///
    /// `plan` is given the start of the block and its byte count, and says what else to read at once.
    package func block(
        firstSequence: UInt64, _ plan: ([UInt8], Int) -> [Range<Int>] = { _, _ in [] }
    ) throws(StoreError) -> StoredBlock? {
        try StoredBlock(self, firstSequence: firstSequence, plan)
    }

    /// Some bytes of the block that starts at this `seq`, and how many it has; `others` is given those of `start`.
    func blockStretches(
        firstSequence: UInt64, start: Range<Int>, _ others: ([UInt8], Int) -> [Range<Int>]
    ) throws(StoreError) -> (byteCount: Int, stretches: [[UInt8]])? {
        try read { (connection) throws(StoreError) in
            try connection.blob(
                table: "block", column: "data", row: Int64(clamping: firstSequence), start: start, others)
        }
    }

    /// The filter of the block that starts at this `seq`; nil when it has none: it may know any path.
    package func filter(firstSequence: UInt64) throws(StoreError) -> [UInt8]? {
        try read { (connection) throws(StoreError) in
            try connection.blob(table: "block_filter", column: "data", row: Int64(clamping: firstSequence))
        }
    }
}
