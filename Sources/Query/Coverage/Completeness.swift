package import Model

/// A stretch of time in which a tree was recorded.
package struct CoveredSpan: Hashable, Sendable {
    package var path: RawPath
    package var from: Instant
    package var to: Instant

    package init(path: RawPath, from: Instant, to: Instant) {
        self.path = path
        self.from = from
        self.to = to
    }
}

/// Whether an answer can be trusted to name everything: the rules, without any I/O.
///
/// An answer is incomplete when a gap of the asked scope touches its range, or a part of the range was covered by no run.
/// Without bounds the range goes from the first to the last covered moment, so a clean stop ends it and leaves no gap.
package struct Completeness: Sendable {
    /// Why an answer may miss something.
    package enum Reason: Hashable, Sendable {
        case gap(Gap)
        /// Nothing was recorded in `from` ..< `to`.
        case uncovered(from: Instant, to: Instant)
        /// None of the asked places was ever recorded.
        case neverCovered
        /// These operations were left out of what was recorded in `from` ..< `to`.
        case notRecorded(EventMask, from: Instant, to: Instant)
        /// What matches the pattern, and what lies below, was left out of what was recorded in `from` ..< `to`.
        case excluded(pattern: [UInt8], from: Instant, to: Instant)
        /// What there is was not looked at whole, as the text says.
        case unread(String)
    }

    package var spans: [CoveredSpan]
    package var gaps: [Gap]

    package init(spans: [CoveredSpan], gaps: [Gap]) {
        self.spans = spans
        self.gaps = gaps
    }

    /// What is missing from an answer about `since` ..< `until` (nil: open) and the places `scopes` (nil: everywhere), in
    /// the order of time.
    package func reasons(since: Instant?, until: Instant?, scopes: [RawPath]?) -> [Reason] {
        let relevant = spans.filter { Self.concerns($0.path, scopes) }
        guard let first = relevant.map(\.from).min(), let last = relevant.map(\.to).max() else {
            // A store that nobody recorded into yet has nothing to miss; asking about a place or a time has.
            guard spans.isEmpty, since == nil, until == nil else { return [.neverCovered] }
            return gaps.filter { $0.kind != .walMissed }.map(Reason.gap)
        }
        let from = since ?? min(first, until ?? first)
        let to = until ?? last
        // Asked for what came after the last recording: nothing was recorded of all that.
        if until == nil, from > last { return [.uncovered(from: last, to: from)] }
        // The same for what came before the first.
        if since == nil, to <= first { return [.uncovered(from: to, to: first)] }
        var reasons = gaps.filter { gap in
            gap.kind != .walMissed && Self.touches(gap, from, to) && Self.concerns(gap.scope, scopes)
        }.map(Reason.gap)
        for hole in Self.holes(in: relevant, from: from, to: to) {
            let isExplained = gaps.contains { gap in
                gap.scope == nil && gap.from <= hole.lowerBound && gap.to >= hole.upperBound
            }
            if !isExplained { reasons.append(.uncovered(from: hole.lowerBound, to: hole.upperBound)) }
        }
        return reasons.sorted { $0.start < $1.start }
    }

    /// A gap is from ..< to; one without length is a moment. The range is from ..< to as well, but one that is open at its
    /// end reaches to the last covered moment itself.
    private static func touches(_ gap: Gap, _ from: Instant, _ to: Instant) -> Bool {
        guard gap.from < gap.to else { return gap.from >= from && gap.from <= to }
        return gap.from < to && gap.to > from
    }

    /// True when a place lies within or above one of the asked places, or no place is asked for or named.
    private static func concerns(_ place: RawPath?, _ scopes: [RawPath]?) -> Bool {
        guard let place, let scopes else { return true }
        return scopes.contains { $0.isAtOrUnder(place) || place.isAtOrUnder($0) }
    }

    /// The parts of from ..< to that no span covers.
    private static func holes(in spans: [CoveredSpan], from: Instant, to: Instant) -> [Range<Instant>] {
        var holes: [Range<Instant>] = []
        var covered = from
        for span in spans.sorted(by: { $0.from < $1.from }) where span.to > covered {
            guard covered < to else { break }
            if span.from > covered { holes.append(covered..<min(span.from, to)) }
            covered = max(covered, span.to)
        }
        if covered < to { holes.append(covered..<to) }
        return holes
    }
}

extension Completeness.Reason {
    /// When the missing part starts.
    package var start: Instant {
        switch self {
        case .gap(let gap): gap.from
        case .uncovered(let from, _), .notRecorded(_, let from, _), .excluded(_, let from, _):
            from
        case .neverCovered, .unread: .distantPast
        }
    }

    /// One line for people.
    package var text: String {
        switch self {
        case .gap(let gap):
            var line = "\(gap.kind.rawValue) from \(TimestampWriter.text(gap.from)) to \(TimestampWriter.text(gap.to))"
            if let count = gap.count { line += ", \(count) events" }
            if let scope = gap.scope { line += ", \(TerminalText.escaped(scope.bytes))" }
            if !gap.cause.isEmpty { line += ": \(TerminalText.escaped(Array(gap.cause.utf8)))" }
            return line
        case .uncovered(let from, let to):
            return "nothing was recorded from \(TimestampWriter.text(from)) to \(TimestampWriter.text(to))"
        case .neverCovered: return "no run ever recorded what is asked for"
        case .notRecorded(let operations, let from, let to):
            return "\(operations.operationNames.joined(separator: ", ")) was not recorded from "
                + "\(TimestampWriter.text(from)) to \(TimestampWriter.text(to)): 'varved --ops' chooses what is"
        case .excluded(let pattern, let from, let to):
            return "what matches '\(TerminalText.escaped(pattern))', and what lies below, was not recorded from "
                + "\(TimestampWriter.text(from)) to \(TimestampWriter.text(to)): 'varved --exclude' left it out"
        case .unread(let text): return text
        }
    }
}
