internal import Model
internal import Store

/// The gaps that an export has to tell of, in the order they began.
struct ExportGaps {
    private var pending: ArraySlice<Gap>
    private let isReversed: Bool
    /// For the cursor.
    let last: ExportCursor.LastGap?
    let changing: [String: String]
    private(set) var writtenCount = 0

    /// Those of `gaps` that the selection asks for and that were not exported before, as far as `cursor` tells.
    init(_ gaps: [CoverageHistory.BoundedGap], _ selection: Selection, after cursor: ExportCursor?) {
        isReversed = selection.isReversed
        let rows = gaps.compactMap(\.row)
        last = rows.max { $0.id < $1.id }.map { ExportCursor.LastGap(id: $0.id, from: $0.gap.from) } ?? cursor?.lastGap
        let asked = gaps.filter { selection.asksFor($0.gap) }
        changing = asked.reduce(into: [:]) { changing, gap in
            if !gap.isSettled { changing[Self.key(gap)] = Self.state(gap.gap) }
        }
        // Numbers are counted on where the row that was the last one is still there.
        let numbersRise =
            cursor?.lastGap.map { last in rows.contains { $0.id == last.id && $0.gap.from == last.from } } ?? true
        let new = asked.filter { gap in
            guard let cursor else { return true }
            if let said = cursor.changingGaps[Self.key(gap)] { return said != Self.state(gap.gap) }
            guard let row = gap.row, let last = cursor.lastGap else { return true }
            return row.id > last.id || !numbersRise && row.afterSequence &+ 1 >= cursor.nextSequence
        }
        let ordered = new.map(\.gap).sorted { ($0.from, $0.to) < ($1.from, $1.to) }
        pending = (isReversed ? ordered.reversed() : ordered)[...]
    }

    /// The next gap that comes before an event at `moment`; nil where none does.
    mutating func next(before moment: Instant) -> Gap? {
        guard let gap = pending.first, isReversed ? gap.from > moment : gap.from < moment else { return nil }
        return next()
    }

    /// The next gap, wherever it lies.
    mutating func next() -> Gap? {
        guard let gap = pending.popFirst() else { return nil }
        writtenCount += 1
        return gap
    }

    /// What stands for a gap in a cursor: its row, or what it is where it has none yet.
    private static func key(_ gap: CoverageHistory.BoundedGap) -> String {
        gap.row.map { "\($0.id)" } ?? "\(gap.gap.kind.rawValue)@\(gap.gap.from.nanosecondsSinceEpoch)"
    }

    /// What of a gap may change.
    private static func state(_ gap: Gap) -> String {
        "\(gap.from.nanosecondsSinceEpoch) \(gap.to.nanosecondsSinceEpoch) \(gap.count.map { "\($0)" } ?? "?")"
    }
}
