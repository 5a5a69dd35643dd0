internal import Model

/// The one gap row that stands for all that was pruned.
extension StoreWriter {
    /// Writes down that events were pruned, in the transaction that drops them, and drops the rows between them.
    ///
    /// What is pruned is always the oldest, so it adjoins what was pruned before: one row grows instead of many.
    static func record(
        pruned gap: Gap, run: UInt32?, afterSequence: UInt64, _ connection: borrowing Connection
    ) throws(StoreError) {
        let id = try extendPruned(gap, run: run, afterSequence: afterSequence, connection)
        try connection.prepare("prune notes", "DELETE FROM note WHERE after_seq < ?").run([.count(afterSequence)])
        let kinds = try dropCovered(by: id, before: afterSequence, connection)
        try addCauses(kinds.map { "covers \($0.rawValue)" }, to: id, connection)
    }

    /// Drops the gaps that stand between pruned events where the pruned row says at least as much, and gives their kinds.
    ///
    /// A gap that reaches beyond the row stays, and so does one without length at the row's end: the end is of the time
    /// after. What a database lost holds for its later states as well, up to a base image that is newer, so such a gap stays
    /// while anything is kept of any database from before.
    private static func dropCovered(
        by id: Int64, before sequence: UInt64, _ connection: borrowing Connection
    ) throws(StoreError) -> [Gap.Kind] {
        var kinds: Set<String> = []
        try connection.prepare(
            "prune gaps",
            """
            DELETE FROM gap WHERE after_seq < ?1 AND kind <> 'pruned' AND EXISTS (
                SELECT 1 FROM gap AS pruned WHERE pruned.id = ?2
                    AND pruned.missing_from <= gap.missing_from AND gap.missing_to <= pruned.missing_to
                    AND (gap.missing_from < gap.missing_to OR gap.missing_to < pruned.missing_to))
                AND (kind <> 'wal_missed' OR (
                    NOT EXISTS (SELECT 1 FROM base_image WHERE high < gap.missing_to)
                    AND NOT EXISTS (SELECT 1 FROM segment WHERE low < gap.missing_to)))
            RETURNING kind
            """
        ).forEachRow([.count(sequence), .integer(id)]) { (row) throws(StoreError) in kinds.insert(row.text(0)) }
        return Gap.Kind.allCases.filter { kinds.contains($0.rawValue) }
    }

    /// Gives the row's id.
    private static func extendPruned(
        _ gap: Gap, run: UInt32?, afterSequence: UInt64, _ connection: borrowing Connection
    ) throws(StoreError) -> Int64 {
        let found = try prunedRow(connection)
        guard let row = found else {
            try insert(gap, run: run, afterSequence: afterSequence, connection)
            return try prunedRow(connection)?.id ?? 0
        }
        try connection.prepare(
            "extend pruned gap",
            "UPDATE gap SET after_seq = ?, missing_from = ?, missing_to = ?, count = ? WHERE id = ?"
        ).run([
            .count(afterSequence), .integer(min(row.gap.from, gap.from).nanosecondsSinceEpoch),
            .integer(max(row.gap.to, gap.to).nanosecondsSinceEpoch),
            .count((row.gap.count ?? 0) &+ (gap.count ?? 0)), .integer(row.id),
        ])
        try addCauses([gap.cause], to: row.id, connection)
        return row.id
    }

    private static func prunedRow(_ connection: borrowing Connection) throws(StoreError) -> GapRow? {
        try connection.prepare(
            "pruned gap", "SELECT \(GapRow.columns) FROM gap WHERE kind = 'pruned' ORDER BY id DESC LIMIT 1"
        ).first { (row) throws(StoreError) in GapRow(row) } ?? nil
    }

    /// The row names each cause, and each kind of gap that went with the events, once.
    private static func addCauses(
        _ added: [String], to id: Int64, _ connection: borrowing Connection
    ) throws(StoreError) {
        guard let row = try prunedRow(connection), row.id == id else { return }
        var causes = row.gap.cause.split(separator: ", ").map(String.init)
        for cause in added where !causes.contains(cause) { causes.append(cause) }
        let text = causes.joined(separator: ", ")
        guard text != row.gap.cause else { return }
        try connection.prepare("cause of the pruned gap", "UPDATE gap SET cause = ? WHERE id = ?")
            .run([.text(text), .integer(id)])
    }
}
