/// Tables whose rows were numbered anew.
extension RowDiffRun {
    /// True when the table was rewritten and its rows are found again by their values, not by their rowids.
    ///
    /// VACUUM keeps rowids only where a column is the rowid. It writes each leaf anew and raises the schema cookie; where
    /// both happened, the smaller set of changes is taken for what went on.
    func isRenumbered(_ pair: TablePair, _ pages: CandidatePages) throws(PagesError) -> Bool {
        guard let old = pair.old, let new = pair.new, old.definition?.rowidColumn == nil,
            new.definition?.rowidColumn == nil, pages.old.count == old.tree.leaves.count,
            pages.new.count == new.tree.leaves.count,
            before.database.header?.schemaCookie != after.database.header?.schemaCookie
        else { return false }
        var byRowid = 0
        try joinByRowid(pair, pages) { (_, _) throws(PagesError) in byRowid += 1 }
        guard byRowid > 0 else { return false }
        var byValue = 0
        try joinByValue(pages) { (_, _) throws(PagesError) in byValue += 1 }
        return byValue < byRowid
    }

    func tellRowsJoinedByValue(_ pair: TablePair, _ pages: CandidatePages) throws(PagesError) {
        try joinByValue(pages) { (old, new) throws(PagesError) in
            let limit = options.greatestRowByteCount
            if let side = pair.new, let new {
                let values = try side.values(of: new, limit: limit)
                tell(.row(pair.table, RowChange(kind: .inserted, key: .none, old: nil, new: values)))
            } else if let side = pair.old, let old {
                let values = try side.values(of: old, limit: limit)
                tell(.row(pair.table, RowChange(kind: .deleted, key: .none, old: values, new: nil)))
            }
        }
    }

    /// Calls `body` with each row that has no equal on the other side, one equal for one.
    private func joinByValue(
        _ pages: CandidatePages, _ body: (StoredRow?, StoredRow?) throws(PagesError) -> Void
    ) throws(PagesError) {
        var counts: [RowDigest: Int] = [:]
        var left = RowCursor(pages: pages.old, isTable: true, in: before.database)
        while let row = try left.next() {
            guard counts.count < options.greatestKeyedRowCount else {
                throw .limit("more than \(options.greatestKeyedRowCount) rows to join by value")
            }
            counts[try RowDigest(row.payload, in: before.database), default: 0] += 1
        }
        var right = RowCursor(pages: pages.new, isTable: true, in: after.database)
        while !isStopped, let row = try right.next() {
            let digest = try RowDigest(row.payload, in: after.database)
            if let count = counts[digest], count > 0 {
                counts[digest] = count - 1
            } else {
                try body(nil, row)
            }
        }
        left = RowCursor(pages: pages.old, isTable: true, in: before.database)
        while !isStopped, let row = try left.next() {
            let digest = try RowDigest(row.payload, in: before.database)
            guard let count = counts[digest], count > 0 else { continue }
            counts[digest] = count - 1
            try body(row, nil)
        }
    }
}

/// 128 bits that stand for the bytes of a row. Keyed anew in each process, so nobody can make two rows share one.
struct RowDigest: Hashable {
    private let first: Int
    private let second: Int

    init(_ payload: Payload, in database: PagedDatabase) throws(PagesError) {
        var (one, other) = (Hasher(), Hasher())
        other.combine(true)
        var cursor = PayloadCursor(payload, in: database)
        while let piece = try cursor.next() {
            // SAFETY: the bytes are only read, within the call.
            unsafe piece.withUnsafeBytes {
                unsafe one.combine(bytes: $0)
                unsafe other.combine(bytes: $0)
            }
        }
        (first, second) = (one.finalize(), other.finalize())
    }
}
