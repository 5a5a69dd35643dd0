import Block
import Model
import Segment
import Syscalls

/// A database that is written with a rollback journal: who wrote it, and what looks at its file found.
///
/// Thread: *capture*. The looks are made by *segments*, one at a time.
struct JournaledDatabase {
    private(set) var stream: DatabaseStream
    private var history = WriterHistory()
    /// The last state that was found was there until then, and nobody was writing; nil before the first.
    private(set) var knownUntil: Instant?
    /// Up to then a look must have begun.
    private var wanted: Instant?
    private var isAsked = false
    /// The last one: what answers another is not of this database's present life.
    private var request: UInt64 = 0
    /// Waits until everything that happened by its `begun` is noted.
    private var found: JournalFinding?
    /// Somebody waits for a look that begins after that.
    private(set) var inquiry: Instant?

    /// Of one that is captured, for people.
    static let detail =
        "with a rollback journal: several transactions may be one state; PRAGMA journal_mode=WAL has each captured"

    init(_ stream: DatabaseStream) {
        self.stream = stream
    }

    var path: RawPath { stream.paths.last ?? RawPath("") }
    /// A finding waits for names up to then.
    var waitsFor: Instant? { found?.begun }
    /// A look is under way, due, or waits for names.
    var isBusy: Bool { isAsked || wanted != nil || found != nil }

    /// Somebody wrote its journal, or the file itself; nil where it is not known who.
    mutating func note(_ process: ActorProcess?, _ window: TimeWindow) {
        history.add(process, window)
        want(window.time)
    }

    /// Nothing is to be relied on that was noted by then.
    mutating func doubtNotes(_ window: TimeWindow) {
        history.add(nil, window)
        want(window.time)
    }

    mutating func want(_ moment: Instant) {
        wanted = max(wanted ?? moment, moment)
    }

    /// Somebody wants to know up to when nothing can be missing.
    mutating func ask(at moment: Instant) {
        inquiry = moment
        want(moment)
    }

    mutating func endAsking() { inquiry = nil }

    /// Has the file looked at where that is due.
    ///
    /// Parameter number: of the request, which no other has.
    mutating func begin(number: UInt64, sink: some CaptureSink) {
        guard wanted != nil, !isAsked, found == nil else { return }
        isAsked = true
        request = number
        sink.take(.journaled(stream.uuid, request: number))
    }

    mutating func take(_ finding: JournalFinding) {
        guard finding.request == request else { return }
        isAsked = false
        if let wanted, wanted < finding.begun { self.wanted = nil }
        found = finding
    }

    /// The file goes on under this name, and no other.
    func isOwner(_ sink: some CaptureSink) -> Bool { claim(0, sink: sink) != nil }

    /// Hands on what was found when everything is noted that happened by then.
    mutating func handOn(resolvedUpTo: Instant, sink: some CaptureSink) {
        guard let finding = found, finding.begun <= resolvedUpTo else { return }
        found = nil
        switch finding.content {
        case .over, .otherFile, .gone: return
        case .notCovered(let reason):
            become(.rollbackJournal, reason, sink: sink)
            inquiry = nil
            return
        case .unchanged: break
        case .beginning: tell(finding, number: nil, nil, low: finding.begun, sink: sink)
        case .state(let count):
            guard let number = claim(1, sink: sink) else { return }
            tell(finding, number: number, count, low: low(before: finding.begun), sink: sink)
        case .tooLarge(let count):
            let numbers = UInt64(count ?? 1)
            guard let first = claim(numbers, sink: sink) else { return }
            sink.take(
                .gap(
                    stream.uuid,
                    CaptureGap(
                        first: first, last: first + numbers - 1, missedCount: count.map(UInt64.init),
                        low: low(before: finding.begun), high: finding.begun, cause: .unsupported)))
            tell(finding, number: nil, nil, low: finding.begun, sink: sink)
        }
        knownUntil = finding.ended
        history.forget(before: finding.ended)
        if let asked = inquiry, finding.begun >= asked {
            sink.take(.watched(stream.uuid, until: finding.begun))
            inquiry = nil
        }
    }

    private mutating func tell(
        _ finding: JournalFinding, number: UInt64?, _ count: UInt32?, low: Instant, sink: some CaptureSink
    ) {
        become(.captured, Self.detail, sink: sink)
        guard let next = claim(0, sink: sink) else { return }
        let (attribution, writers) = history.writers(low: low, high: finding.begun, holder: nil)
        sink.take(
            .verdict(
                stream.uuid,
                JournalVerdict(
                    number: number, last: next - 1, transactionCount: count, low: low, high: finding.begun,
                    attribution: attribution, writers: writers)))
    }

    /// What was found came about later than that: the state before was still there, and nobody wrote before the first that
    /// was noted.
    private func low(before high: Instant) -> Instant {
        guard let knownUntil else { return min(stream.firstSeen, high) }
        return min(high, max(knownUntil, history.firstWrite(since: knownUntil) ?? knownUntil))
    }

    private func claim(_ count: UInt64, sink: some CaptureSink) -> UInt64? {
        sink.claim(count, of: stream.uuid, as: path)
    }

    mutating func become(_ condition: DatabaseStream.Condition, _ reason: String, sink: some CaptureSink) {
        guard stream.condition != condition || stream.detail != reason else { return }
        stream.condition = condition
        stream.detail = reason
        sink.take(.stream(stream))
    }

    /// No file has its name; where it goes on under another, it is met there.
    mutating func end(sink: some CaptureSink) {
        guard isOwner(sink) else { return }
        become(.ended, "no file has this name any more", sink: sink)
    }

    /// It has a log from now on: what was written to the file since the last state is in none of both.
    mutating func leave(_ window: TimeWindow, sink: some CaptureSink) {
        sink.take(.logged(stream.uuid))
        guard let knownUntil, let number = claim(1, sink: sink) else { return }
        sink.take(
            .gap(
                stream.uuid,
                CaptureGap(
                    first: number, last: number, missedCount: nil, low: min(knownUntil, window.time),
                    high: window.time, cause: .unsupported)))
    }
}
