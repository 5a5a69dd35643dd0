private import Glibc
internal import Model
internal import Store
internal import Syscalls

/// `varve events -f`: prints what is committed from now on, as it is committed.
///
/// The recorder says on its socket when it has committed; without a socket the store is looked at every 200 ms. The
/// events of this very process are left out: showing them would make more of them.
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
    }

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
        var triedAt = Clock.monotonic()
        while true {
            let current = try reader.dataVersion()
            if current != version {
                version = current
                let scan = Scan(reader, selection, afterSequence: last)
                let goesOn = try printer.print(scan, selection)
                for damage in scan.damages {
                    context.messages.say("damaged block at event \(damage.firstSequence): \(damage.error)")
                }
                if scan.nextSequence > 0 { last = max(last ?? 0, scan.nextSequence - 1) }
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
        return .found
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
