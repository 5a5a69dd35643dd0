package import Model
internal import Segment
internal import Store

/// Which state of a database is asked for.
package enum DatabasePoint: Hashable, Sendable {
    case commit(UInt64)
    case moment(Instant)

    /// Reads `--at` and `--commit`, of which exactly one must be given. Throws: `UsageError`, `TimeError`.
    package init(at: String?, commit: String?) throws {
        switch (at, commit) {
        case (let at?, nil): self = .moment(try TimeExpression.parse(at, context: .current()))
        case (nil, let commit?):
            guard let number = UInt64(commit), number < 1 << 62 else {
                throw UsageError("'\(commit)' is no number of a commit; 'varve db commits DB' lists them")
            }
            self = .commit(number)
        default: throw UsageError("give one of --at TIME and --commit NUMBER")
        }
    }
}

/// A state that was found, and what keeps the answer from being the whole truth.
struct ChosenState {
    /// Nil where none can be named.
    var commit: UInt64?
    var way: DatabaseWay?
    /// Why the answer is incomplete, for people.
    var reasons: [String] = []
    /// Why there is none at all: the commit that was named does not exist.
    var isUnknown = false
}

extension DatabaseHistory {
    /// Finds a state and the way to it. Throws: `StoreError`.
    ///
    /// Parameter watchedUntil: every commit that was visible by then is known; nil where that was never said.
    func choose(
        _ point: DatabasePoint, watchedUntil: Instant?, losses: DatabaseLosses
    ) throws -> ChosenState {
        var chosen = ChosenState()
        switch point {
        case .commit(let number):
            guard number <= lastNumber, number > 0 || bases.first?.commit == 0 else {
                chosen.isUnknown = true
                let first = bases.first.map { "the first state that is held is that of commit \($0.commit)" }
                chosen.reasons = [
                    "there is no commit \(number): \(first ?? "no state is held"), the last commit is \(lastNumber)"
                ]
                return chosen
            }
            chosen.commit = number
        case .moment(let moment): try choose(moment, watchedUntil, losses, &chosen)
        }
        guard let commit = chosen.commit else { return chosen }
        chosen.way = way(to: commit)
        if chosen.way == nil {
            chosen.commit = nil
            if let gap = gaps.first(where: { $0.first <= commit && commit <= $0.last }) {
                chosen.reasons.append("commit \(commit) is missing: \(gap.text)")
            } else {
                let first = bases.first { $0.commit > commit }.map {
                    "; the first after it is that of commit \($0.commit)"
                }
                chosen.reasons.append("no base image leads to commit \(commit)\(first ?? "")")
            }
        }
        return chosen
    }

    private func choose(
        _ moment: Instant, _ watchedUntil: Instant?, _ losses: DatabaseLosses, _ chosen: inout ChosenState
    ) throws {
        let state = try state(at: moment)
        if let gap = state.gap {
            let before =
                state.point.map { "commit \($0.commit) of \(TimestampWriter.text($0.high))" } ?? "the beginning"
            let after = state.next.map { "commit \($0.commit) of \(TimestampWriter.text($0.high))" } ?? "the end"
            chosen.reasons = [
                "\(TimestampWriter.text(moment)) lies between \(before) and \(after): \(gap.text)"
            ]
            return
        }
        guard let point = state.point else {
            let first = state.next.map {
                "; the first state is commit \($0.commit) of \(TimestampWriter.text($0.high))"
            }
            chosen.reasons = ["nothing is known of the database at \(TimestampWriter.text(moment))\(first ?? "")"]
            return
        }
        if let loss = losses.loss(at: moment, after: point.commit) {
            chosen.reasons = [
                "the state at \(TimestampWriter.text(moment)) need not be that of commit \(point.commit) of "
                    + "\(TimestampWriter.text(point.high)), which can be had by its number: \(loss.databaseText)"
            ]
            return
        }
        chosen.commit = point.commit
        chosen.reasons += losses.shared(at: moment).map(\.databaseText)
        if let other = state.uncertain {
            chosen.reasons.append(
                "commit \(other.commit) became visible between \(TimestampWriter.text(other.low)) and "
                    + "\(TimestampWriter.text(other.high)), so it may have been there already; this is commit \(point.commit)"
            )
        }
        let end = max(watchedUntil ?? .distantPast, point.high)
        if state.next == nil, moment > end {
            chosen.reasons.append(
                "nothing is known of the database after \(TimestampWriter.text(end)): later commits are not known; "
                    + "this is commit \(point.commit)")
        }
    }
}
