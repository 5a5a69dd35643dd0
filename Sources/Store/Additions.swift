package import Model

/// Rows that one commit brings beside its block.
package struct Additions: Sendable {
    package var gaps: [Gap] = []
    package var notes: [Note] = []
    package var clockSteps: [ClockStep] = []
    package var capture = CaptureRows()

    package init() {}

    package var isEmpty: Bool { gaps.isEmpty && notes.isEmpty && clockSteps.isEmpty && capture.isEmpty }

    /// Adds the rows of another commit that did not come about.
    package mutating func append(contentsOf other: Additions) {
        gaps += other.gaps
        notes += other.notes
        clockSteps += other.clockSteps
        capture.append(contentsOf: other.capture)
    }
}
