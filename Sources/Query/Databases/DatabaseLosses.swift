internal import Block
package import Model
internal import Segment
package import Store

/// Losses of commits that no number stands for: a copy of the file that is another state than the commits give, rows that
/// were refused, logs that were gone before anybody could read them.
package struct DatabaseLosses: Sendable {
    private let history: DatabaseHistory
    /// Of this database.
    private let own: [Gap]
    /// Of some database, which one is not known.
    private let shared: [Gap]

    /// Cost: reads all gaps of the store.
    package init(_ history: DatabaseHistory, _ reader: StoreReader) throws(StoreError) {
        self.history = history
        let losses = try reader.gaps().map(\.gap).filter { $0.kind == .walMissed }
        // A gap that numbers stand for is told as such a row as well.
        own = losses.filter { loss in
            (loss.scope.map { history.stream.paths.contains($0) } ?? false)
                && !history.gaps.contains { $0.low <= loss.from && loss.to <= $0.high }
        }
        shared = losses.filter { $0.scope == nil }
    }

    /// What keeps the state after a commit from being known to be the one of a moment: it began before, and no base image
    /// has the state since.
    func loss(at moment: Instant, after commit: UInt64) -> Gap? {
        own.first { loss in
            loss.from < moment && !history.bases.contains { $0.commit <= commit && $0.high >= loss.to }
        }
    }

    /// Those in which a moment lies and that may be this database's.
    func shared(at moment: Instant) -> [Gap] {
        shared.filter { $0.from < moment && moment <= $0.to }
    }

    /// Those that touch since ≤ moment < until.
    package func all(since: Instant?, until: Instant?) -> [Gap] {
        (own + shared).filter { loss in
            if let since, loss.to < since { return false }
            if let until, loss.from >= until { return false }
            return true
        }
    }

    /// Those of this database that touch the time in which it went from one state to another. Throws: `StoreError`.
    func own(after first: UInt64, upTo last: UInt64) throws -> [Gap] {
        guard !own.isEmpty, first < last, let from = try moment(of: first), let to = try moment(of: last) else {
            return []
        }
        return own.filter { $0.from < to && $0.to > from }
    }

    private func moment(of commit: UInt64) throws -> Instant? {
        if let base = history.bases.first(where: { $0.commit == commit }) { return base.high }
        let row = history.segments.first { $0.firstCommit <= commit && commit <= $0.lastCommit }
        guard let row else { return nil }
        return try history.files.open(row).index.table.commits.first { $0.number == commit }?.high
    }
}

extension Gap {
    /// One line for people.
    package var databaseText: String {
        "between \(TimestampWriter.text(from)) and \(TimestampWriter.text(to)): "
            + TerminalText.escaped(Array(cause.utf8))
    }
}
