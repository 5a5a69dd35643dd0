internal import Block
package import Model
package import Store
internal import Syscalls

/// A selection asked of an open store: what every verb that looks at events shares.
///
/// Thread: one.
package final class Question {
    package let context: QueryContext
    package let selection: Selection
    package let reader: StoreReader
    private let history: CoverageHistory
    /// The operations without which the answer would not be whole: those that are asked for, or that it is made of.
    package var neededOperations: EventMask
    /// The paths without which it would not be.
    package var askedPlaces: [AskedPlaces]
    /// When it was asked: nothing can be missing from the time after.
    private let moment = Clock.realtime()

    /// Opens the store. Where the range reaches beyond what is surely stored and a recorder runs, waits for the recorder's
    /// barrier first, so that an answer about "until now" is whole.
    package init(_ context: QueryContext, _ selection: Selection) throws {
        self.context = context
        self.selection = selection
        neededOperations = selection.operations
        askedPlaces = selection.askedPlaces
        let reader = try context.openStore()
        let history = try CoverageHistory(reader)
        // A range without an end reaches to the last moment covered, but not where it begins after that.
        guard let reached = selection.until ?? selection.since, let last = history.spans.map(\.to).max(),
            last < reached,
            history.runs.last?.end == nil, let barrier = Self.barrier(context)
        else {
            self.reader = reader
            self.history = history
            return
        }
        // What the barrier committed is seen by a new read.
        self.reader = reader
        var renewed = try CoverageHistory(reader)
        renewed.barrier = barrier
        self.history = renewed
    }

    /// Why an answer about the selection's range may miss something.
    package var reasons: [Completeness.Reason] {
        reasons(since: selection.since, until: selection.until)
    }

    /// Why an answer about `since` ..< `until` at the selection's places may miss something.
    package func reasons(since: Instant?, until: Instant?) -> [Completeness.Reason] {
        reasons(since: since, until: until, scopes: selection.scopes)
    }

    /// The same for other places, where what the answer says was put together from several selections.
    package func reasons(since: Instant?, until: Instant?, scopes: [RawPath]?) -> [Completeness.Reason] {
        history.notRecorded(neededOperations, since: since, until: until)
            + history.excluded(askedPlaces, since: since, until: until)
            + history.completeness.reasons(
                since: since, until: until.map { min($0, max(moment, since ?? moment)) }, scopes: scopes)
    }

    package var gaps: [GapRow] { history.gaps }

    /// The gaps as far as they are known by now, wherever and whenever.
    package var boundedGaps: [CoverageHistory.BoundedGap] { history.boundedRows }

    /// Which places were recorded when.
    package var covers: [CoveredSpan] { history.spans }

    /// `seq` of the newest event when it was asked; 0 when there was none.
    package var lastSequence: UInt64 { history.lastSequence }

    /// When anything was recorded, from the first to the last moment; nil where nothing ever was.
    package var covered: (from: Instant, to: Instant)? {
        let spans = history.spans
        guard let first = spans.map(\.from).min(), let last = spans.map(\.to).max() else { return nil }
        return (first, last)
    }

    /// The same for people; nil where nothing ever was.
    var coveredText: String? {
        covered.map { covered in
            let range = [covered.from, covered.to].map { TimestampWriter.text($0, zone: context.zone) }
            return "the store covers \(range[0]) to \(range[1])"
        }
    }

    /// True for a moment after the last that is recorded.
    func isUnrecorded(_ moment: Instant) -> Bool {
        covered.map { $0.to < moment } ?? true
    }

    /// The moment, or the beginning of a recording that comes so soon after it that the two are not told apart: the window of
    /// an event is rounded outwards, and so may begin before the recording did.
    func onRecord(_ moment: Instant) -> Instant {
        let end = moment.advanced(byNanoseconds: TimeWindow.gridNanoseconds)
        return covers.map(\.from).filter { $0 > moment && $0 < end }.min() ?? moment
    }

    /// The number behind the newest event when it was asked. What is recorded meanwhile is in no part of the answer: what is
    /// missing from it is not known here.
    package var endSequence: UInt64 { lastSequence &+ 1 }

    /// A scan for an answer that may take long, which says how far it is. `afterSequence` and `beforeSequence` are those of
    /// `Scan`, the latter at most `endSequence`; `looksAhead` is false where little of what is found is used.
    package func scan(
        _ selection: Selection, afterSequence: UInt64? = nil, beforeSequence: UInt64? = nil, looksAhead: Bool = true
    ) -> Scan {
        let scan = Scan(
            reader, selection, afterSequence: afterSequence, beforeSequence: min(beforeSequence ?? .max, endSequence))
        scan.progress = ProgressLine()
        scan.looksAhead = looksAhead
        return scan
    }

    /// What is to be said about an answer beside itself.
    package struct Findings: Sendable {
        /// About events at an edge of the range; nil where there are none.
        package var crossing: String?
        package var reasons: [Completeness.Reason]
        package var damages: [Scan.Damage]
        /// What else of the store could not be read, one line for people each.
        package var failures: [String] = []

        package init(crossing: String? = nil, reasons: [Completeness.Reason] = [], damages: [Scan.Damage] = []) {
            self.crossing = crossing
            self.reasons = reasons
            self.damages = damages
        }
    }

    /// The closing remarks and the exit status; parameters as of `findings`.
    package func conclude(
        found: Bool, _ scan: Scan, after earlier: [Scan] = [], damages: [Scan.Damage] = [], isWhole: Bool = true,
        reasons: [Completeness.Reason]? = nil
    ) -> AnswerStatus {
        conclude(found: found, findings(scan, after: earlier, damages: damages, isWhole: isWhole, reasons: reasons))
    }

    /// The same with what was found out before.
    package func conclude(found: Bool, _ findings: Findings) -> AnswerStatus {
        if let crossing = findings.crossing { context.messages.say(crossing) }
        for failure in findings.failures { context.messages.say(failure) }
        let status = context.conclude(found: found, reasons: findings.reasons, damages: findings.damages)
        return findings.failures.isEmpty ? status : .unreadable
    }

    /// What was found out about the answer by the time the scan ended.
    ///
    /// Parameters: `isWhole` is false when the scan was stopped early, so that what it counted says little; `earlier` are
    /// scans that the answer rests on as well, whose damage counts, as do `damages`; `reasons` are those of a range other than
    /// the selection's.
    package func findings(
        _ scan: Scan, after earlier: [Scan] = [], damages: [Scan.Damage] = [], isWhole: Bool = true,
        reasons: [Completeness.Reason]? = nil
    ) -> Findings {
        var crossing: String?
        let crossingCount = scan.crossingCount
        if isWhole, crossingCount > 0 {
            let many =
                crossingCount == 1 ? "1 more event's window crosses" : "\(crossingCount) more events' windows cross"
            crossing =
                selection.includesOverlapping
                ? "\(many) an edge of the range and \(crossingCount == 1 ? "is" : "are") included"
                : "\(many) an edge of the range; --overlapping adds \(crossingCount == 1 ? "it" : "them")"
        }
        var reasons = reasons ?? self.reasons
        let scans = earlier + [scan]
        if scans.contains(where: \.lostToPruning) { reasons.append(lostToPruning) }
        // Several scans meet the damage of the same block.
        var known: Set<UInt64> = []
        let damages = (scans.flatMap(\.damages) + damages).filter { known.insert($0.firstSequence).inserted }
            .sorted { $0.firstSequence < $1.firstSequence }
        return Findings(crossing: crossing, reasons: reasons, damages: damages)
    }

    /// Why an answer misses something of which blocks were pruned before they could be read.
    var lostToPruning: Completeness.Reason {
        let now = Clock.realtime()
        return .gap(
            Gap(
                kind: .pruned, from: selection.since ?? now, to: selection.until ?? now, count: nil, scope: nil,
                cause: "blocks were pruned while they were being read"))
    }

    /// The moment up to which a live recorder has just committed everything; nil where none answers.
    private static func barrier(_ context: QueryContext) -> Instant? {
        let asked = Clock.realtime()
        let client = ControlClient(context.storeDirectory)
        guard let answer = try? client.ask("sync", timeoutNanoseconds: 5_000_000_000), answer.isOK else { return nil }
        return asked
    }
}
