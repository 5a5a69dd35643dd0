/// Tables without rowid: rows are joined by the bytes of their primary key, whatever its collations and order.
extension RowDiffRun {
    func tellRowsJoinedByKey(_ pair: TablePair, _ pages: CandidatePages) throws(PagesError) {
        var places: [[UInt8]: (page: Int, cell: Int)] = [:]
        var left = RowCursor(pages: pages.old, isTable: false, in: before.database)
        if let side = pair.old {
            var byteCount = 0
            while let row = try left.next() {
                let key = try identity(row.payload, side)
                byteCount += key.count
                guard places.count < options.greatestKeyedRowCount, byteCount <= options.greatestKeysByteCount else {
                    throw .limit("more than \(places.count) rows to join by primary key")
                }
                places[key] = row.place
            }
        }
        var right = RowCursor(pages: pages.new, isTable: false, in: after.database)
        if let side = pair.new {
            while !isStopped, let row = try right.next() {
                guard let place = places.removeValue(forKey: try identity(row.payload, side)) else {
                    try tellRow(pair, nil, row)
                    continue
                }
                let old = StoredRow(rowid: nil, payload: try left.key(at: place), place: place)
                if try !areStoredAlike(old.payload, row.payload) { try tellRow(pair, old, row) }
            }
        }
        for place in places.values.sorted(by: { $0 < $1 }) where !isStopped {
            try tellRow(pair, StoredRow(rowid: nil, payload: left.key(at: place), place: place), nil)
        }
    }

    /// The key's bytes; the whole record where the key is not known.
    private func identity(_ payload: Payload, _ side: TableSide) throws(PagesError) -> [UInt8] {
        // Keys are short: most are told from the part of the record that is on the page.
        let local = try Record(localOf: payload, encoding: side.database.encoding)
        if let identity = local?.identity(ofFirst: side.keyFieldCount) { return identity }
        let record = try side.record(of: payload, limit: options.greatestRowByteCount)
        guard let identity = record.identity(ofFirst: side.keyFieldCount) else {
            throw .limit("a primary key of more than \(options.greatestRowByteCount) bytes")
        }
        return identity
    }
}
