extension RowDiffRun {
    func tellRowsJoinedByRowid(_ pair: TablePair, _ pages: CandidatePages) throws(PagesError) {
        try joinByRowid(pair, pages) { (old, new) throws(PagesError) in try tellRow(pair, old, new) }
    }

    /// Calls `body` with each rowid that is on the pages; rows that are stored alike on both sides are left out.
    func joinByRowid(
        _ pair: TablePair, _ pages: CandidatePages, _ body: (StoredRow?, StoredRow?) throws(PagesError) -> Void
    ) throws(PagesError) {
        var left = RowCursor(pages: pages.old, isTable: true, in: before.database)
        var right = RowCursor(pages: pages.new, isTable: true, in: after.database)
        var (old, new) = (try left.next(), try right.next())
        while !isStopped {
            switch (old?.rowid, new?.rowid) {
            case (nil, nil):
                return
            case (let one?, let other?) where one == other:
                if let oldRow = old, let newRow = new, try !areStoredAlike(oldRow.payload, newRow.payload) {
                    try body(oldRow, newRow)
                }
                (old, new) = (try left.next(), try right.next())
            case (let one?, let other) where other.map({ one < $0 }) ?? true:
                try body(old, nil)
                old = try left.next()
            default:
                try body(nil, new)
                new = try right.next()
            }
        }
    }

    func areStoredAlike(_ old: Payload, _ new: Payload) throws(PagesError) -> Bool {
        if !changed.areAll {
            guard old.byteCount == new.byteCount, old.local == new.local else { return false }
            if !old.hasOverflow { return true }
            // The chain begins on the same page, and none of its pages was written.
            if hasNoOverflowChange, old.firstOverflowPage == new.firstOverflowPage { return true }
        }
        return try PayloadCursor.areEqual(old, in: before.database, new, in: after.database)
    }

    /// Tells of a row unless it says the same before and after.
    func tellRow(_ pair: TablePair, _ old: StoredRow?, _ new: StoredRow?) throws(PagesError) {
        let limit = options.greatestRowByteCount
        let oldValues: [SQLiteValue]? =
            if let side = pair.old, let old { try side.values(of: old, limit: limit) } else { nil }
        let newValues: [SQLiteValue]? =
            if let side = pair.new, let new { try side.values(of: new, limit: limit) } else { nil }
        if let oldValues, let newValues, pair.saysTheSame(oldValues, newValues) {
            // What was left out of a row that is too long cannot be said to be the same.
            guard oldValues.contains(where: \.isUnread) else { return }
        }
        let key: RowKey
        if let rowid = new?.rowid ?? old?.rowid {
            key = .rowid(rowid)
        } else if let side = pair.new, let new {
            key = side.key(of: try side.record(of: new.payload, limit: limit))
        } else if let side = pair.old, let old {
            key = side.key(of: try side.record(of: old.payload, limit: limit))
        } else {
            return
        }
        let kind: RowChange.Kind = old == nil ? .inserted : new == nil ? .deleted : .updated
        tell(.row(pair.table, RowChange(kind: kind, key: key, old: oldValues, new: newValues)))
    }
}
