internal import Block
internal import Model
internal import Store

/// Waits for a replay: for time to pass, or for a key.
package protocol ReplayWaiting {
    /// True where keys can come.
    var hasKeys: Bool { get }
    /// Nanoseconds of a clock that does not step.
    func now() -> Int64
    /// Waits for `nanoseconds` (nil: for ever) or until a key with a meaning came, which it gives.
    ///
    /// Throws: `AnswerOutput.Failure` once the reader of `output` has gone, `SyscallError`.
    mutating func wait(nanoseconds: Int64?, _ output: AnswerOutput) throws -> ReplayPace.Key?
}

/// `varve replay`: the events of a selection, one after the other at the pace at which they happened.
///
/// One block is held at a time and none is read within a transaction that lasts, so a replay that stands still for hours
/// keeps nothing of the store from being compacted or checkpointed.
package struct ReplayAnswer<Waiting: ReplayWaiting> {
    private let context: QueryContext
    private let selection: Selection
    private var pace: ReplayPace
    private var waiting: Waiting
    private var previous: Instant?
    /// When the event before was due.
    private var due: Int64?

    /// Throws: `UsageError` where every event waits for a key and none can come.
    package init(
        _ context: QueryContext, _ selection: Selection, pace: ReplayPace, waiting: Waiting
    ) throws(UsageError) {
        guard !pace.isPaused || waiting.hasKeys else {
            throw UsageError("--step needs a terminal for input and output: each event waits for a key")
        }
        self.context = context
        self.selection = selection
        self.pace = pace
        self.waiting = waiting
    }

    /// Prints the events. Throws: `StoreError`, `AnswerOutput.Failure`, `SyscallError`.
    package mutating func run() throws -> AnswerStatus {
        let question = try Question(context, selection)
        var printer = try EventPrinter(
            context, question.reader, users: context.rowFormat == .table ? .system() : nil)
        if waiting.hasKeys {
            context.messages.say("space pauses, n or Enter shows one event, + and - change the speed, q ends")
        }
        try printer.begin()
        // Without a progress line: it waits for time to pass.
        let scan = Scan(question.reader, selection, beforeSequence: question.endSequence)
        let isWhole = try printer.print(scan, selection) { event, _ in
            try waitFor(event.window.time) ? .proceed : .stop
        }
        try printer.end()
        return question.conclude(found: printer.count > 0, scan, isWhole: isWhole)
    }

    /// Returns once the event of `moment` is due; false when the replay was ended.
    ///
    /// Due times follow from one another, not from when an event was written, so that the time that writing takes does not
    /// add up.
    private mutating func waitFor(_ moment: Instant) throws -> Bool {
        var recorded = pace.recordedPause(from: previous, to: moment, isReversed: selection.isReversed)
        previous = moment
        let start = waiting.now()
        // After a step, or a long time without a turn, the rest is not hurried through.
        var since = max(due ?? start, start &- Self.greatestDelay)
        while true {
            let pause = pace.realPause(recorded)
            let rest = since &+ pause &- waiting.now()
            if !pace.isPaused, rest <= 0 {
                // A key that was pressed while events came without a pause counts as well.
                guard waiting.hasKeys, let key = try waiting.wait(nanoseconds: 0, context.output) else {
                    due = since &+ pause
                    return true
                }
                if let result = take(key) { return result }
            } else {
                try context.output.flush()
                guard let key = try waiting.wait(nanoseconds: pace.isPaused ? nil : rest, context.output) else {
                    if pace.isPaused { continue }
                    due = since &+ pause
                    return true
                }
                // What has passed of the pause has passed, whatever the speed is from now on; standing still is no time.
                if !pace.isPaused {
                    let passed = Double(max(0, waiting.now() &- since)) * pace.speed
                    recorded = max(0, recorded &- Int64(min(passed, 9e18)))
                }
                since = waiting.now()
                if let result = take(key) { return result }
            }
        }
    }

    /// Nil to wait on; whether to show the event or to end.
    private mutating func take(_ key: ReplayPace.Key) -> Bool? {
        let wasPaused = pace.isPaused
        switch pace.take(key) {
        case .end: return false
        case .show:
            due = nil
            return true
        case .wait:
            if pace.isPaused != wasPaused { context.messages.say(pace.isPaused ? "paused" : "going on") }
            if key.changesSpeed { context.messages.say("speed \(pace.speed)") }
            return nil
        }
    }

    private static var greatestDelay: Int64 { 100_000_000 }
}

extension ReplayPace.Key {
    fileprivate var changesSpeed: Bool { self == .faster || self == .slower }
}
