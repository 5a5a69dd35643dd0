package import Model

/// A gap with its place in the store.
package struct GapRow: Hashable, Sendable {
    package var id: Int64
    /// The run that recorded it; nil where no run did (pruning by hand).
    package var run: UInt32?
    /// `seq` of the last event committed before it, 0 when there was none.
    package var afterSequence: UInt64
    package var gap: Gap
}

extension GapRow {
    static let columns = "id, run, after_seq, kind, missing_from, missing_to, count, scope, cause"

    /// From a row of `columns`; nil for a kind this program does not know, which a newer one may have written.
    init?(_ row: borrowing Statement) {
        guard let kind = Gap.Kind(rawValue: row.text(3)) else { return nil }
        id = row.integer(0)
        run = row.optionalInteger(1).map { UInt32(clamping: $0) }
        afterSequence = row.count(2)
        gap = Gap(
            kind: kind,
            from: Instant(nanosecondsSinceEpoch: row.integer(4)),
            to: Instant(nanosecondsSinceEpoch: row.integer(5)),
            count: row.isNull(6) ? nil : row.count(6),
            scope: row.optionalBytes(7).map { RawPath($0) },
            cause: row.text(8))
    }
}
