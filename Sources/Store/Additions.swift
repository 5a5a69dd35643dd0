package import Model

/// Rows that one commit brings beside its block.
package struct Additions: Sendable {
    package var gaps: [Gap] = []
    package var notes: [Note] = []
    package var clockSteps: [ClockStep] = []
    package var capture = CaptureRows()

    package init() {}

    package var isEmpty: Bool { gaps.isEmpty && notes.isEmpty && clockSteps.isEmpty && capture.isEmpty }

    /// Each row alone, in the order in which they depend on each other.
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
            + capture.gaps.map { gap in row { $0.capture.gaps = [gap] } }
    }

    /// Adds the rows of another commit that did not come about.
    package mutating func append(contentsOf other: Additions) {
        gaps += other.gaps
        notes += other.notes
        clockSteps += other.clockSteps
        capture.append(contentsOf: other.capture)
    }
}
