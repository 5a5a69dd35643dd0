package import Model

/// When the next event of a replay is due, and what keys change about that: the rules, without clock and terminal.
package struct ReplayPace: Sendable {
    /// What a key asks for.
    package enum Key: Sendable {
        case pause
        case step
        case faster
        case slower
        case quit

        /// The key that sends `byte`; nil for one without a meaning here.
        package init?(_ byte: UInt8) {
            switch byte {
            case UInt8(ascii: " "): self = .pause
            case UInt8(ascii: "n"), 0x0A, 0x0D: self = .step
            case UInt8(ascii: "+"), UInt8(ascii: "="): self = .faster
            case UInt8(ascii: "-"): self = .slower
            case UInt8(ascii: "q"): self = .quit
            default: return nil
            }
        }
    }

    /// What the driver does after a key.
    package enum Action: Hashable, Sendable {
        /// Go on waiting, with the pace as it is now.
        case wait
        /// Show the next event at once.
        case show
        case end
    }

    package static let speeds = 0.001...1_000_000

    /// Recorded time that passes in a unit of real time.
    package private(set) var speed: Double
    package private(set) var isPaused: Bool
    /// Nanoseconds of real time that no pause exceeds; nil: as long as it was.
    package let maximumPause: Int64?

    /// Throws: `UsageError` for a speed outside `speeds`.
    package init(speed: Double = 1, maximumPause: Int64? = nil, steps: Bool = false) throws(UsageError) {
        guard Self.speeds.contains(speed) else { throw UsageError("--speed is a number from 0.001 to 1000000") }
        self.speed = speed
        self.maximumPause = maximumPause
        isPaused = steps
    }

    /// Nanoseconds of recorded time between two events; none where the clock was set back between them.
    package func recordedPause(from previous: Instant?, to next: Instant, isReversed: Bool) -> Int64 {
        guard let previous else { return 0 }
        let (first, last) = isReversed ? (next, previous) : (previous, next)
        return max(0, last.nanosecondsSinceEpoch.subtractingReportingOverflow(first.nanosecondsSinceEpoch).partialValue)
    }

    /// Nanoseconds of real time that `recorded` nanoseconds take at this speed.
    package func realPause(_ recorded: Int64) -> Int64 {
        let scaled = Double(recorded) / speed
        // Half of the range, so that a moment can be added: 146 years.
        let real = scaled < 4.6e18 ? Int64(scaled) : 1 << 62
        return min(real, maximumPause ?? real)
    }

    package mutating func take(_ key: Key) -> Action {
        switch key {
        case .pause:
            isPaused.toggle()
            return .wait
        case .step:
            // Whoever asks for one event wants to look at it.
            isPaused = true
            return .show
        case .faster:
            speed = min(speed * 2, Self.speeds.upperBound)
            return .wait
        case .slower:
            speed = max(speed / 2, Self.speeds.lowerBound)
            return .wait
        case .quit: return .end
        }
    }
}
