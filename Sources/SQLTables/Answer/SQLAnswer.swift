internal import CSQLite
package import Model
package import Query
internal import Store
internal import Syscalls

/// `varve sql`: one SELECT over the tables of a store.
package struct SQLAnswer {
    private let context: QueryContext
    private let query: [UInt8]
    private let explains: Bool

    /// `query` is UTF-8. With `explains` what was pushed down and skipped is said on the standard error output.
    package init(_ context: QueryContext, query: [UInt8], explains: Bool = false) {
        self.context = context
        self.query = query
        self.explains = explains
    }

    /// A query from an argument, or from the standard input where that is `-`. Throws: `UsageError`, `SyscallError`.
    package static func query(_ argument: RawPath) throws -> [UInt8] {
        guard argument.bytes == [UInt8(ascii: "-")] else { return argument.bytes }
        let input = OwnedDescriptor(takingOver: 0)
        let text = try input.readToEnd(limit: maximumQueryByteCount + 1)
        _ = input.release()
        guard text.count <= maximumQueryByteCount else {
            throw UsageError("a query may have \(maximumQueryByteCount) bytes")
        }
        return text
    }

    private static let maximumQueryByteCount = 1 << 20

    /// Prints the rows. Throws: `UsageError`, `StoreError`, `AnswerOutput.Failure`.
    package func run() throws -> AnswerStatus {
        let trace = ScanTrace()
        let whole = AnswerCoverage(context)
        trace.willScan = { try whole.prepare($0) }
        trace.progress = ProgressLine()
        let session = SQLSession(defaultStore: context.storeDirectory, trace: trace)
        let connection: QueryConnection
        let statement: QueryStatement
        do throws(SQLTableError) {
            connection = try QueryConnection(session)
            statement = try connection.prepare(query)
        } catch {
            throw UsageError(error.description)
        }
        connection.endOnInterrupt()
        var printer = SQLRowPrinter(context, columns: (0..<statement.columnCount).map { statement.name($0) })
        var failure: SQLTableError?
        do {
            while try statement.step() {
                try printer.print(statement)
            }
        } catch let error as SQLTableError {
            // What was found before is still an answer.
            failure = error
        }
        try printer.end()
        if explains { for line in trace.lines { context.messages.say(line) } }
        return try conclude(trace, whole, failure, found: printer.rowCount > 0)
    }

    private func conclude(
        _ trace: ScanTrace, _ whole: AnswerCoverage, _ failure: SQLTableError?, found: Bool
    ) throws -> AnswerStatus {
        let crossing = trace.entries.reduce(0) { $0 + $1.crossingCount }
        if crossing > 0, failure == nil {
            context.messages.say(
                crossing == 1
                    ? "1 more event's window crosses an edge of a range of times"
                    : "\(crossing) more events' windows cross an edge of a range of times")
        }
        for text in trace.missing.prefix(Self.shownCount) { context.messages.say("incomplete: \(text)") }
        if trace.missing.count > Self.shownCount {
            context.messages.say("incomplete: \(trace.missing.count - Self.shownCount) more gaps between commits")
        }
        if trace.lostToPruning {
            context.messages.say("incomplete: blocks were pruned while they were being read")
        }
        let status = context.conclude(found: found, reasons: try whole.reasons(trace.asked), damages: trace.damages)
        if let failure {
            context.messages.say(failure.description)
            return failure.status
        }
        let isIncomplete = (trace.lostToPruning || !trace.missing.isEmpty) && !context.acceptsGaps
        return isIncomplete && (status == .found || status == .nothingFound) ? .incomplete : status
    }

    private static let shownCount = 5
}

extension SQLTableError {
    /// What it makes of the exit status.
    fileprivate var status: AnswerStatus {
        switch code & 0xFF {
        case SQLITE_INTERRUPT: .incomplete
        case SQLITE_ERROR, SQLITE_MISMATCH, SQLITE_AUTH: .usage
        default: .unreadable
        }
    }
}
