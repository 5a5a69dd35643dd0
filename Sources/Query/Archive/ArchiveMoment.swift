package import Model
internal import Segment
package import Store

/// Which state of the store an archive has for a moment.
package enum ArchiveMoment: Sendable {
    /// Parameter uncertain: when the next commit became visible, if that may have been before the moment.
    case state(ArchivedState, uncertain: ArchivedState?)
    /// The moment lies in a gap: the last moment before it and the first one after it that can be had, nil where there is
    /// none.
    case between(Instant?, Instant?, cause: String?)
}

/// A commit of the store in a generation of its archive.
package struct ArchivedState: Sendable {
    package var generation: ArchiveGeneration
    package var commit: UInt64
    /// It became visible in (low, high].
    package var low: Instant
    package var high: Instant
}

extension ArchiveReader {
    /// The state at a moment, or the last there is. A commit counts when its high ≤ `moment`.
    ///
    /// Numbers, not times, order commits: a clock that was set back makes no later commit come first. Cost: the tables of the
    /// segments around the moment. Throws: `StoreError`.
    package func state(at moment: Instant?) throws -> ArchiveMoment {
        guard let first = generations.first, let last = generations.last else { return .between(nil, nil, cause: nil) }
        guard let moment else { return .state(try last.lastState(), uncertain: nil) }
        guard let index = generations.lastIndex(where: { $0.base.high <= moment }) else {
            return .between(nil, first.base.high, cause: nil)
        }
        let generation = generations[index]
        let (state, next) = try generation.states(around: moment)
        if let next { return .state(state, uncertain: next.low <= moment ? next : nil) }
        if moment <= generation.end { return .state(state, uncertain: nil) }
        guard index + 1 < generations.count else { return .between(generation.end, nil, cause: nil) }
        let later = generations[index + 1]
        if later.start.isContinued, later.base.state == generation.state, state.commit == generation.lastCommit {
            return .state(state, uncertain: nil)
        }
        return .between(generation.end, later.base.high, cause: later.start.cause)
    }
}

extension ArchiveGeneration {
    private var baseState: ArchivedState {
        ArchivedState(generation: self, commit: base.commit, low: base.low, high: base.high)
    }

    fileprivate func lastState() throws(StoreError) -> ArchivedState {
        guard let row = segments.last, let commit = try files.open(row).index.table.commits.last else {
            return baseState
        }
        return ArchivedState(generation: self, commit: commit.number, low: commit.low, high: commit.high)
    }

    /// The last state that was there at a moment, which is none before the base image's, and the one after it.
    fileprivate func states(around moment: Instant) throws(StoreError) -> (ArchivedState, next: ArchivedState?) {
        var state = baseState
        var next: ArchivedState?
        // It lies in one segment or between two: the one before may have the last state, the one after the next.
        let position = segments.lastIndex { $0.low <= moment } ?? 0
        for row in segments.dropFirst(max(0, position - 1)).prefix(3) {
            for commit in try files.open(row).index.table.commits {
                let point = ArchivedState(
                    generation: self, commit: commit.number, low: commit.low, high: commit.high)
                if point.high <= moment {
                    if point.commit > state.commit { state = point }
                } else if point.commit < next?.commit ?? .max {
                    next = point
                }
            }
        }
        if let found = next, found.commit < state.commit { next = nil }
        return (state, next)
    }
}
