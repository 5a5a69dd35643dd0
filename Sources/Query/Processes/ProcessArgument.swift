package import Model

/// Which process is asked for: `PID`, or `PID@TIME` for the one that had the number then.
package struct ProcessArgument: Sendable {
    package var pid: Int32
    package var moment: Instant?

    /// Throws: `UsageError`, `TimeError`.
    package static func parse(_ text: String, context: TimeContext = .current()) throws -> ProcessArgument {
        let parts = text.split(separator: "@", maxSplits: 1, omittingEmptySubsequences: false)
        guard let first = parts.first, let pid = Int32(first), pid >= 0 else {
            throw UsageError("'\(text)' is no process: give PID or PID@TIME")
        }
        guard parts.count > 1 else { return ProcessArgument(pid: pid, moment: nil) }
        return ProcessArgument(pid: pid, moment: try TimeExpression.parse(String(parts[1]), context: context))
    }
}
