internal import Block
internal import Model
internal import Store

/// One pass over what is to be exported, and what the next one has to know of it.
///
/// Memory: one block at a time, and the gaps.
struct ExportRun {
    private let question: Question
    private let selection: Selection
    private let started: ExportCursor?
    private let scan: Scan
    private var gaps: ExportGaps
    private var eventCount = 0
    /// The last event that was written.
    private var last: (sequence: UInt64, time: Instant)?
    private var isWhole = true

    /// Goes on behind `cursor`; then the beginning of the range is the cursor's.
    init(_ question: Question, _ selection: Selection, after cursor: ExportCursor?) {
        var selection = selection
        if let cursor { selection.since = cursor.since }
        self.question = question
        self.selection = selection
        started = cursor
        gaps = ExportGaps(question.boundedGaps, selection, after: cursor)
        scan = question.scan(selection, afterSequence: cursor.map { $0.nextSequence - 1 })
    }

    /// Writes events in `seq` order with the gaps between them. Throws: `StoreError`, `AnswerOutput.Failure`, and what the
    /// writer throws.
    mutating func write(_ writer: some EventWriter, to output: AnswerOutput) throws {
        var printer = EventPrinter(writer, to: output)
        try printer.begin()
        do {
            isWhole = try printer.print(scan, selection) { event, printer in
                while let gap = gaps.next(before: event.window.time) { try printer.write(gap) }
                last = (event.sequence, event.window.time)
                return .proceed
            }
        } catch let error as StoreError {
            // What was found before the store failed is still of use where it went to a stream.
            try printer.end()
            throw error
        }
        // The limit is one of events: a gap that is left out would not be missed by anybody.
        while let gap = gaps.next() { try printer.write(gap) }
        eventCount = printer.count
        try printer.end()
    }

    /// Where the next export goes on.
    func cursor(from started: ExportCursor) -> ExportCursor {
        var cursor = started
        if isWhole {
            // What the store held when it was asked was looked at, also where no block of it had to be read; what came since
            // was not, also where it was in the same block by then.
            cursor.nextSequence = max(cursor.nextSequence, question.endSequence)
            cursor.through = question.covered?.to ?? cursor.through
        } else if let last {
            cursor.nextSequence = last.sequence + 1
            cursor.through = last.time
        }
        cursor.lastGap = gaps.last
        cursor.changingGaps = gaps.changing
        return cursor
    }

    /// The closing remarks and the exit status: an export that goes on is about the time since the last one.
    func conclude() -> AnswerStatus {
        var since = selection.since
        if let through = started?.through { since = min(through, question.covered?.to ?? through) }
        var reasons = question.reasons(since: since, until: selection.until)
        if let started, started.nextSequence > question.lastSequence + 1 {
            reasons.append(
                .unread(
                    "the last export ended with event \(started.nextSequence - 1), the store's last is "
                        + "\(question.lastSequence): it lost events, or is an older copy"))
        }
        return question.conclude(
            found: eventCount + gaps.writtenCount > 0, scan, isWhole: isWhole, reasons: reasons)
    }
}
