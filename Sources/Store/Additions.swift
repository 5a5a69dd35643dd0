package import Model

/// Rows that one commit brings beside its block.
package struct Additions: Sendable {
    package var gaps: [Gap] = []
    package var notes: [Note] = []
    package var clockSteps: [ClockStep] = []
    package var capture = CaptureRows()

    package init() {}

    package var isEmpty: Bool { gaps.isEmpty && notes.isEmpty && clockSteps.isEmpty && capture.isEmpty }

    /// Each row alone, in the order in which they depend on each other; without up to when streams are known, which is not
    /// sure where a row is left out.
    var eachRow: [Additions] {
        func row(_ change: (inout Additions) -> Void) -> Additions {
            var one = Additions()
            change(&one)
            return one
        }
        return gaps.map { gap in row { $0.gaps = [gap] } } + notes.map { note in row { $0.notes = [note] } }
            + clockSteps.map { step in row { $0.clockSteps = [step] } }
            + capture.streams.map { stream in row { $0.capture.streams = [stream] } }
            + capture.segments.map { segment in row { $0.capture.segments = [segment] } }
            + capture.bases.map { base in row { $0.capture.bases = [base] } }
            + capture.joins.map { join in row { $0.capture.joins = [join] } }
            + capture.gaps.map { gap in row { $0.capture.gaps = [gap] } }
    }

    /// Adds the rows of another commit that did not come about.
    package mutating func append(contentsOf other: Additions) {
        gaps += other.gaps
        notes += other.notes
        clockSteps += other.clockSteps
        capture.append(contentsOf: other.capture)
    }

    /// Rows, of which a commit that does not come about must not gather without end.
    package var count: Int { gaps.count + notes.count + clockSteps.count + capture.count }

    /// Says the same of captured databases with fewer rows, if there are more than `limit`: gaps become one that can.
    ///
    /// What is left is as many as there are databases, and files of theirs that were written.
    package mutating func fold(beyond limit: Int) {
        guard count > limit else { return }
        capture.fold()
        foldLosses { $0.scope }
        // Databases that come and go have other names each time.
        if gaps.count > limit / 2 { foldLosses { _ in nil } }
    }

    private mutating func foldLosses(_ scope: (Gap) -> RawPath?) {
        var folded: [RawPath?: Int] = [:]
        var kept: [Gap] = []
        for var gap in gaps {
            guard gap.kind == .walMissed else {
                kept.append(gap)
                continue
            }
            gap.scope = scope(gap)
            guard let place = folded[gap.scope] else {
                folded[gap.scope] = kept.count
                kept.append(gap)
                continue
            }
            if kept[place].cause != gap.cause {
                kept[place].cause = "commits of databases: more gaps than could be stored"
            }
            kept[place].from = min(kept[place].from, gap.from)
            kept[place].to = max(kept[place].to, gap.to)
            kept[place].count = kept[place].count.flatMap { one in gap.count.map { one &+ $0 } }
        }
        gaps = kept
    }
}
