private import Glibc
internal import Model
internal import Store
internal import Syscalls

/// `varve events -f`: prints what is committed from now on, as it is committed.
///
/// The recorder says on its socket when it has committed; without a socket the store is looked at every 200 ms. The
/// events of this very process are left out: showing them would make more of them. What is known to be missing is said as
/// soon as the store tells of it.
package struct Follower {
    private let context: QueryContext
    private var selection: Selection
    private static let pollNanoseconds: Int64 = 200_000_000
    private static let reconnectNanoseconds: Int64 = 2_000_000_000

    /// Throws: `UsageError` where the selection cannot be followed.
    package init(_ context: QueryContext, _ selection: Selection) throws(UsageError) {
        guard !selection.isReversed else { throw UsageError("--follow and --reverse exclude each other") }
        guard selection.until == nil else { throw UsageError("--follow and --until exclude each other") }
        self.context = context
        self.selection = selection
        self.selection.excludedPID = getpid()
        // With --since events of one who had the number before are asked for as well.
        self.selection.excludedSince = Clock.realtime().advanced(byNanoseconds: -Self.startNanoseconds)
    }

    /// No longer ago this process was started.
    private static let startNanoseconds: Int64 = 10_000_000_000

    /// Prints until the limit is reached, the reader of the output goes away, or a signal ends the process.
    ///
    /// With --since what is stored already comes first. Throws: `StoreError`, `AnswerOutput.Failure`.
    package func run() throws -> AnswerStatus {
        let reader = try context.openStore()
        let users: UserDatabase? = context.rowFormat == .table ? .system() : nil
        var printer = try EventPrinter(context, reader, users: users)
        try printer.begin()
        try context.output.flush()
        var last: UInt64? = selection.since == nil ? try reader.lastSequence() ?? 0 : nil
        var stream = Self.connect(context)
        if stream == nil { context.messages.say("no recorder answers; looking at the store every 200 ms") }
        context.messages.say("following; events of this process (pid \(getpid())) are left out")
        var version: Int64?
        var lastGap = try selection.since == nil ? reader.gaps().last?.id ?? 0 : 0
        var isIncomplete = false
        var isDamaged = false
        var triedAt = Clock.monotonic()
        while true {
            let current = try reader.dataVersion()
            if current != version {
                version = current
                let scan = Scan(reader, selection, afterSequence: last)
                let goesOn = try printer.print(scan, selection)
                for damage in scan.damages { context.messages.say(damage.text) }
                if !scan.damages.isEmpty { isDamaged = true }
                if scan.nextSequence > 0 { last = max(last ?? 0, scan.nextSequence - 1) }
                if try tellGaps(reader, after: &lastGap) { isIncomplete = true }
                try context.output.flush()
                guard goesOn else { break }
            }
            if stream == nil, Clock.monotonic() &- triedAt > Self.reconnectNanoseconds {
                triedAt = Clock.monotonic()
                stream = Self.connect(context)
            }
            try wait(&stream)
        }
        try printer.end()
        if isDamaged { return .unreadable }
        return isIncomplete && !context.acceptsGaps ? .incomplete : .found
    }

    /// Says which gaps were recorded since. True where they make the answer incomplete.
    private func tellGaps(_ reader: StoreReader, after last: inout Int64) throws(StoreError) -> Bool {
        var isIncomplete = false
        for row in try reader.gaps(afterID: last) {
            last = row.id
            guard row.gap.kind != .walMissed, selection.asksFor(row.gap) else { continue }
            var gap = row.gap
            // It is open: nobody knows yet how long it will be.
            if gap.to == .distantFuture { gap.to = max(gap.from, Clock.realtime()) }
            context.messages.warn("incomplete: \(Completeness.Reason.gap(gap).text)")
            isIncomplete = true
        }
        return isIncomplete
    }

    private static func connect(_ context: QueryContext) -> ControlStream? {
        try? ControlClient(context.storeDirectory).open("follow")
    }

    /// Waits for a commit or for 200 ms, whichever comes first.
    private func wait(_ stream: inout ControlStream?) throws {
        // A closed pipe is ready at once, without anything to read.
        var set = PollSet(reading: [stream?.fileDescriptor ?? -1])
        try set.wait(timeoutNanoseconds: Self.pollNanoseconds)
        try context.output.checkReader()
        guard set.isReady(at: 0) else { return }
        // One look at the store serves all the commits that were announced meanwhile.
        while let line = try? stream?.nextLine(timeoutNanoseconds: 0) {
            if line.isEmpty { break }
        }
        if stream?.hasEnded ?? false { stream = nil }
    }
}
