internal import Block
package import Model
internal import Store

/// The moment or the event that `varve around` is asked about.
package enum AroundPoint: Hashable, Sendable {
    case event(UInt64)
    case moment(Instant)

    /// Reads `4711` (an event's number) or a time. Throws: `TimeError`, `UsageError`.
    package static func parse(_ text: String) throws -> AroundPoint {
        guard !text.isEmpty, text.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }) else {
            return .moment(try TimeExpression.parse(text, context: .current()))
        }
        guard let sequence = UInt64(text), sequence > 0 else { throw UsageError("'\(text)' is no event number") }
        return .event(sequence)
    }
}

/// `varve around TIME|SEQ`: the events before and after a moment, and the gaps between them.
///
/// Two passes: one backwards that finds where the answer begins, one forwards that prints, so nothing is held.
package struct AroundAnswer {
    /// How much is shown on either side of the point.
    package struct Extent: Sendable {
        /// Matching events before and after; nil: as many as lie within the span.
        package var before: Int?
        package var after: Int?
        /// Nanoseconds before and after; nil: without a bound.
        package var span: Int64?

        package static let defaultCount = 10

        /// Where neither counts nor a span are given, `defaultCount` on either side.
        package init(before: Int? = nil, after: Int? = nil, context: Int? = nil, span: Int64? = nil) throws(UsageError)
        {
            for (name, count) in [("before", before), ("after", after), ("context", context)] {
                if let count, count < 0 { throw UsageError("--\(name) must not be negative") }
            }
            let rest = context ?? (span == nil ? Self.defaultCount : nil)
            self.before = before ?? rest
            self.after = after ?? rest
            self.span = span
        }
    }

    /// Where the point lies among the events.
    private struct Place {
        /// The number of the event itself, or of the first one at or after the moment.
        var sequence: UInt64
        var moment: Instant
        /// False for a moment, which may lie between events.
        var isEvent: Bool
    }

    private let context: QueryContext
    private var selection: Selection
    private let point: AroundPoint
    private let extent: Extent

    /// Of the selection everything but the range, the limit and the order counts: the point gives those.
    package init(
        _ context: QueryContext, _ selection: Selection, point: AroundPoint, extent: Extent
    ) throws(UsageError) {
        guard selection.since == nil, selection.until == nil, selection.limit == nil, !selection.isReversed else {
            throw UsageError("around takes --before, --after, --context and --span instead of a range and a limit")
        }
        self.context = context
        self.selection = selection
        self.point = point
        self.extent = extent
    }

    /// Prints the events. Throws: `StoreError`, `AnswerOutput.Failure`, `UsageError`.
    package func run() throws -> AnswerStatus {
        let (found, damages) = try moment()
        guard let moment = found else { return context.conclude(found: false, reasons: [], damages: damages) }
        var selection = selection
        var asked = selection
        // The range holds its last moment, as far as moments are told apart. It is asked about also where the answer has
        // another: what a recorder has not stored of it is then waited for.
        asked.until = moment.advanced(byNanoseconds: extent.span ?? 0).advanced(byNanoseconds: 1)
        if let span = extent.span {
            asked.since = moment.advanced(byNanoseconds: -span)
            selection.since = asked.since
            selection.until = asked.until
        }
        let question = try Question(context, asked)
        let reader = question.reader
        var scans: [Scan] = []
        let place = try place(moment, question, &scans)
        var printer = try EventPrinter(context, reader, users: context.rowFormat == .table ? .system() : nil)
        printer.markedSequence = place.sequence
        var shown = Shown(gaps: question.reasons(since: selection.since, until: selection.until))
        try printer.begin()
        let first = try start(question, selection, place, &scans)
        let before = question.scan(
            selection, afterSequence: first - 1, beforeSequence: place.sequence, looksAhead: false)
        scans.append(before)
        _ = try printer.print(before, selection) { event, printer in
            guard event.sequence < place.sequence else { return .stop }
            try shown.note(event, &printer)
            return .proceed
        }
        if place.isEvent { try show(place, &shown, &printer, question) }
        let after = question.scan(
            selection, afterSequence: place.isEvent ? place.sequence : place.sequence - 1, looksAhead: false)
        var count = 0
        _ = try printer.print(after, selection) { event, printer in
            guard count < extent.after ?? .max else { return .stop }
            count += 1
            // Of a moment the first event at or after it is marked.
            if count == 1, !place.isEvent { printer.markedSequence = event.sequence }
            try shown.note(event, &printer)
            return .proceed
        }
        // Without a span the answer is about what it shows, and always about the point.
        let since = selection.since ?? question.onRecord(min(shown.first ?? place.moment, place.moment))
        // What is said of a moment needs a recording of the moment itself; an event is proof of one.
        let point = place.isEvent ? place.moment : place.moment.advanced(byNanoseconds: 1)
        let until = selection.until ?? max(shown.last, point)
        try shown.writeGaps(before: until.advanced(byNanoseconds: 1), &printer)
        try printer.end()
        if !place.isEvent, let text = question.coveredText, let covered = question.covered,
            question.isUnrecorded(place.moment) || place.moment < covered.from
        {
            context.messages.say(
                "nothing was recorded at \(TimestampWriter.text(place.moment, zone: context.zone)); \(text)")
        }
        // Only what comes after the point crosses the end of the range, and it is counted by the second scan.
        return question.conclude(
            found: printer.count > 0, after, after: scans, isWhole: extent.span != nil,
            reasons: question.reasons(since: since, until: until))
    }

    /// The event itself is shown also where the selection leaves it out.
    private func show(
        _ place: Place, _ shown: inout Shown, _ printer: inout EventPrinter, _ question: Question
    ) throws {
        let scan = question.scan(
            Selection(), afterSequence: place.sequence - 1, beforeSequence: place.sequence &+ 1, looksAhead: false)
        _ = try printer.print(scan, Selection()) { event, printer in
            guard event.sequence == place.sequence else { return .stop }
            try shown.note(event, &printer)
            return .proceed
        }
    }

    /// When the point is; nil, having said so, where the store has no such event, or where its block is damaged.
    private func moment() throws -> (moment: Instant?, damages: [Scan.Damage]) {
        switch point {
        case .moment(let moment): return (moment, [])
        case .event(let sequence):
            let reader = try context.openStore()
            let scan = Scan(
                reader, Selection(), afterSequence: sequence - 1, beforeSequence: sequence == .max ? nil : sequence + 1)
            if let found = try Self.first(scan), found.sequence == sequence { return (found.window.time, []) }
            guard scan.damages.isEmpty else { return (nil, scan.damages) }
            let numbers = try reader.totals().sequences
            let held = numbers.map { "the store holds \($0.lowerBound) to \($0.upperBound)" } ?? "the store is empty"
            context.messages.say("no event \(sequence): \(held)")
            return (nil, [])
        }
    }

    /// What was looked through for it is added to `scans`.
    private func place(_ moment: Instant, _ question: Question, _ scans: inout [Scan]) throws -> Place {
        switch point {
        case .event(let sequence): return Place(sequence: sequence, moment: moment, isEvent: true)
        case .moment:
            var later = Selection()
            later.since = moment
            let scan = question.scan(later, looksAhead: false)
            scans.append(scan)
            let found = try Self.first(scan)?.sequence
            return Place(sequence: found ?? question.endSequence, moment: moment, isEvent: false)
        }
    }

    private static func first(_ scan: Scan) throws -> EventView? {
        var found: EventView?
        try scan.forEachGroup { view in
            let columns = try EventColumns(view)
            guard let ordinal = columns.ordinals.first else { return .proceed }
            found = columns[ordinal]
            return .stop
        }
        return found
    }

    /// The number of the first event that is shown.
    private func start(
        _ question: Question, _ selection: Selection, _ place: Place, _ scans: inout [Scan]
    ) throws -> UInt64 {
        guard let count = extent.before else { return 1 }
        var first = place.sequence
        guard count > 0 else { return first }
        var backwards = selection
        backwards.isReversed = true
        var found = 0
        let scan = question.scan(backwards, beforeSequence: place.sequence, looksAhead: false)
        scans.append(scan)
        try scan.forEachGroup { view in
            let taken = view.positions.suffix(count - found)
            found += taken.count
            if let position = taken.first { first = view.group.firstSequence &+ UInt64(position) }
            return found < count ? .proceed : .stop
        }
        return first
    }
}

/// What was printed so far, and the gaps that are still to be put between events.
private struct Shown {
    private var gaps: ArraySlice<Gap>
    private(set) var first: Instant?
    private(set) var last = Instant.distantPast

    init(gaps reasons: [Completeness.Reason]) {
        let gaps = reasons.compactMap { reason -> Gap? in
            guard case .gap(let gap) = reason else { return nil }
            return gap
        }
        self.gaps = gaps.sorted { ($0.from, $0.to) < ($1.from, $1.to) }[...]
    }

    /// Takes down the next event, before it is written, and writes the gaps that began before it.
    mutating func note(_ event: EventView, _ printer: inout EventPrinter) throws {
        if first == nil {
            first = event.window.earliest
            // What was over before the first event that is shown is not near it.
            gaps = gaps.filter { $0.to >= event.window.earliest }[...]
        }
        try writeGaps(before: event.window.time, &printer)
        last = max(last, event.window.time)
    }

    mutating func writeGaps(before moment: Instant, _ printer: inout EventPrinter) throws {
        while let gap = gaps.first, gap.from < moment {
            try printer.write(gap)
            gaps.removeFirst()
        }
    }
}
