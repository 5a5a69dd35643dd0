internal import Model
internal import Query
internal import Store

/// A scan of a table whose rows are counts: all is counted when it starts, within the engine, and SQLite is handed groups.
class CountingCursor: TableCursor {
    private let kind: TableKind
    /// For each column the argument that it is, if it is one.
    private let options: [CountingOption?]
    private let storeColumn: Int
    private(set) var arguments = CountingArguments()
    /// What the rows answer; the inner scan of a join asks the same again for each row of the outer one.
    private var answered: FilterRequest?
    private var answerNumber: Int64 = 0
    private var rowCount = 0
    private var number = 0
    /// The number behind the last event that is counted.
    private var endSequence: UInt64?
    /// The row that is read.
    var row: Int { answered?.isReversed == true ? rowCount - 1 - number : number }

    init(_ session: SQLSession, _ kind: TableKind) {
        self.kind = kind
        options = kind.columns.map { $0.isOption ? CountingOption(rawValue: $0.name) : nil }
        storeColumn = kind.storeColumn
        super.init(session)
    }

    /// Counts the events of `selection`; gives the number of rows.
    func count(_ selection: Selection, in reader: StoreReader, _ request: FilterRequest) throws -> Int { 0 }

    /// A value of `row`. Range: a column that is not hidden.
    func cell(_ column: Int) -> SQLValue { .null }

    /// Other arguments make other rows: SQLite tells the rows that it found by several ways apart by this.
    final override var rowID: Int64 { answerNumber &+ Int64(row) }

    final override func start(_ request: FilterRequest) throws {
        number = 0
        if answered != request {
            (answered, rowCount) = (nil, 0)
            rowCount = try count(request)
            answered = request
            answerNumber = Int64(request.hashValue)
        }
        isAtEnd = rowCount == 0
    }

    private func count(_ request: FilterRequest) throws -> Int {
        arguments = CountingArguments(kind, request.conditions)
        guard !arguments.isEmpty else { return 0 }
        let selection = try asked { try arguments.selection() }
        try session.trace?.note(asked: selection)
        let reader = try reader(request.store)
        endSequence = try session.endSequence(of: request.store, reader)
        if let trace = session.trace, let tracePlace {
            let count = try reader.blocks().count
            trace.add(tracePlace) { $0.blockCount += count }
        }
        return try count(selection, in: reader, request)
    }

    /// What `body` reads out of the arguments; an error names the table.
    final func asked<Value>(_ body: () throws -> Value) throws(SQLTableError) -> Value {
        do {
            return try body()
        } catch {
            let cause = (error as? SQLTableError) ?? SQLTableError(error)
            throw SQLTableError("\(kind.name): \(cause.description)", code: cause.code)
        }
    }

    final override func advance() {
        number += 1
        isAtEnd = number >= rowCount
    }

    final override func value(_ column: Int) throws(SQLTableError) -> SQLValue {
        if column == storeColumn { return .path(answered?.store) }
        if let option = options[column] {
            guard !arguments.isList(option) else { throw kind.refusal(ofReadingSeveral: column) }
            return arguments[option] ?? .null
        }
        return cell(column)
    }

    /// A scan that ends where the statement is interrupted; see `conclude`.
    final func scan(_ selection: Selection, in reader: StoreReader) -> Scan {
        let scan = Scan(reader, selection, beforeSequence: endSequence)
        scan.progress = session.trace?.progress
        let session = session
        scan.shouldStop = { (try? session.checkInterrupt()) == nil }
        return scan
    }

    /// Takes notes of a scan behind its end. Throws: `SQLTableError` where what it counted is no answer.
    final func conclude(_ scan: Scan, doubt: Completeness.Reason? = nil) throws(SQLTableError) {
        if scan.isStopped { throw SQLTableError.interrupted }
        try session.report(scan.damages[...])
        if scan.lostToPruning { try session.reportPruned() }
        if let doubt { try session.report(incomplete: doubt.text) }
        guard let trace = session.trace, let tracePlace else { return }
        trace.add(tracePlace) { entry in
            entry.fetchedBlockCount += scan.fetchedBlockCount
            entry.groupCount += scan.groupCount
            if arguments[.overlapping] != .integer(1) { entry.crossingCount += scan.crossingCount }
        }
    }
}
