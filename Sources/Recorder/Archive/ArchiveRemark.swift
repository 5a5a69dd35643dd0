import Model
import Store

/// What the timeline of the store says of its archive.
enum ArchiveRemark {
    case gap(from: Instant?, because: String)
    case goesOn(from: Instant, since: Instant, because: String)
    /// The recorder ends, and what was committed last could not be written so far.
    case endsWaiting(because: String)

    private static let start = "archive: "
    private static let gapStart = start + "a gap begins"
    private static let endStart = start + "the recorder ends while what was committed last waits"
    private static let reasonStart = ": "

    var text: String {
        switch self {
        case .gap(let from, let reason):
            "\(Self.gapStart)\(from.map { " at \($0.archiveText)" } ?? "")\(Self.reasonStart)\(reason)"
        case .goesOn(let from, let since, let reason):
            "\(Self.start)goes on from \(from.archiveText); nothing since \(since.archiveText) can be restored (\(reason))"
        case .endsWaiting(let reason): "\(Self.endStart)\(Self.reasonStart)\(reason)"
        }
    }

    /// Why nothing was archived any more when a run ended; nil where something was.
    ///
    /// Parameters: `notes` of the store, oldest first; `started` when that run began.
    static func openReason(in notes: [Note], since started: Instant) -> String? {
        guard let last = notes.last(where: { $0.uid == nil && $0.text.hasPrefix(start) }), last.moment >= started,
            last.text.hasPrefix(gapStart) || last.text.hasPrefix(endStart)
        else { return nil }
        let parts = last.text.dropFirst(start.count).split(separator: reasonStart, maxSplits: 1)
        return parts.count == 2 ? String(parts[1]) : nil
    }
}

extension Instant {
    /// For the timeline: seconds since the epoch, as the command line takes them.
    fileprivate var archiveText: String {
        let (seconds, rest) = nanosecondsSinceEpoch.quotientAndRemainder(dividingBy: 1_000_000_000)
        let digits = String(rest.magnitude)
        return "@\(seconds).\(String(repeating: "0", count: 9 - digits.count))\(digits)"
    }
}
