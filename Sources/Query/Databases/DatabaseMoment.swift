package import Model
package import Segment
internal import Store

/// Which state a database had at a moment, as far as that is known.
package struct DatabaseMoment: Hashable, Sendable {
    /// A state and when the database came into it: in (low, high].
    package struct Point: Hashable, Sendable {
        package var commit: UInt64
        package var low: Instant
        package var high: Instant

        package init(commit: UInt64, low: Instant, high: Instant) {
            self.commit = commit
            self.low = low
            self.high = high
        }
    }

    /// The last state that surely was there; nil before the first.
    package var point: Point?
    /// Another commit that may have been visible already: low ≤ T < high.
    package var uncertain: Point?
    /// The gap that T lies in, or that stands between the state and T.
    package var gap: CaptureGap?
    /// The first state after T; nil when T is behind the last.
    package var next: Point?

    package init(point: Point?, uncertain: Point?, gap: CaptureGap?, next: Point?) {
        self.point = point
        self.uncertain = uncertain
        self.gap = gap
        self.next = next
    }
}

extension DatabaseHistory {
    /// What is known about the state at a moment. A commit counts when its high ≤ `moment`.
    ///
    /// Numbers, not times, order what happened: a clock that was set back makes no later commit come first.
    /// Cost: reads the tables of the segments around the moment. Throws: `StoreError`.
    package func state(at moment: Instant) throws -> DatabaseMoment {
        var result = DatabaseMoment(point: nil, uncertain: nil, gap: nil, next: nil)
        func consider(_ point: DatabaseMoment.Point) {
            if point.high <= moment {
                if point.commit >= result.point?.commit ?? 0 { result.point = point }
            } else if point.commit < result.next?.commit ?? .max {
                result.next = point
            }
        }
        for base in bases { consider(DatabaseMoment.Point(commit: base.commit, low: base.low, high: base.high)) }
        // The moment lies in one segment or between two; the one before may have the last state, the one after the next.
        let rows = segments.filter { $0.commitCount > 0 }
        let position =
            rows.lastIndex { row in
                // Of what stood in a log when it was first looked at no lower bound is known.
                (row.low.nanosecondsSinceEpoch == 0 ? row.high : row.low) <= moment
            } ?? 0
        for row in rows.dropFirst(max(0, position - 1)).prefix(3) {
            for commit in try files.open(row).index.table.commits {
                consider(DatabaseMoment.Point(commit: commit.number, low: commit.low, high: commit.high))
            }
        }
        if let next = result.next, next.commit <= result.point?.commit ?? 0 { result.next = nil }
        // A commit stands between the state and a later one, or a gap does.
        let passed = result.point?.commit ?? 0
        result.gap = gaps.first { $0.first > passed && $0.low < moment }
        if result.gap == nil, let next = result.next, next.low <= moment, next.commit == passed + 1 {
            result.uncertain = next
        }
        return result
    }
}
